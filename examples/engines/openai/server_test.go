package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testKey = "sk-very-secret-0123456789"

// server speaks the interface of OpenAI as far as this package uses it: each path
// has handlers for one request after the other, the last for all that follow.
type server struct {
	*httptest.Server
	t *testing.T

	mu    sync.Mutex
	asked map[string]int
	play  map[string][]http.HandlerFunc
	log   bytes.Buffer
}

func serve(t *testing.T) *server {
	s := &server{t: t, asked: map[string]int{}, play: map[string][]http.HandlerFunc{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer "+testKey {
			http.Error(w, `{"error":{"message":"no key"}}`, http.StatusUnauthorized)
			return
		}
		path := strings.TrimPrefix(r.URL.Path, "/v1/")
		s.mu.Lock()
		list := s.play[path]
		n := s.asked[path]
		s.asked[path]++
		s.mu.Unlock()
		if len(list) == 0 {
			http.NotFound(w, r)
			return
		}
		list[min(n, len(list)-1)](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// on lets a path answer.
func (s *server) on(path string, h ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.play[path], s.asked[path] = h, 0
}

func (s *server) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// client asks the server, with changes to the configuration.
func (s *server) client(change func(*Config)) *Client {
	s.t.Helper()
	cfg := Config{BaseURL: s.URL + "/v1", Model: "m", Key: testKey, Timeout: 10 * time.Second, Retries: 3,
		Log: slog.New(slog.NewTextHandler(&s.log, nil))}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// says streams the words as llama.cpp and OpenAI do.
func says(words ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in chatRequest
		if json.NewDecoder(r.Body).Decode(&in) != nil || !in.Stream || in.Model != "m" || len(in.Messages) == 0 {
			http.Error(w, `{"error":{"message":"bad request"}}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		fmt.Fprint(w, ": keep-alive\n\nevent: message\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n")
		for _, word := range words {
			event(w, word)
		}
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
		fmt.Fprint(w, "data: {\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\ndata: [DONE]\n\n")
	}
}

func event(w http.ResponseWriter, word string) {
	b, _ := json.Marshal(word)
	fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\r\n\r\n", b)
	w.(http.Flusher).Flush()
}

// cut says the words and then breaks the connection.
func cut(words ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range words {
			event(w, word)
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
}

// silent says the words and then nothing until the client is gone.
func silent(words ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range words {
			event(w, word)
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}
