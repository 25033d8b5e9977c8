package openai

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// Errors of a key's file.
var (
	ErrKeyMode = errors.New("others can read the key")
	ErrKeyForm = errors.New("the file holds no key")
)

const maxKey = 4 << 10

// ReadKey reads a key from a file of one line that only its owner may read.
func ReadKey(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("key: %s: %w: it is no file", name, ErrKeyForm)
	}
	if m := info.Mode().Perm(); runtime.GOOS != "windows" && m&0o077 != 0 {
		return "", fmt.Errorf("key: %s has mode %04o: %w: chmod 600 %s", name, m, ErrKeyMode, name)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	key := strings.TrimSpace(string(b))
	if key == "" || len(b) > maxKey {
		return "", fmt.Errorf("key: %s: %w: want one line of 1 to %d bytes", name, ErrKeyForm, maxKey)
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c >= 0x7f {
			return "", fmt.Errorf("key: %s: %w: want one line of printable ASCII", name, ErrKeyForm)
		}
	}
	return key, nil
}
