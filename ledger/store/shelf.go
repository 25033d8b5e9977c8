package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

const shelfSuffix = ".snapshot"

// A file that Hold named is kept for holdFor, also when it is not among the
// newest; mostHeld bounds how many of those there are.
const (
	holdFor  = 2 * time.Minute
	mostHeld = 4
)

// Shelf is a directory of snapshot files, one a height, of which the newest are
// kept. It is safe for concurrent use.
type Shelf struct {
	dir  string
	keep int

	mu   sync.Mutex
	seen map[uint64]Manifest  // of files read before
	held map[uint64]time.Time // until when each stays
	now  func() time.Time
}

// OpenShelf opens dir, makes it when it is not there, and removes what an
// interrupted Put left. keep is how many files Put leaves, 0 for all.
func OpenShelf(dir string, keep int) (*Shelf, error) {
	if keep < 0 {
		return nil, fmt.Errorf("store: keep %d snapshots: must be 0 or more", keep)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: snapshots: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "new-*"))
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return nil, fmt.Errorf("store: snapshots: %w", err)
		}
	}
	return &Shelf{dir: dir, keep: keep, seen: map[uint64]Manifest{}, held: map[uint64]time.Time{}, now: time.Now}, nil
}

// Path is the file of a height, whether or not it is there.
func (s *Shelf) Path(height uint64) string {
	return filepath.Join(s.dir, strconv.FormatUint(height, 10)+shelfSuffix)
}

// Put writes a view's snapshot, replaces one of the same height, and removes
// the oldest beyond those to keep. A crash leaves it whole or not at all.
func (s *Shelf) Put(ctx context.Context, v *Snapshot, o ExportOptions) (m Manifest, err error) {
	f, err := os.CreateTemp(s.dir, "new-*") // mode 0600
	if err != nil {
		return m, fmt.Errorf("store: snapshot: %w", err)
	}
	m, err = v.Export(ctx, f, o)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = os.Rename(f.Name(), s.Path(m.Height))
	}
	if err != nil {
		os.Remove(f.Name())
		return m, fmt.Errorf("store: snapshot of height %d: %w", m.Height, err)
	}
	s.seen[m.Height] = m
	all, err := s.heights()
	if err != nil {
		return m, err
	}
	for _, h := range s.surplus(all) {
		delete(s.seen, h)
		delete(s.held, h)
		if err := os.Remove(s.Path(h)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return m, fmt.Errorf("store: snapshot of height %d: %w", h, err)
		}
	}
	return m, nil
}

// surplus returns those of the heights, newest first, that are neither among the
// newest nor held.
func (s *Shelf) surplus(all []uint64) (out []uint64) {
	if s.keep == 0 || len(all) <= s.keep {
		return nil
	}
	held := 0
	for _, h := range all[s.keep:] {
		if until, ok := s.held[h]; ok && s.now().Before(until) && held < mostHeld {
			held++
			continue
		}
		out = append(out, h)
	}
	return out
}

// Hold keeps the file of a height for two minutes more, since somebody begins or
// goes on to fetch it. At most four files beyond the newest are kept so.
func (s *Shelf) Hold(height uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[height] = s.now().Add(holdFor)
	for h, until := range s.held { // of files that are gone
		if s.now().After(until) {
			delete(s.held, h)
		}
	}
}

// heights lists the files, newest first.
func (s *Shelf) heights() (out []uint64, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("store: snapshots: %w", err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), shelfSuffix)
		if h, err := strconv.ParseUint(name, 10, 64); ok && err == nil && strconv.FormatUint(h, 10) == name {
			out = append(out, h)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] > out[j] })
	return out, nil
}

// List returns the manifests of the files that can be read, newest first, and
// an error that names those that cannot.
func (s *Shelf) List() (out []Manifest, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.heights()
	if err != nil {
		return nil, err
	}
	var bad []error
	for _, h := range all {
		m, ok := s.seen[h]
		if !ok {
			f, err := s.open(h)
			if err != nil {
				bad = append(bad, err)
				continue
			}
			m = f.Manifest
			f.Close()
			s.seen[h] = m
		}
		out = append(out, m)
	}
	return out, errors.Join(bad...)
}

// Open opens the file of a height, which the caller closes; os.ErrNotExist when
// there is none.
func (s *Shelf) Open(height uint64) (*File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open(height)
}

func (s *Shelf) open(height uint64) (*File, error) {
	f, err := OpenPath(s.Path(height))
	if err == nil && f.Manifest.Height != height {
		f.Close()
		err = fmt.Errorf("%w: %s is of height %d", ErrSnapshot, s.Path(height), f.Manifest.Height)
	}
	return f, err
}

// OpenPath is OpenFile for a file by its name; Close it.
func OpenPath(name string) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("store: snapshot: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		var out *File
		if out, err = OpenFile(f, info.Size()); err == nil {
			out.close = f.Close
			return out, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("%s: %w", name, err)
}
