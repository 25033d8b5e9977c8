package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/proof"
)

// Bounds of what the state may hold.
const (
	MaxKey   = proof.MaxKey   // bytes of a key
	MaxValue = proof.MaxValue // bytes of a value
)

// The first byte of a Pebble key says what it belongs to.
const (
	spaceMeta      = 'm' // format and head
	spaceState     = 's' // the state's values by key
	spaceTree      = 't' // pages of the tree by depth and path
	spaceNamespace = 'n' // the namespaces, by name
	spaceBlob      = 'b' // blobs by hash
	spaceScratch   = 'x' // a restore's leaves by path, gone when it ends
)

var (
	keyFormat  = []byte{spaceMeta, 'f'}
	keyHead    = []byte{spaceMeta, 'h'}
	keyRestore = []byte{spaceMeta, 'r'} // there while a restore is under way
)

// formatVersion changes whenever a store written before could be misread: by
// the store, or by the ledger whose records it keeps.
const formatVersion = 2

// Config says how a store is opened. The zero value is right for a node.
type Config struct {
	// CacheBytes bounds the block cache; 0 means 32 MiB. A larger one only
	// saves reads.
	CacheBytes int64
	// InMemory keeps everything in memory and ignores the directory; for tests
	// and simulation.
	InMemory bool
	// Fatal is told of an error after which the store cannot go on, such as a
	// failed sync, and must not return: what was written is unknown. nil
	// panics.
	Fatal func(error)

	fs vfs.FS // tests: crashing and failing file systems
}

// Validate reports a configuration that cannot be meant.
func (c Config) Validate() error {
	if c.CacheBytes < 0 {
		return fmt.Errorf("store: cache bytes %d: must be 0 or more", c.CacheBytes)
	}
	return nil
}

// DB is an open store. Close it once, after everything that uses it.
type DB struct {
	p    *pebble.DB
	lock io.Closer

	mu   sync.RWMutex // guards head
	head head

	restoring atomic.Bool // a Restore is open
}

// Open opens the store in dir and creates it when there is none. The errors to
// expect are ErrLocked, ErrFormat and ErrCorrupt.
func Open(dir string, cfg Config) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	files := cfg.fs
	switch {
	case files == nil && cfg.InMemory:
		files = vfs.NewMem()
		dir = "memory"
	case files == nil:
		files = vfs.Default
	}
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: create %s: %w", dir, err)
	}
	lock, err := pebble.LockDirectory(dir, files)
	if err != nil {
		return nil, openError(dir, err)
	}
	db, err := openLocked(dir, files, lock, cfg)
	if err != nil {
		lock.Close()
		return nil, openError(dir, err)
	}
	return db, nil
}

func openLocked(dir string, files vfs.FS, lock *pebble.Lock, cfg Config) (db *DB, err error) {
	// Pebble reports some kinds of damage by panicking while it opens.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, r)
		}
	}()
	cacheBytes := cfg.CacheBytes
	if cacheBytes == 0 {
		cacheBytes = 32 << 20
	}
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref() // Pebble holds its own reference
	o := &pebble.Options{
		FS:                 files,
		Lock:               lock,
		Cache:              cache,
		MemTableSize:       8 << 20,
		FormatMajorVersion: pebble.FormatWALSyncChunks,
		Logger:             logger{cfg.Fatal},
		// Damage is reported to whoever reads it; Pebble would end the process.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	p, err := pebble.Open(dir, o)
	if err != nil {
		return nil, err
	}
	db = &DB{p: p, lock: lock}
	if err := db.load(); err != nil {
		p.Close()
		return nil, err
	}
	return db, nil
}

// openError names the directory and turns the system's and Pebble's errors
// into ours.
func openError(dir string, err error) error {
	var system syscall.Errno
	switch {
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrFormat):
		return fmt.Errorf("store: open %s: %w", dir, err)
	case errors.Is(err, syscall.EAGAIN), strings.Contains(err.Error(), "lock held by current process"):
		return fmt.Errorf("store: open %s: %w: stop the other node or choose another directory", dir, ErrLocked)
	case pebble.IsCorruptionError(err):
		return fmt.Errorf("store: open %s: %w: %v", dir, ErrCorrupt, err)
	case strings.Contains(err.Error(), "format major version"):
		return fmt.Errorf("store: open %s: %w: %v", dir, ErrFormat, err)
	case errors.As(err, &system) && system != syscall.ENOENT:
		return fmt.Errorf("store: open %s: %w", dir, err)
	}
	// Files that are missing, cut or altered: Pebble has no one error for them.
	return fmt.Errorf("store: open %s: %w: %v", dir, ErrCorrupt, err)
}

