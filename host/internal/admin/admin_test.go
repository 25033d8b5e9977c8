package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of files are another matter there")
	}
	dir, err := os.MkdirTemp("", "adm") // names of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "admin.sock")
	if _, err := Ask(t.Context(), file, Request{Do: "peers"}); !errors.Is(err, ErrNoNode) {
		t.Fatalf("no socket: %v", err)
	}
	do := func(_ context.Context, r Request) (*Answer, error) {
		if r.Do != "peers" {
			return nil, errors.New("no " + r.Do)
		}
		return &Answer{Peers: []Peer{{ID: "p"}}}, nil
	}
	s, err := Listen(file, do)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if a, err := Ask(t.Context(), file, Request{Do: "peers"}); err != nil || len(a.Peers) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := Ask(t.Context(), file, Request{Do: "dance"}); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no dance") {
		t.Fatalf("an unknown request: %v", err)
	}
	if _, err := Listen(file, do); !errors.Is(err, ErrServed) {
		t.Fatalf("a second node: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the socket stays: %v", err)
	}

	// What a killed node leaves is replaced, another file is not.
	s, err = Listen(file, do)
	if err != nil {
		t.Fatal(err)
	}
	s.ln.Close()
	if s, err = Listen(file, do); err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, do); err == nil || errors.Is(err, ErrServed) {
		t.Fatalf("a file: %v", err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 1 {
		t.Errorf("left over: %v", left)
	}
}

// No request makes the socket panic or answer anything but JSON.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"do":"peers"}`))
	f.Add([]byte(`{"do":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Server{do: func(context.Context, Request) (*Answer, error) { return &Answer{}, nil }}
		w := httptest.NewRecorder()
		s.serve(w, httptest.NewRequest("POST", "http://admin/", strings.NewReader(string(b))))
		if (w.Code != 200) != strings.Contains(w.Body.String(), "error") || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%x: %d %s", b, w.Code, w.Body)
		}
	})
}
