package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/proof"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/worker"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/validator"
)

// Node is an open node. It runs once.
type Node struct {
	cfg     config.Config
	log     *slog.Logger
	events  *event.Writer
	gen     *ledger.Genesis
	hot     key.Seed
	db      *store.DB
	work    *kv.DB
	net     *p2p.Host
	chain   *chain.Node
	tx      p2p.Topic
	modules *modules
	bundles *evidence.Folder
	built   *artifacts
	budget  *validator.Scheduler
	data    *datasets
	loops   *loops
	shelf   *store.Shelf
	join    []string    // multiaddrs to begin with
	outbox  chan []byte // transactions to announce
	breach  chan error  // what the check of the whole state found

	served  served
	control Control
	quit    chan struct{}
	ran     atomic.Bool

	mu      sync.Mutex
	running config.Config // as Reload has changed it
}

// Open opens everything that a node needs. Close it, whether or not it ran.
func Open(ctx context.Context, cfg config.Config, log *slog.Logger, events *event.Writer) (_ *Node, err error) {
	n := &Node{cfg: cfg, log: log, events: events, outbox: make(chan []byte, 1024), breach: make(chan error, 1), loops: newLoops(log),
		quit: make(chan struct{}, 1), running: cfg}
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	raw, err := os.ReadFile(cfg.Path(cfg.Genesis))
	if err != nil {
		return nil, fmt.Errorf("reading the genesis: %w", err)
	}
	if n.gen, err = ledger.DecodeGenesis(raw); err != nil {
		return nil, fmt.Errorf("%s: %w: get the network's genesis again", cfg.Path(cfg.Genesis), err)
	}
	if n.join, err = cfg.JoinAddrs(n.gen.Hash()); err != nil {
		return nil, err
	}
	for _, dir := range []string{"chain", "work", "consensus", "datasets", "evidence", "artifacts", "modules"} {
		if err := os.MkdirAll(filepath.Join(cfg.Home, dir), 0o700); err != nil {
			return nil, err
		}
	}
	var consensus key.Seed
	if cfg.Hotkey != "" {
		if n.hot, err = keys.LoadSeed(cfg.Path(cfg.Hotkey), cfg.Password); err != nil {
			return nil, err
		}
	}
	if cfg.Consensus != "" {
		if consensus, err = keys.LoadSeed(cfg.Path(cfg.Consensus), cfg.Password); err != nil {
			return nil, err
		}
	}
	if n.db, err = store.Open(filepath.Join(cfg.Home, "chain"), store.Config{}); err != nil {
		return nil, err
	}
	if n.work, err = kv.Open(filepath.Join(cfg.Home, "work")); err != nil {
		return nil, err
	}
	peerSeed, err := n.peerSeed()
	if err != nil {
		return nil, err
	}
	if n.net, err = p2p.New(p2p.Config{Seed: peerSeed, Listen: cfg.Listen, Genesis: n.gen.Hash(), Announce: true, Relay: cfg.P2P.Relay,
		HolePunching: cfg.P2P.HolePunching, MaxPeers: cfg.P2P.MaxPeers, PrefixPeers: cfg.P2P.PrefixPeers, Book: n.work, Log: log}); err != nil {
		return nil, fmt.Errorf("listening on %v: %w: choose other addresses with listen, or stop what has these", cfg.Listen, err)
	}
	cc := chain.Config{Home: filepath.Join(cfg.Home, "consensus"), DB: n.db, Genesis: n.gen, ConsensusSeed: consensus,
		SignerListen: cfg.Signer.Listen, VRF: n.hot.VRF(), Host: n.net.Libp2p(), Transport: cfg.Transport,
		TCP: chain.TCPConfig{Listen: cfg.TCP.Listen, Peers: cfg.TCP.Peers}, BlockTime: cfg.BlockTime, Broadcast: n.announce, Metrics: true, Log: log}
	if err := n.sync(&cc); err != nil {
		return nil, err
	}
	if n.chain, err = chain.Open(ctx, cc); err != nil {
		return nil, err
	}
	if a := n.chain.TCPAddress(); a != "" {
		log.Info("consensus runs over tcp", "address", a) // what other nodes give as tcp.peers
	}
	if n.tx, err = n.net.Join("tx", n.judge); err != nil {
		return nil, err
	}
	n.net.OnPeer(func(p peer.AddrInfo) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := n.chain.Greet(ctx, p); err != nil {
			log.Debug("greeting a node", "peer", p.ID, "err", err)
		}
	})
	remote.Serve(n.net, n.chain)
	if err := n.openWork(); err != nil {
		return nil, err
	}
	return n, n.openServed()
}

