// Package miners runs several miners in one process: each with its own hotkey,
// peer identity, light client and engine, the engines as child processes. No
// node is needed.
package miners

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/examples/engines/study"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins/engine"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/miner"
)

// Config of the process, a JSON file.
type Config struct {
	Join   string  // of the network, see remote.Join
	Miners []Miner // at least one
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
	g, ctx := errgroup.WithContext(ctx)
	up := make(chan struct{}, len(c.Miners))
	for _, m := range c.Miners {
		g.Go(func() error {
			if err := run(ctx, m, join, log.With("miner", m.Name), events, up); err != nil && ctx.Err() == nil {
				return fmt.Errorf("miner %s: %w", m.Name, err)
			}
			return nil
		})
	}
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

func run(ctx context.Context, m Miner, join remote.Join, log *slog.Logger, events *event.Writer, up chan<- struct{}) error {
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
	r, err := remote.Dial(ctx, join, hot.Derive("peer"), log)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := miner.New(miner.Config{ChainID: r.Genesis.ChainID, Hotkey: hot, Net: r.Net, Chain: r, Log: log,
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
	s := &student{m: m, r: r, log: log, done: map[[32]byte]bool{}}
	for {
		// Addresses that went away, a restarted node's for one, are dialled again.
		if len(r.Net.Peers()) < len(join.Addrs) {
			r.Net.Connect(ctx, join.Addrs...) // what fails now is tried again
		}
		if m.Study != "" {
			s.study(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
		}
	}
}

// student collects what others answered, once it is published.
type student struct {
	m    Miner
	r    *remote.Remote
	log  *slog.Logger
	done map[[32]byte]bool
}

func (s *student) study(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	v, err := s.r.View(ctx)
	if err != nil {
		return
	}
	clock, err := ledger.LoadClock(v, s.m.NetUID)
	if err != nil || clock == nil || clock.Epoch == 0 {
		return
	}
	sub, err := ledger.LoadSubnet(v, s.m.NetUID)
	if err != nil || v.Height()+1 < clock.First+sub.Params.CommitWindow() {
		return
	}
	e := clock.Epoch - 1
	roster, err := ledger.LoadRoster(v, s.m.NetUID, e)
	if err != nil {
		return
	}
	for i := range roster {
		com, err := ledger.LoadCommitted(v, s.m.NetUID, e, roster[i].Hotkey)
		if err != nil || com == nil || s.done[com.Evidence] {
			continue
		}
		b, err := s.r.Bundle(ctx, com.Evidence, nil)
		if err != nil {
			s.log.Debug("studying evidence", "err", err)
			continue
		}
		if err := s.write(b); err != nil {
			s.log.Warn("studying evidence", "err", err)
			continue
		}
		s.done[com.Evidence] = true
	}
}

func (s *student) write(b *evidence.Bundle) error {
	if err := os.MkdirAll(s.m.Study, 0o700); err != nil {
		return err
	}
	var errs []error
	for i := range b.Rounds {
		for _, r := range b.Rounds[i].Responses {
			if r.Leaf.Status != evidence.Answered {
				continue
			}
			name := fmt.Sprintf("%d-%s-%d-%d", b.Epoch, b.Validator.Short(), i, r.Leaf.Index)
			errs = append(errs, study.Write(s.m.Study, name, r.Leaf.Score, r.Payload.Data))
		}
	}
	old, _ := filepath.Glob(filepath.Join(s.m.Study, fmt.Sprintf("%d-*", int64(b.Epoch)-2)))
	for _, f := range old {
		errs = append(errs, os.Remove(f))
	}
	return errors.Join(errs...)
}
