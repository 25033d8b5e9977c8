package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
)

// app is what CometBFT executes blocks with. Its consensus methods are called
// by one goroutine at a time, which owns staged, block and cadence.
type app struct {
	abci.BaseApplication
	db      *store.DB
	genesis *ledger.Genesis
	vrf     key.VRFSecret
	pool    *pool
	verify  verifier
	views   *views
	recent  *recent
	subs    *subscribers
	shelf   *shelf
	keep    uint64 // blocks to keep, 0 for all
	cadence *cadence
	// ledger.Apply, Admit and Select, except in tests.
	apply  func(ledger.View, ledger.Block) (*ledger.Result, error)
	admit  func(ledger.View, ledger.Block) error
	choose func(ledger.View, ledger.Height, [][]byte, int64) [][]byte
	log    *slog.Logger

	restorer restorer

	staged *store.Staged
	block  Block

	head    atomic.Pointer[Head]
	phase   atomic.Int32
	alone   atomic.Bool   // the only producer is this node
	syncing func() bool   // whether block sync executes, not consensus
	failure chan error    // holds the first failure
	release chan struct{} // closed when a failed goroutine may end
	once    sync.Once
}

// Where the goroutine that executes blocks comes from decides how a failure may
// end it.
const (
	phaseHandshake int32 = iota // an error is returned to Open
	phaseRunning                // an error would be a panic of CometBFT
)

// fail records the first failure and keeps the calling goroutine of CometBFT
// from executing anything more until the node is being stopped. A returned
// error would make CometBFT panic, in block sync without anyone to recover.
func (a *app) fail(err error) error {
	err = fmt.Errorf("%w: %w", ErrBroken, err)
	a.halt(err)
	if a.phase.Load() == phaseHandshake {
		return err
	}
	<-a.release
	if a.syncing() {
		runtime.Goexit() // an error would be a panic that nobody recovers
	}
	return err // a panic that consensus recovers
}

// halt makes Run return err.
func (a *app) halt(err error) {
	select {
	case a.failure <- err:
	default:
	}
}

// Info says where the committed state stands, from which CometBFT decides what
// to replay.
func (a *app) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	root := a.db.Root()
	r := &abci.ResponseInfo{LastBlockHeight: int64(a.db.Height())}
	if !a.db.Fresh() {
		r.LastBlockAppHash = root[:]
	}
	return r, nil
}

// InitChain writes the genesis as height 0.
func (a *app) InitChain(context.Context, *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	writes, err := a.genesis.Writes()
	if err != nil {
		return nil, a.fail(err)
	}
	staged, err := a.db.Stage(0, writes)
	if err != nil {
		return nil, a.fail(err)
	}
	if err := staged.Commit(); err != nil {
		return nil, a.fail(err)
	}
	a.views.push(a.db.Snapshot())
	root := staged.Root()
	return &abci.ResponseInitChain{AppHash: root[:]}, nil
}

// PrepareProposal fills a block of our own.
func (a *app) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	entry, err := ledger.SealEntry(a.vrf, a.db, uint64(r.Height))
	if err != nil {
		return nil, a.fail(err)
	}
	const overhead = 16 // of the protobuf list around an entry
	room := r.MaxTxBytes - int64(len(entry)) - overhead
	return &abci.ResponsePrepareProposal{
		Txs: append([][]byte{entry}, a.choose(a.db, uint64(r.Height), a.pool.candidates(), room)...),
	}, nil
}

