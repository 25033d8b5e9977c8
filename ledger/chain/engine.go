package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cometbft/cometbft/blocksync"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/evidence"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/lp2p"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	bs "github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
)

// maxBlock bounds a block in bytes.
const maxBlock = 4 << 20

// engine is CometBFT assembled from its parts: node.Node cannot be given a
// host.
type engine struct {
	blocks *bs.BlockStore
	state  sm.Store
	sw     p2p.Switcher
	tcp    *p2p.NetAddress // of this node, nil on libp2p
	conR   *consensus.Reactor
	double *evidence.Pool // of double votes
	gate   gate

	blocksync *blocksync.Reactor
	sync      *statesync.Reactor // that fetches a snapshot; nil when the node has blocks or wants none
	params    types.ConsensusParams

	start func() error   // starts the switch
	shut  func() error   // stops it
	hush  func() error   // ends a wait for the remote signer, nil without one
	stop  []func() error // of what started before the switch, in order
}

// genesisDoc is the genesis as CometBFT wants it. It is derived from ours alone,
// so that equal hashes mean equal documents.
func genesisDoc(g *ledger.Genesis) (*types.GenesisDoc, error) {
	p := types.DefaultConsensusParams()
	p.Block.MaxBytes = maxBlock
	p.Evidence.MaxBytes = 64 << 10
	// A double vote can be proved for as long as stake waits to answer for it;
	// so long headers and votes survive pruning, and light clients can be served.
	p.Evidence.MaxAgeNumBlocks = int64(g.Params.Unbonding)
	p.Evidence.MaxAgeDuration = time.Duration(g.Params.UnbondingMS()) * time.Millisecond
	hash := g.Hash()
	state, err := json.Marshal(map[string]string{"genesis": fmt.Sprintf("%x", hash)})
	if err != nil {
		return nil, err
	}
	doc := &types.GenesisDoc{ChainID: g.ChainID, GenesisTime: time.UnixMilli(g.Time).UTC(), InitialHeight: 1,
		ConsensusParams: p, AppState: state}
	for _, v := range g.Producers {
		pub := ed25519.PubKey(v.Consensus[:])
		doc.Validators = append(doc.Validators, types.GenesisValidator{Address: pub.Address(), PubKey: pub, Power: int64(v.Power)})
	}
	return doc, doc.ValidateAndComplete()
}

// assemble builds the engine up to the point where its switch can start: stores
// are open and blocks that were agreed but not executed have been.
func assemble(ctx context.Context, c *Config, a *app, cc *config.Config, h *engineHost, lg log.Logger) (e *engine, err error) {
	e = &engine{}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	doc, err := genesisDoc(c.Genesis)
	if err != nil {
		return e, fmt.Errorf("chain: genesis: %w", err)
	}
	e.params = *doc.ConsensusParams
	open := func(name string) kv { return kv{c.DB.Namespace(name), &e.gate} }
	stateDB := open("state")
	e.open(c.DB)
	syncing, err := e.begin(c)
	if err != nil {
		return e, err
	}
	state, doc, err := node.LoadStateFromDBOrGenesisDocProvider(stateDB, func() (*types.GenesisDoc, error) { return doc, nil })
	if err != nil {
		return e, fmt.Errorf("chain: loading the state: %w", err)
	}
	conns := proxy.NewAppConns(proxy.NewConnSyncLocalClientCreator(a), proxy.NopMetrics())
	conns.SetLogger(lg)
	if err := conns.Start(); err != nil {
		return e, fmt.Errorf("chain: starting: %w", err)
	}
	e.stop = append(e.stop, conns.Stop)
	bus := types.NewEventBus()
	bus.SetLogger(lg)
	if err := bus.Start(); err != nil {
		return e, fmt.Errorf("chain: starting: %w", err)
	}
	e.stop = append(e.stop, bus.Stop)

	if !syncing {
		hs := consensus.NewHandshaker(e.state, state, e.blocks, doc)
		hs.SetLogger(lg)
		hs.SetEventBus(bus)
		if err := hs.HandshakeWithContext(ctx, conns); err != nil {
			return e, fmt.Errorf("%w: replaying blocks: %w", ErrBroken, err)
		}
		if state, err = e.state.Load(); err != nil {
			return e, fmt.Errorf("chain: loading the state: %w", err)
		}
	}

	pv, address, voted, err := e.signer(c, lg)
	if err != nil {
		return e, err
	}
	// A producer that is the whole network has nobody to catch up with.
	alone := state.Validators.Size() == 1 && state.Validators.HasAddress(address) && !syncing
	a.alone.Store(alone)
	if alone && voted > state.LastBlockHeight+1 {
		return e, brokenf("blocks are lost: the store ends at %d, but this producer, the only one, voted at %d: restore the store from a copy", state.LastBlockHeight, voted)
	}

	figures := countersOf(c)
	mp := &mempool.NopMempool{}
	pool, err := evidence.NewPool(open("evidence"), e.state, e.blocks)
	if err != nil {
		return e, fmt.Errorf("chain: evidence of double votes: %w", err)
	}
	pool.SetLogger(lg)
	e.double = pool
	exec := sm.NewBlockExecutor(e.state, lg, conns.Consensus(), mp, pool, e.blocks,
		sm.BlockExecutorWithBlockTimeTolerance(cc.Consensus.BlockTimeTolerance), sm.BlockExecutorWithMetrics(figures.state))
	var restored int64 // height of a snapshot that no block followed yet
	if e.blocks.Height() == 0 {
		restored = state.LastBlockHeight
	}
	e.blocksync = blocksync.NewReactor(!alone && !syncing, false, state.Copy(), exec, e.blocks, address, restored, figures.blocksync)
	snapshots := statesync.NewReactor(*cc.StateSync, conns.Snapshot(), conns.Query(), statesync.NopMetrics())
	if syncing {
		e.sync = snapshots
	}
	cst := consensus.NewState(cc.Consensus, state.Copy(), exec, e.blocks, mp, pool, consensus.StateMetrics(figures.consensus))
	cst.SetLogger(lg)
	if pv != nil {
		cst.SetPrivValidator(pv)
	}
	e.conR = consensus.NewReactor(cst, !alone, consensus.ReactorMetrics(figures.consensus))
	e.conR.SetEventBus(bus)

	reactors := []lp2p.SwitchReactor{
		{Name: "BLOCKSYNC", Reactor: e.blocksync}, {Name: "CONSENSUS", Reactor: e.conR},
		{Name: "EVIDENCE", Reactor: evidence.NewReactor(pool)},
		{Name: "STATESYNC", Reactor: snapshots},
	}
	for _, r := range reactors {
		if s, ok := r.Reactor.(interface{ SetLogger(log.Logger) }); ok {
			s.SetLogger(lg)
		}
	}
	info := p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, 0),
		Network:         doc.ChainID, Version: version.TMCoreSemVer, ListenAddr: cc.P2P.ListenAddress,
		Moniker: "plexus", Other: p2p.DefaultNodeInfoOther{TxIndex: "off"},
	}
	if c.Transport == TransportTCP {
		k, err := nodeKey(c.Home)
		if err != nil {
			return e, err
		}
		return e, e.newTCP(c, cc, info, k, reactors, lg)
	}
	return e, e.newSwitch(cc, info, reactors, h, lg)
}

