package chain

import (
	"bytes"
	"fmt"

	cmtstate "github.com/cometbft/cometbft/proto/tendermint/state"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
)

// record is what consensus must know to go on after a height, beside the
// ledger's state: it travels in a snapshot file as [1, state, commit], both as
// CometBFT defines them in protobuf.
type record struct {
	state  sm.State
	commit *types.Commit // the votes for the block at state.LastBlockHeight
}

const maxRecord = store.MaxExtra - 64

// recordAt returns the record of a height that consensus has finished, or
// ErrUnavailable.
func (e *engine) recordAt(height uint64) (r record, err error) {
	h := int64(height)
	missing := fmt.Errorf("%w: what consensus knew at %d", ErrUnavailable, height)
	if r.state, err = e.state.Load(); err != nil {
		return r, fmt.Errorf("chain: loading the state: %w", err)
	}
	if r.state.LastBlockHeight < h || h < 1 {
		return r, missing
	}
	if r.state.LastBlockHeight == h {
		if r.commit = e.blocks.LoadSeenCommit(h); r.commit == nil {
			return r, missing
		}
		return r, nil
	}
	meta, next := e.blocks.LoadBlockMeta(h), e.blocks.LoadBlockMeta(h+1)
	if r.commit = e.blocks.LoadBlockCommit(h); meta == nil || next == nil || r.commit == nil {
		return r, missing
	}
	s := &r.state
	s.LastBlockHeight, s.LastBlockID, s.LastBlockTime = h, meta.BlockID, meta.Header.Time
	s.AppHash, s.LastResultsHash = next.Header.AppHash, next.Header.LastResultsHash
	for i, to := range []**types.ValidatorSet{&s.LastValidators, &s.Validators, &s.NextValidators} {
		if *to, err = e.state.LoadValidators(h + int64(i)); err != nil {
			return r, missing
		}
	}
	return r, nil
}

func (r record) encode() ([]byte, error) {
	p, err := r.state.ToProto()
	if err != nil {
		return nil, err
	}
	state, err := p.Marshal()
	if err != nil {
		return nil, err
	}
	commit, err := r.commit.ToProto().Marshal()
	if err != nil {
		return nil, err
	}
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	return cbor.AppendBytes(cbor.AppendBytes(b, state), commit), nil
}

func decodeRecord(b []byte) (r record, err error) {
	// CometBFT panics on some sums of voting power.
	defer func() {
		if p := recover(); p != nil {
			r, err = record{}, fmt.Errorf("%w: record of consensus: %v", ErrVerify, p)
		}
	}()
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	rawState, rawCommit := d.Bytes(maxRecord), d.Bytes(maxRecord)
	if err = d.End(); err == nil {
		var s cmtstate.State
		var c cmtproto.Commit
		if err = s.Unmarshal(rawState); err == nil {
			err = c.Unmarshal(rawCommit)
		}
		if err == nil {
			var state *sm.State
			if state, err = sm.FromProto(&s); err == nil {
				r.state = *state
				r.commit, err = types.CommitFromProto(&c)
			}
		}
	}
	if err != nil {
		return record{}, fmt.Errorf("%w: record of consensus: %w", ErrVerify, err)
	}
	return r, nil
}

// check compares the record with the snapshot it came with and verifies the
// votes for its block, by the producers that it names itself: that these are
// the chain's is what an anchor, or trust in where the file is from, must say.
func (r record) check(g *ledger.Genesis, m store.Manifest, a *Anchor) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: record of consensus: %v", ErrVerify, p)
		}
	}()
	s := r.state
	switch {
	case s.ChainID != g.ChainID:
		return fmt.Errorf("%w: the snapshot is of chain %q, the genesis of %q", ErrOtherGenesis, s.ChainID, g.ChainID)
	case s.LastBlockHeight != int64(m.Height) || !bytes.Equal(s.AppHash, m.Root[:]):
		return fmt.Errorf("%w: consensus is at block %d with root %x, the state at %d with %x", ErrVerify, s.LastBlockHeight, s.AppHash, m.Height, m.Root)
	case s.LastValidators.IsNilOrEmpty() || s.Validators.IsNilOrEmpty() || s.NextValidators.IsNilOrEmpty():
		return fmt.Errorf("%w: record of consensus: no producers", ErrVerify)
	}
	if err := s.LastValidators.VerifyCommitLight(s.ChainID, s.LastBlockID, s.LastBlockHeight, r.commit); err != nil {
		return fmt.Errorf("%w: the votes for block %d: %w", ErrVerify, s.LastBlockHeight, err)
	}
	if a != nil && (a.Height != m.Height || !bytes.Equal(a.Hash[:], s.LastBlockID.Hash)) {
		return fmt.Errorf("%w: the snapshot ends with block %d:%x, trusted is %d:%x", ErrVerify, m.Height, []byte(s.LastBlockID.Hash), a.Height, a.Hash)
	}
	return nil
}

// install makes the record the engine's own, durably: both writes are in one
// log, of which the second is synced.
func (e *engine) install(r record) error {
	// What did not change is stored as a reference to the height where it last
	// did, and that height is not there.
	h := r.state.LastBlockHeight
	r.state.LastHeightValidatorsChanged, r.state.LastHeightConsensusParamsChanged = h+2, h+1
	return guard(func() error {
		if err := e.blocks.SaveSeenCommit(r.state.LastBlockHeight, r.commit); err != nil {
			return err
		}
		return e.state.Bootstrap(r.state)
	})
}