// ProcessProposal votes on a block of anyone.
func (a *app) ProcessProposal(_ context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	b, err := blockOf(r.Height, r.Time, r.ProposerAddress, nil, r.Txs)
	if err == nil {
		b.Verified = a.verify.block(r.Txs)
		err = a.admit(a.db, b)
	}
	var system syscall.Errno
	if errors.Is(err, store.ErrCorrupt) || errors.Is(err, ledger.ErrBroken) || errors.As(err, &system) {
		return nil, a.fail(err) // ours, or the disk's: no fault of the block, which would be refused for ever
	}
	if err != nil {
		a.log.Warn("refusing a proposed block", "height", r.Height, "proposer", fmt.Sprintf("%x", r.ProposerAddress), "err", err)
		return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

func blockOf(height int64, t time.Time, proposer, hash []byte, entries [][]byte) (ledger.Block, error) {
	b := ledger.Block{Height: uint64(height), Time: t.UnixMilli(), Entries: entries}
	if len(proposer) != len(b.Proposer) || hash != nil && len(hash) != len(b.Hash) {
		return b, fmt.Errorf("block %d: proposer of %d bytes, hash of %d", height, len(proposer), len(hash))
	}
	copy(b.Proposer[:], proposer)
	copy(b.Hash[:], hash)
	return b, nil
}

// FinalizeBlock executes an agreed block and stages its state.
func (a *app) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	b, err := blockOf(r.Height, r.Time, r.ProposerAddress, r.Hash, r.Txs)
	if err != nil {
		return nil, a.fail(err)
	}
	if err := witness(&b, r); err != nil {
		return nil, a.fail(err)
	}
	began := time.Now()
	b.Verified = a.verify.block(r.Txs)
	res, err := a.apply(a.db, b)
	if err != nil {
		return nil, a.fail(err)
	}
	if len(res.Txs) != len(b.Entries) {
		return nil, a.fail(fmt.Errorf("block %d: %d results for %d entries", b.Height, len(res.Txs), len(b.Entries)))
	}
	if a.staged != nil {
		a.staged.Discard() // executed before a failed commit
	}
	if a.staged, err = a.db.Stage(b.Height, res.Writes); err != nil {
		return nil, a.fail(err)
	}
	lost, err := ledger.ExpiredChunks(a.db, b.Height)
	if err != nil {
		return nil, a.fail(err)
	}
	for _, h := range lost { // before those that the block brings: they may be the same
		if err := a.staged.Forget(h); err != nil {
			return nil, a.fail(err)
		}
	}
	for _, c := range res.Blobs {
		if _, err := a.staged.Keep(c.Bytes); err != nil {
			return nil, a.fail(err)
		}
	}
	root := a.staged.Root()
	a.block = Block{Height: b.Height, Time: b.Time, Hash: b.Hash, Root: root, Proposer: b.Proposer, Results: res.Txs, Events: res.Events,
		Changes: res.Balances, Applied: time.Since(began)}
	out := &abci.ResponseFinalizeBlock{AppHash: root[:], TxResults: make([]*abci.ExecTxResult, len(res.Txs))}
	for i, t := range res.Txs {
		out.TxResults[i] = &abci.ExecTxResult{Code: uint32(t.Code)}
	}
	for _, p := range res.Producers {
		out.ValidatorUpdates = append(out.ValidatorUpdates, abci.UpdateValidator(p.Consensus[:], int64(p.Power), ""))
	}
	return out, nil
}

// witness tells the ledger who did not vote for the block before and of whom
// double votes are proved.
func witness(b *ledger.Block, r *abci.RequestFinalizeBlock) error {
	address := func(v abci.Validator) (a ledger.Address, err error) {
		if len(v.Address) != len(a) {
			return a, fmt.Errorf("block %d: producer of %d bytes", b.Height, len(v.Address))
		}
		return ledger.Address(v.Address), nil
	}
	for _, v := range r.DecidedLastCommit.Votes {
		if v.BlockIdFlag != cmtproto.BlockIDFlagAbsent {
			continue
		}
		a, err := address(v.Validator)
		if err != nil {
			return err
		}
		b.Absent = append(b.Absent, a)
	}
	for _, m := range r.Misbehavior {
		a, err := address(m.Validator)
		if err != nil {
			return err
		}
		b.Misbehaving = append(b.Misbehaving, ledger.Misbehaving{Producer: a, Height: uint64(m.Height)})
	}
	return nil
}

// Commit makes the staged state durable, then readable, then known.
func (a *app) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	if a.staged == nil {
		return nil, a.fail(fmt.Errorf("commit without a block"))
	}
	// Unsynced: the commit's own sync, of the same log, makes it durable with the
	// state, so that a history is never behind what it tells of.
	err := outcomes(a.db).Set(outcomeKey(a.block.Height), a.block.outcome().Encode())
	if err == nil {
		err = a.staged.Commit()
	}
	a.staged = nil
	if err != nil {
		return nil, a.fail(err)
	}
	a.views.push(a.db.Snapshot())
	b := a.block
	a.block = Block{}
	a.head.Store(&Head{Height: b.Height, Time: b.Time, Hash: b.Hash, Root: b.Root})
	a.recent.included(b.Height, b.Results)
	dropped, err := a.pool.update(a.db, b.Results)
	if err != nil {
		return nil, a.fail(err)
	}
	a.recent.dropped(dropped)
	if a.phase.Load() == phaseRunning && a.subs.publish(b) {
		a.log.Warn("subscribers are too slow, a block was not told", "height", b.Height)
	}
	a.cadence.committed(time.Now())
	if a.shelf.due(b.Height, a.db.Snapshot) {
		a.log.Warn("no snapshot of this height: the one before is still being written", "height", b.Height)
	}
	return &abci.ResponseCommit{RetainHeight: a.shelf.retain(b.Height, a.keep)}, nil
}

// free lets goroutines that failed end.
func (a *app) free() { a.once.Do(func() { close(a.release) }) }

var _ abci.Application = (*app)(nil)
