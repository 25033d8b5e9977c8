package chain

import (
	"context"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// answerProofs is Answer of a node that has only this state.
func (s *state) answerProofs(t *testing.T) Ask {
	v := &views{}
	v.push(s.db.Snapshot())
	t.Cleanup(v.close)
	n := &Node{app: &app{views: v}}
	return func(_ context.Context, req []byte) ([]byte, error) {
		r, err := decodeRequest(req)
		if err != nil {
			return nil, err
		}
		out, err := n.proofs(r)
		return encodeAnswer(out, err), nil
	}
}

func (s *state) lightView(t *testing.T, via Ask) *LightView {
	return &LightView{l: &Light{cfg: LightConfig{Ask: via}}, ctx: t.Context(), head: Head{Height: s.height, Root: s.db.Root()}, known: map[string]wire.Proved{}}
}

// Who may validate is proved complete: the record has the number of members and
// the root of the roster, one proof shows it and one each of its pages. An old
// epoch takes as many.
func TestLightProvesRosters(t *testing.T) {
	t.Parallel()
	const neurons = 150
	s := &state{t: t, net: newTestnet(t, 1), db: memory(t)}
	p := &s.net.genesis.Subnets[0].Params
	p.BurnIncrease, p.MinBurn, p.MaxBurn = 1<<32, 500_000, 500_000
	p.MaxValidators = 5
	w, err := s.net.genesis.Writes()
	if err != nil {
		t.Fatal(err)
	}
	s.commit(0, w)
	var txs [][]byte
	nonce := uint64(0)
	send := func(p ledger.Payload) {
		txs = append(txs, ledger.Sign(alice, "test", nonce, 10_000, p))
		nonce++
	}
	for i := range neurons {
		hot := key.Seed{0x50, byte(i)}
		work, proof := hot.Work(true)
		send(&ledger.Register{NetUID: 1, Hotkey: hot.Public(), MaxPrice: unit.Coin, Work: work, Proof: proof})
	}
	validators := map[key.ID]bool{}
	for i := range 7 { // of which two find no place
		hot := key.Seed{0x50, byte(i * 21)}.Public()
		send(&ledger.Stake{NetUID: 1, Hotkey: hot, Amount: unit.Coin + unit.TAO(i)*unit.Coin/10})
		if i >= 2 {
			validators[hot] = true
		}
	}
	for _, r := range s.block(txs...)[1:] {
		if r.Code != ledger.OK {
			t.Fatal(r.Code, r.Detail)
		}
	}
	for range 45 {
		s.block()
	}
	asked := 0
	honest := s.answerProofs(t)
	v := s.lightView(t, func(ctx context.Context, req []byte) ([]byte, error) { asked++; return honest(ctx, req) })
	for _, e := range []ledger.Epoch{2, 1} { // the one that runs and one that is over
		asked = 0
		roster, err := ledger.LoadRoster(v, 1, e)
		if err != nil {
			t.Fatal(err)
		}
		permits := 0
		for _, m := range roster {
			if m.Permit && !validators[m.Hotkey] {
				t.Errorf("epoch %d: %s has a permit", e, m.Hotkey)
			}
			if m.Permit {
				permits++
			}
		}
		if len(roster) != neurons || permits != len(validators) {
			t.Errorf("epoch %d: %d members, %d permits", e, len(roster), permits)
		}
		if want := 1 + (neurons+ledger.RosterPage-1)/ledger.RosterPage; asked != want {
			t.Errorf("epoch %d took %d proofs, want %d", e, asked, want)
		}
	}

	// A node that leaves out a page, or has one of another epoch in its place, is
	// found out.
	for name, change := range map[string]func(*wire.Request){
		"a page left out":         func(r *wire.Request) { r.Keys[0] = []byte("nothing here") },
		"a page of another epoch": func(r *wire.Request) { r.Keys[0][len(r.Keys[0])-3]-- },
	} {
		pages := 0
		liar := s.lightView(t, func(ctx context.Context, req []byte) ([]byte, error) {
			r, err := decodeRequest(req)
			if err != nil {
				return nil, err
			}
			if pages++; pages == 3 { // the record, the first page, the second
				change(&r)
			}
			return honest(ctx, r.Encode())
		})
		if _, err := ledger.LoadRoster(liar, 1, 2); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The hashes of old blocks are in the state too.
	if h, ok, err := ledger.BlockHash(v, 7); err != nil || !ok || h != [32]byte{7} {
		t.Errorf("hash of block 7: %x, %v, %v", h, ok, err)
	}
	if _, ok, err := ledger.BlockHash(v, s.height+1); err != nil || ok {
		t.Errorf("hash of a block to come: %v, %v", ok, err)
	}
}
