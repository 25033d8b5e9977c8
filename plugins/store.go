package plugins

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Errors of a Store.
var (
	ErrNotFound = errors.New("plugins: module not in store")
	ErrDamaged  = errors.New("plugins: stored module damaged")
)

// Store is a folder of modules, each a file named by its digest. Files are
// written whole and renamed, so that a crash leaves a module or nothing, and
// checked against their names when read. Processes may share the folder.
type Store struct{ dir string }

// OpenStore opens the store in dir, making the folder if need be.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open module store: %w", err)
	}
	return &Store{dir: dir}, nil
}

func (s *Store) path(id ID) string { return filepath.Join(s.dir, id.String()+".wasm") }

// Put keeps a module and returns its name. Keeping it again is no error, and
// mends a damaged copy.
func (s *Store) Put(module []byte) (ID, error) {
	id := Digest(module)
	if len(module) > MaxModule {
		return id, fmt.Errorf("store module %s: %d bytes, over the limit of %d", id, len(module), MaxModule)
	}
	if _, err := s.Get(id); err == nil {
		return id, nil
	}
	f, err := os.CreateTemp(s.dir, "put-*.tmp")
	if err != nil {
		return id, fmt.Errorf("store module %s: %w", id, err)
	}
	_, err = f.Write(module)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path(id))
	}
	if err != nil {
		os.Remove(f.Name())
		return id, fmt.Errorf("store module %s: %w", id, err)
	}
	return id, nil
}

// Get is Read, and notes that the module is in use.
func (s *Store) Get(id ID) ([]byte, error) {
	b, err := s.Read(id)
	if err == nil {
		now := time.Now()
		_ = os.Chtimes(s.path(id), now, now) // says what to collect last; a folder that cannot be written to collects nothing
	}
	return b, err
}

// Read returns a module. It returns ErrNotFound when the store does not have it,
// and ErrDamaged when its bytes no longer have its name: fetch it again and Put.
func (s *Store) Read(id ID) ([]byte, error) {
	f, err := os.Open(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if err != nil {
		return nil, fmt.Errorf("load module %s: %w", id, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxModule+1))
	if err != nil {
		return nil, fmt.Errorf("load module %s: %w", id, err)
	}
	if Digest(b) != id {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, s.path(id))
	}
	return b, nil
}
