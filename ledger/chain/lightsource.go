package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/light/provider"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
)

// leastTrust keeps the networks of developers usable, whose stake unbonds within
// minutes: their keys are public and their join strings are copied by hand.
const leastTrust = 24 * time.Hour

// TrustingPeriod is how long the producers of a header can be held to what they
// signed, with a third of margin: two thirds of the unbonding time, and a day at
// least, which is more than that where stake unbonds in less than 36 hours.
func TrustingPeriod(g *ledger.Genesis) time.Duration {
	return max(time.Duration(g.Params.UnbondingMS())*time.Millisecond/3*2, leastTrust)
}

// source gives CometBFT's light client the headers of one way to ask. A node
// that is a block behind is given a moment: its client would wait for half a
// minute.
type source struct {
	via     Ask
	chainID string

	mu   sync.Mutex
	last *types.LightBlock
	err  error // of the last answer
}

const (
	sourcePatience = 3 * time.Second
	sourcePause    = 150 * time.Millisecond
)

func (s *source) ChainID() string { return s.chainID }

// LightBlock returns the errors that CometBFT's client tells apart by identity.
func (s *source) LightBlock(ctx context.Context, height int64) (*types.LightBlock, error) {
	lb, err := s.fetch(ctx, height)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err == nil {
		// The order in which producers propose is not signed, and nodes that did not
		// see the same blocks compute it differently: it must not look like a fork.
		lb.ValidatorSet = unordered(lb.ValidatorSet)
		s.last = lb
	}
	switch {
	case err == nil:
		return lb, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, ErrUnavailable):
		return nil, provider.ErrLightBlockNotFound
	case errors.Is(err, ErrVerify):
		return nil, provider.ErrBadLightBlock{Reason: err}
	}
	return nil, provider.ErrNoResponse
}

func (s *source) fetch(ctx context.Context, height int64) (*types.LightBlock, error) {
	for end := time.Now().Add(sourcePatience); ; {
		lb, err := fetchHeader(ctx, s.via, s.chainID, height)
		if !errors.Is(err, ErrUnavailable) || time.Now().After(end) {
			return lb, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(sourcePause):
		}
	}
}

// ReportEvidence does nothing: a client cannot punish, it can only stop, and
// the fork is as visible to every node.
func (s *source) ReportEvidence(context.Context, types.Evidence) error { return nil }

func (s *source) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// unordered is the set without the proposers' priorities.
func unordered(set *types.ValidatorSet) *types.ValidatorSet {
	all := make([]*types.Validator, len(set.Validators))
	for i, v := range set.Validators {
		all[i] = types.NewValidator(v.PubKey, v.VotingPower)
	}
	return types.NewValidatorSet(all)
}

// echo stands in for a witness where there is none: it repeats what the only
// source said.
type echo struct{ of *source }

func (e *echo) ChainID() string { return e.of.chainID }

func (e *echo) LightBlock(ctx context.Context, height int64) (*types.LightBlock, error) {
	e.of.mu.Lock()
	last, err := e.of.last, e.of.err
	e.of.mu.Unlock()
	switch {
	case last != nil && last.Height == height:
		return last, nil
	case errors.Is(err, ErrVerify):
		return nil, provider.ErrBadLightBlock{Reason: err}
	case err != nil:
		return nil, provider.ErrLightBlockNotFound // asked a moment ago
	}
	return e.of.LightBlock(ctx, height)
}

func (e *echo) ReportEvidence(context.Context, types.Evidence) error { return nil }

var (
	_ provider.Provider = (*source)(nil)
	_ provider.Provider = (*echo)(nil)
)

// attackLog passes on what CometBFT's client says of an attack and nothing else.
type attackLog struct {
	log.Logger
	to *slog.Logger
}

func (l attackLog) Error(m string, kv ...any) {
	if bytes.Contains([]byte(m), []byte("ATTEMPTED ATTACK")) {
		l.to.Error("two conflicting blocks are signed", "evidence", fmt.Sprint(kv...))
	}
}

func (l attackLog) With(...any) log.Logger { return l }

// A saved header is [1, genesis hash, LightBlock in protobuf].

func encodeSaved(lb *types.LightBlock, genesis [32]byte) ([]byte, error) {
	p, err := lb.ToProto()
	if err != nil {
		return nil, err
	}
	raw, err := p.Marshal()
	if err != nil {
		return nil, err
	}
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	return cbor.AppendBytes(cbor.AppendBytes(b, genesis[:]), raw), nil
}

func decodeSaved(b []byte, genesis [32]byte, chainID string) (*types.LightBlock, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	of, raw := d.Hash(), d.Bytes(maxHeader)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: saved header: %w: remove it and join again", ErrVerify, err)
	}
	if of != genesis {
		return nil, fmt.Errorf("%w: the saved header is of genesis %x, wanted %x: use another home", ErrOtherGenesis, of[:8], genesis[:8])
	}
	return decodeHeader(raw, chainID)
}
