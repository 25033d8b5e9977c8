package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/worker"
)

// modules finds modules by hash, in the store or at peers, and has them loaded
// by the workers once.
type modules struct {
	store *plugins.Store
	net   *p2p.Host
	pool  *worker.Pool

	mu     sync.Mutex
	loaded map[plugins.ID]plugins.Caller
}

// load returns a module ready to be called. Callers for a module that is being
// loaded wait for it.
func (m *modules) load(ctx context.Context, id plugins.ID) (plugins.Caller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.loaded[id]; ok {
		return c, nil
	}
	b, err := m.store.Get(id)
	if err != nil {
		if b, err = m.net.FetchSHA256(ctx, m.net.Peers(), id, plugins.MaxModule, nil); err != nil {
			return nil, fmt.Errorf("fetching module %s: %w", id, err)
		}
		if _, err := m.store.Put(b); err != nil {
			return nil, err
		}
	}
	c, err := m.pool.Load(ctx, b)
	if err != nil {
		return nil, err
	}
	m.loaded[id] = c
	return c, nil
}

// open serves a module as a blob.
func (m *modules) open(id [32]byte) (io.ReadSeekCloser, int64, error) {
	b, err := m.store.Get(id)
	if err != nil {
		return nil, 0, err
	}
	return nopCloser{bytes.NewReader(b)}, int64(len(b)), nil
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }
