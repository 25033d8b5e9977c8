package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cometbft/cometbft/light"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/ledger"
)

const (
	// A header may be this far ahead of the local clock.
	clockDrift = 10 * time.Second
	// Producers do not change in this version, so that the genesis stays a
	// root of trust.
	trustPeriod = 20 * 365 * 24 * time.Hour
	// A node that is this many blocks behind what was already verified is not
	// listened to.
	maxBehind = keepViews / 2
)

// LightConfig says what a light client trusts and how it asks.
type LightConfig struct {
	// Genesis is the root of trust, checked by the caller; see FetchGenesis.
	Genesis *ledger.Genesis
	// Ask carries a request to some node's Answer and returns what it said. It
	// may choose another node each time, since nothing is taken on trust.
	Ask func(ctx context.Context, req []byte) ([]byte, error)
}

// Light reads a chain without executing it: it believes a header that more than
// two thirds of the producers' power signed, and a value that has a proof to
// the root in such a header. It is safe for concurrent use.
type Light struct {
	cfg     LightConfig
	genesis [32]byte

	mu      sync.Mutex // one update at a time
	trusted *types.LightBlock
	head    Head
}

// OpenLight verifies the chain's first header against the producers of the
// genesis.
func OpenLight(ctx context.Context, c LightConfig) (*Light, error) {
	if c.Genesis == nil || c.Ask == nil {
		return nil, fmt.Errorf("chain: light config: genesis and ask are required")
	}
	doc, err := genesisDoc(c.Genesis)
	if err != nil {
		return nil, fmt.Errorf("chain: genesis: %w", err)
	}
	l := &Light{cfg: c, genesis: c.Genesis.Hash()}
	first, err := l.header(ctx, 1)
	if err != nil {
		return nil, err
	}
	var producers []*types.Validator
	for _, v := range doc.Validators {
		producers = append(producers, types.NewValidator(v.PubKey, v.Power))
	}
	set := types.NewValidatorSet(producers)
	if !bytes.Equal(first.ValidatorsHash, set.Hash()) {
		return nil, fmt.Errorf("%w: header 1 names other producers than the genesis", ErrVerify)
	}
	if err := set.VerifyCommitLight(doc.ChainID, first.Commit.BlockID, 1, first.Commit); err != nil {
		return nil, fmt.Errorf("%w: header 1: %w", ErrVerify, err)
	}
	l.trusted = first
	return l, nil
}

func ask(ctx context.Context, via func(context.Context, []byte) ([]byte, error), r request) ([]byte, error) {
	b, err := via(ctx, r.encode())
	if err != nil {
		return nil, err
	}
	return decodeAnswer(b)
}

// header asks for a light block; its content is consistent, its signatures are
// not checked.
func (l *Light) header(ctx context.Context, height int64) (*types.LightBlock, error) {
	b, err := ask(ctx, l.cfg.Ask, request{kind: askHeader, height: uint64(height)})
	if err != nil {
		return nil, err
	}
	lb, err := decodeHeader(b, l.cfg.Genesis.ChainID)
	if err == nil && lb.Height != height {
		err = fmt.Errorf("%w: asked for header %d, got %d", ErrVerify, height, lb.Height)
	}
	return lb, err
}

func decodeHeader(b []byte, chainID string) (lb *types.LightBlock, err error) {
	if len(b) > maxHeader {
		return nil, fmt.Errorf("%w: header of %d bytes, at most %d", ErrVerify, len(b), maxHeader)
	}
	// CometBFT panics on some sums of voting power.
	defer func() {
		if r := recover(); r != nil {
			lb, err = nil, fmt.Errorf("%w: header: %v", ErrVerify, r)
		}
	}()
	var p cmtproto.LightBlock
	if err := p.Unmarshal(b); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrVerify, err)
	}
	lb, err = types.LightBlockFromProto(&p)
	if err == nil {
		err = lb.ValidateBasic(chainID)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrVerify, err)
	}
	return lb, nil
}

