package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
)

// signedChain is headers without a chain: one a second from the genesis on, with
// other producers each time.
type signedChain struct {
	genesis *ledger.Genesis
	blocks  []*types.LightBlock // from height 1
	asked   int
}

// newSignedChain makes n headers of which each replaces every-th header the
// oldest of size producers; app tells forks apart.
func newSignedChain(t testing.TB, net *testnet, n, every int, app byte, common *signedChain, from int) *signedChain {
	t.Helper()
	size := len(net.consensus)
	keyAt := func(i int) ed25519.PrivKey {
		if i < size {
			pub := net.consensus[i].Public()
			return ed25519.PrivKey(append(net.consensus[i][:len(net.consensus[i]):len(net.consensus[i])], pub[:]...))
		}
		return ed25519.GenPrivKeyFromSecret(fmt.Append(nil, "producer", i))
	}
	set := func(h int) (*types.ValidatorSet, map[string]ed25519.PrivKey) {
		var all []*types.Validator
		keys := map[string]ed25519.PrivKey{}
		for i := range size {
			k := keyAt(i + h/every)
			all = append(all, types.NewValidator(k.PubKey(), 10))
			keys[string(k.PubKey().Address())] = k
		}
		return types.NewValidatorSet(all), keys
	}
	c := &signedChain{genesis: net.genesis}
	var last types.BlockID
	for h := 1; h <= n; h++ {
		if common != nil && h < from {
			c.blocks = append(c.blocks, common.blocks[h-1])
			last = common.blocks[h-1].Commit.BlockID
			continue
		}
		vals, keys := set(h)
		next, _ := set(h + 1)
		head := &types.Header{Version: cmtversion.Consensus{Block: version.BlockProtocol}, ChainID: net.genesis.ChainID, Height: int64(h),
			Time: time.UnixMilli(net.genesis.Time).Add(time.Duration(h-1) * time.Second).UTC(), LastBlockID: last,
			ValidatorsHash: vals.Hash(), NextValidatorsHash: next.Hash(), ConsensusHash: bytes.Repeat([]byte{1}, 32),
			AppHash: bytes.Repeat([]byte{app}, 32), LastResultsHash: bytes.Repeat([]byte{2}, 32), LastCommitHash: bytes.Repeat([]byte{3}, 32),
			DataHash: bytes.Repeat([]byte{4}, 32), EvidenceHash: bytes.Repeat([]byte{5}, 32), ProposerAddress: vals.Validators[0].Address}
		last = types.BlockID{Hash: head.Hash(), PartSetHeader: types.PartSetHeader{Total: 1, Hash: bytes.Repeat([]byte{6}, 32)}}
		commit := &types.Commit{Height: int64(h), BlockID: last}
		for i, v := range vals.Validators {
			vote := &types.Vote{Type: cmtproto.PrecommitType, Height: int64(h), BlockID: last, Timestamp: head.Time.Add(time.Second),
				ValidatorAddress: v.Address, ValidatorIndex: int32(i)}
			sig, err := keys[string(v.Address)].Sign(types.VoteSignBytes(net.genesis.ChainID, vote.ToProto()))
			if err != nil {
				t.Fatal(err)
			}
			commit.Signatures = append(commit.Signatures, types.CommitSig{BlockIDFlag: types.BlockIDFlagCommit, ValidatorAddress: v.Address, Timestamp: vote.Timestamp, Signature: sig})
		}
		c.blocks = append(c.blocks, &types.LightBlock{SignedHeader: &types.SignedHeader{Header: head, Commit: commit}, ValidatorSet: vals})
	}
	return c
}

// answer is Answer of a node that has only headers.
func (c *signedChain) answer(_ context.Context, req []byte) ([]byte, error) {
	r, err := decodeRequest(req)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Kind == wire.AskStatus:
		return encodeAnswer(wire.Status{Height: uint64(len(c.blocks) - 1), Genesis: c.genesis.Hash()}.Encode(), nil), nil
	case r.Kind == wire.AskHeader && r.Height >= 1 && r.Height <= uint64(len(c.blocks)):
		c.asked++
		p, err := c.blocks[r.Height-1].ToProto()
		if err != nil {
			return nil, err
		}
		raw, err := p.Marshal()
		return encodeAnswer(raw, nil), err
	}
	return encodeAnswer(nil, ErrUnavailable), nil
}

