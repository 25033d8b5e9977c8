package openai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/plugins/engine"
)

const chat = "chat/completions"

func TestChat(t *testing.T) {
	s := serve(t)
	var heard []string
	hear := func(w string) error { heard = append(heard, w); return nil }
	talk := []Message{{"user", "hello"}}
	whole := status(200, `{"choices":[{"message":{"role":"assistant","content":"Hi, all at once."},"finish_reason":"stop"}]}`, "Content-Type", "application/json")
	soon := "Thu, 01 Jan 1970 00:00:00 GMT"
	for _, c := range []struct {
		name   string
		play   []http.HandlerFunc
		change func(*Config)
		hear   func(string) error
		text   string
		want   error
		says   string // in the error
		asked  int
		least  time.Duration
	}{
		{name: "stream", play: []http.HandlerFunc{says("Hi", ", ", "you.")}, hear: hear, text: "Hi, you.", asked: 1},
		{name: "nothing", play: []http.HandlerFunc{says()}, hear: hear, text: "", asked: 1},
		{name: "no stream", play: []http.HandlerFunc{whole}, hear: hear, text: "Hi, all at once.", asked: 1},
		{name: "busy", play: []http.HandlerFunc{status(429, "", "Retry-After", "1"), says("Hi")}, text: "Hi", asked: 2, least: time.Second},
		{name: "busy until then", play: []http.HandlerFunc{status(503, "", "Retry-After", soon), says("Hi")}, text: "Hi", asked: 2},
		{name: "busy too long", play: []http.HandlerFunc{status(429, `{"error":{"message":"quota"}}`, "Retry-After", "3600")}, want: ErrServer, says: "quota (the next try would have been after 1h0m0s)", asked: 1},
		{name: "falters", play: []http.HandlerFunc{status(500, "oops"), status(502, ""), says("Hi")}, text: "Hi", asked: 3},
		{name: "broken", play: []http.HandlerFunc{status(500, `{"error":"out of memory"}`)}, change: func(c *Config) { c.Retries = 1 }, want: ErrServer, says: "500 Internal Server Error: out of memory", asked: 2},
		{name: "refuses", play: []http.HandlerFunc{status(400, `{"error":{"message":"context\ntoo long","type":"x"}}`)}, want: ErrServer, says: "context too long", asked: 1},
		{name: "unknown", play: []http.HandlerFunc{status(404, strings.Repeat("x", 5000))}, want: ErrServer, says: "404", asked: 1},
		{name: "tells the key", play: []http.HandlerFunc{status(403, `{"error":{"message":"key `+testKey+` is unknown"}}`)}, want: ErrServer, says: "key [key] is unknown", asked: 1},
		{name: "other key", change: func(c *Config) { c.Key = "" }, play: []http.HandlerFunc{says("Hi")}, want: ErrServer, says: "401", asked: 0},
		{name: "cut, then whole", play: []http.HandlerFunc{cut("H"), says("Hi")}, text: "Hi", asked: 2},
		{name: "cut after a word was passed on", play: []http.HandlerFunc{cut("H"), says("Hi")}, hear: hear, text: "H", want: ErrCut, asked: 1},
		{name: "ends without an end", play: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			event(w, "H")
		}}, change: func(c *Config) { c.Retries = 0 }, text: "H", want: ErrCut, asked: 1},
		{name: "stalls", play: []http.HandlerFunc{silent("H"), says("Hi")}, change: func(c *Config) { c.Stall = 300 * time.Millisecond }, text: "Hi", asked: 2, least: 300 * time.Millisecond},
		{name: "never speaks", play: []http.HandlerFunc{silent()}, change: func(c *Config) { c.Stall, c.Retries = 200*time.Millisecond, 1 }, want: ErrStalled, asked: 2},
		{name: "error in the stream", play: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: {\"error\":{\"message\":\"gpu lost\"}}\n\n")
		}}, change: func(c *Config) { c.Retries = 0 }, want: ErrServer, says: "gpu lost", asked: 1},
		{name: "rubbish in the stream", play: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: {\"choices\":[{\"del\n\n")
		}}, want: ErrReply, asked: 1},
		{name: "not JSON", play: []http.HandlerFunc{status(200, "<html>welcome</html>", "Content-Type", "text/html")}, want: ErrReply, says: "welcome", asked: 1},
		{name: "no choices", play: []http.HandlerFunc{status(200, `{"choices":[]}`)}, want: ErrReply, asked: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.on(chat, c.play...)
			heard = nil
			begin := time.Now()
			got, err := s.client(c.change).Chat(t.Context(), talk, 100, c.hear)
			took := time.Since(begin)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %v with %q", err, c.want, c.says)
			}
			if got != c.text || c.hear != nil && strings.Join(heard, "") != c.text {
				t.Errorf("%q, heard %q, want %q", got, heard, c.text)
			}
			if n := s.count(chat); n != c.asked {
				t.Errorf("asked %d times, want %d", n, c.asked)
			}
			if took < c.least || took > c.least+4*time.Second {
				t.Errorf("took %v", took)
			}
			if err != nil && (strings.Contains(err.Error(), testKey) || len(err.Error()) > 900) {
				t.Errorf("error %q", err)
			}
		})
	}
	if strings.Contains(s.log.String(), testKey) || !strings.Contains(s.log.String(), "asking again") {
		t.Errorf("log %q", s.log.String())
	}
	t.Run("listener gives up", func(t *testing.T) {
		s.on(chat, says("one", "two"))
		enough := errors.New("enough")
		if _, err := s.client(nil).Chat(t.Context(), talk, 0, func(string) error { return enough }); !errors.Is(err, enough) || s.count(chat) != 1 {
			t.Error(err)
		}
	})
	t.Run("caller gives up", func(t *testing.T) {
		s.on(chat, silent("one"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.client(nil).Chat(ctx, talk, 0, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		c := s.client(func(c *Config) { c.BaseURL, c.Retries = "http://127.0.0.1:1/v1", 1 })
		if _, err := c.Chat(t.Context(), talk, 0, nil); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Error(err)
		}
	})
}

// A server without measure costs neither memory nor much time.
func TestEndless(t *testing.T) {
	s := serve(t)
	word := strings.Repeat("x", 1000)
	for name, h := range map[string]http.HandlerFunc{
		"text": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				event(w, word)
			}
		},
		"line": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: ")
			for r.Context().Err() == nil {
				fmt.Fprint(w, word)
			}
		},
		"comments": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				fmt.Fprint(w, ": ", word, "\n")
			}
		},
		"JSON": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"choices":[{"message":{"content":"`)
			for r.Context().Err() == nil {
				fmt.Fprint(w, word)
			}
		},
		"error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			for r.Context().Err() == nil {
				fmt.Fprint(w, word)
			}
		},
	} {
		s.on(chat, h)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.client(nil).Chat(t.Context(), nil, 0, nil)
		runtime.ReadMemStats(&after)
		want := ErrTooLong
		if name == "error" {
			want = ErrServer
		}
		if !errors.Is(err, want) || s.count(chat) != 1 {
			t.Errorf("%s: %v, asked %d times", name, err, s.count(chat))
		}
		if grown := int64(after.Sys) - int64(before.Sys); grown > 200<<20 {
			t.Errorf("%s: memory grew by %d bytes", name, grown)
		}
	}
}

