// Package keys keeps secrets in files of mode 0600. In this first form a file
// holds a seed in the clear: it protects a hotkey as well as the account of the
// user who runs the process is protected, and no better.
package keys

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/plexus-network/plexus/ledger/key"
)

// Errors of key files.
var (
	ErrExists = errors.New("keys: a key of this name exists")
	ErrMode   = errors.New("keys: file is readable by others")
	ErrFile   = errors.New("keys: not a key file")
	ErrName   = errors.New("keys: not a key name")
)

const (
	header = "plexus-key-1 "
	suffix = ".key"
)

// Save writes a seed to a new file of mode 0600.
func Save(file string, s key.Seed) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", ErrExists, file)
	}
	if err != nil {
		return err
	}
	if _, err := f.WriteString(header + hex.EncodeToString(s[:]) + "\n"); err != nil {
		return errors.Join(err, f.Close(), os.Remove(file))
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// Load reads a seed. Errors never quote what the file holds.
func Load(file string) (s key.Seed, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return s, err
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		return s, fmt.Errorf("%w: %s has mode %04o: run chmod 600 %s", ErrMode, file, info.Mode().Perm(), file)
	}
	if info.Size() > 1024 {
		return s, fmt.Errorf("%w: %s: %d bytes", ErrFile, file, info.Size())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), header)
	raw, err := hex.DecodeString(text)
	if !ok || err != nil || len(raw) != len(s) {
		return s, fmt.Errorf("%w: %s", ErrFile, file)
	}
	return key.Seed(raw), nil
}

// Ring is a folder of named keys.
type Ring struct{ Dir string }

// DefaultRing is the folder in the user's home.
func DefaultRing() (Ring, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Ring{}, err
	}
	return Ring{filepath.Join(home, ".plexus", "keys")}, nil
}

func (r Ring) file(name string) (string, error) {
	if name == "" || len(name) > 64 || strings.IndexFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) >= 0 {
		return "", fmt.Errorf("%w: %q: use letters, digits, - and _", ErrName, name)
	}
	return filepath.Join(r.Dir, name+suffix), nil
}

// New makes a random key and saves it.
func (r Ring) New(name string) (key.ID, error) {
	var s key.Seed
	rand.Read(s[:]) // crypto/rand never fails
	file, err := r.file(name)
	if err != nil {
		return key.ID{}, err
	}
	return s.Public(), Save(file, s)
}

// Load reads a named key.
func (r Ring) Load(name string) (key.Seed, error) {
	file, err := r.file(name)
	if err != nil {
		return key.Seed{}, err
	}
	s, err := Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("no key %q in %s: make one with: plexus key new %s", name, r.Dir, name)
	}
	return s, err
}

// Named is a key of a ring. ID is zero and Err set when its file is damaged.
type Named struct {
	Name string
	ID   key.ID
	Err  error
}

// List returns the keys of the ring, sorted by name.
func (r Ring) List() ([]Named, error) {
	entries, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Named
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok {
			continue
		}
		n := Named{Name: name}
		if s, err := r.Load(name); err != nil {
			n.Err = err
		} else {
			n.ID = s.Public()
		}
		out = append(out, n)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// Development returns a named key that everybody can compute: for local
// networks only, and never worth anything.
func Development(name string) key.Seed {
	return key.Seed(key.Hash("development-key", []byte(name)))
}
