package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own engine, which asks the server in the environment.
const envServer = "PLEXUS_TEST_SERVER"

func TestMain(m *testing.M) {
	if base := os.Getenv(envServer); base != "" {
		key, err := ReadKey(os.Getenv("KEY_FILE"))
		if err == nil {
			err = Run(Config{BaseURL: base, Model: "m", Key: key, Retries: 2, Timeout: 10 * time.Second}, os.Getenv("FORM"), Options{})
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child is the engine as a miner runs it.
func child(t *testing.T, s *server, form string) *engine.Engine {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(testKey), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: "openai", Timeout: 20 * time.Second,
		Env: []string{envServer + "=" + s.URL + "/v1", "KEY_FILE=" + key, "FORM=" + form}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// order0 is a server whose language model counts the bytes of the prompt.
func order0(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Model, Prompt string
		MaxTokens     int `json:"max_tokens"`
		Logprobs      int
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Model != "m" || in.MaxTokens != 1 || in.Logprobs != 20 {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	d := text.Order0([]byte(in.Prompt))
	top := map[string]float64{}
	for i, c := range d.Symbols {
		top[string(rune(c))] = math.Log(float64(d.Masses[i]) / text.Total)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"text": "x", "logprobs": map[string]any{"top_logprobs": []any{top}}}}})
}

// An engine over a server with a model of known worth earns what the model earns.
func TestTextSubnet(t *testing.T) {
	s := serve(t)
	e := child(t, s, "text")
	s.on("completions", status(429, "", "Retry-After", "0"), order0)
	corpus, err := text.ReadCorpus("")
	if err != nil {
		t.Fatal(err)
	}
	_, hidden := text.Split(corpus)
	req := &abi.TaskRequest{Beta: [32]byte{1}}
	for i := range text.Contexts {
		req.Slices = append(req.Slices, hidden[i*text.SliceLen*3:][:text.SliceLen])
	}
	task, err := text.DrawTask(req)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answer, err := e.Answer(ctx, 1, task.Public)
	if err != nil {
		t.Fatal(err)
	}
	contexts, err := text.DecodeContexts(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	own := make(text.Answer, len(contexts))
	for i, c := range contexts {
		own[i] = text.Order0(c)
	}
	scores, err := text.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{answer, own.Append(nil), {}}})
	if err != nil {
		t.Fatal(err)
	}
	got, want := float64(scores[0])/float64(abi.One), float64(scores[1])/float64(abi.One)
	t.Logf("score %.3f by way of the server, %.3f itself", got, want)
	if math.Abs(got-want) > 0.03 || want < 0.2 {
		t.Errorf("score %.3f by way of the server, %.3f itself", got, want)
	}
	if n := s.count("completions"); n != text.Contexts+1 {
		t.Errorf("asked %d times", n)
	}
	if _, err := e.Answer(ctx, 1, []byte("rubbish")); !errors.Is(err, engine.ErrRefused) || !strings.Contains(err.Error(), "not of this form") {
		t.Error(err)
	}
	s.on("completions", status(500, `{"error":{"message":"key `+testKey+`"}}`))
	if _, err := e.Answer(ctx, 1, task.Public); !errors.Is(err, engine.ErrRefused) || !strings.Contains(err.Error(), "500") || strings.Contains(err.Error(), testKey) {
		t.Error(err)
	}
}

// What a chat model streams reaches the miner while it is said.
func TestPlainStreams(t *testing.T) {
	s := serve(t)
	e := child(t, s, "plain")
	next := make(chan bool)
	s.on(chat, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event(w, "first ")
		<-next
		event(w, "second")
		fmt.Fprint(w, "data: [DONE]\n\n")
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var parts []string
	got, err := e.AnswerTo(ctx, 1, []byte("hello"), func(b []byte) {
		if parts = append(parts, string(b)); len(parts) == 1 {
			close(next)
		}
	})
	if err != nil || string(got) != "first second" || len(parts) != 2 {
		t.Errorf("%q in %q, %v", got, parts, err)
	}
}

func TestFirstBytes(t *testing.T) {
	for _, next := range [][]Next{
		nil, {{[]byte("a"), 1}}, {{[]byte("abc"), 0.5}, {[]byte("axe"), 0.3}, {[]byte(" "), 0.1}}, {{nil, 0.9}}, {{[]byte("z"), 1.001}},
	} {
		d := firstBytes(next)
		if err := d.Check(); err != nil || d.Escape == 0 {
			t.Errorf("%v: %v", next, err)
		}
		if len(next) == 3 {
			i := strings.IndexByte(string(d.Symbols), 'a')
			if i < 0 || math.Abs(float64(d.Masses[i])/text.Total-0.8) > 0.01 {
				t.Errorf("%v", d)
			}
		}
	}
}