func (c *signedChain) config(days int) LightConfig {
	return LightConfig{Genesis: c.genesis, Ask: c.answer, now: func() time.Time {
		return time.UnixMilli(c.genesis.Time).Add(time.Hour + time.Duration(days)*24*time.Hour)
	}}
}

// head opens a client and returns its head.
func (c LightConfig) head(t *testing.T) (Head, error) {
	t.Helper()
	l, err := OpenLight(t.Context(), c)
	if err != nil {
		return Head{}, err
	}
	return l.Head(t.Context())
}

func TestLightFollowsProducers(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 6)
	c := newSignedChain(t, net, 61, 4, 9, nil, 0) // after 24 blocks nobody is left of the genesis
	h, err := c.config(0).head(t)
	if err != nil || h.Height != 60 || h.Root != [32]byte(bytes.Repeat([]byte{9}, 32)) {
		t.Fatalf("%+v, %v", h, err)
	}
	if c.asked > 30 {
		t.Errorf("asked for %d headers of 61", c.asked)
	}
	// Without the signatures of those who took over there is no way across.
	one := newSignedChain(t, net, 31, 1, 9, nil, 0) // all change within six blocks: each header is needed
	one.blocks = append(one.blocks[:16:16], append([]*types.LightBlock{forged(one.blocks[16])}, one.blocks[17:]...)...)
	if _, err := one.config(0).head(t); !errors.Is(err, ErrVerify) {
		t.Errorf("a header without its signatures on the way: %v", err)
	}
}

func forged(lb *types.LightBlock) *types.LightBlock {
	commit := *lb.Commit
	commit.Signatures = bytesFlipped(commit.Signatures)
	return &types.LightBlock{SignedHeader: &types.SignedHeader{Header: lb.Header, Commit: &commit}, ValidatorSet: lb.ValidatorSet}
}

func bytesFlipped(sigs []types.CommitSig) []types.CommitSig {
	out := append([]types.CommitSig(nil), sigs...)
	for i := range out {
		out[i].Signature = bytes.Clone(out[i].Signature)
		out[i].Signature[7] ^= 1
	}
	return out
}

func TestLightTrust(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 4)
	c := newSignedChain(t, net, 20, 2, 9, nil, 0)
	anchor := func(h int) *Anchor { return &Anchor{Height: uint64(h), Hash: [32]byte(c.blocks[h-1].Hash())} }
	period := TrustingPeriod(c.genesis)
	if period != 9*24*time.Hour+8*time.Hour {
		t.Fatalf("trusting period %v", period)
	}
	quick := *c.genesis
	quick.Params.Unbonding, quick.Params.BlockMS = 100, 1000
	if p := TrustingPeriod(&quick); p != 24*time.Hour {
		t.Fatalf("trusting period of a developer's network %v", p)
	}
	var saved []byte
	young := c.config(0)
	young.Save = func(b []byte) error { saved = b; return nil }
	if _, err := young.head(t); err != nil || saved == nil {
		t.Fatalf("%v, %d bytes saved", err, len(saved))
	}
	other := newTestnet(t, 1)
	other.genesis.ChainID = "other"
	wrong := anchor(9)
	wrong.Hash[3] ^= 1
	for name, x := range map[string]struct {
		days   int
		change func(*LightConfig)
		want   error
	}{
		"the genesis, young":               {9, func(*LightConfig) {}, nil},
		"the genesis, too old":             {10, func(*LightConfig) {}, ErrTrust},
		"an anchor, young":                 {9, func(c *LightConfig) { c.Anchor = anchor(9) }, nil},
		"an anchor, too old":               {10, func(c *LightConfig) { c.Anchor = anchor(9) }, ErrTrust},
		"an anchor above the head":         {0, func(c *LightConfig) { c.Anchor = &Anchor{Height: 1 << 40} }, ErrUnavailable},
		"an anchor at height 0":            {0, func(c *LightConfig) { c.Anchor = &Anchor{} }, ErrTrust},
		"an anchor with another hash":      {0, func(c *LightConfig) { c.Anchor = wrong }, ErrVerify},
		"a longer period":                  {10, func(c *LightConfig) { c.Period = 20 * 24 * time.Hour }, nil},
		"saved, young":                     {9, func(c *LightConfig) { c.Saved = saved }, nil},
		"saved, too old":                   {10, func(c *LightConfig) { c.Saved = saved }, ErrTrust},
		"saved, cut short":                 {0, func(c *LightConfig) { c.Saved = saved[:len(saved)-1] }, ErrVerify},
		"saved of another network":         {0, func(c *LightConfig) { c.Saved, c.Genesis = saved, other.genesis }, ErrOtherGenesis},
		"saved too old, an anchor that is": {10, func(c *LightConfig) { c.Saved, c.Anchor = saved, anchor(9) }, ErrTrust},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := c.config(x.days)
			x.change(&cfg)
			h, err := cfg.head(t)
			if !errors.Is(err, x.want) || (err == nil) != (x.want == nil) {
				t.Fatalf("%+v, %v, want %v", h, err, x.want)
			}
			if errors.Is(x.want, ErrTrust) && x.days > 0 && !strings.Contains(err.Error(), "plexus://GENESIS@HEIGHT:HASH/ADDRESS") {
				t.Errorf("%v does not say what to give", err)
			}
		})
	}
	// A saved header saves the way there, and trust that ran out while the client
	// was open is as dead.
	c.asked = 0
	cfg := c.config(9)
	cfg.Saved = saved
	l, err := OpenLight(t.Context(), cfg)
	if err != nil || c.asked != 0 {
		t.Fatalf("%v, asked %d times", err, c.asked)
	}
	l.cfg.now = c.config(10).now
	longer := newSignedChain(t, net, 25, 2, 9, c, 21)
	l.cfg.Ask = longer.answer
	if _, err := l.Head(t.Context()); !errors.Is(err, ErrTrust) {
		t.Errorf("after the trusting period: %v", err)
	}
}

