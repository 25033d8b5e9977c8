package api

import (
	"errors"
	"testing"

	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Stake on root and on a subnet is listed with its worth, what leaves a producer
// as waiting.
func TestStakes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Reach(t, 1)
	nonce := uint64(0)
	made := func(p ledger.Payload) {
		t.Helper()
		id, h := s.Include(t, ledger.Sign(solo.Alice, s.Gen.ChainID, nonce, s.Chain.Head().Height+100, p))
		if st := s.TxStatus(id); st.Result.Code != ledger.OK {
			t.Fatalf("%+v", st.Result)
		}
		nonce++
		s.Reach(t, h+1)
	}
	producer, owner := key.Seed{1}.Public(), key.Seed{0xa2}.Public()
	made(&ledger.Stake{Hotkey: producer, Amount: 5 * unit.Coin})
	made(&ledger.Stake{NetUID: 1, Hotkey: owner, Amount: 2 * unit.Coin})
	made(&ledger.Unstake{Hotkey: producer, Amount: ledger.StakeAmount(unit.Coin)})
	got, err := s.Stakes(t.Context(), solo.Alice.Public().String())
	if err != nil || len(got.Items) != 2 || len(got.Waiting) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	root, sub, out := got.Items[0], got.Items[1], got.Waiting[0]
	if root.NetUID != 0 || root.Stake != 4e9 || root.Worth != 4e9 || string(root.Hotkey) != producer.String() {
		t.Errorf("%+v", root)
	}
	if sub.NetUID != 1 || sub.Stake == 0 || sub.Worth < 15e8 || sub.Worth > 3e9 || string(sub.Hotkey) != owner.String() {
		t.Errorf("%+v", sub)
	}
	if out.Amount != 1e9 || out.Release <= got.Height || out.To != "" {
		t.Errorf("%+v", out)
	}
	if none, err := s.Stakes(t.Context(), bob.String()); err != nil || len(none.Items)+len(none.Waiting) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
	var p *Problem
	if _, err := s.Stakes(t.Context(), "5Grw"); !errors.As(err, &p) || p.Status != 400 {
		t.Error(err)
	}
}
