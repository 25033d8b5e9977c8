package study

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own copier.
const envDir = "PLEXUS_TEST_STUDY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		fmt.Fprintln(os.Stderr, RunCopier(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func write(t *testing.T, dir, name string, score uint64, payload []byte) {
	t.Helper()
	if err := Write(dir, name, score, payload); err != nil {
		t.Fatal(err)
	}
}

func TestBest(t *testing.T) {
	dir := t.TempDir()
	f := NewFolder(dir)
	if got := NewFolder(filepath.Join(dir, "missing")).Best(nil); got != nil {
		t.Errorf("%q of a missing folder", got)
	}
	for name, b := range map[string]string{"rubbish.answer": "rubbish", "empty.answer": "", "other.txt": "\x83\x01\x05\x41z",
		"cut.answer": "\x83\x01\x1a\xff\xff\xff\xff\x45abc"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.answer"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := func(want string) {
		t.Helper()
		if got := f.Best(nil); string(got) != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	want("")
	write(t, dir, "a", 10, []byte("ten"))
	want("ten")
	write(t, dir, "b", 30, []byte("thirty, z"))
	want("thirty, z")
	write(t, dir, "c", 30, []byte("thirty, a")) // of equal ones the first by its bytes
	write(t, dir, "d", 20, []byte("twenty"))
	want("thirty, a")
	if got := f.Best(func(b []byte) bool { return bytes.Contains(b, []byte("en")) }); string(got) != "twenty" {
		t.Errorf("%q fits", got)
	}
	write(t, dir, "c", 5, []byte("thirty, a, no more"))
	want("thirty, z")
	if err := os.Remove(filepath.Join(dir, "b"+Suffix)); err != nil {
		t.Fatal(err)
	}
	want("twenty")
}

func TestBounds(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, "long", 0, make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if err := Write(dir, "high", abi.One+1, nil); !errors.Is(err, ErrScore) {
		t.Error(err)
	}
	if err := Write(filepath.Join(dir, "missing"), "x", 0, nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	longest := bytes.Repeat([]byte{7}, MaxPayload)
	write(t, dir, "longest", abi.One, longest)
	name := filepath.Join(dir, "longest"+Suffix)
	if s, p, err := Read(name); err != nil || s != abi.One || !bytes.Equal(p, longest) {
		t.Error(s, len(p), err)
	}
	if err := os.WriteFile(name, make([]byte, maxHead+MaxPayload+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(name); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 1 {
		t.Errorf("%d files, want no parts beside the one", len(left))
	}
}

// The child refuses until there is something, then copies word for word.
func TestCopier(t *testing.T) {
	dir := t.TempDir()
	e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: "copy", Env: []string{envDir + "=" + dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := e.Answer(ctx, 1, []byte("task")); !errors.Is(err, engine.ErrRefused) {
		t.Error(err)
	}
	write(t, dir, "a", 10, []byte("an answer"))
	if got, err := e.Answer(ctx, 1, []byte("task")); err != nil || string(got) != "an answer" {
		t.Errorf("%q, %v", got, err)
	}
	if err := RunCopier(""); err == nil {
		t.Error("ran without a folder")
	}
	if err := RunCopier(dir); err == nil {
		t.Error("ran by hand")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0x83, 1, 5, 0x41, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, p, err := decodeAnswer(b)
		if err != nil {
			return
		}
		if s > abi.One || len(p) > len(b) || !bytes.Equal(appendAnswer(nil, s, p), b) {
			t.Fatal("not what was written")
		}
		if h, err := decodeScore(b[:min(len(b), maxHead)]); err != nil || h != s {
			t.Fatalf("score %d from the head, %d from the whole: %v", h, s, err)
		}
	})
}