// openWork opens what the validator's side needs, and serves blobs.
func (n *Node) openWork() error {
	var err error
	if n.modules, err = openModules(&n.cfg, filepath.Join(n.cfg.Home, "modules"), n.net, n.chained, worker.Config{Log: n.log}); err != nil {
		return err
	}
	if n.bundles, err = evidence.OpenFolder(filepath.Join(n.cfg.Home, "evidence"), keptEpochs(&n.cfg)); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	n.data = newDatasets(filepath.Join(n.cfg.Home, "datasets"), n.hot, n.log)
	n.data.fetch, n.data.readers = n.fetchFile, n.readers
	n.data.bound(n.cfg.Datasets)
	if err := n.data.own(); err != nil {
		return err
	}
	n.budget = validator.NewScheduler(validator.Budget(n.cfg.Budget))
	n.built = &artifacts{filepath.Join(n.cfg.Home, "artifacts"), n.net}
	n.loops.run, n.loops.fault, n.loops.gone, n.loops.bound = n.validate, n.tellFault, n.data.forget, n.bound
	n.loops.ask(n.cfg.Validated())
	n.net.ServeBlobs(func(id [32]byte) (io.ReadSeekCloser, int64, error) {
		if f, size, err := n.modules.open(id); err == nil {
			return f, size, nil
		}
		if f, size, err := n.data.serve(id); err == nil {
			return f, size, nil
		}
		if f, size, err := n.built.open(id); err == nil {
			return f, size, nil
		}
		return n.bundles.Open(id, n.closed)
	})
	return nil
}

// chained is a module that blocks brought, put together from its chunks; nil for
// one that the chain does not have.
func (n *Node) chained(id [32]byte) ([]byte, error) {
	v := n.chain.View()
	defer v.Close()
	return ledger.ReadModule(v, id, v.Blob)
}

// peerSeed is the hotkey's derived peer identity, or one of the home's own.
func (n *Node) peerSeed() (key.Seed, error) {
	if n.hot != (key.Seed{}) {
		return n.hot.Derive("peer"), nil
	}
	file := filepath.Join(n.cfg.Home, "peer.key")
	s, err := keys.Load(file)
	if !errors.Is(err, os.ErrNotExist) {
		return s, err
	}
	if _, err := (keys.Ring{Dir: n.cfg.Home}).New("peer"); err != nil {
		return s, err
	}
	return keys.Load(file)
}

// announce queues a transaction for gossip; when the queue is full, the chain
// announces it again later.
func (n *Node) announce(tx []byte) {
	select {
	case n.outbox <- tx:
	default:
	}
}

// judge lets a gossiped transaction in and says whether to pass it on.
func (n *Node) judge(_ peer.ID, tx []byte) p2p.Verdict {
	switch err := n.chain.Insert(tx); {
	case err == nil:
		return p2p.Accept
	case chain.Blame(err):
		return p2p.Reject
	}
	return p2p.Ignore
}

// closed reports whether the commit window of an epoch is over.
func (n *Node) closed(netuid ledger.NetUID, e ledger.Epoch) bool {
	v := n.chain.View()
	defer v.Close()
	clock, err := ledger.LoadClock(v, netuid)
	if err != nil || clock == nil {
		return false
	}
	sub, err := ledger.LoadSubnet(v, netuid)
	if err != nil || sub == nil {
		return false
	}
	return clock.Epoch > e+1 || clock.Epoch == e+1 && n.chain.Head().Height+1 >= clock.First+sub.Params.CommitWindow()
}

// Addrs are the addresses to give to others.
func (n *Node) Addrs() []string { return n.net.Addrs() }

