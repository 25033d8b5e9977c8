package miners

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/host/internal/metrics"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins/engine"
	"github.com/plexus-network/plexus/subnets/miner"
	"github.com/plexus-network/plexus/subnets/round"
)

// Axon is one hotkey that serves subnets from one host, with a light client for
// its view of the chain.
type Axon struct {
	Name     string // in events and errors
	Hotkey   key.Seed
	Join     remote.Join
	Services []Service // at least one
	// Home is where the requests taken are remembered, and validators' receipts
	// kept; empty forgets them when the process ends.
	Home string
	// Listen has the multiaddrs to listen on; see Reachable.
	Listen []string
	// Hidden listens nowhere: nodes that relay are the only way to it.
	Hidden bool
	// Metrics is the address to serve figures on; empty for none.
	Metrics string
}

// Service is one subnet that an axon serves.
type Service struct {
	NetUID   ledger.NetUID
	Engine   []string // command
	Policy   miner.Policy
	Parallel int           // answers at once; 0 for miner.DefaultParallel
	Queue    int           // see miner.Subnet
	Timeout  time.Duration // of one answer; 0 for DefaultTimeout
}

// DefaultTimeout bounds one answer of a model.
const DefaultTimeout = 20 * time.Second

// Reachable are the addresses to listen on when none are named: every interface,
// at a port of the system's choice, for a network beyond this machine, since who
// joins one as a miner asks to be reached; else loopback.
func Reachable(j remote.Join) []string {
	for _, a := range j.Addrs {
		if !p2p.Loopback(a) {
			return []string{"/ip4/0.0.0.0/udp/0/quic-v1"}
		}
	}
	return nil
}

// Run serves until ctx ends. ready is called once requests are taken.
func (a *Axon) Run(ctx context.Context, log *slog.Logger, events *event.Writer, ready func()) error {
	var figures net.Listener
	if a.Metrics != "" {
		var err error
		if figures, err = net.Listen("tcp", a.Metrics); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
		defer figures.Close()
	}
	r, err := remote.Open(ctx, remote.Config{Join: a.Join, Seed: a.Hotkey.Derive("peer"), Listen: a.Listen, Hidden: a.Hidden, Log: log})
	if err != nil {
		return err
	}
	defer r.Close()
	if err := a.standing(ctx, r, events); err != nil {
		return err
	}
	var keep miner.Keep
	told := func(e miner.Event) { events.Emit(a.told(e)) }
	if a.Home != "" {
		receipts, err := OpenReceipts(ReceiptsIn(a.Home))
		if err != nil {
			return err
		}
		told = func(e miner.Event) {
			if e.Held != nil {
				if err := receipts.Add(e.NetUID, e.Epoch, e.Held); err != nil {
					log.Warn("a receipt is not kept", "netuid", e.NetUID, "epoch", e.Epoch, "err", err)
				}
			}
			events.Emit(a.told(e))
		}
		db, err := kv.Open(a.Home)
		if err != nil {
			return err
		}
		defer db.Close()
		keep = db
	}
	engines, closing, err := a.engines(ctx, log)
	defer closing()
	if err != nil {
		return err
	}
	m, err := miner.New(miner.Config{ChainID: r.Genesis.ChainID, Hotkey: a.Hotkey, Net: r.Net, Chain: r, Keep: keep, Subnets: engines, Log: log,
		Notify: told})
	if err != nil {
		return err
	}
	// Handlers end before what they use does.
	defer r.Close()
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range a.Services {
		group, err := r.Net.Records(round.PeerGroup(s.NetUID), func(peer.ID) bool { return false }, nil)
		if err != nil {
			return err
		}
		g.Go(func() error { return group.Run(ctx) })
	}
	if figures != nil {
		h := &http.Server{Handler: metrics.Miner(m.Stats, r.Net.Stats), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10}
		context.AfterFunc(ctx, func() { h.Close() })
		g.Go(func() error {
			if err := h.Serve(figures); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	ready()
	g.Go(func() error { return keepJoined(ctx, r.Net, a.Join) })
	return g.Wait()
}

// engines starts the models, all at once: loading one may take a minute. closing
// ends those that were started.
func (a *Axon) engines(ctx context.Context, log *slog.Logger) (out []miner.Subnet, closing func(), err error) {
	started := make([]*engine.Engine, len(a.Services))
	closing = func() {
		for _, e := range started {
			if e != nil {
				e.Close()
			}
		}
	}
	var g errgroup.Group
	for i, s := range a.Services {
		g.Go(func() (err error) {
			if s.Parallel == 0 {
				s.Parallel = miner.DefaultParallel
			}
			if s.Timeout == 0 {
				s.Timeout = DefaultTimeout
			}
			started[i], err = engine.Open(ctx, engine.Config{Command: s.Engine, Name: fmt.Sprintf("%s-%d", a.Name, s.NetUID), Timeout: s.Timeout,
				Parallel: s.Parallel, Log: log})
			if err != nil {
				return fmt.Errorf("netuid %d: %w", s.NetUID, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, closing, err
	}
	for i, s := range a.Services {
		out = append(out, miner.Subnet{NetUID: s.NetUID, Engine: started[i], Policy: s.Policy, Parallel: s.Parallel, Queue: s.Queue})
	}
	return out, closing, nil
}

func (a *Axon) told(e miner.Event) event.Event {
	out := event.Event{Kind: "exchange", From: a.Name, Netuid: uint16(e.NetUID), Epoch: e.Epoch, Round: int(e.Round),
		Text: e.Outcome, Bytes: e.Bytes}
	if e.Caller != (ledger.Hotkey{}) {
		out.Hotkey = e.Caller.String()
	}
	if e.Err != nil {
		out.Err = e.Err.Error()
	}
	return out
}
