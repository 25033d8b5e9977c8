package dataset

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

// ErrMissing is returned when no file holds the data set that a subnet names.
var ErrMissing = errors.New("dataset: not here")

// maxFolder bounds the files of a folder that are looked at.
const maxFolder = 4096

// Finder opens data sets by what the chain says of them, from a file or from a
// folder of files of any name. It remembers which files are not the wanted one
// until they change, since to find out costs hashing them. The zero value is
// ready; it may be used by many goroutines.
type Finder struct {
	mu    sync.Mutex
	tried map[attempt]error
}

// attempt is a file as it was when it turned out to be another set.
type attempt struct {
	path    string
	size    int64
	changed time.Time
	named   ledger.DataSet
}

// Find opens the named set from place, a file or a folder; of a folder the files
// whose names begin with the root are looked at first. A file that is another set
// is ErrRoot, a folder without it ErrMissing.
func (f *Finder) Find(place string, named ledger.DataSet) (*Set, error) {
	info, err := os.Stat(place)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	if !info.IsDir() {
		return f.open(place, info, named)
	}
	files, err := os.ReadDir(place)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	if len(files) > maxFolder {
		return nil, fmt.Errorf("%w: %s has %d files, at most %d are looked at", ErrMissing, place, len(files), maxFolder)
	}
	root := hex.EncodeToString(named.Root[:])
	for _, likely := range []bool{true, false} {
		for _, e := range files {
			name := filepath.Join(place, e.Name())
			if strings.HasPrefix(e.Name(), root) != likely || noSet(e.Name()) {
				continue
			}
			info, err := os.Stat(name) // follows a link, which the entry does not
			if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrMissing, err)
			}
			if s, err := f.open(name, info, named); err == nil {
				return s, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: no file in %s has root %x", ErrMissing, place, named.Root[:6])
}

func (f *Finder) open(name string, info os.FileInfo, named ledger.DataSet) (*Set, error) {
	a := attempt{name, info.Size(), info.ModTime(), ledger.DataSet{Root: named.Root, Slices: named.Slices, Slice: named.Slice}}
	f.mu.Lock()
	err := f.tried[a]
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s, err := Open(name, named)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.tried) >= 4*maxFolder || f.tried == nil {
			f.tried = map[attempt]error{}
		}
		f.tried[a] = err
	}
	return s, err
}