// load reads the format and the head of a store just opened, or writes the
// format of a new one, and checks that the tree's first page hashes to the root.
func (db *DB) load() error {
	format, err := get(db.p, keyFormat)
	if err != nil {
		return err
	}
	if format == nil {
		it, err := db.p.NewIter(nil)
		if err != nil {
			return wrap(err)
		}
		used := it.First()
		if err := finish(it); err != nil {
			return err
		}
		if used {
			return fmt.Errorf("%w: there is data but no format record", ErrFormat)
		}
		return wrap(db.p.Set(keyFormat, []byte{formatVersion}, pebble.Sync))
	}
	switch {
	case len(format) != 1:
		return fmt.Errorf("%w: format record of %d bytes, want 1", ErrFormat, len(format))
	case format[0] < formatVersion:
		return fmt.Errorf("%w: it was written in format %d and this program reads format %d: use the program that wrote it, or begin with an empty home and let it sync", ErrFormat, format[0], formatVersion)
	case format[0] > formatVersion:
		return fmt.Errorf("%w: it was written in format %d and this program reads format %d: install the newer program", ErrFormat, format[0], formatVersion)
	}
	if err := db.clearRestore(); err != nil {
		return err
	}
	if db.head, err = readHead(db.p); err != nil {
		return err
	}
	return db.head.check(db.p)
}

// Close flushes and releases the directory. The store, its namespaces and its
// snapshots must not be used after it, and open snapshots and iterators make
// it fail.
func (db *DB) Close() (err error) {
	defer func() {
		// Pebble panics when an iterator or snapshot is still open.
		if r := recover(); r != nil {
			err = fmt.Errorf("store: close: %v", r)
		}
	}()
	err = db.p.Close()
	return errors.Join(err, db.lock.Close())
}

func (db *DB) current() head {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.head
}

// Height returns the last committed height; 0 before and after the genesis.
func (db *DB) Height() uint64 { return db.current().height }

// Root returns the root at Height, all zeros for an empty state.
func (db *DB) Root() [32]byte { return db.current().root.hash }

// Fresh reports that nothing was ever committed, not even a genesis.
func (db *DB) Fresh() bool { return !db.current().written }

// Get returns a copy of the newest committed value of key, nil when absent.
func (db *DB) Get(key []byte) ([]byte, error) {
	if db.Fresh() {
		return nil, nil // a restore may be under way: what it wrote is not verified
	}
	return get(db.p, stateKey(key))
}

// Range calls fn for each key of the newest committed state that begins with
// prefix, in rising order, and stops at its first error, which it returns. The
// slices are fn's to keep. It reads one version throughout.
func (db *DB) Range(prefix []byte, fn func(k, v []byte) error) error {
	if db.Fresh() {
		return nil
	}
	return rangeState(db.p, prefix, fn)
}

// Compact rewrites the files so that deleted and overwritten records give back
// their room. It takes long on a large store and may be cancelled.
func (db *DB) Compact(ctx context.Context) error {
	return wrap(db.p.Compact(ctx, []byte{0}, []byte{0xff}, false))
}

// Size returns the bytes on disk, as an estimate.
func (db *DB) Size() uint64 { return db.p.Metrics().DiskSpaceUsage() }

// reader is what a pebble.DB and a pebble.Snapshot share.
type reader interface {
	Get(key []byte) ([]byte, io.Closer, error)
	NewIter(o *pebble.IterOptions) (*pebble.Iterator, error)
}

func get(r reader, key []byte) ([]byte, error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	return out, wrap(closer.Close())
}

// spaceOnly bounds an iterator to one space.
func spaceOnly(space byte) *pebble.IterOptions {
	return &pebble.IterOptions{LowerBound: []byte{space}, UpperBound: []byte{space + 1}}
}

func stateKey(key []byte) []byte {
	return append(append(make([]byte, 0, 1+len(key)), spaceState), key...)
}

func rangeState(r reader, prefix []byte, fn func(k, v []byte) error) error {
	low := stateKey(prefix)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: after(low)})
	if err != nil {
		return wrap(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			break // it.Error reports it
		}
		k := append([]byte(nil), it.Key()[1:]...)
		if err := fn(k, append(make([]byte, 0, len(value)), value...)); err != nil {
			it.Close()
			return err
		}
	}
	return finish(it)
}

// finish closes an iterator and returns what ended its walk, if an error did.
func finish(it *pebble.Iterator) error {
	err, closing := it.Error(), it.Close()
	if err == nil {
		err = closing
	}
	return wrap(err)
}

// after returns the smallest key above every key that begins with p, nil when
// there is none.
func after(p []byte) []byte {
	out := append([]byte(nil), p...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}

// wrap marks Pebble's corruption errors as ours.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case pebble.IsCorruptionError(err):
		text, _, _ := strings.Cut(err.Error(), "\n") // a note of Pebble's to itself follows
		return fmt.Errorf("%w: %s", ErrCorrupt, text)
	}
	return fmt.Errorf("store: %w", err)
}

// logger drops Pebble's chatter and turns its fatal errors over to Config.Fatal:
// its default would end the process without a word to the caller.
type logger struct{ fatal func(error) }

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}
func (l logger) Fatalf(format string, args ...any) {
	err := fmt.Errorf("store: cannot go on: "+format, args...)
	if l.fatal != nil {
		l.fatal(err)
		os.Exit(74) // Fatal returned: going on could acknowledge what is not on disk
	}
	panic(err)
}

var _ ledger.Ranger = (*DB)(nil)
