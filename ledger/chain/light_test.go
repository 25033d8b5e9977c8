package chain

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/proof"
	"github.com/plexus-network/plexus/ledger/unit"
)

// A light client over a node of two producers' chain reads what the node has,
// and refuses everything that was tampered with.
func TestLight(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 2)
	n, second := net.launch(t, t.TempDir(), 0), net.launch(t, t.TempDir(), 1)
	greet(t, n, second)
	hash := net.genesis.Hash()
	bob := key.ID{0xb0}
	if _, err := n.Submit(transfer(alice, 0, bob, 7*unit.Coin)); err != nil {
		t.Fatal(err)
	}
	n.reach(t, 4)
	ctx := t.Context()

	g, err := FetchGenesis(ctx, n.Answer, hash)
	if err != nil || g.Hash() != hash {
		t.Fatalf("genesis: %v", err)
	}
	if _, err := FetchGenesis(ctx, n.Answer, [32]byte{1}); !errors.Is(err, ErrVerify) {
		t.Fatalf("another genesis: %v", err)
	}
	asked := 0
	l, err := OpenLight(ctx, LightConfig{Genesis: g, Ask: func(ctx context.Context, req []byte) ([]byte, error) {
		asked++
		return n.Answer(ctx, req)
	}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := l.View(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if acc, err := ledger.LoadAccount(v, bob); err != nil || acc.Balance != 7*unit.Coin {
		t.Fatalf("bob has %v, %v", acc.Balance, err)
	}
	before := asked
	ledger.LoadAccount(v, bob)
	if asked != before {
		t.Error("a proved value was asked for again")
	}
	var keys [][]byte
	for i := range 150 {
		keys = append(keys, []byte{'x', byte(i)})
	}
	if err := v.Prefetch(keys); err != nil {
		t.Fatal(err)
	}
	if asked != before+3 {
		t.Errorf("150 keys took %d requests", asked-before)
	}
	if b, err := v.Get([]byte("x\x05")); b != nil || err != nil {
		t.Errorf("absent key: %x, %v", b, err)
	}
	if r := n.root(t, v.Height()); r != v.Head().Root {
		t.Errorf("root %x, want %x", v.Head().Root, r)
	}
	h, err := l.BlockHash(ctx, 2)
	m := n.engine.blocks.LoadBlockMeta(2)
	if err != nil || !bytes.Equal(h[:], m.BlockID.Hash) || m.Header.Time.UnixMilli() < net.genesis.Time {
		t.Errorf("hash of block 2: %x, %v", h, err)
	}
	// What the node proves of a past height holds by the hash of the block after it,
	// which the state shows.
	past, err := n.Prove(v.Height()-1, [][]byte{ledger.RandomKey(), ledger.PriceKey(1), []byte("none")})
	if err != nil || len(past.Values) != 3 || past.Values[2].Value != nil {
		t.Fatalf("%+v, %v", past, err)
	}
	for _, x := range past.Values {
		if err := proof.Verify(past.Header.Root, x.Key, x.Value, x.Proof); err != nil {
			t.Errorf("%q: %v", x.Key, err)
		}
	}
	if hash, err := l.BlockHash(ctx, past.Height+1); err != nil || hash != past.Header.Hash() {
		t.Errorf("the header's hash is %x, of block %d %x, %v", past.Header.Hash(), past.Height+1, hash, err)
	}
	// A header that the state has forgotten is followed back to.
	lost := &LightView{l: v.l, ctx: ctx, head: v.head, known: map[string]wire.Proved{}}
	for h := uint64(1); h <= v.Height(); h++ {
		k := binary.BigEndian.AppendUint16([]byte("hash/"), uint16(h))
		lost.known[string(k)] = wire.Proved{}
		want := n.engine.blocks.LoadBlockMeta(int64(h))
		if got, err := lost.BlockHash(h); err != nil || !bytes.Equal(got[:], want.BlockID.Hash) {
			t.Errorf("hash of block %d without the state: %x, %v", h, got, err)
		}
	}
	if _, err := lost.BlockHash(v.Height() + 1); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a block after the view's: %v", err)
	}
	for _, h := range []uint64{n.Head().Height + 5, 1 << 62} {
		if _, err := n.Prove(h, nil); !errors.Is(err, ErrUnavailable) {
			t.Errorf("the state after block %d: %v", h, err)
		}
	}
	if _, err := l.BlockHash(ctx, 1_000_000); !errors.Is(err, ErrUnavailable) {
		t.Errorf("hash of a block to come: %v", err)
	}
	old := &LightView{l: l, ctx: ctx, head: Head{Height: 1 << 40}, known: map[string]wire.Proved{}}
	if _, err := old.Get([]byte("late")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a view of a height that the node does not hold: %v", err)
	}
	n.reach(t, v.Height()+2)
	if h, err := l.Head(ctx); err != nil || h.Height <= v.Height() {
		t.Errorf("head %+v, %v", h, err)
	}

	t.Run("other producers", func(t *testing.T) {
		other := newTestnet(t, 1)
		if _, err := OpenLight(ctx, LightConfig{Genesis: other.genesis, Ask: n.Answer}); !errors.Is(err, ErrVerify) {
			t.Fatal(err)
		}
	})
	t.Run("one signature of two", func(t *testing.T) {
		_, err := OpenLight(ctx, LightConfig{Genesis: g, Ask: func(_ context.Context, req []byte) ([]byte, error) {
			r, _ := decodeRequest(req)
			b, err := n.lightBlock(int64(r.Height))
			if err != nil {
				return nil, err
			}
			c := *b.Commit
			c.Signatures = append(c.Signatures[:0:0], c.Signatures...)
			c.Signatures[0].Signature = make([]byte, 64)
			b.Commit = &c
			p, err := b.ToProto()
			if err != nil {
				return nil, err
			}
			raw, err := p.Marshal()
			return encodeAnswer(raw, err), nil
		}})
		if !errors.Is(err, ErrVerify) {
			t.Fatal(err)
		}
	})
	t.Run("a value and its proof of another height", func(t *testing.T) {
		forge := false
		l, err := OpenLight(ctx, LightConfig{Genesis: g, Ask: func(ctx context.Context, req []byte) ([]byte, error) {
			r, _ := decodeRequest(req)
			if forge && r.Kind == wire.AskProofs {
				r.Height--
			}
			return n.Answer(ctx, r.Encode())
		}})
		if err != nil {
			t.Fatal(err)
		}
		v, err := l.View(ctx)
		if err != nil {
			t.Fatal(err)
		}
		forge = true
		if _, err := ledger.LoadTotals(v); !errors.Is(err, ErrVerify) {
			t.Fatal(err)
		}
	})
	t.Run("flipped bits", func(t *testing.T) { flipBits(t, n, g, bob) })
}

// flipBits changes one byte of one answer at a time: the client must fail or
// still read the truth.
func flipBits(t *testing.T, n *running, g *ledger.Genesis, bob key.ID) {
	r := rand.New(rand.NewPCG(7, 7))
	refused := 0
	for i := range 200 {
		at, count := i%6, 0
		ask := func(ctx context.Context, req []byte) ([]byte, error) {
			b, err := n.Answer(ctx, req)
			if count++; count-1 == at && err == nil {
				b = bytes.Clone(b)
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			return b, err
		}
		acc, err := readBob(t.Context(), g, ask, bob)
		switch {
		case err == nil && acc.Balance != 7*unit.Coin:
			t.Fatalf("run %d: bob has %v", i, acc.Balance)
		case err != nil:
			refused++
		}
	}
	if refused < 100 {
		t.Fatalf("only %d of 200 changes were noticed", refused)
	}
}

func readBob(ctx context.Context, g *ledger.Genesis, ask func(context.Context, []byte) ([]byte, error), bob key.ID) (ledger.Account, error) {
	l, err := OpenLight(ctx, LightConfig{Genesis: g, Ask: ask})
	if err != nil {
		return ledger.Account{}, err
	}
	v, err := l.View(ctx)
	if err != nil {
		return ledger.Account{}, err
	}
	return ledger.LoadAccount(v, bob)
}

func TestAnswerMalformed(t *testing.T) {
	t.Parallel()
	n := newTestnet(t, 1).launch(t, t.TempDir(), 0)
	n.reach(t, 2)
	for name, c := range map[string]struct {
		req  []byte
		want error
	}{
		"nothing":              {nil, ErrRequest},
		"garbage":              {[]byte{0xff, 1}, ErrRequest},
		"too long":             {make([]byte, MaxRequest+1), ErrRequest},
		"header to come":       {wire.Request{Kind: wire.AskHeader, Height: 1 << 60}.Encode(), ErrUnavailable},
		"header 0":             {wire.Request{Kind: wire.AskHeader}.Encode(), ErrUnavailable},
		"hash of no block":     {wire.Request{Kind: wire.AskHash, Height: 1 << 62}.Encode(), ErrUnavailable},
		"proof at no height":   {wire.Request{Kind: wire.AskProofs, Height: 99, Keys: [][]byte{{1}}}.Encode(), ErrUnavailable},
		"proof of the genesis": {wire.Request{Kind: wire.AskProofs, Height: 0, Keys: [][]byte{{1}}}.Encode(), nil},
	} {
		b, err := n.Answer(t.Context(), c.req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := decodeAnswer(b); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
