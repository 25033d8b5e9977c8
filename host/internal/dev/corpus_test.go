package dev_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	text "github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/dev"
	"github.com/plexus-network/plexus/ledger"
)

// textOnly is a network of the text subnet alone, drawn from a corpus, or from the
// default one.
func textOnly(home, corpus string) dev.Config {
	c := dev.Config{Home: home, Subnets: []string{"text"}, Cache: config.DefaultCache(), Built: filepath.Join(filepath.Dir(config.DefaultCache()), "built")}
	if corpus != "" {
		c.Files = map[string]string{"text": corpus}
	}
	return c
}

// TestBadCorpus: the error names the file, and nothing was begun that a later
// run with a good corpus would stumble over.
func TestBadCorpus(t *testing.T) {
	long := bytes.Repeat([]byte("to be or not to be\n"), 8000)
	for name, c := range map[string]struct {
		content []byte // nil for no file
		want    error
	}{
		"missing":   {nil, text.ErrCorpusMissing},
		"empty":     {[]byte{}, text.ErrCorpusEmpty},
		"too short": {long[:1000], text.ErrCorpusShort},
		"not text":  {append(long[:len(long):len(long)], 0xff, 0xfe), text.ErrCorpusUTF8},
	} {
		t.Run(name, func(t *testing.T) {
			file, home := filepath.Join(t.TempDir(), "corpus.txt"), t.TempDir()
			if c.content != nil {
				if err := os.WriteFile(file, c.content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := dev.Open(t.Context(), textOnly(home, file), io.Discard, func(string) {})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("error %v, want %v with the file's name", err, c.want)
			}
			left, _ := os.ReadDir(home)
			if len(left) > 1 || len(left) == 1 && left[0].Name() != "lock" {
				t.Errorf("left in the directory: %v", left)
			}
		})
	}
}

// TestOtherCorpus: the home of a network remembers what its tasks are drawn from.
func TestOtherCorpus(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "first.txt"), filepath.Join(t.TempDir(), "second.txt")
	for file, line := range map[string]string{first: "to be or not to be\n", second: "that is the question\n"} {
		if err := os.WriteFile(file, bytes.Repeat([]byte(line), 8000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	home := t.TempDir()
	open := func(corpus string) error {
		n, err := dev.Open(t.Context(), textOnly(home, corpus), io.Discard, func(string) {})
		if err != nil {
			return err
		}
		// One process at a time has the directory.
		if _, err := dev.Open(t.Context(), textOnly(home, corpus), io.Discard, func(string) {}); !errors.Is(err, dev.ErrLocked) || !strings.Contains(err.Error(), home) {
			t.Errorf("opened twice: %v", err)
		}
		return n.Close()
	}
	for _, c := range []struct {
		corpus string
		want   error
	}{{first, nil}, {first, nil}, {"", nil}, {second, dev.ErrResumed}, {first, nil}} {
		if err := open(c.corpus); !errors.Is(err, c.want) {
			t.Errorf("opening with %q: %v, want %v", c.corpus, err, c.want)
		}
	}
	// A genesis that is damaged is named, and not taken for a new network.
	genesis := filepath.Join(home, "genesis.cbor")
	if err := os.Truncate(genesis, 100); err != nil {
		t.Fatal(err)
	}
	if err := open(first); !errors.Is(err, ledger.ErrGenesis) || !strings.Contains(err.Error(), genesis) {
		t.Errorf("a cut genesis: %v", err)
	}
}
