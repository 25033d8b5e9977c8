package chain

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// taped records what proves bob's account.
func taped(t *testing.T, n *running, g *ledger.Genesis, bob key.ID) *Tape {
	t.Helper()
	tape, err := RecordTape(t.Context(), LightConfig{Genesis: g, Ask: n.Answer}, func(v *LightView) error {
		_, err := ledger.LoadAccount(v, bob)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tape
}

// What was proved to a light client once is proved again without any node, from
// the genesis or from the hash of the one block that matters, whatever its age;
// and nothing else is.
func TestTape(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 1)
	n := net.launch(t, t.TempDir(), 0)
	bob, hash := key.ID{0xb0}, net.genesis.Hash()
	if _, err := n.Submit(transfer(alice, 0, bob, 7*unit.Coin)); err != nil {
		t.Fatal(err)
	}
	n.reach(t, 4)
	raw := taped(t, n, net.genesis, bob).Append(nil)
	n.stop()
	tape, err := DecodeTape(raw)
	if err != nil || !bytes.Equal(tape.Append(nil), raw) {
		t.Fatal(err)
	}
	own, err := tape.Anchor()
	if err != nil || own.Height < 4 {
		t.Fatal(own, err)
	}
	ctx := t.Context()
	for name, c := range map[string]struct {
		genesis       [32]byte
		anchor, block *Anchor
	}{"genesis": {genesis: hash}, "anchor": {genesis: hash, anchor: &own}, "block": {block: &own}} {
		v, err := tape.View(ctx, c.genesis, c.anchor, c.block)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if acc, err := ledger.LoadAccount(v, bob); err != nil || acc.Balance != 7*unit.Coin {
			t.Errorf("%s: %v, %v", name, acc, err)
		}
		if _, err := ledger.LoadAccount(v, key.ID{9}); !errors.Is(err, ErrLacks) || !strings.Contains(err.Error(), "account") {
			t.Errorf("%s: what is not there: %v", name, err)
		}
	}
	other := own
	other.Hash[0]++
	late := own
	late.Height++
	for name, c := range map[string]struct {
		genesis       [32]byte
		anchor, block *Anchor
		want          error
	}{
		"another genesis":         {genesis: [32]byte{1}, want: ErrVerify},
		"another block":           {block: &other, want: ErrTrust},
		"a later block":           {block: &late, want: ErrTrust},
		"another anchor":          {genesis: hash, anchor: &other, want: ErrVerify},
		"an anchor that is later": {genesis: hash, anchor: &late, want: ErrLacks},
	} {
		if _, err := tape.View(ctx, c.genesis, c.anchor, c.block); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for name, cut := range map[string]func(*Tape){
		"no genesis": func(t *Tape) { t.genesis = nil },
		"no header":  func(t *Tape) { delete(t.headers, own.Height) },
		"no parent":  func(t *Tape) { delete(t.headers, own.Height-1) },
	} {
		less, _ := DecodeTape(raw)
		cut(less)
		if _, err := less.View(ctx, hash, nil, nil); !errors.Is(err, ErrLacks) && !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A changed byte is noticed, or changes nothing that was asked for.
	r, refused := rand.New(rand.NewPCG(3, 3)), 0
	for range 200 {
		bad := bytes.Clone(raw)
		bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		acc, err := func() (acc ledger.Account, err error) {
			tape, err := DecodeTape(bad)
			if err != nil {
				return acc, err
			}
			v, err := tape.View(ctx, hash, nil, nil)
			if err != nil {
				return acc, err
			}
			return ledger.LoadAccount(v, bob)
		}()
		switch {
		case err != nil:
			refused++
		case acc.Balance != 7*unit.Coin:
			t.Fatalf("bob has %v", acc.Balance)
		}
	}
	if refused < 100 {
		t.Errorf("%d of 200 changes were noticed", refused)
	}
}

// A tape that is older than the trusting period is worth nothing to who knows the
// genesis alone, and as much as ever to who knows the block's hash.
func TestOldTape(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 1)
	n := net.launch(t, t.TempDir(), 0)
	bob := key.ID{0xb0}
	if _, err := n.Submit(transfer(alice, 0, bob, 7*unit.Coin)); err != nil {
		t.Fatal(err)
	}
	n.reach(t, 4)
	tape := taped(t, n, net.genesis, bob)
	own, err := tape.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	// Recorded from a header that was kept, when the genesis is too old, it has no
	// less than its last block.
	var saved []byte
	l, err := OpenLight(t.Context(), LightConfig{Genesis: net.genesis, Ask: n.Answer, Save: func(b []byte) error { saved = b; return nil }})
	if err == nil {
		_, err = l.Head(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	head, now := l.head.Height, time.Now()
	still := func(ctx context.Context, req []byte) ([]byte, error) {
		if r, _ := decodeRequest(req); r.Kind == wire.AskStatus {
			return encodeAnswer(wire.Status{Height: head, Genesis: net.genesis.Hash()}.Encode(), nil), nil
		}
		return n.Answer(ctx, req)
	}
	kept, err := RecordTape(t.Context(), LightConfig{Genesis: net.genesis, Ask: still, Saved: saved, Period: now.Sub(time.UnixMilli(net.genesis.Time)),
		now: func() time.Time { return now }}, func(v *LightView) error { _, err := ledger.LoadAccount(v, bob); return err })
	if err != nil {
		t.Fatal(err)
	}
	last, err := kept.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := kept.View(t.Context(), [32]byte{}, nil, &last); err != nil {
		t.Error(err)
	} else if acc, err := ledger.LoadAccount(v, bob); err != nil || acc.Balance != 7*unit.Coin {
		t.Error(acc, err)
	}
	for named, want := range map[bool]error{false: ErrTrust, true: nil} {
		l, err := OpenLight(t.Context(), LightConfig{Genesis: net.genesis, Anchor: &own, Ask: tape.answer, named: named, Period: 1})
		if err == nil {
			_, err = l.View(context.Background())
		}
		if !errors.Is(err, want) {
			t.Errorf("named %v: %v, want %v", named, err, want)
		}
	}
}

func FuzzTape(f *testing.F) {
	f.Add((&Tape{}).Append(nil))
	f.Add((&Tape{genesis: []byte{1}, height: 3, headers: map[uint64][]byte{3: {1}, 4: {2}}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		tape, err := DecodeTape(b)
		if err != nil {
			return
		}
		if got := tape.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("%x re-encodes as %x", b, got)
		}
		if _, err := tape.View(t.Context(), [32]byte{1}, nil, nil); err == nil {
			t.Error("a view of a genesis that it cannot have")
		}
	})
}