// The key goes to the server it belongs to and nowhere else.
func TestKeyStays(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the thief was asked: %v", r.Header) }))
	defer thief.Close()
	s := serve(t)
	for _, code := range []int{301, 302, 307, 308} {
		s.on(chat, status(code, "", "Location", thief.URL))
		if _, err := s.client(nil).Chat(t.Context(), nil, 0, nil); !errors.Is(err, ErrServer) {
			t.Errorf("%d: %v", code, err)
		}
	}
	t.Setenv("HTTP_PROXY", thief.URL)
	t.Setenv("http_proxy", thief.URL)
	s.on(chat, says("Hi"))
	if _, err := s.client(nil).Chat(t.Context(), []Message{{"user", "x"}}, 0, nil); err != nil {
		t.Error(err)
	}
}

func TestNew(t *testing.T) {
	good := Config{BaseURL: "http://127.0.0.1:8080/v1"}
	for _, c := range []struct {
		name   string
		change func(*Config)
		ok     bool
	}{
		{"plain", func(*Config) {}, true},
		{"no URL", func(c *Config) { c.BaseURL = "" }, false},
		{"no scheme", func(c *Config) { c.BaseURL = "localhost:8080" }, false},
		{"file", func(c *Config) { c.BaseURL = "file:///etc" }, false},
		{"user", func(c *Config) { c.BaseURL = "https://me:pw@example.org/v1" }, false},
		{"query", func(c *Config) { c.BaseURL = "https://example.org/v1?key=x" }, false},
		{"key on loopback", func(c *Config) { c.Key = "k" }, true},
		{"key by IPv6 loopback", func(c *Config) { c.Key, c.BaseURL = "k", "http://[::1]:1/v1" }, true},
		{"key by https", func(c *Config) { c.Key, c.BaseURL = "k", "https://example.org/v1" }, true},
		{"key in the open", func(c *Config) { c.Key, c.BaseURL = "k", "http://192.0.2.1/v1" }, false},
		{"key in the open, asked for", func(c *Config) { c.Key, c.BaseURL, c.Insecure = "k", "http://192.0.2.1/v1", true }, true},
		{"retries", func(c *Config) { c.Retries = 11 }, false},
		{"timeout", func(c *Config) { c.Timeout = -1 }, false},
	} {
		cfg := good
		c.change(&cfg)
		if _, err := New(cfg); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := Run(good, "no-such-form", Options{}); err == nil || !strings.Contains(err.Error(), "plain") {
		t.Error(err)
	}
	if err := Run(good, "plain", Options{}); err == nil {
		t.Error("ran by hand")
	}
}

func TestReadKey(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if k, err := ReadKey(file("good", " "+testKey+"\r\n", 0o600)); err != nil || k != testKey {
		t.Errorf("%q, %v", k, err)
	}
	if _, err := ReadKey(file("readonly", testKey, 0o400)); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]error{
		file("group", testKey, 0o640): ErrKeyMode, file("all", testKey, 0o604): ErrKeyMode,
		file("empty", "\n", 0o600): ErrKeyForm, file("two", "a\nb", 0o600): ErrKeyForm, file("long", strings.Repeat("k", maxKey+1), 0o600): ErrKeyForm,
		file("binary", "k\x00k", 0o600): ErrKeyForm, dir: ErrKeyForm, filepath.Join(dir, "none"): os.ErrNotExist,
	} {
		if k, err := ReadKey(name); !errors.Is(err, want) || k != "" || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

func TestComplete(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		name, body string
		want       map[string]float64
	}{
		{"old form", `{"choices":[{"text":" the","logprobs":{"tokens":[" the"],"top_logprobs":[{" the":-0.6931471805599453,"!":-2.302585092994046}]}}]}`, map[string]float64{" the": 0.5, "!": 0.1}},
		{"form of chats", `{"choices":[{"logprobs":{"content":[{"token":"x","top_logprobs":[{"token":"\ufffd","bytes":[195],"logprob":-0.6931471805599453},{"token":"a","logprob":-2.302585092994046}]}]}}]}`, map[string]float64{"\xc3": 0.5, "a": 0.1}},
		{"none", `{"choices":[{"text":"x","logprobs":null}]}`, nil},
		{"no choices", `{"choices":[]}`, nil},
		{"empty", `{"choices":[{"logprobs":{"content":[]}}]}`, nil},
		{"above one", `{"choices":[{"logprobs":{"top_logprobs":[{"a":0.5}]}}]}`, nil},
		{"above one together", `{"choices":[{"logprobs":{"top_logprobs":[{"a":-0.1,"b":-0.1}]}}]}`, nil},
	} {
		s.on("completions", status(200, c.body))
		got, err := s.client(nil).Complete(t.Context(), "Once upon", 20)
		if c.want == nil {
			if !errors.Is(err, ErrReply) {
				t.Errorf("%s: %v, %v", c.name, got, err)
			}
			continue
		}
		if err != nil || len(got) != len(c.want) {
			t.Fatalf("%s: %v, %v", c.name, got, err)
		}
		for _, n := range got {
			if math.Abs(c.want[string(n.Token)]-n.Probability) > 1e-9 {
				t.Errorf("%s: %q %v", c.name, n.Token, n.Probability)
			}
		}
	}
}

func TestPictureAndSpeech(t *testing.T) {
	s := serve(t)
	s.on("images/generations", status(200, `{"created":1,"data":[{"b64_json":"iVBORw=="}]}`))
	if got, err := s.client(nil).Image(t.Context(), "a red circle", "64x64"); err != nil || string(got) != "\x89PNG" {
		t.Errorf("%q, %v", got, err)
	}
	for _, body := range []string{`{"data":[]}`, `{"data":[{"url":"http://example.org/x.png"}]}`, `{"data":[{"b64_json":"***"}]}`} {
		s.on("images/generations", status(200, body))
		if got, err := s.client(nil).Image(t.Context(), "a red circle", ""); !errors.Is(err, ErrReply) {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
	wav := bytes.Repeat([]byte("RIFF\x00\xff"), 1000)
	s.on("audio/transcriptions", func(w http.ResponseWriter, r *http.Request) {
		f, h, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		b, _ := io.ReadAll(f)
		if !bytes.Equal(b, wav) || h.Filename != "audio.wav" || r.FormValue("model") != "m" || r.FormValue("language") != "en" || r.FormValue("prompt") != "digits" {
			http.Error(w, "wrong form", 400)
			return
		}
		io.WriteString(w, `{"text":" One, two."}`)
	})
	if got, err := s.client(nil).Transcribe(t.Context(), wav, "digits", "en"); err != nil || got != " One, two." {
		t.Errorf("%q, %v", got, err)
	}
	s.on("audio/transcriptions", status(200, `{}`))
	if _, err := s.client(nil).Transcribe(t.Context(), wav, "", ""); !errors.Is(err, ErrReply) {
		t.Error(err)
	}
}

func TestPlain(t *testing.T) {
	s := serve(t)
	var in []byte
	s.on(chat, func(w http.ResponseWriter, r *http.Request) {
		in, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(in))
		says("a", "b")(w, r)
	})
	var out bytes.Buffer
	o := Options{System: "be brief", Tokens: 7}
	if err := s.client(nil).Answer(t.Context(), "plain", o, engine.Task{Public: []byte("what?")}, &out); err != nil || out.String() != "ab" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if want := `{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"what?"}],"stream":true,"max_tokens":7,"temperature":0}`; string(in) != want {
		t.Errorf("asked %s", in)
	}
	if err := s.client(nil).Answer(t.Context(), "plain", o, engine.Task{Public: []byte{0xff}}, &out); !errors.Is(err, ErrTask) {
		t.Error(err)
	}
	if err := s.client(nil).Answer(t.Context(), "other", o, engine.Task{}, &out); err == nil {
		t.Error("a form that there is not")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "0": time.Millisecond, "-1": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": time.Millisecond, "99999999999999999999": 0} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

// FuzzEvents: whatever a server streams, reading it ends, and what is said is
// bounded.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n"))
	f.Add([]byte(": comment\nevent: x\ndata:{\"error\":{\"message\":\"no\"}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		err := events(bytes.NewReader(b), func(s string) error { n += len(s); return nil })
		if n > 3*len(b) { // a byte that is not UTF-8 becomes three
			t.Fatalf("%d bytes said by %d", n, len(b))
		}
		if err == nil && !bytes.Contains(b, []byte("[DONE]")) && !bytes.Contains(bytes.ToLower(b), []byte("finish_reason")) {
			t.Fatal("an end that was not said")
		}
	})
}
