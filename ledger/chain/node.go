package chain

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/libp2p/go-libp2p/core/host"
	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
)

// Config of a Node. Home, DB and Genesis are required, and Host unless the
// transport is tcp.
type Config struct {
	// Home is the directory of consensus' write-ahead log and of the record of
	// the last vote. Losing it while the key goes on voting risks a double vote.
	Home string
	// DB is the store of blocks and state; the caller closes it after the node.
	DB *store.DB
	// Genesis names the chain.
	Genesis *ledger.Genesis
	// ConsensusSeed signs votes; zero makes a full node that does not vote.
	ConsensusSeed key.Seed
	// SignerListen is where a remote signer, which then holds the consensus key
	// and the record of its votes, connects: unix://FILE, tcp://127.0.0.1:PORT or
	// noise://SIGNER-PEER-ID@HOST:PORT. Open waits for it for half a minute.
	// Empty signs here. It excludes ConsensusSeed.
	SignerListen string
	// VRF proves the entries of this producer's blocks; used with either of them.
	VRF key.VRFSecret
	// Host carries consensus; it stays the caller's, who closes it after the
	// node.
	Host host.Host
	// Transport carries consensus: TransportLibp2p, also for "", or TransportTCP.
	Transport string
	// TCP is the address and the peers of TransportTCP.
	TCP TCPConfig
	// BlockTime is the mean time between blocks that is aimed at; 0 is 12 s. It
	// is not part of consensus: the network's is about the median of its nodes'.
	BlockTime time.Duration
	// Snapshots keeps the files that nodes which join can begin with; nil makes
	// and offers none. SnapshotInterval is the number of blocks between two, 0
	// for none by itself.
	Snapshots        *store.Shelf
	SnapshotInterval uint64
	// PruneKeep is how many blocks are kept, at least 16 and those since the
	// oldest snapshot; 0 keeps all. Headers and votes stay for the unbonding time.
	PruneKeep uint64
	// StateSync lets a home without blocks begin with a snapshot of others; nil
	// begins with the genesis.
	StateSync *StateSync
	// Broadcast announces a transaction submitted here, again from time to time
	// until it is included. It must not block for long; nil announces nothing.
	Broadcast func(tx []byte)
	// Metrics has CometBFT count in the default registry of Prometheus. One node
	// of a process may do so.
	Metrics bool
	// Log receives what an operator may want to know; nil discards.
	Log *slog.Logger

	// Tests: other rules than the ledger's, nil for those.
	apply  func(ledger.View, ledger.Block) (*ledger.Result, error)
	admit  func(ledger.View, ledger.Block) error
	choose func(v ledger.View, h ledger.Height, candidates [][]byte, maxBytes int64) [][]byte
}

// Head is a committed block: Root is that of the state after it.
type Head struct {
	Height uint64
	Time   int64 // of the header, Unix milliseconds
	Hash   [32]byte
	Root   [32]byte
}

// Node is a full node of a chain. Its methods may be called concurrently once
// Open has returned.
type Node struct {
	cfg    Config
	app    *app
	engine *engine
	host   *engineHost
	log    *slog.Logger
	once   sync.Once
	done   chan struct{} // closed when Run has returned
	ran    atomic.Bool
}

// DefaultBlockTime is that of the public network.
const DefaultBlockTime = 12 * time.Second

// rebroadcast is the time between announcements of what waits; gossip forgets a
// message, and thus lets it pass again, sooner.
const rebroadcast = 35 * time.Second

// Open loads a chain, or begins it, and executes blocks that were agreed before
// a crash. The errors to expect are ErrOtherGenesis and ErrBroken.
func Open(ctx context.Context, c Config) (*Node, error) {
	if c.Home == "" || c.DB == nil || c.Genesis == nil {
		return nil, fmt.Errorf("chain: config: home, store and genesis are required")
	}
	if err := errors.Join(c.validateTransport(), c.validateSigner()); err != nil {
		return nil, err
	}
	if c.BlockTime == 0 {
		c.BlockTime = DefaultBlockTime
	}
	if c.StateSync != nil && c.StateSync.Ask == nil {
		return nil, fmt.Errorf("chain: config: state sync needs a way to ask nodes")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := c.Genesis.Validate(); err != nil {
		return nil, err
	}
	hash := c.Genesis.Hash()
	if err := bindGenesis(c.DB, hash); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(c.Home, "wal"), 0o700); err != nil {
		return nil, fmt.Errorf("chain: home: %w", err)
	}
	cc := cometConfig(c.Home)
	v := &views{}
	a := &app{db: c.DB, genesis: c.Genesis, vrf: c.VRF, views: v, pool: newPool(), recent: newRecent(), subs: newSubscribers(),
		apply: ledger.Apply, admit: ledger.Admit, choose: ledger.Select, cadence: newCadence(c.BlockTime, cc.Consensus), log: c.Log, failure: make(chan error, 1), release: make(chan struct{})}
	n := &Node{cfg: c, app: a, log: c.Log, done: make(chan struct{})}
	if c.Transport != TransportTCP {
		n.host = &engineHost{Host: c.Host, prefix: consensusPrefix(hash)}
	}
	if c.apply != nil {
		a.apply = c.apply
	}
	if c.admit != nil {
		a.admit = c.admit
	}
	if c.choose != nil {
		a.choose = c.choose
	}
	a.pool.left = a.recent.dropped
	a.keep = c.PruneKeep
	a.shelf = &shelf{files: c.Snapshots, interval: c.SnapshotInterval, queue: make(chan *store.Snapshot, 1)}
	if err := a.shelf.refresh(); err != nil {
		c.Log.Warn("a snapshot cannot be offered", "err", err)
	}
	if err := n.open(ctx, cc); err != nil {
		v.close()
		return nil, err
	}
	return n, nil
}

