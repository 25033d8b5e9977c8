package progress

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func TestBar(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&out, "blocks")
	now := time.Unix(0, 0)
	b.now = func() time.Time { return now }
	last := func() string { return out.String()[strings.LastIndex(out.String(), "\r"):] }
	b.Set(0, 100)
	now = now.Add(50 * time.Millisecond)
	b.Set(1, 100) // too soon after the last
	if strings.Count(out.String(), "\r") != 1 {
		t.Errorf("drawn twice: %q", out.String())
	}
	now = now.Add(10 * time.Second)
	b.Set(50, 100)
	if !strings.Contains(last(), "===============               ] 50 of 100 blocks, 4/s, 10s left") {
		t.Errorf("half way: %q", last())
	}
	b.Set(100, 100)
	if !strings.Contains(last(), "["+strings.Repeat("=", width)+"] 100 of 100") {
		t.Errorf("at the end: %q", last())
	}
	b.Done()
	if last() != "\r\x1b[K" {
		t.Errorf("it stays: %q", last())
	}
	length := out.Len()
	if b.Done(); out.Len() != length {
		t.Error("taken away twice")
	}
	b.Set(300<<20, 0) // more than the total is no reason to panic
	b.Set(7, 3)
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 10239: "10239 B", 10 << 10: "10.0 KiB", 300 << 20: "300.0 MiB", 20 << 30: "20.0 GiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestNoTerminalNoBar(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, b := range []*Bar{New(&bytes.Buffer{}, "x"), New(f, "x")} {
		b.Set(1, 2)
		b.Done()
		if b != nil {
			t.Error("a bar without a terminal")
		}
	}
}