// Genesis is the start of the node's chain.
func (n *Node) Genesis() *ledger.Genesis { return n.gen }

// Join tells the node of others while it runs.
func (n *Node) Join(ctx context.Context, addrs ...string) error { return n.net.Connect(ctx, addrs...) }

// Run runs the node until ctx ends or the chain breaks.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	n.ran.Store(true)
	defer n.chain.Subscribe(n.report)()
	defer n.chain.Subscribe(n.count)()
	n.runServed(ctx, g)
	g.Go(func() error { return n.chain.Run(ctx) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case err := <-n.breach:
			return err
		}
	})
	g.Go(func() error { // gossip out
		for {
			select {
			case <-ctx.Done():
				return nil
			case tx := <-n.outbox:
				if err := n.tx.Publish(ctx, tx); err != nil && ctx.Err() == nil {
					n.log.Debug("announcing a transaction", "err", err)
				}
			}
		}
	})
	g.Go(func() error { // what was accepted is in the pool already
		for {
			if _, _, err := n.tx.Next(ctx); err != nil {
				return nil
			}
		}
	})
	g.Go(func() error {
		return n.keepJoined(ctx)
	})
	if n.modules.registry != nil {
		data := chainView{n}.Blocks(ctx)
		g.Go(func() error {
			n.keepData(ctx, data)
			return nil
		})
		blocks := chainView{n}.Blocks(ctx)
		g.Go(func() error {
			n.modules.warm(ctx, blocks, func() ([]announced, error) {
				v := n.chain.View()
				defer v.Close()
				return ahead(v, n.loops.wanted())
			}, n.log)
			return nil
		})
	}
	g.Go(func() error { return n.loops.Run(ctx) })
	if err := g.Wait(); !errors.Is(err, errQuit) {
		return err
	}
	return nil
}

// Pauses between attempts to join.
const (
	joinFirst = time.Second
	joinLast  = 20 * time.Second
)

