package ledger

import (
	"bytes"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

func (w *town) balance(id key.ID) unit.TAO {
	a, err := LoadAccount(w.v, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Balance
}

// refused applies a payload that must fail with a code and compares the whole
// state with that of the same block where the fee and the nonce alone are spent:
// by a transfer of nothing, with a tip that makes the fees equal.
func (w *town) refused(name string, s key.Seed, p Payload, want Code) {
	w.t.Helper()
	with, without := w.twin(), w.twin()
	raw := with.sign(s, p)
	fee, err := Fee(with.v, raw)
	if err != nil {
		w.t.Fatal(name, err)
	}
	if err := Check(with.v, raw, 0); err != nil {
		w.t.Errorf("%s: may not even wait: %v", name, err)
		return
	}
	res := with.block(raw)
	if got := res.Txs[1]; got.Code != want {
		w.t.Errorf("%s: %s %s, want %s", name, got.Code, got.Detail, want)
		return
	}
	if len(res.Events) != 0 {
		w.t.Errorf("%s: a refused transaction told %v", name, res.Events)
	}
	without.block()
	// The same fee and nonce by hand.
	h := without.height
	for _, c := range []struct {
		id   key.ID
		give func(*Account)
	}{
		{s.Public(), func(a *Account) { a.Balance, a.Nonce = a.Balance-fee, a.Nonce+1 }},
		{w.cold[int(h)%validators].Public(), func(a *Account) { a.Balance += fee / 2 }},
	} {
		a, _ := LoadAccount(without.v, c.id)
		c.give(&a)
		without.v[string(accountKey(c.id))] = a.append(nil)
	}
	t, _ := LoadTotals(without.v)
	t.Free, t.Burned = t.Free-(fee-fee/2), t.Burned+(fee-fee/2)
	without.v[prefixTotals] = t.append(nil)
	if with.v.hash() != without.v.hash() {
		for k := range with.v {
			if !bytes.Equal(with.v[k], without.v[k]) {
				w.t.Errorf("%s: a refused transaction changed %q", name, k)
			}
		}
		w.t.Errorf("%s: the state is not that of a block without it", name)
	}
}

func TestTransferAll(t *testing.T) {
	w := newTown(t)
	a, b := w.cold[5], w.cold[6]
	sum := w.balance(a.Public()) + w.balance(b.Public())
	raw := w.sign(a, &TransferAll{To: b.Public()})
	fee, _ := Fee(w.v, raw)
	w.ok(w.block(raw))
	if w.balance(a.Public()) != 0 || w.balance(b.Public()) != sum-fee {
		t.Fatal(w.balance(a.Public()), w.balance(b.Public()), sum, fee)
	}
	// To itself: nothing but the fee is gone.
	before := w.balance(b.Public())
	raw = w.sign(b, &TransferAll{To: b.Public()})
	fee, _ = Fee(w.v, raw)
	w.ok(w.block(raw))
	if w.balance(b.Public()) != before-fee {
		t.Fatal(w.balance(b.Public()))
	}
}

func TestBatchIsAllOrNothing(t *testing.T) {
	w := newTown(t)
	a, b, c := w.cold[4], w.cold[5], w.cold[6]
	pay := func(to key.Seed, n unit.TAO) Payload { return &Transfer{To: to.Public(), Amount: n} }
	before := [2]unit.TAO{w.balance(b.Public()), w.balance(c.Public())}
	raw := w.sign(a, &Batch{Steps: []Payload{pay(b, 3), pay(c, 4), pay(b, 5)}})
	one, _ := DecodeTx(w.sign(a, pay(b, 3)))
	tx, err := DecodeTx(raw)
	if err != nil || tx.steps() != 3*one.steps() {
		t.Fatal(err)
	}
	w.ok(w.block(raw))
	if w.balance(b.Public()) != before[0]+8 || w.balance(c.Public()) != before[1]+4 {
		t.Fatal("the batch did not do what it says")
	}
	w.refused("second of three fails", a, &Batch{Steps: []Payload{pay(b, 3), pay(c, 0), pay(b, 5)}}, CodeAmount)
	w.refused("third is beyond what the first leaves", a, &Batch{Steps: []Payload{pay(b, w.balance(a.Public())/2), pay(c, 1), pay(b, w.balance(a.Public())/2)}}, CodeLowBalance)
	w.refused("registration that fails", a, &Batch{Steps: []Payload{pay(b, 1), &Register{NetUID: 99}}}, CodeNetUID)

	deep := Payload(pay(b, 1))
	for range 1000 {
		deep = &Batch{Steps: []Payload{deep}}
	}
	for name, p := range map[string]Payload{
		"no steps":        &Batch{},
		"too many":        &Batch{Steps: make100(MaxBatch+1, pay(b, 1))},
		"batch in batch":  &Batch{Steps: []Payload{&Batch{Steps: []Payload{pay(b, 1)}}}},
		"nested deep":     deep,
		"free kind":       &Batch{Steps: []Payload{&Commit{}}},
		"for another":     &Batch{Steps: []Payload{&Proxied{Call: pay(b, 1)}}},
		"proxy of proxy":  &Proxied{Call: &Proxied{Call: pay(b, 1)}},
		"rights unknown":  &SetProxy{Delegate: key.ID{1}, Rights: 16},
		"delay too large": &SetProxy{Delegate: key.ID{1}, Rights: 1, Delay: MaxProxyDelay + 1},
	} {
		if _, err := DecodeTx(w.sign(a, p)); !errors.Is(err, &Reject{Code: CodeMalformed}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func make100(n int, p Payload) []Payload {
	out := make([]Payload, n)
	for i := range out {
		out[i] = p
	}
	return out
}

func TestProxies(t *testing.T) {
	w := newTown(t)
	boss, clerk, other := w.cold[4], w.cold[5], w.cold[6]
	pay := &Transfer{To: other.Public(), Amount: 7}
	for_ := func(p Payload) *Proxied { return &Proxied{Account: boss.Public(), Call: p} }
	w.refused("no right", clerk, for_(pay), CodeProxy)
	w.refused("right over oneself", boss, &SetProxy{Delegate: boss.Public(), Rights: RightAll}, CodeProxy)
	w.refused("nothing to take away", boss, &SetProxy{Delegate: clerk.Public()}, CodeProxy)
	w.ok(w.block(w.sign(boss, &SetProxy{Delegate: clerk.Public(), Rights: RightTransfer})))
	before, had, nonce := w.balance(boss.Public()), w.balance(other.Public()), w.nonce(boss)
	w.ok(w.block(w.sign(clerk, for_(pay))))
	if w.balance(boss.Public()) != before-7 || w.balance(other.Public()) != had+7 || w.nonce(boss) != nonce {
		t.Fatal("the delegate did not spend the account's balance, or spent its nonce")
	}
	w.ok(w.block(w.sign(clerk, for_(&Batch{Steps: []Payload{pay, &TransferAll{To: boss.Public()}}}))))
	stake := &Stake{Hotkey: w.hot[0].Public(), Amount: unit.Coin}
	w.refused("another right", clerk, for_(stake), CodeProxy)
	w.refused("another right in a batch", clerk, for_(&Batch{Steps: []Payload{pay, stake}}), CodeProxy)
	w.refused("give rights away", clerk, for_(&SetProxy{Delegate: other.Public(), Rights: RightTransfer}), CodeProxy)
	w.refused("call that fails", clerk, for_(&Transfer{To: other.Public()}), CodeAmount)
	w.ok(w.block(w.sign(boss, &SetProxy{Delegate: clerk.Public(), Rights: RightStaking | RightWeights})))
	w.ok(w.block(w.sign(clerk, for_(stake))))
	if p, _ := LoadPosition(w.v, 0, w.hot[0].Public(), boss.Public()); p == 0 {
		t.Fatal("the stake is not the account's")
	}
	w.refused("right that was replaced", clerk, for_(pay), CodeProxy)
	w.ok(w.block(w.sign(boss, &SetProxy{Delegate: clerk.Public()})))
	w.refused("right that was taken away", clerk, for_(stake), CodeProxy)
	if l, _ := LoadProxies(w.v, boss.Public()); len(l) != 0 {
		t.Fatal(l)
	}
	for i := range MaxProxies {
		w.ok(w.block(w.sign(boss, &SetProxy{Delegate: key.ID{byte(i), 1}, Rights: RightAll})))
	}
	w.refused("one delegate too many", boss, &SetProxy{Delegate: key.ID{99}, Rights: RightAll}, CodeProxies)
}

func TestDelayedProxy(t *testing.T) {
	w := newTown(t)
	boss, clerk, other := w.cold[4], w.cold[5], w.cold[6]
	const delay = 3
	call := &Proxied{Account: boss.Public(), Call: &Transfer{To: other.Public(), Amount: 7}}
	announce := &AnnounceProxied{Principal: boss.Public(), Call: call.CallHash()}
	cancel := &CancelProxied{Principal: boss.Public(), Delegate: clerk.Public(), Call: call.CallHash()}
	w.refused("announced without a right", clerk, announce, CodeProxy)
	w.ok(w.block(w.sign(boss, &SetProxy{Delegate: clerk.Public(), Rights: RightAll, Delay: delay})))
	w.refused("not announced", clerk, call, CodeDelay)
	w.ok(w.block(w.sign(clerk, announce)))
	at := w.height
	w.refused("announced twice", clerk, announce, CodeAnnounced)
	w.refused("too early", clerk, call, CodeDelay)
	w.refused("cancelled by a stranger", other, cancel, CodeProxy)
	w.until(at + delay - 1)
	w.refused("another call", clerk, &Proxied{Account: boss.Public(), Call: &Transfer{To: other.Public(), Amount: 8}}, CodeDelay)
	before := w.balance(other.Public())
	w.ok(w.block(w.sign(clerk, call)))
	if w.balance(other.Public()) != before+7 {
		t.Fatal("nothing was paid")
	}
	w.refused("used up", clerk, call, CodeDelay)
	for _, by := range []key.Seed{boss, clerk} {
		w.ok(w.block(w.sign(clerk, announce)))
		w.ok(w.block(w.sign(by, cancel)))
		w.refused("cancelled twice", by, cancel, CodeAnnounced)
	}
	w.ok(w.block(w.sign(clerk, announce)))
	w.ok(w.block(w.sign(boss, &SetProxy{Delegate: clerk.Public(), Rights: RightAll, Delay: delay})))
	if l, _ := LoadAnnounced(w.v, boss.Public(), clerk.Public()); len(l) != 0 {
		t.Fatal("new rights keep the calls announced under the old ones")
	}
	for i := range MaxAnnounced {
		w.ok(w.block(w.sign(clerk, &AnnounceProxied{Principal: boss.Public(), Call: [32]byte{byte(i)}})))
	}
	w.refused("one call too many", clerk, announce, CodeProxies)
}

// A coldkey may let another key commit and reveal for its hotkeys.
func TestWeightsProxy(t *testing.T) {
	w := newTown(t)
	w.settle()
	w.until(40)
	w.block()
	clerk := w.cold[6]
	ev := [32]byte{1}
	o := w.opening(0, 1)
	call := &Proxied{Account: w.hot[0].Public(), Call: &Commit{NetUID: net, Epoch: 1, Evidence: ev,
		Commitment: o.Commitment(w.gen.ChainID, net, 1, w.hot[0].Public(), ev)}}
	w.refused("no right", clerk, call, CodeProxy)
	w.refused("no hotkey", clerk, &Proxied{Account: key.ID{9}, Call: call.Call}, CodeUnregistered)
	w.ok(w.block(w.sign(w.cold[0], &SetProxy{Delegate: clerk.Public(), Rights: RightWeights})))
	w.ok(w.block(w.sign(clerk, call)))
	if err := Check(w.v, w.commit(0, 1, o), 0); !errors.Is(err, &Reject{Code: CodeSlot}) {
		t.Fatal("the slot is not spent", err)
	}
	w.until(w.clock().First + 4)
	w.refused("wrong opening", clerk, &Proxied{Account: w.hot[0].Public(), Call: &Reveal{NetUID: net, Epoch: 1, Opening: w.opening(1, 1)}}, CodeCommitment)
	w.ok(w.block(w.sign(clerk, &Proxied{Account: w.hot[0].Public(), Call: &Reveal{NetUID: net, Epoch: 1, Opening: o}})))
	if r, _ := LoadReveal(w.v, net, 1, w.hot[0].Public()); r == nil {
		t.Fatal("nothing was revealed")
	}
}

func TestSimulate(t *testing.T) {
	w := newTown(t)
	a, b := w.cold[0], w.cold[6]
	raw := w.sign(a, &Transfer{To: b.Public(), Amount: 9})
	before := w.v.hash()
	sim, err := Simulate(w.v, raw)
	if err != nil || sim.Code != OK || len(sim.Events) != 1 {
		t.Fatal(sim, err)
	}
	tx, _ := DecodeTx(raw)
	unsigned, err := SimulateBody(w.v, tx.body)
	if err != nil || unsigned.Code != OK || unsigned.ID != sim.ID {
		t.Fatal(unsigned, err)
	}
	if w.v.hash() != before {
		t.Fatal("a simulation changed the state")
	}
	would := w.twin()
	would.v.write(sim.Writes)
	fee, _ := Fee(w.v, raw)
	w.ok(w.block(raw))
	if sim.Fee != fee || would.balance(b.Public()) != w.balance(b.Public()) || would.nonce(a) != w.nonce(a) {
		t.Fatal("the block did something else than the simulation")
	}
	bad := flip(raw)
	for _, c := range []struct {
		raw  []byte
		want Code
	}{{raw, CodeNonceLow}, {bad, CodeSignature}, {[]byte{1}, CodeMalformed}, {w.sign(a, &Transfer{To: b.Public()}), CodeAmount}} {
		if sim, err := Simulate(w.v, c.raw); err != nil || sim.Code != c.want {
			t.Errorf("%v %v, want %s", sim, err, c.want)
		}
	}
	if _, err := Simulate(mapView{}, raw); !errors.Is(err, ErrBroken) {
		t.Fatal(err)
	}
}
