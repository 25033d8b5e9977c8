package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

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
	pool     *worker.Pool                      // nil in a node without a hotkey, which validates nothing
	registry *plugins.Registry                 // likewise
}

// openModules opens the store, and for a node that may be told to validate all
// that runs them, which costs little before the first call.
func openModules(cfg *config.Config, dir string, net *p2p.Host, onChain func([32]byte) ([]byte, error), wc worker.Config) (*modules, error) {
	store, err := plugins.OpenStore(dir)
	if err != nil {
		return nil, err
	}
	m := &modules{store: store, onChain: onChain}
	if cfg.Hotkey == "" {
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
	wc.Each = worker.Budget{Rate: cfg.Modules.Rate, Pages: cfg.Modules.Pages, Workers: cfg.Modules.Workers}
	wc.Total = worker.Budget{Rate: cfg.Modules.Total.Rate, Pages: cfg.Modules.Total.Pages}
	wc.Referee = cfg.Modules.Referee
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

// warmRetry is how long a module that could not be made ready is left alone.
const warmRetry = time.Minute

// announced is a module that will score a subnet from an epoch on.
type announced struct {
	netuid ledger.NetUID
	module plugins.ID
	from   ledger.Epoch
}

// ahead reads what is announced for the subnets.
func ahead(v ledger.View, netuids []ledger.NetUID) (l []announced, err error) {
	for _, netuid := range netuids {
		sub, err := ledger.LoadSubnet(v, netuid)
		if err != nil {
			return nil, err
		}
		if sub != nil && sub.Next.Module != ([32]byte{}) {
			l = append(l, announced{netuid, sub.Next.Module, sub.Next.Epoch})
		}
	}
	return l, nil
}

// warm makes modules ready as they are announced, until ctx ends: fetched,
// compiled and kept beside those that run. next is asked at each block.
func (m *modules) warm(ctx context.Context, blocks <-chan ledger.Height, next func() ([]announced, error), log *slog.Logger) {
	tried := map[announced]time.Time{} // when to try again, zero for never
	for {
		select {
		case <-ctx.Done():
			return
		case <-blocks:
		}
		l, err := next()
		if err != nil {
			log.Warn("reading which modules follow", "err", err)
			continue
		}
		for _, a := range l {
			if again, ok := tried[a]; ok && (again.IsZero() || time.Now().Before(again)) {
				continue
			}
			start := time.Now()
			if err := m.registry.Warm(ctx, uint16(a.netuid), a.module); err != nil {
				tried[a] = time.Now().Add(warmRetry)
				log.Warn("the module that will follow is not ready", "netuid", a.netuid, "module", a.module, "from_epoch", a.from, "err", err)
				continue
			}
			tried[a] = time.Time{}
			log.Info("the module that will follow is ready", "netuid", a.netuid, "module", a.module, "from_epoch", a.from, "took", time.Since(start).Round(time.Millisecond))
		}
	}
}

// stats are the counters of what runs modules, empty where nothing does.
func (m *modules) stats() worker.Stats {
	if m.pool == nil {
		return worker.Stats{}
	}
	return m.pool.Stats()
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