// keepJoined goes to where the node begins, and again whenever nobody is left: a
// peer that still holds the connection of a process that was killed may drop the
// new one with it, and the others may all have been away.
func (n *Node) keepJoined(ctx context.Context) error {
	for pause := joinFirst; len(n.join) > 0; pause = min(2*pause, joinLast) {
		if len(n.chain.ConsensusPeers()) > 0 {
			pause = joinFirst / 2
		} else if err := n.net.Connect(ctx, n.join...); err != nil && ctx.Err() == nil {
			n.log.Debug("joining", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
	return nil
}

// Close closes what Open opened, in the reverse order.
func (n *Node) Close() error {
	var errs []error
	n.closeServed()
	if n.chain != nil {
		errs = append(errs, n.chain.Close())
	}
	if n.modules != nil {
		n.modules.close()
	}
	if n.net != nil {
		errs = append(errs, n.net.Close())
	}
	if n.work != nil {
		errs = append(errs, n.work.Close())
	}
	if n.db != nil {
		errs = append(errs, n.db.Close())
	}
	return errors.Join(errs...)
}

// validate runs the loop of one subnet to its end.
func (n *Node) validate(ctx context.Context, s *subnetLoop, quit <-chan struct{}) error {
	module := n.modules.of(s.netuid)
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { n.whereabouts(ctx, s.netuid) })
	defer beside.Wait()
	defer cancel()
	return validator.New(validator.Config{ChainID: n.gen.ChainID, NetUID: s.netuid, Hotkey: n.hot, Net: n.net, Chain: chainView{n}, Keep: n.work,
		Module: func(ctx context.Context, id plugins.ID) (plugins.Caller, error) {
			c, err := module(ctx, id)
			if err != nil {
				return nil, err
			}
			return n.budget.Caller(s.netuid, c), nil
		},
		Data: func(ctx context.Context, named ledger.DataSet, e ledger.Epoch) (*dataset.Set, error) {
			return n.data.open(ctx, s.netuid, n.place(n.loops.setting(s)), named, e)
		},
		Budget: n.budget, Artifact: n.built.get, KeepArtifact: n.built.put, Publish: n.bundles.Put, Quit: quit, Notify: n.notify, Log: n.log}).Run(ctx)
}

// place is where the data of a subnet lies: a file, a folder, or nowhere.
func (n *Node) place(s config.Subnet) string {
	if s.Data != "" {
		return n.cfg.Path(s.Data)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cfg.Path(n.running.Data)
}

// bound holds a subnet to its own part of the budget.
func (n *Node) bound(s config.Subnet) {
	n.budget.SetOwn(s.NetUID, validator.Budget{Fuel: s.Fuel, Memory: s.Memory, Bandwidth: s.Bandwidth})
}

// tellFault tells of a subnet's loop that ended by a fault.
func (n *Node) tellFault(netuid ledger.NetUID, err error, again time.Duration) {
	n.events.Emit(event.Event{Kind: "subnet-fault", Netuid: uint16(netuid), Err: describe(err, again)})
}

// report tells of a block.
func (n *Node) report(b chain.Block) {
	if b.Height%1000 == 0 {
		v := n.chain.View()
		err := ledger.CheckInvariants(v)
		n.served.metrics.Invariants(err)
		if err != nil {
			select {
			case n.breach <- err:
			default:
			}
		}
		v.Close()
	}
	n.events.Emit(event.Event{Kind: "block", Height: b.Height, Time: b.Time, Root: fmt.Sprintf("%x", b.Root), Entries: len(b.Results)})
	for _, e := range b.Events {
		n.events.Emit(event.Event{Kind: e.Kind, Height: b.Height, Netuid: uint16(e.NetUID), Epoch: e.Epoch, Hotkey: e.Hotkey.String(), Amount: e.Amount})
	}
	for _, r := range b.Results {
		if r.Code != ledger.OK {
			n.events.Emit(event.Event{Kind: "rejected", Height: b.Height, Root: fmt.Sprintf("%x", r.ID), Err: r.Code.String() + ": " + r.Detail})
		}
	}
}

// notify tells of the validator's work.
func (n *Node) notify(e validator.Event) {
	switch e.Kind {
	case "fault": // as many as misbehaving miners like: they are counted
		n.loops.count(e.NetUID, func(s *subnetLoop) { s.faults[string(e.Fault)]++ })
		return
	case "permit-gone", "permit-back":
		n.loops.count(e.NetUID, func(s *subnetLoop) { s.idle = e.Kind == "permit-gone" })
	case "round":
		n.loops.count(e.NetUID, func(s *subnetLoop) { s.scored++ })
	case "skipped":
		n.loops.count(e.NetUID, func(s *subnetLoop) { s.skip(e.Err) })
	}
	out := event.Event{Kind: "my-" + e.Kind, Netuid: uint16(e.NetUID), Epoch: e.Epoch, Round: int(e.Round), Bytes: int(e.Bytes)}
	if e.Root != ([32]byte{}) {
		out.Root = fmt.Sprintf("%x", e.Root)
	}
	if e.Err != nil {
		out.Err = e.Err.Error()
	}
	for _, s := range e.Scores {
		out.Scores = append(out.Scores, event.Score{Hotkey: s.Hotkey.String(), Score: evidence.Decimal(s.Score), Status: s.Status.String()})
	}
	n.events.Emit(out)
}

// chainView is the node's chain as a validator's loop sees it.
type chainView struct{ n *Node }

func (c chainView) View() (ledger.View, func(), error) {
	v := c.n.chain.View()
	return v, func() { v.Close() }, nil
}

func (c chainView) Submit(tx []byte) error {
	if _, err := c.n.chain.Submit(tx); err != nil && !errors.Is(err, chain.ErrKnown) {
		return err
	}
	return nil
}

func (c chainView) Prove(h ledger.Height, keys [][]byte) (proof.State, error) {
	return c.n.chain.Prove(h, keys)
}

// Blocks sends the newest height; a slow reader misses some in between.
func (c chainView) Blocks(ctx context.Context) <-chan ledger.Height {
	out := make(chan ledger.Height, 1)
	cancel := c.n.chain.Subscribe(func(b chain.Block) {
		select {
		case <-out:
		default:
		}
		out <- b.Height // only this goroutine sends, and there is room now
	})
	context.AfterFunc(ctx, cancel)
	return out
}