// verify makes the header at height trusted, by way of others between if the
// producers have changed too much since the trusted one.
func (l *Light) verify(ctx context.Context, height int64) (*types.LightBlock, error) {
	if height <= l.trusted.Height {
		// Older headers are linked by hash, newer ones by signatures; only the
		// newest is kept, so an older one is verified by its signatures alone.
		lb, err := l.header(ctx, height)
		if err != nil || height == l.trusted.Height && bytes.Equal(lb.Hash(), l.trusted.Hash()) {
			return lb, err
		}
		if err := l.trusted.ValidatorSet.VerifyCommitLight(l.cfg.Genesis.ChainID, lb.Commit.BlockID, height, lb.Commit); err != nil {
			return nil, fmt.Errorf("%w: header %d: %w", ErrVerify, height, err)
		}
		return lb, nil
	}
	targets := []int64{height}
	var last *types.LightBlock
	for len(targets) > 0 {
		h := targets[len(targets)-1]
		lb, err := l.header(ctx, h)
		if err != nil {
			return nil, err
		}
		err = light.Verify(l.trusted.SignedHeader, l.trusted.ValidatorSet, lb.SignedHeader, lb.ValidatorSet,
			trustPeriod, time.Now(), clockDrift, light.DefaultTrustLevel)
		var between light.ErrNewValSetCantBeTrusted
		switch {
		case err == nil:
			l.trusted, last, targets = lb, lb, targets[:len(targets)-1]
		case errors.As(err, &between) && h > l.trusted.Height+1:
			targets = append(targets, (l.trusted.Height+h)/2)
		default:
			return nil, fmt.Errorf("%w: header %d: %w", ErrVerify, h, err)
		}
	}
	return last, nil
}

// Head returns the newest block whose state can be proved, verified. It never
// goes back.
func (l *Light) Head(ctx context.Context) (Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := ask(ctx, l.cfg.Ask, request{kind: askStatus})
	if err != nil {
		return Head{}, err
	}
	s, err := decodeStatus(b)
	switch {
	case err != nil:
		return Head{}, fmt.Errorf("%w: status: %w", ErrVerify, err)
	case s.genesis != l.genesis:
		return Head{}, fmt.Errorf("%w: the node runs genesis %x, wanted %x", ErrVerify, s.genesis[:8], l.genesis[:8])
	case s.height+maxBehind < l.head.Height:
		return Head{}, fmt.Errorf("%w: the node is at height %d, %d was verified", ErrUnavailable, s.height, l.head.Height)
	case s.height <= l.head.Height:
		return l.head, nil
	}
	next, err := l.verify(ctx, int64(s.height)+1)
	if err != nil {
		return Head{}, err
	}
	own, err := l.header(ctx, int64(s.height))
	if err != nil {
		return Head{}, err
	}
	// The next header names this one, so its own signatures add nothing.
	if !bytes.Equal(own.Hash(), next.LastBlockID.Hash) {
		return Head{}, fmt.Errorf("%w: header %d is not the one that header %d follows", ErrVerify, s.height, next.Height)
	}
	if len(next.AppHash) != 32 {
		return Head{}, fmt.Errorf("%w: header %d: root of %d bytes", ErrVerify, next.Height, len(next.AppHash))
	}
	l.head = Head{Height: s.height, Time: own.Time.UnixMilli(), Hash: [32]byte(own.Hash()), Root: [32]byte(next.AppHash)}
	return l.head, nil
}

// BlockHash returns the verified hash of the block at a height.
func (l *Light) BlockHash(ctx context.Context, height uint64) ([32]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if height == 0 || height > 1<<62 {
		return [32]byte{}, fmt.Errorf("%w: block %d", ErrUnavailable, height)
	}
	b, err := l.verify(ctx, int64(height))
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(b.Hash()), nil
}

// View returns the state at the newest provable height. Its reads ask with ctx.
func (l *Light) View(ctx context.Context) (*LightView, error) {
	h, err := l.Head(ctx)
	if err != nil {
		return nil, err
	}
	return &LightView{l: l, ctx: ctx, head: h, known: map[string][]byte{}}, nil
}

// FetchGenesis asks for the genesis with a hash and verifies it.
func FetchGenesis(ctx context.Context, via func(ctx context.Context, req []byte) ([]byte, error), hash [32]byte) (*ledger.Genesis, error) {
	b, err := ask(ctx, via, request{kind: askGenesis})
	if err != nil {
		return nil, err
	}
	return decodeGenesis(b, hash)
}
