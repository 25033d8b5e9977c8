// Package kv is a node's second database: what it works with and must not lose,
// but what is no part of the chain. It lies beside the chain's store, so that a
// restore of the chain erases no work and evidence never stalls consensus.
package kv

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// ErrLocked is returned when another process has the database open.
var ErrLocked = errors.New("kv: the directory is locked by another node")

// DB is an open database. Its methods may be called concurrently.
type DB struct{ p *pebble.DB }

// Open opens the database in dir, making it if need be.
func Open(dir string) (*DB, error) {
	p, err := pebble.Open(dir, &pebble.Options{Logger: quiet{}})
	if err != nil {
		if strings.Contains(err.Error(), "lock") || strings.Contains(err.Error(), "resource temporarily unavailable") {
			return nil, fmt.Errorf("%w: %s: stop it, or choose another home", ErrLocked, dir)
		}
		return nil, fmt.Errorf("kv: opening %s: %w", dir, err)
	}
	return &DB{p}, nil
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
		return nil, err
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
