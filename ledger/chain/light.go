package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/light/provider"
	lightstore "github.com/cometbft/cometbft/light/store"
	lightdb "github.com/cometbft/cometbft/light/store/db"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
)

const (
	// A header may be this far ahead of the local clock.
	clockDrift = 10 * time.Second
	// A node that is this many blocks behind what was already verified is not
	// listened to.
	maxBehind = keepViews / 2
	// keepHeaders is how many verified headers are kept to start from.
	keepHeaders = 64
	// maxWitnesses bounds the nodes that one header is compared with.
	maxWitnesses = 3
)

// Anchor is a block that somebody trusts: a root of trust for a light client.
type Anchor = ledger.Anchor

// Ask carries a request to some node's Answer and returns what it said.
type Ask func(ctx context.Context, req []byte) ([]byte, error)

// LightConfig says what a light client trusts and how it asks.
type LightConfig struct {
	// Genesis names the chain, checked by the caller; see FetchGenesis. Without
	// an anchor its producers are the root of trust, for the trusting period.
	Genesis *ledger.Genesis
	// Anchor is a recent block to start from; nil starts from Saved or the
	// genesis.
	Anchor *Anchor
	// Saved is what Save was last called with, nil at first. It is trusted like
	// any other file of the user's.
	Saved []byte
	// Save keeps the newest verified header for the next start; nil keeps none.
	// It is called with less than 300 kB, after each new head.
	Save func([]byte) error
	// Ask may choose another node each time, since nothing is taken on trust.
	Ask Ask
	// Witnesses returns ways to ask nodes that every header is compared with, so
	// that a forgery signed with stolen keys shows; each always asks the same
	// node. nil, or none, compares with nobody.
	Witnesses func() []Ask
	// Period is how long after its time a header may be built upon; 0 is
	// TrustingPeriod of the genesis.
	Period time.Duration
	// Log receives an attack that was noticed; nil discards.
	Log *slog.Logger

	now   func() time.Time // tests: a later day
	named bool             // the anchor is all that is read, so that its age says nothing
}

// Light reads a chain without executing it. It believes a header that follows
// from a trusted one by the signatures of more than a third of the producers
// then and two thirds of those now, in steps where the producers changed too
// much between; and a value that has a proof to the root in such a header. It is
// safe for concurrent use.
type Light struct {
	cfg     LightConfig
	genesis [32]byte
	log     log.Logger

	mu    sync.Mutex // one update at a time
	store lightstore.Store
	head  Head
}

