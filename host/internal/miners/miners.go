// Package miners runs several miners in one process: each with its own hotkey,
// peer identity and engine, the engines as child processes, and one light client
// for all of them. No node is needed.
package miners

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins/engine"
	"github.com/plexus-network/plexus/subnets/miner"
)

// Config of the process, a JSON file.
type Config struct {
	Join   string  // of the network, see remote.Join
	Miners []Miner // at least one
	// Prices is a file to which the price of every subnet's pool is written, block
	// after block, for engines that forecast; empty for none. See prices.go.
	Prices string
}

// Miner is one miner.
type Miner struct {
	Name   string
	Hotkey string   // key file
	Seed   key.Seed `json:"-"` // instead of a key file, when it is not zero
	NetUID ledger.NetUID
	Engine []string // command of the engine
	// Study is a folder into which answers found in published evidence are
	// written as they appear, for engines that learn from them; empty for none.
	Study string
}

// Load reads a configuration; unknown keys are errors.
func Load(file string) (c Config, err error) {
	f, err := os.Open(file)
	if err != nil {
		return c, err
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, 1<<20))
	d.DisallowUnknownFields()
	if err = d.Decode(&c); err == io.EOF {
		err = errors.New("the file is empty")
	}
	if err == nil && d.More() {
		err = errors.New("something follows after the configuration")
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return c, fmt.Errorf("miners: %s: %w", file, err)
	}
	return c, nil
}

func (c *Config) check() error {
	if len(c.Miners) == 0 {
		return errors.New("no miners")
	}
	if _, err := remote.ParseJoin(c.Join); err != nil {
		return err
	}
	names := map[string]bool{}
	for i, m := range c.Miners {
		switch {
		case m.Name == "":
			return fmt.Errorf("miner %d of the list: Name is empty", i+1)
		case names[m.Name]:
			return fmt.Errorf("miner %s: listed twice", m.Name)
		case m.Hotkey == "":
			return fmt.Errorf("miner %s: Hotkey is empty: name its key file", m.Name)
		case m.NetUID == 0:
			return fmt.Errorf("miner %s: NetUID is 0: name its subnet", m.Name)
		case len(m.Engine) == 0:
			return fmt.Errorf("miner %s: Engine is empty: name the command of its model", m.Name)
		}
		names[m.Name] = true
	}
	return nil
}

// Run runs the miners until ctx ends. ready is called once all of them serve.
func Run(ctx context.Context, c Config, log *slog.Logger, events *event.Writer, ready func()) error {
	join, err := remote.ParseJoin(c.Join)
	if err != nil {
		return err
	}
	// Nobody asks this host for work: it reads the chain for all miners.
	shared, err := remote.Dial(ctx, join, key.Seed{}, log)
	if err != nil {
		return err
	}
	defer shared.Close()
	g, ctx := errgroup.WithContext(ctx)
	up := make(chan struct{}, len(c.Miners))
	for _, m := range c.Miners {
		g.Go(func() error {
			if err := run(ctx, m, join, shared, log.With("miner", m.Name), events, up); err != nil && ctx.Err() == nil {
				return fmt.Errorf("miner %s: %w", m.Name, err)
			}
			return nil
		})
	}
	for dir, netuid := range c.studies() {
		s := &student{netuid: netuid, dir: dir, r: shared, log: log, done: map[[32]byte]ledger.Epoch{}}
		g.Go(func() error { return s.run(ctx) })
	}
	if c.Prices != "" {
		p := &prices{file: c.Prices, r: shared, log: log}
		g.Go(func() error { return p.run(ctx) })
	}
	g.Go(func() error { return keepJoined(ctx, shared.Net, join) })
	g.Go(func() error {
		for range c.Miners {
			select {
			case <-ctx.Done():
				return nil
			case <-up:
			}
		}
		ready()
		return nil
	})
	return g.Wait()
}

// studies are the folders to fill, and the subnet of each.
func (c *Config) studies() map[string]ledger.NetUID {
	out := map[string]ledger.NetUID{}
	for _, m := range c.Miners {
		if m.Study != "" {
			out[m.Study] = m.NetUID
		}
	}
	return out
}

// keepJoined dials addresses again that went away, a restarted node's for one.
func keepJoined(ctx context.Context, h *p2p.Host, join remote.Join) error {
	for {
		if len(h.Peers()) < len(join.Addrs) {
			h.Connect(ctx, join.Addrs...) // what fails now is tried again
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
		}
	}
}

func run(ctx context.Context, m Miner, join remote.Join, shared *remote.Remote, log *slog.Logger, events *event.Writer, up chan<- struct{}) error {
	hot := m.Seed
	if hot == (key.Seed{}) {
		var err error
		if hot, err = keys.Load(m.Hotkey); err != nil {
			return err
		}
	}
	eng, err := engine.Open(ctx, engine.Config{Command: m.Engine, Name: m.Name, Timeout: 20 * time.Second, Log: log})
	if err != nil {
		return err
	}
	defer eng.Close()
	h, err := remote.Host(ctx, join, hot.Derive("peer"), log)
	if err != nil {
		return err
	}
	defer h.Close()
	if _, err := miner.New(miner.Config{ChainID: shared.Genesis.ChainID, Hotkey: hot, Net: h, Chain: shared, Log: log,
		Subnets: []miner.Subnet{{NetUID: m.NetUID, Engine: eng}},
		Notify: func(e miner.Event) {
			out := event.Event{Kind: "exchange", From: m.Name, Netuid: uint16(e.NetUID), Epoch: e.Epoch, Round: int(e.Round),
				Hotkey: e.Caller.String(), Text: e.Outcome, Bytes: e.Bytes}
			if e.Err != nil {
				out.Err = e.Err.Error()
			}
			events.Emit(out)
		}}); err != nil {
		return err
	}
	up <- struct{}{}
	return keepJoined(ctx, h, join)
}
