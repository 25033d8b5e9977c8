// Package kv is a node's second database: what it works with and must not lose,
// but what is no part of the chain. It lies beside the chain's store, so that a
// restore of the chain erases no work and evidence never stalls consensus.
package kv

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// ErrLocked is returned when another process has the database open.
var ErrLocked = errors.New("kv: the directory is locked by another node")

// ErrCorrupt is returned for damaged files. What they held of the work under way
// is lost; the chain is not.
var ErrCorrupt = errors.New("kv: the database is damaged")

// ErrFormat is returned for a database that another version of this program wrote.
var ErrFormat = errors.New("kv: unknown format")

// formatVersion changes whenever what a program wrote before could be misread, by
// any package that keeps records here. Databases without a number are of the first.
const formatVersion = 1

var keyFormat = []byte{0, 'f'}

// DB is an open database. Its methods may be called concurrently.
type DB struct{ p *pebble.DB }

// Open opens the database in dir, making it if need be.
func Open(dir string) (*DB, error) {
	p, err := open(dir)
	var system syscall.Errno
	switch {
	case err == nil:
	case errors.Is(err, syscall.EAGAIN), strings.Contains(err.Error(), "lock held by current process"):
		return nil, fmt.Errorf("%w: %s: stop it, or choose another home", ErrLocked, dir)
	case errors.As(err, &system) && system != syscall.ENOENT:
		return nil, fmt.Errorf("kv: opening %s: %w", dir, err)
	default: // files that are missing, cut or altered
		return nil, fmt.Errorf("%w: %s: delete the directory to go on, which loses the work of the running epoch: %w", ErrCorrupt, dir, err)
	}
	d := &DB{p}
	if err := d.checkFormat(); err != nil {
		return nil, errors.Join(fmt.Errorf("kv: opening %s: %w", dir, err), p.Close())
	}
	return d, nil
}

// checkFormat compares the number in the database with the program's, and writes
// it where there is none.
func (d *DB) checkFormat() error {
	have, err := d.Get(keyFormat)
	switch {
	case err != nil:
		return err
	case have == nil:
		return d.Put(keyFormat, []byte{formatVersion})
	case len(have) != 1:
		return fmt.Errorf("%w: its number has %d bytes, want 1", ErrFormat, len(have))
	case have[0] < formatVersion:
		return fmt.Errorf("%w: it was written in format %d and this program reads format %d: use the program that wrote it, or delete the directory, which loses the work of the running epoch", ErrFormat, have[0], formatVersion)
	case have[0] > formatVersion:
		return fmt.Errorf("%w: it was written in format %d and this program reads format %d: install the newer program", ErrFormat, have[0], formatVersion)
	}
	return nil
}

// open turns Pebble's panics, by which it reports some kinds of damage, into
// errors.
func open(dir string) (p *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return pebble.Open(dir, &pebble.Options{Logger: quiet{},
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}}) // the reader is told
}

// quiet drops the engine's messages; its errors are returned anyway.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(f string, a ...any) {
	panic("kv: " + fmt.Sprintf(f, a...)) // the database cannot go on; nor can the node
}

// Get returns a copy of the value of k, nil when there is none.
func (d *DB) Get(k []byte) ([]byte, error) {
	v, c, err := d.p.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, damage(err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	return out, c.Close()
}

// Put has survived a crash when it returns.
func (d *DB) Put(k, v []byte) error { return d.p.Set(k, v, pebble.Sync) }

// Delete removes k.
func (d *DB) Delete(k []byte) error { return d.p.Delete(k, pebble.NoSync) }

// Close closes the database.
func (d *DB) Close() error { return d.p.Close() }
