package plugins

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrQuota says that a store is over its quota with what must stay.
var ErrQuota = errors.New("plugins: module store over its quota")

// staleTemp is how old an unfinished file must be to be taken for one that a
// crash left.
const staleTemp = time.Hour

// activeName is the file in which a running node notes what it uses.
const activeName = "active"

// Entry is a module in a store.
type Entry struct {
	ID     ID
	Size   int64     // bytes
	Used   time.Time // when it was last read or written
	Pinned bool      // stays until it is unpinned
	Active bool      // in use by a node when that last said so
}

func compareID(a, b ID) int { return bytes.Compare(a[:], b[:]) }

// List returns what the store holds, in the order of the names, without reading
// the modules.
func (s *Store) List() ([]Entry, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	active := s.active()
	var l []Entry
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".wasm")
		id, err := ParseID(name)
		if !ok || err != nil {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list modules: %w", err)
		}
		l = append(l, Entry{ID: id, Size: info.Size(), Used: info.ModTime(), Pinned: s.pinned(id), Active: slices.Contains(active, id)})
	}
	return l, nil // ReadDir sorts, and hexadecimal sorts like bytes
}

func (s *Store) pin(id ID) string { return filepath.Join(s.dir, id.String()+".pin") }

func (s *Store) pinned(id ID) bool {
	_, err := os.Stat(s.pin(id))
	return err == nil
}

// Pin keeps a module from being collected. It must be there.
func (s *Store) Pin(id ID) error {
	if _, err := os.Stat(s.path(id)); err != nil {
		return fmt.Errorf("pin module: %w: %s", ErrNotFound, id)
	}
	if err := os.WriteFile(s.pin(id), nil, 0o600); err != nil {
		return fmt.Errorf("pin module: %w", err)
	}
	return nil
}

// Unpin undoes Pin. A module that is not pinned stays so.
func (s *Store) Unpin(id ID) error {
	if err := os.Remove(s.pin(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unpin module: %w", err)
	}
	return nil
}

// Collect removes modules that are neither pinned nor active, those unused for
// longest first, until at most quota bytes are left, and returns what it removed;
// with dry it only says what it would. It returns ErrQuota when what must stay is
// more than that.
func (s *Store) Collect(active []ID, quota int64, dry bool) ([]Entry, error) {
	l, err := s.List()
	if err != nil {
		return nil, err
	}
	var total int64
	for _, e := range l {
		total += e.Size
	}
	slices.SortStableFunc(l, func(a, b Entry) int { return a.Used.Compare(b.Used) })
	var gone []Entry
	for _, e := range l {
		if total <= quota {
			break
		}
		if e.Pinned || e.Active || slices.Contains(active, e.ID) {
			continue
		}
		if !dry {
			if err := os.Remove(s.path(e.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return gone, fmt.Errorf("collect modules: %w", err)
			}
		}
		gone = append(gone, e)
		total -= e.Size
	}
	if !dry {
		s.sweep()
	}
	if quota > 0 && total > quota {
		return gone, fmt.Errorf("%w: %d bytes are in use or pinned, %d are allowed", ErrQuota, total, quota)
	}
	return gone, nil
}

// sweep removes unfinished files that a crash left.
func (s *Store) sweep() {
	old, _ := filepath.Glob(filepath.Join(s.dir, "put-*.tmp"))
	for _, f := range old {
		if info, err := os.Stat(f); err == nil && time.Since(info.ModTime()) > staleTemp {
			_ = os.Remove(f)
		}
	}
}

// noteActive leaves word for other processes of what is in use.
func (s *Store) noteActive(ids []ID) error {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b ID) int { return cmp.Compare(a.String(), b.String()) })
	var text strings.Builder
	for _, id := range ids {
		text.WriteString(id.String() + "\n")
	}
	f, err := os.CreateTemp(s.dir, "put-*.tmp")
	if err != nil {
		return fmt.Errorf("note active modules: %w", err)
	}
	_, err = f.WriteString(text.String())
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, activeName))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("note active modules: %w", err)
	}
	return nil
}

// active reads what noteActive wrote; lines that are no name are passed over.
func (s *Store) active() (ids []ID) {
	b, _ := os.ReadFile(filepath.Join(s.dir, activeName))
	for _, line := range strings.Fields(string(b)) {
		if id, err := ParseID(line); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
