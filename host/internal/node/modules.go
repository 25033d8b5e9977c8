package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/worker"
)

// modules finds the modules of subnets, in the store or at peers, as the
// configuration says, and has workers run them.
type modules struct {
	store    *plugins.Store
	onChain  func(id [32]byte) ([]byte, error) // nil bytes for one that the chain does not have
	pool     *worker.Pool                      // nil in a node that validates nothing
	registry *plugins.Registry                 // likewise
}

// openModules opens the store, and for a node that validates all that runs them.
func openModules(cfg *config.Config, dir string, net *p2p.Host, onChain func([32]byte) ([]byte, error), wc worker.Config) (*modules, error) {
	store, err := plugins.OpenStore(dir)
	if err != nil {
		return nil, err
	}
	m := &modules{store: store, onChain: onChain}
	if len(cfg.Validate) == 0 {
		return m, nil
	}
	policy, err := cfg.Policy()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	wc.Command, wc.CacheDir, wc.Workers, wc.Timeout = []string{self, "worker"}, cfg.Cache, cfg.Workers, cfg.MaxCall
	wc.Each.Rate, wc.Referee = cfg.Modules.Rate, cfg.Modules.Referee
	if cfg.Cache != "" {
		wc.Inline = cfg.Modules.Inline
	}
	if m.pool, err = worker.Open(wc); err != nil {
		return nil, err
	}
	m.registry, err = plugins.NewRegistry(plugins.RegistryConfig{Store: store, Quota: cfg.Modules.Quota, Load: m.pool.LoadLimited,
		Fetch: func(ctx context.Context, id plugins.ID) ([]byte, error) {
			if b, err := onChain(id); err == nil && b != nil {
				return b, nil // else a peer may have it
			}
			return net.FetchSHA256(ctx, net.Peers(), id, plugins.MaxModule, nil)
		}})
	if err != nil {
		m.pool.Close()
		return nil, err
	}
	m.registry.Apply(policy)
	return m, nil
}

// of returns the loader of a subnet's module by the digest that the chain names.
func (m *modules) of(netuid ledger.NetUID) func(context.Context, plugins.ID) (plugins.Caller, error) {
	return func(ctx context.Context, id plugins.ID) (plugins.Caller, error) {
		return m.registry.Open(ctx, uint16(netuid), id)
	}
}

// reload puts the section modules of a configuration into force, as far as it
// decides which modules run under which limits. Calls in flight end as they began.
func (m *modules) reload(cfg *config.Config) error {
	policy, err := cfg.Policy()
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	if m.registry != nil {
		m.registry.Apply(policy)
	}
	return nil
}

// close ends all calls.
func (m *modules) close() {
	if m.registry != nil {
		m.registry.Close()
		m.pool.Close()
	}
}

// open serves a module as a blob: one of the store, or one that the chain's blocks
// brought, which goes into the store then.
func (m *modules) open(id [32]byte) (io.ReadSeekCloser, int64, error) {
	b, err := m.store.Get(id)
	if err != nil {
		var chained error
		if b, chained = m.onChain(id); chained != nil || b == nil {
			return nil, 0, errors.Join(err, chained)
		}
		if _, err := m.store.Put(b); err != nil {
			return nil, 0, err
		}
	}
	return nopCloser{bytes.NewReader(b)}, int64(len(b)), nil
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }
