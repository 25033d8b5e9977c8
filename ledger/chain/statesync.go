package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtstate "github.com/cometbft/cometbft/proto/tendermint/state"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"

	"github.com/plexus-network/plexus/ledger/store"
)

// StateSync lets a node without blocks begin with a snapshot of others instead
// of the genesis. The headers that vouch for it are verified as by a light
// client.
type StateSync struct {
	// Anchor is the root of trust; nil trusts the genesis, see LightConfig.
	Anchor *Anchor
	// Ask and Witnesses are those of LightConfig. Ask is required.
	Ask       Ask
	Witnesses func() []Ask
	// Progress is told how many chunks of a snapshot are restored; nil tells
	// nobody.
	Progress func(done, total uint64)
}

// discovery is how long nodes are given to offer snapshots, CometBFT's least.
const discovery = 5 * time.Second

// mostFalse is how many answers in a row may not verify before a state sync gives
// up; there is a second between two.
const mostFalse = 10

// restorer is the receiving side of a state sync: CometBFT hands it snapshots
// and chunks. It never touches the store once it is closed, since CometBFT's
// own goroutine cannot be told to stop and ends only at its next call.
type restorer struct {
	mu       sync.Mutex
	open     bool // a state sync is wanted
	r        *store.Restore
	m        store.Manifest
	senders  map[string]bool // of chunks of this snapshot
	progress func(done, total uint64)
	ctx      context.Context // ends with the node
}

func (s *restorer) begin(ctx context.Context, progress func(done, total uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.ctx, s.progress = true, ctx, progress
}

func (s *restorer) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	return s.abort()
}

func (s *restorer) abort() error {
	if s.r == nil {
		return nil
	}
	err := s.r.Abort()
	s.r = nil
	return err
}

// OfferSnapshot accepts a snapshot whose manifest is of the root that verified
// headers have at its height.
func (a *app) OfferSnapshot(_ context.Context, q *abci.RequestOfferSnapshot) (*abci.ResponseOfferSnapshot, error) {
	answer := func(r abci.ResponseOfferSnapshot_Result) (*abci.ResponseOfferSnapshot, error) {
		return &abci.ResponseOfferSnapshot{Result: r}, nil
	}
	s := &a.restorer
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || q.Snapshot == nil {
		return answer(abci.ResponseOfferSnapshot_ABORT)
	}
	if q.Snapshot.Format != store.SnapshotFormat {
		return answer(abci.ResponseOfferSnapshot_REJECT_FORMAT)
	}
	m, err := store.DecodeManifest(q.Snapshot.Metadata)
	if err == nil {
		hash := m.Hash()
		switch {
		case !bytes.Equal(hash[:], q.Snapshot.Hash) || m.Height != q.Snapshot.Height || len(m.Chunks) != int(q.Snapshot.Chunks):
			err = fmt.Errorf("%w: the manifest is of another snapshot", store.ErrSnapshot)
		case m.Chain != a.genesis.Hash():
			err = fmt.Errorf("%w: it is of genesis %x", store.ErrSnapshot, m.Chain[:8])
		case !bytes.Equal(m.Root[:], q.AppHash):
			err = fmt.Errorf("%w: it has the root %x, the chain %x", store.ErrSnapshot, m.Root, q.AppHash)
		}
	}
	if err != nil {
		a.log.Warn("refusing an offered snapshot and who offers it", "height", q.Snapshot.Height, "err", err)
		return answer(abci.ResponseOfferSnapshot_REJECT_SENDER)
	}
	if err = s.abort(); err == nil {
		s.r, err = a.db.Restore(m)
	}
	if err != nil {
		a.halt(fmt.Errorf("%w: state sync: %w", ErrBroken, err))
		return answer(abci.ResponseOfferSnapshot_ABORT)
	}
	if s.r == nil {
		return answer(abci.ResponseOfferSnapshot_ABORT)
	}
	s.m, s.senders = m, map[string]bool{}
	a.log.Info("restoring a snapshot", "height", m.Height, "keys", m.Keys, "bytes", m.Bytes, "chunks", len(m.Chunks))
	return answer(abci.ResponseOfferSnapshot_ACCEPT)
}

// ApplySnapshotChunk takes the next chunk. A chunk that is not the manifest's is
// its sender's fault; a snapshot that proves false is that of all who sent of it.
func (a *app) ApplySnapshotChunk(_ context.Context, q *abci.RequestApplySnapshotChunk) (*abci.ResponseApplySnapshotChunk, error) {
	s := &a.restorer
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := func(r abci.ResponseApplySnapshotChunk_Result) (*abci.ResponseApplySnapshotChunk, error) {
		return &abci.ResponseApplySnapshotChunk{Result: r}, nil
	}
	if !s.open || s.r == nil {
		return answer(abci.ResponseApplySnapshotChunk_ABORT)
	}
	at := s.r.Next()
	if int(q.Index) < at {
		return answer(abci.ResponseApplySnapshotChunk_ACCEPT) // it was taken from somebody else
	}
	if err := s.m.Check(int(q.Index), q.Chunk); err != nil || int(q.Index) != at {
		a.log.Warn("a peer sent a damaged chunk of a snapshot", "peer", q.Sender, "height", s.m.Height, "chunk", q.Index, "err", err)
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_RETRY,
			RefetchChunks: []uint32{q.Index}, RejectSenders: []string{q.Sender}}, nil
	}
	s.senders[q.Sender] = true
	err := s.r.Chunk(q.Chunk)
	if err == nil && at+1 == len(s.m.Chunks) {
		if err = s.r.Finish(s.ctx, nil); err == nil {
			s.r = nil
		}
	}
	switch {
	case err == nil:
		if s.progress != nil {
			s.progress(uint64(at+1), uint64(len(s.m.Chunks)))
		}
		return answer(abci.ResponseApplySnapshotChunk_ACCEPT)
	case errors.Is(err, store.ErrSnapshot):
		out := &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT}
		for p := range s.senders {
			out.RejectSenders = append(out.RejectSenders, p)
		}
		a.log.Warn("a snapshot is false: refusing it and who sent it", "height", s.m.Height, "peers", out.RejectSenders, "err", err)
		err = s.abort()
		if err == nil {
			return out, nil
		}
	}
	if s.ctx.Err() == nil {
		a.halt(fmt.Errorf("%w: state sync: %w", ErrBroken, err))
	}
	s.abort()
	return answer(abci.ResponseApplySnapshotChunk_ABORT)
}

// vouch tells CometBFT's state sync what verified headers say. Its calls come
// with a context of their own.
type vouch struct {
	l      *Light
	params types.ConsensusParams
}

// block returns the verified header at a height with the producers in their
// order, which is not under the header's hash: it is what the asked node says.
func (v vouch) block(ctx context.Context, height uint64) (*types.LightBlock, error) {
	v.l.mu.Lock()
	defer v.l.mu.Unlock()
	verified, err := v.l.verify(ctx, int64(height))
	if err != nil {
		return nil, err
	}
	lb, err := v.l.header(ctx, int64(height))
	if err == nil && !bytes.Equal(lb.Hash(), verified.Hash()) {
		err = fmt.Errorf("%w: header %d changed between two questions", ErrVerify, height)
	}
	return lb, err // its producers are those of the header: decodeHeader compared them
}

// AppHash is the root of the state after a height.
func (v vouch) AppHash(ctx context.Context, height uint64) ([]byte, error) {
	next, err := v.block(ctx, height+1)
	if err != nil {
		return nil, err
	}
	if _, err := v.block(ctx, height+2); err != nil { // State will need it
		return nil, err
	}
	return next.AppHash, nil
}

// Commit is the votes for the block at a height.
func (v vouch) Commit(ctx context.Context, height uint64) (*types.Commit, error) {
	lb, err := v.block(ctx, height)
	if err != nil {
		return nil, err
	}
	return lb.Commit, nil
}

// State is what consensus knows after a height.
func (v vouch) State(ctx context.Context, height uint64) (sm.State, error) {
	var b [3]*types.LightBlock // of the height and the two after
	for i := range b {
		var err error
		if b[i], err = v.block(ctx, height+uint64(i)); err != nil {
			return sm.State{}, err
		}
	}
	if !bytes.Equal(v.params.Hash(), b[1].ConsensusHash) {
		return sm.State{}, fmt.Errorf("%w: header %d has other parameters of consensus than the genesis", ErrVerify, b[1].Height)
	}
	return sm.State{
		ChainID: v.l.cfg.Genesis.ChainID, InitialHeight: 1,
		Version:         cmtstate.Version{Consensus: b[1].Version, Software: version.TMCoreSemVer},
		LastBlockHeight: b[0].Height, LastBlockID: b[0].Commit.BlockID, LastBlockTime: b[0].Time,
		AppHash: b[1].AppHash, LastResultsHash: b[1].LastResultsHash,
		LastValidators: b[0].ValidatorSet, Validators: b[1].ValidatorSet, NextValidators: b[2].ValidatorSet,
		LastHeightValidatorsChanged: b[2].Height,
		ConsensusParams:             v.params, LastHeightConsensusParamsChanged: b[1].Height,
	}, nil
}

var _ statesync.StateProvider = vouch{}

// syncState fetches a snapshot and lets block sync go on from it. It returns
// when that has begun, when ctx ends, or with what broke.
func (n *Node) syncState(ctx context.Context) error {
	c, e := n.cfg.StateSync, n.engine
	if e.sync == nil {
		return nil
	}
	n.app.restorer.begin(ctx, c.Progress)
	defer n.app.restorer.close()
	var l *Light
	for wrong := 0; l == nil; {
		// There may be no node to ask yet, nor a first header.
		var err error
		l, err = OpenLight(ctx, LightConfig{Genesis: n.cfg.Genesis, Anchor: c.Anchor, Ask: c.Ask, Witnesses: c.Witnesses, Log: n.log})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrTrust) || errors.Is(err, ErrAttack) {
			return fmt.Errorf("state sync: %w", err)
		}
		// One node may lie. When each answer in turn is another than the root of trust
		// says, it is that which is wrong, or all nodes are.
		if !errors.Is(err, ErrVerify) {
			wrong = 0
		} else if wrong++; wrong == mostFalse {
			return fmt.Errorf("state sync: %w: give a block that the network has as the root of trust, in statesync.trust or the join string", err)
		}
		n.log.Info("state sync: no verified header yet", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
	type outcome struct {
		r   record
		err error
	}
	done := make(chan outcome, 1)
	go func() { // cannot be stopped: see restorer
		var o outcome
		o.err = guard(func() (err error) {
			o.r.state, o.r.commit, err = e.sync.Sync(vouch{l, e.params}, discovery)
			return err
		})
		done <- o
	}()
	var o outcome
	select {
	case <-ctx.Done():
		return nil
	case o = <-done:
	}
	if o.err != nil {
		return fmt.Errorf("state sync: %w", o.err)
	}
	if err := e.install(o.r); err != nil {
		return fmt.Errorf("%w: state sync: %w", ErrBroken, err)
	}
	s := o.r.state
	n.app.views.push(n.app.db.Snapshot())
	n.app.head.Store(&Head{Height: uint64(s.LastBlockHeight), Time: s.LastBlockTime.UnixMilli(), Hash: [32]byte(s.LastBlockID.Hash), Root: n.app.db.Root()})
	n.log.Info("state sync: restored, fetching the blocks since", "height", s.LastBlockHeight)
	return guard(func() error { return e.blocksync.Enable(s) })
}