func (n *Node) open(ctx context.Context, cc *config.Config) error {
	a := n.app
	a.head.Store(&Head{})
	if !a.db.Fresh() {
		a.views.push(a.db.Snapshot())
	}
	err := guard(func() (err error) {
		n.engine, err = assemble(ctx, &n.cfg, a, cc, n.host, logger{n.log, a.halt, &a.alone})
		return err
	})
	if err != nil {
		return err
	}
	if n.engine.sync != nil {
		a.views.close() // of a state that was cleared away
	}
	a.syncing = n.engine.conR.WaitSync
	a.phase.Store(phaseRunning)
	h := Head{Height: a.db.Height(), Root: a.db.Root(), Time: n.cfg.Genesis.Time}
	if m := n.engine.blocks.LoadBlockMeta(int64(h.Height)); m != nil {
		h.Time = m.Header.Time.UnixMilli()
		copy(h.Hash[:], m.BlockID.Hash)
	}
	a.head.Store(&h)
	return nil
}

// Run takes part in the chain until ctx ends, which is no error, or until the
// node breaks: the error is then ErrBroken and the process should end. It is
// called once.
func (n *Node) Run(ctx context.Context) error {
	n.ran.Store(true)
	defer close(n.done)
	if d := time.Until(time.UnixMilli(n.cfg.Genesis.Time)); d > 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(d):
		}
	}
	if err := guard(n.engine.start); err != nil {
		n.host.release()
		return fmt.Errorf("chain: starting consensus: %w", err)
	}
	gone, unwatch := n.host.watch()
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return n.serve(inner) })
	g.Go(func() error { return n.redial(inner, gone) })
	g.Go(func() error { return n.tell(inner) })
	g.Go(func() error { return n.snapshots(inner) })
	g.Go(func() error { return n.syncState(inner) })
	g.Go(func() error {
		select {
		case <-inner.Done():
			return nil
		case err := <-n.app.failure:
			return err
		}
	})
	err := g.Wait()
	unwatch()
	n.app.free() // before the switch waits for a goroutine that failed
	if n.engine.hush != nil {
		n.engine.hush() // nor for a signer that left
	}
	if e := n.engine.shut(); e != nil && err == nil {
		err = fmt.Errorf("chain: stopping consensus: %w", e)
	}
	n.host.release()
	if err == nil {
		select {
		case err = <-n.app.failure: // while stopping
		default:
		}
	}
	return err
}

// serve announces what waits.
func (n *Node) serve(ctx context.Context) error {
	again := time.NewTicker(rebroadcast)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			if err := n.forget(); err != nil {
				return fmt.Errorf("%w: forgetting pruned blocks: %w", ErrBroken, err)
			}
			if n.cfg.Broadcast == nil {
				continue
			}
			for _, tx := range n.app.pool.locals() {
				n.cfg.Broadcast(tx)
			}
		}
	}
}

func (n *Node) tell(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case b := <-n.app.subs.queue:
			n.app.subs.tell(b)
		}
	}
}

// Close releases what Open took, after Run has returned, for which it waits.
// The store and the host stay open.
func (n *Node) Close() error {
	n.once.Do(func() {
		n.app.free()
		if n.ran.Load() {
			<-n.done
		}
		n.app.restorer.close()
		n.app.shelf.drain()
		n.engine.close()
		if n.app.staged != nil {
			n.app.staged.Discard()
		}
		n.app.views.close()
	})
	return nil
}

// Submit checks a transaction, keeps it for a block and announces it. The error
// is a *ledger.Reject, ErrFull, ErrReplace, or ErrKnown if it waits already.
func (n *Node) Submit(tx []byte) (id [32]byte, err error) {
	if id, err = n.insert(tx, true); err == nil && n.cfg.Broadcast != nil {
		n.cfg.Broadcast(tx)
	}
	return id, err
}

// Insert keeps a transaction that a peer announced. Blame tells whether an error
// is the peer's fault.
func (n *Node) Insert(tx []byte) error {
	_, err := n.insert(tx, false)
	return err
}

func (n *Node) insert(tx []byte, local bool) (id [32]byte, err error) {
	err = n.app.views.latest(func(s *store.Snapshot) error {
		id, err = n.app.pool.insert(s, tx, local)
		return err
	})
	if err == nil {
		n.app.verify.add(sha256.Sum256(tx)) // ledger.Check looks at the signature before the nonce: what the pool keeps, holds
	}
	return id, err
}

// TxStatus says where a transaction is. Outcomes are remembered for about a
// thousand blocks, not beyond a restart.
func (n *Node) TxStatus(id [32]byte) Status {
	if n.app.pool.has(id) {
		return Status{State: Pending}
	}
	return n.app.recent.get(id)
}

// Waiting returns how many transactions wait for a block.
func (n *Node) Waiting() int { return n.app.pool.size() }

// Head returns the last committed block; Height 0 is the genesis.
func (n *Node) Head() Head { return *n.app.head.Load() }

// View returns the newest committed state, which the caller must close, and
// close before the node.
func (n *Node) View() *store.Snapshot { return n.cfg.DB.Snapshot() }

// Subscribe has fn called for each block committed from now on, in order, by one
// goroutine of Run that all subscribers share. cancel ends it; one call may
// still be under way then.
func (n *Node) Subscribe(fn func(Block)) (cancel func()) { return n.app.subs.add(fn) }

// GenesisHash names the chain.
func (n *Node) GenesisHash() [32]byte { return n.cfg.Genesis.Hash() }

// CatchingUp says whether blocks are still being fetched from others, so that
// the head is old.
func (n *Node) CatchingUp() bool { return n.engine.conR.WaitSync() }