// open opens the engine's own stores.
func (e *engine) open(db *store.DB) {
	e.blocks = bs.NewBlockStore(kv{db.Namespace("blockstore"), &e.gate})
	e.state = sm.NewStore(kv{db.Namespace("state"), &e.gate}, sm.StoreOptions{DiscardABCIResponses: true})
}

// begin decides whether the node begins with a snapshot of others, and clears
// away what a state sync left that ended between the state and consensus.
func (e *engine) begin(c *Config) (syncing bool, err error) {
	state, err := e.state.Load()
	if err != nil {
		return false, fmt.Errorf("chain: loading the state: %w", err)
	}
	if e.blocks.Height() > 0 || state.LastBlockHeight > 0 {
		return false, nil
	}
	if c.DB.Height() > 0 {
		if c.StateSync == nil {
			return false, brokenf("the state is at height %d and consensus has no block: a restore or a state sync was cut short: restore the snapshot again, or let statesync.enable be true", c.DB.Height())
		}
		if err := c.DB.Reset(); err != nil {
			return false, err
		}
		if err := bindGenesis(c.DB, c.Genesis.Hash()); err != nil {
			return false, err
		}
		e.open(c.DB)
	}
	return c.StateSync != nil, nil
}

// newSwitch puts our host under CometBFT's libp2p switch. lp2p.Host keeps its
// configuration to itself, so one is made on a port that is given back at once.
func (e *engine) newSwitch(cc *config.Config, info p2p.DefaultNodeInfo, reactors []lp2p.SwitchReactor, h *engineHost, lg log.Logger) error {
	nk := p2p.NodeKey{PrivKey: ed25519.GenPrivKey()}
	cc.P2P.LibP2PConfig.Enabled = true
	lh, err := lp2p.NewHost(cc.P2P, nk.PrivKey, lg)
	if err != nil {
		return fmt.Errorf("chain: peer-to-peer switch: %w", err)
	}
	if err := lh.Host.Close(); err != nil {
		return fmt.Errorf("chain: peer-to-peer switch: %w", err)
	}
	lh.Host = h
	info.DefaultNodeID = nk.ID()
	sw, err := lp2p.NewSwitch(info, lh, reactors, p2p.NopMetrics(), lg)
	if err != nil {
		return fmt.Errorf("chain: peer-to-peer switch: %w", err)
	}
	e.sw, e.start, e.shut = sw, sw.Start, sw.Stop
	return nil
}

// close stops what assemble started, last first.
func (e *engine) close() {
	for i := len(e.stop) - 1; i >= 0; i-- {
		e.stop[i]()
	}
	e.stop = nil
	e.gate.close()
}

// cometConfig is CometBFT's configuration for a home: no RPC, no mempool.
func cometConfig(home string) *config.Config {
	c := config.DefaultConfig()
	c.SetRoot(home)
	c.P2P.ListenAddress = "tcp://127.0.0.1:0"
	c.Mempool.Type = config.MempoolTypeNop
	c.Consensus.SetWalFile(filepath.Join(home, "wal", "wal"))
	return c
}

// bindGenesis records the genesis of a new store and compares that of an old
// one: CometBFT would silently go on with the genesis it began with.
func bindGenesis(db *store.DB, hash [32]byte) error {
	ns := db.Namespace("genesis")
	have, err := ns.Get([]byte("hash"))
	if err != nil {
		return err
	}
	if have == nil {
		return ns.SetSync([]byte("hash"), hash[:])
	}
	if string(have) != string(hash[:]) {
		return fmt.Errorf("%w: it began with %x, the one given is %x: use another home or that genesis", ErrOtherGenesis, have[:min(8, len(have))], hash[:8])
	}
	return nil
}
