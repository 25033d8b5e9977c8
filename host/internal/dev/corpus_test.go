package dev_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/examples/subnets/forecast"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	text "github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/examples/subnets/translate"
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

// TestBadFiles: the error names the file, and nothing was begun that a later run with
// a good one would stumble over.
func TestBadFiles(t *testing.T) {
	long := bytes.Repeat([]byte("to be or not to be\n"), 8000)
	many := func(line string) []byte { return bytes.Repeat([]byte(line), 1000) }
	for name, c := range map[string]struct {
		subnet  string
		content []byte // nil for no file
		want    error
	}{
		"corpus missing":       {"text", nil, text.ErrCorpusMissing},
		"corpus empty":         {"text", []byte{}, text.ErrCorpusEmpty},
		"corpus too short":     {"text", long[:1000], text.ErrCorpusShort},
		"corpus not text":      {"text", append(long[:len(long):len(long)], 0xff, 0xfe), text.ErrCorpusUTF8},
		"pairs missing":        {"translate", nil, translate.ErrPairsMissing},
		"pairs empty":          {"translate", []byte{}, translate.ErrPairsEmpty},
		"pairs not text":       {"translate", []byte("one\t\xff\xfe\n"), translate.ErrPairsUTF8},
		"pairs without tabs":   {"translate", many("one uno\n"), translate.ErrPairsTab},
		"pairs without a side": {"translate", many("one\t\n"), translate.ErrPairsSide},
		"one pair repeated":    {"translate", many("one\tuno\n"), translate.ErrPairsFew},
		"series missing":       {"forecast", nil, forecast.ErrSeriesMissing},
		"series empty":         {"forecast", []byte{}, forecast.ErrSeriesEmpty},
		"series too short":     {"forecast", many("1.5\n")[:400], forecast.ErrSeriesShort},
		"series not text":      {"forecast", append(many("1.5\n"), 0xff, 0xfe), forecast.ErrSeriesUTF8},
		"series of words":      {"forecast", append(many("1.5\n"), "2026-01-01,high\n"...), forecast.ErrSeriesValue},
		"series below zero":    {"forecast", append(many("1.5\n"), "-3\n"...), forecast.ErrSeriesValue},
		"recordings missing":   {"speech", nil, speech.ErrMissing},
		"recordings empty":     {"speech", []byte{}, speech.ErrFew},
		"recordings, no tab":   {"speech", []byte("a.wav hello\n"), speech.ErrLine},
		"recordings, no WAV":   {"speech", many("list\thello\n"), speech.ErrWAV},
	} {
		t.Run(name, func(t *testing.T) {
			file, home := filepath.Join(t.TempDir(), "list"), t.TempDir()
			if c.content != nil {
				if err := os.WriteFile(file, c.content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := dev.Open(t.Context(), dev.Config{Home: home, Subnets: []string{c.subnet}, Files: map[string]string{c.subnet: file}}, io.Discard, func(string) {})
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

// TestForeignFolder: nothing is written among files that are not a network's.
func TestForeignFolder(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "thesis.tex"), []byte("chapter 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := dev.Open(t.Context(), textOnly(home, ""), io.Discard, func(string) {})
	if !errors.Is(err, dev.ErrForeign) || !strings.Contains(err.Error(), home) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(home); len(left) != 1 {
		t.Errorf("written beside: %v", left)
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
	for _, left := range []string{"lock", ".new-123"} { // by one who was interrupted
		if err := os.WriteFile(filepath.Join(home, left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
