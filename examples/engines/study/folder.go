package study

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxFiles are looked at, the last by name.
const maxFiles = 4096

// Folder looks for the best answer in a folder that a miner fills. The folder may
// be missing and appear later. Its methods are safe for concurrent use.
type Folder struct {
	dir string

	mu    sync.Mutex
	known map[string]entry // by file name
}

// entry is what is remembered of a file, so that each is opened once and not for
// every task.
type entry struct {
	size  int64
	mod   time.Time
	score uint64
	bad   bool
}

// NewFolder returns the answers in dir.
func NewFolder(dir string) *Folder { return &Folder{dir: dir, known: map[string]entry{}} }

// Best returns the payload with the highest score among those that fit, and of
// several with one score the first by its bytes, so that the names of the files do
// not matter; nil when there is none. A nil fit takes any. The result is the
// caller's.
func (f *Folder) Best(fit func(payload []byte) bool) []byte {
	names := f.scan()
	for len(names) > 0 {
		n := 1
		for n < len(names) && names[n].score == names[0].score {
			n++
		}
		var best []byte
		for _, s := range names[:n] {
			_, payload, err := Read(filepath.Join(f.dir, s.name)) // it may be gone by now
			if err != nil || fit != nil && !fit(payload) {
				continue
			}
			if best == nil || bytes.Compare(payload, best) < 0 {
				best = payload
			}
		}
		if best != nil {
			return best
		}
		names = names[n:]
	}
	return nil
}

type scored struct {
	name  string
	score uint64
}

// scan returns the answers' files, the best first.
func (f *Folder) scan() []scored {
	entries, _ := os.ReadDir(f.dir) // without a folder there is no evidence yet
	f.mu.Lock()
	defer f.mu.Unlock()
	now := map[string]entry{}
	var all []scored
	for _, e := range entries[max(0, len(entries)-maxFiles):] {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), Suffix) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		k, ok := f.known[e.Name()]
		if !ok || k.size != info.Size() || !k.mod.Equal(info.ModTime()) {
			k = entry{size: info.Size(), mod: info.ModTime()}
			b, err := head(filepath.Join(f.dir, e.Name()), maxHead)
			if err == nil {
				k.score, err = decodeScore(b)
			}
			k.bad = err != nil
		}
		now[e.Name()] = k
		if !k.bad {
			all = append(all, scored{e.Name(), k.score})
		}
	}
	f.known = now
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	return all
}
