package api

import (
	"errors"
	"testing"

	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Parameters, rights, proposals and weights through their routes, and what there
// is none of.
func TestMarketRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	s.Reach(t, 1)
	for nonce, p := range []ledger.Payload{
		&ledger.SetProxy{Delegate: bob, Rights: ledger.RightStaking, Delay: 7},
		&ledger.Propose{Name: "pool_fee", Value: 66, Text: "why"},
		&ledger.Propose{Text: "words"},
		&ledger.SetParams{NetUID: 1, Numbers: []ledger.Setting{{Name: "asked", Value: 3}}},
	} {
		id, h := s.Include(t, ledger.Sign(solo.Alice, s.Gen.ChainID, uint64(nonce), s.Chain.Head().Height+100, p))
		if st := s.TxStatus(id); st.Result.Code != ledger.OK && nonce < 3 { // an epoch's end may freeze the last
			t.Fatalf("%+v", st.Result)
		}
		s.Reach(t, h+1)
	}
	of := func(p *Parameters, name string) Parameter {
		t.Helper()
		for _, x := range p.Items {
			if x.Name == name {
				return x
			}
		}
		t.Fatalf("no %s in %+v", name, p)
		return Parameter{}
	}
	chain, err := s.Parameters(ctx, 0)
	if err != nil || len(chain.Items) != len(ledger.ChainParameters()) {
		t.Fatalf("%+v, %v", chain, err)
	}
	if fee := of(chain, "pool_fee"); fee.Value != 33 || fee.SetBy != "vote" || fee.Most != 10_000 || fee.Unit == "" || fee.Next != nil {
		t.Errorf("%+v", fee)
	}
	sub, err := s.Parameters(ctx, 1)
	if err != nil || len(sub.Rounds) != 2 || of(sub, "tempo").Value != 20 || of(sub, "tempo").OwnerLeast != 360 || of(sub, "kappa").SetBy != "vote" {
		t.Errorf("%+v, %v", sub, err)
	}
	if asked := of(sub, "asked"); asked.Value != 3 && asked.Value != 64 || asked.Next != nil && *asked.Next != 3 {
		t.Errorf("%+v", asked)
	}
	rights, err := s.Proxies(ctx, solo.Alice.Public().String())
	if err != nil || len(rights.Items) != 1 || rights.Items[0].Rights != "staking" || rights.Items[0].Delay != 7 || string(rights.Items[0].Delegate) != bob.String() {
		t.Errorf("%+v, %v", rights, err)
	}
	list, err := s.Proposals(ctx, 0, 20)
	if err != nil || list.Total != 2 || len(list.Items) != 2 || list.Items[0].Text != "words" || list.Items[1].Parameter != "pool_fee" {
		t.Fatalf("%+v, %v", list, err)
	}
	if older, err := s.Proposals(ctx, 1, 20); err != nil || len(older.Items) != 1 || older.Items[0] != list.Items[1] {
		t.Errorf("%+v, %v", older, err)
	}
	one, err := s.Proposal(ctx, 0)
	if err != nil || one.State != "voting" || one.Value != 66 || one.Deposit != Amount(100*unit.Coin) || one.Closes <= one.Opened {
		t.Errorf("%+v, %v", one, err)
	}
	running, err := s.Weights(ctx, 1, 0, 0)
	if err != nil || running.Members != 0 && running.Items == nil {
		t.Errorf("%+v, %v", running, err)
	}
	for name, ask := range map[string]func() error{
		"subnet":    func() error { _, err := s.Parameters(ctx, 9); return err },
		"proposal":  func() error { _, err := s.Proposal(ctx, 2); return err },
		"epoch":     func() error { _, err := s.Weights(ctx, 1, 1_000_000, 0); return err },
		"mechanism": func() error { _, err := s.Weights(ctx, 1, 0, 3); return err },
	} {
		var p *Problem
		if err := ask(); !errors.As(err, &p) || p.Status != 404 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
