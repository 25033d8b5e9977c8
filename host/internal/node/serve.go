package node

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/host/internal/metrics"
	"github.com/plexus-network/plexus/ledger/chain"
)

// served is what a node offers to programs and to its operator. Parts that the
// configuration leaves out are nil.
type served struct {
	index   *index.Index
	api     *api.Server
	metrics *metrics.Metrics
	figures net.Listener // of metrics that are served alone
	admin   *admin.Server
	bans    *bans
}

// openServed opens what the configuration asks for, listeners included, so that
// a port in use is an error of the start.
func (n *Node) openServed() (err error) {
	s := &n.served
	if s.bans, err = newBans(n.net.Libp2p(), n.work); err != nil {
		return err
	}
	if n.cfg.API.Listen != "" {
		if s.index, err = index.Open(n.work, n.log); err != nil {
			return err
		}
	}
	src := metrics.Sources{Head: n.chain.Head, Waiting: n.chain.Waiting, Consensus: func() int { return len(n.chain.ConsensusPeers()) }, Network: n.net.Stats, Modules: n.modules.stats, Subnets: n.loops.list}
	if s.index != nil {
		src.Indexed = s.index.Heights
	}
	s.metrics = metrics.New(src)
	if n.cfg.API.Listen != "" {
		c := api.Config{Listen: n.cfg.API.Listen, Rate: n.cfg.API.Rate, Body: n.cfg.API.Body, Genesis: n.gen, Index: s.index, Version: version(),
			Network: n.network, Observe: s.metrics.Request, Log: n.log}
		if n.cfg.Metrics.Listen == "" {
			c.Metrics = s.metrics.Handler()
		}
		c.UseNode(n.chain)
		c.Why = n.sources().Explain
		if s.api, err = api.New(c); err != nil {
			return err
		}
		if err := s.api.Listen(); err != nil {
			return err
		}
	}
	if n.cfg.Metrics.Listen != "" {
		if s.figures, err = net.Listen("tcp", n.cfg.Metrics.Listen); err != nil {
			return err
		}
	}
	if n.cfg.Admin.Socket != "" {
		s.admin, err = admin.Listen(n.cfg.Path(n.cfg.Admin.Socket), n.operate)
		if errors.Is(err, admin.ErrLong) {
			n.log.Warn("there is no admin socket", "err", err)
			return nil
		}
	}
	return err
}

// runServed runs what openServed opened.
func (n *Node) runServed(ctx context.Context, g *errgroup.Group) {
	s := &n.served
	if s.index != nil {
		g.Go(func() error { return s.index.Run(ctx, n.chain) })
	}
	if s.api != nil {
		g.Go(func() error { return s.api.Run(ctx) })
	}
	if s.admin != nil {
		g.Go(func() error { return s.admin.Run(ctx) })
	}
	if s.figures != nil {
		g.Go(func() error {
			h := &http.Server{Handler: s.metrics.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10}
			defer context.AfterFunc(ctx, func() { h.Close() })()
			if err := h.Serve(s.figures); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-n.quit:
			return errQuit
		}
	})
}

// closeServed closes what never ran.
func (n *Node) closeServed() {
	s := &n.served
	if s.bans != nil {
		s.bans.close()
	}
	if n.ran.Load() {
		return // Run has closed them
	}
	if s.api != nil {
		s.api.Close()
	}
	if s.figures != nil {
		s.figures.Close()
	}
	if s.admin != nil {
		s.admin.Close()
	}
}

// API returns the address of the HTTP API, empty for none.
func (n *Node) API() string {
	if n.served.api == nil {
		return ""
	}
	return "http://" + n.served.api.Addr()
}

func (n *Node) network() api.Network {
	return api.Network{Peer: n.net.ID().String(), Addrs: n.net.Addrs(), Peers: n.net.Stats().Peers, Consensus: len(n.chain.ConsensusPeers())}
}

// count tells the figures of a block.
func (n *Node) count(b chain.Block) { n.served.metrics.Block(b) }

// version is that of the program, as the toolchain recorded it.
func version() string {
	if i, ok := debug.ReadBuildInfo(); ok {
		return i.Main.Version
	}
	return "unknown"
}