// Two chains that both have the producers' signatures: whoever compares sees it.
func TestLightAttack(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 4)
	c := newSignedChain(t, net, 20, 1000, 9, nil, 0)
	fork := newSignedChain(t, net, 20, 1000, 8, c, 12)
	var out bytes.Buffer
	cfg := fork.config(0)
	cfg.Log = slog.New(slog.NewTextHandler(&out, nil))
	if h, err := cfg.head(t); err != nil || h.Root[0] != 8 {
		t.Fatalf("with nobody to compare with: %+v, %v", h, err)
	}
	honest := Ask(c.answer)
	cfg.Witnesses = func() []Ask { return []Ask{honest} }
	if _, err := cfg.head(t); !errors.Is(err, ErrAttack) || !strings.Contains(out.String(), "conflicting blocks") {
		t.Fatalf("a fork: %v, log %q", err, out.String())
	}
	// A witness whose other chain nobody signed is no attack; it is left aside.
	liar := &signedChain{genesis: c.genesis, blocks: append(c.blocks[:11:11], forgedAll(fork.blocks[11:])...)}
	cfg = c.config(0)
	cfg.Witnesses = func() []Ask { return []Ask{liar.answer, c.answer} }
	if h, err := cfg.head(t); err != nil || h.Root[0] != 9 {
		t.Errorf("one honest witness and a liar: %+v, %v", h, err)
	}
	// Nobody to compare with among those asked to: not taken on faith.
	cfg.Witnesses = func() []Ask {
		return []Ask{func(context.Context, []byte) ([]byte, error) { return nil, errors.New("gone") }}
	}
	if _, err := cfg.head(t); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a silent witness: %v", err)
	}
}

func forgedAll(in []*types.LightBlock) (out []*types.LightBlock) {
	for _, lb := range in {
		out = append(out, forged(lb))
	}
	return out
}

func FuzzSaved(f *testing.F) {
	net := newTestnet(f, 1)
	c := newSignedChain(f, net, 2, 1, 1, nil, 0)
	genesis := net.genesis.Hash()
	good, err := encodeSaved(c.blocks[0], genesis)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		lb, err := decodeSaved(b, genesis, "test")
		if err != nil {
			if !errors.Is(err, ErrVerify) && !errors.Is(err, ErrOtherGenesis) {
				t.Fatal(err)
			}
			return
		}
		if err := lb.ValidateBasic("test"); err != nil {
			t.Fatal(err)
		}
	})
}