// OpenLight starts from the anchor, what was saved, or the genesis: the first
// of them that is given and younger than the trusting period. ErrTrust says that
// none is.
func OpenLight(ctx context.Context, c LightConfig) (*Light, error) {
	if c.Genesis == nil || c.Ask == nil {
		return nil, fmt.Errorf("chain: light config: genesis and ask are required")
	}
	if c.Period == 0 {
		c.Period = TrustingPeriod(c.Genesis)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l := &Light{cfg: c, genesis: c.Genesis.Hash(), log: attackLog{log.NewNopLogger(), c.Log},
		store: lightdb.New(dbm.NewMemDB(), "")}
	first, err := l.root(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.store.SaveLightBlock(first); err != nil {
		return nil, fmt.Errorf("chain: keeping header %d: %w", first.Height, err)
	}
	return l, nil
}

// expired says whether a header of time t is too old to build on.
func (l *Light) expired(t time.Time) bool { return l.cfg.now().Sub(t) >= l.cfg.Period }

// root finds the header to start from.
func (l *Light) root(ctx context.Context) (*types.LightBlock, error) {
	var why error
	if a := l.cfg.Anchor; a != nil {
		lb, err := l.anchored(ctx, a)
		if err != nil {
			return nil, err
		}
		if l.cfg.named || !l.expired(lb.Time) {
			return lb, nil
		}
		why = l.tooOld(fmt.Sprintf("block %d", a.Height), lb.Time)
	}
	if l.cfg.Saved != nil {
		lb, err := decodeSaved(l.cfg.Saved, l.genesis, l.cfg.Genesis.ChainID)
		if err != nil {
			return nil, err
		}
		if !l.expired(lb.Time) {
			return lb, nil
		}
		why = errors.Join(why, l.tooOld(fmt.Sprintf("the last block verified here, %d,", lb.Height), lb.Time))
	}
	if start := time.UnixMilli(l.cfg.Genesis.Time); l.expired(start) {
		return nil, errors.Join(why, l.tooOld("the genesis", start))
	}
	return l.first(ctx)
}

func (l *Light) tooOld(what string, t time.Time) error {
	return fmt.Errorf("%w: %s is of %s, which is longer ago than the trusting period of %v: join with plexus://GENESIS@HEIGHT:HASH/ADDRESS, with a recent block from a source that you trust",
		ErrTrust, what, t.UTC().Format(time.DateTime), l.cfg.Period)
}

// anchored fetches the header that an anchor names.
func (l *Light) anchored(ctx context.Context, a *Anchor) (*types.LightBlock, error) {
	if a.Height == 0 || a.Height > 1<<62 {
		return nil, fmt.Errorf("%w: block %d cannot be a root of trust", ErrTrust, a.Height)
	}
	lb, err := l.header(ctx, int64(a.Height))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(lb.Hash(), a.Hash[:]) {
		return nil, fmt.Errorf("%w: block %d is %x here, the join string says %x", ErrVerify, a.Height, lb.Hash()[:8], a.Hash[:8])
	}
	if err := lb.ValidatorSet.VerifyCommitLight(l.cfg.Genesis.ChainID, lb.Commit.BlockID, lb.Height, lb.Commit); err != nil {
		return nil, fmt.Errorf("%w: header %d: %w", ErrVerify, a.Height, err)
	}
	return lb, nil
}

// first verifies the first header against the producers of the genesis.
func (l *Light) first(ctx context.Context) (*types.LightBlock, error) {
	doc, err := genesisDoc(l.cfg.Genesis)
	if err != nil {
		return nil, fmt.Errorf("chain: genesis: %w", err)
	}
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
	return first, nil
}

func ask(ctx context.Context, via Ask, r wire.Request) ([]byte, error) {
	b, err := via(ctx, r.Encode())
	if err != nil {
		return nil, err
	}
	return decodeAnswer(b)
}

// header asks for a light block, with patience.
func (l *Light) header(ctx context.Context, height int64) (*types.LightBlock, error) {
	return (&source{via: l.cfg.Ask, chainID: l.cfg.Genesis.ChainID}).fetch(ctx, height)
}

// fetchHeader asks for a light block; its content is consistent, its signatures
// are not checked.
func fetchHeader(ctx context.Context, via Ask, chainID string, height int64) (*types.LightBlock, error) {
	b, err := ask(ctx, via, wire.Request{Kind: wire.AskHeader, Height: uint64(height)})
	if err != nil {
		return nil, err
	}
	lb, err := decodeHeader(b, chainID)
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
// producers have changed too much since the trusted one, and compares it with
// what the witnesses have.
func (l *Light) verify(ctx context.Context, height int64) (*types.LightBlock, error) {
	main := &source{via: l.cfg.Ask, chainID: l.cfg.Genesis.ChainID}
	var others []provider.Provider
	if l.cfg.Witnesses != nil {
		for _, w := range l.cfg.Witnesses() {
			if len(others) < maxWitnesses {
				others = append(others, &source{via: w, chainID: main.chainID})
			}
		}
	}
	if len(others) == 0 {
		others = append(others, &echo{of: main}) // the client insists on one
	}
	// A client of its own for each header: it drops providers for good, while the
	// nodes that can be asked come and go.
	c, err := light.NewClientFromTrustedStore(main.chainID, l.cfg.Period, main, others, l.store, light.PruningSize(keepHeaders),
		light.MaxClockDrift(clockDrift), light.Logger(l.log))
	if err != nil {
		return nil, fmt.Errorf("chain: light client: %w", err)
	}
	lb, err := c.VerifyLightBlockAtHeight(ctx, height, l.cfg.now())
	if err != nil {
		return nil, l.explain(height, err, main.why())
	}
	return lb, nil
}

// explain names an error of CometBFT's client; why is what a node's answer
// failed with, which that client does not pass on.
func (l *Light) explain(height int64, err, why error) error {
	var old light.ErrOldHeaderExpired
	switch {
	case errors.As(err, &old):
		return l.tooOld("the last block verified here", old.At.Add(-l.cfg.Period))
	case errors.Is(err, light.ErrLightClientAttack):
		return fmt.Errorf("%w: two blocks of height %d have the signatures of enough producers, or of what was theirs: stop, and compare the network's blocks with people you trust", ErrAttack, height)
	case errors.Is(err, light.ErrFailedHeaderCrossReferencing):
		return fmt.Errorf("%w: no other node has header %d", ErrUnavailable, height)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case why != nil:
		return why
	}
	return fmt.Errorf("%w: header %d: %w", ErrVerify, height, err)
}

// Head returns the newest block whose state can be proved, verified. It never
// goes back.
func (l *Light) Head(ctx context.Context) (Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := ask(ctx, l.cfg.Ask, wire.Request{Kind: wire.AskStatus})
	if err != nil {
		return Head{}, err
	}
	s, err := wire.DecodeStatus(b)
	switch {
	case err != nil:
		return Head{}, fmt.Errorf("%w: status: %w", ErrVerify, err)
	case s.Genesis != l.genesis:
		return Head{}, fmt.Errorf("%w: the node runs genesis %x, wanted %x", ErrVerify, s.Genesis[:8], l.genesis[:8])
	case s.Height+maxBehind < l.head.Height:
		return Head{}, fmt.Errorf("%w: the node is at height %d, %d was verified", ErrUnavailable, s.Height, l.head.Height)
	case s.Height <= l.head.Height:
		return l.head, nil
	}
	next, err := l.verify(ctx, int64(s.Height)+1)
	if err != nil {
		return Head{}, err
	}
	own, err := l.header(ctx, int64(s.Height))
	if err != nil {
		return Head{}, err
	}
	// The next header names this one, so its own signatures add nothing.
	if !bytes.Equal(own.Hash(), next.LastBlockID.Hash) {
		return Head{}, fmt.Errorf("%w: header %d is not the one that header %d follows", ErrVerify, s.Height, next.Height)
	}
	if len(next.AppHash) != 32 {
		return Head{}, fmt.Errorf("%w: header %d: root of %d bytes", ErrVerify, next.Height, len(next.AppHash))
	}
	if l.cfg.Save != nil {
		b, err := encodeSaved(next, l.genesis)
		if err == nil {
			err = l.cfg.Save(b)
		}
		if err != nil {
			return Head{}, fmt.Errorf("chain: saving header %d: %w", next.Height, err)
		}
	}
	l.head = Head{Height: s.Height, Time: own.Time.UnixMilli(), Hash: [32]byte(own.Hash()), Root: [32]byte(next.AppHash)}
	return l.head, nil
}

// BlockHash returns the verified hash of the block at a height, which may be at
// most ledger.KeepHashes below the head: the state keeps those.
func (l *Light) BlockHash(ctx context.Context, height uint64) ([32]byte, error) {
	v, err := l.View(ctx)
	if err != nil {
		return [32]byte{}, err
	}
	if height == 0 || height > v.Height() {
		return [32]byte{}, fmt.Errorf("%w: block %d, the head is %d", ErrUnavailable, height, v.Height())
	}
	hash, ok, err := ledger.BlockHash(v, height)
	if err == nil && !ok {
		err = fmt.Errorf("%w: block %d is older than the last %d, whose hashes the state keeps", ErrUnavailable, height, ledger.KeepHashes)
	}
	return hash, err
}

// View returns the state at the newest provable height. Its reads ask with ctx.
func (l *Light) View(ctx context.Context) (*LightView, error) {
	h, err := l.Head(ctx)
	if err != nil {
		return nil, err
	}
	return &LightView{l: l, ctx: ctx, head: h, known: map[string]wire.Proved{}}, nil
}

// FetchGenesis asks for the genesis with a hash and verifies it.
func FetchGenesis(ctx context.Context, via Ask, hash [32]byte) (*ledger.Genesis, error) {
	b, err := ask(ctx, via, wire.Request{Kind: wire.AskGenesis})
	if err != nil {
		return nil, err
	}
	return decodeGenesis(b, hash)
}
