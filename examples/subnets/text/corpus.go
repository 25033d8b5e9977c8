//go:build !wasip1

package text

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"
)

const (
	// MinCorpus is the smallest corpus in bytes: its hidden half fills one task
	// without using a slice twice.
	MinCorpus = 2 * Contexts * SliceLen
	// MaxCorpus is the largest corpus in bytes.
	MaxCorpus = 256 << 20
)

// Errors of a corpus, wrapped with its path.
var (
	ErrCorpusMissing = errors.New("text: corpus not found; name any text file")
	ErrCorpusEmpty   = errors.New("text: corpus is empty")
	ErrCorpusShort   = errors.New("text: corpus too short, want at least 65536 bytes")
	ErrCorpusLong    = errors.New("text: corpus too long, want at most 256 MiB")
	ErrCorpusUTF8    = errors.New("text: corpus is not UTF-8 text")
)

// ReadCorpus reads and checks a corpus. An empty path means DefaultCorpus.
func ReadCorpus(path string) ([]byte, error) {
	if path == "" {
		var err error
		if path, err = DefaultCorpus(); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrCorpusMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("text: corpus: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxCorpus+1))
	if err != nil {
		return nil, fmt.Errorf("text: corpus: %w", err)
	}
	if err := CheckCorpus(b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// CheckCorpus reports why the bytes are not a usable corpus.
func CheckCorpus(b []byte) error {
	switch {
	case len(b) == 0:
		return ErrCorpusEmpty
	case len(b) < MinCorpus:
		return ErrCorpusShort
	case len(b) > MaxCorpus:
		return ErrCorpusLong
	case !utf8.Valid(b):
		return ErrCorpusUTF8
	}
	return nil
}

// DefaultCorpus returns the path of Isaac Newton's Opticks in the Go
// distribution's test data.
func DefaultCorpus() (string, error) {
	root := os.Getenv("GOROOT")
	if root == "" {
		//lint:ignore SA1019 go run and go test set it, also where no toolchain is in PATH
		root = runtime.GOROOT()
	}
	if root == "" {
		out, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return "", fmt.Errorf("%w: no Go distribution: %w", ErrCorpusMissing, err)
		}
		root = strings.TrimSpace(string(out))
	}
	path := filepath.Join(root, "src", "testdata", "Isaac.Newton-Opticks.txt")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s: %w", path, ErrCorpusMissing)
	}
	return path, nil
}

// Split cuts a corpus in two: the first half is published for training, and
// tasks come from the second. Both alias the corpus.
func Split(corpus []byte) (train, hidden []byte) {
	n := len(corpus) / 2
	return corpus[:n:n], corpus[n:]
}
