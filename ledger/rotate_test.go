package ledger

import (
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// A validator's hotkey is rotated in the middle of an epoch: its uid, stake,
// bonds, children and carry go with it, and the old hotkey still reveals for the
// epochs that had begun.
func TestSwapHotkey(t *testing.T) {
	w := withParams(t, func(p *Params) { p.ChildCooldown = 0 })
	w.settle()
	old, now, fan := w.hot[0], seed("new", 0), w.cold[6]
	w.do(fan, &Stake{NetUID: net, Hotkey: old.Public(), Amount: 5 * unit.Coin})
	w.do(fan, &Stake{Hotkey: old.Public(), Amount: 5 * unit.Coin})
	w.do(fan, &Unstake{Hotkey: old.Public(), Amount: StakeAmount(unit.Coin)}) // queues
	w.do(w.cold[0], &SetChildren{net, old.Public(), []Kin{{w.hot[3].Public(), 1 << 62}}})
	w.do(w.cold[4], &SetChildren{net, w.hot[4].Public(), []Kin{{old.Public(), 1 << 62}}})
	w.do(w.cold[5], &SetAutoStake{net, old.Public()})
	w.do(w.cold[0], &SetTake{old.Public(), 77})
	w.do(w.cold[1], &Register{Hotkey: w.hot[1].Public(), MaxPrice: 1, Work: w.work(1), Proof: w.proof(1)})
	w.do(w.cold[0], &Register{Hotkey: old.Public(), MaxPrice: 1, Work: w.work(0), Proof: w.proof(0)})
	w.until(41)
	reveals := w.commits(1, old)

	swap := func(c, with key.Seed) *SwapHotkey {
		return NewSwapHotkey(w.gen.ChainID, c.Public(), old.Public(), with)
	}
	w.rejects("of a stranger", CodeOwner, w.cold[1], swap(w.cold[1], now))
	w.rejects("to one in use", CodeRegistered, w.cold[0], swap(w.cold[0], w.hot[1]))
	w.rejects("signed for another", CodePossession, w.cold[0], swap(w.cold[1], now))
	forged := swap(w.cold[0], seed("new", 1))
	forged.New = now.Public()
	w.rejects("not signed by the new one", CodePossession, w.cold[0], forged)

	stake, root, hers := w.position(net, old, w.cold[0]), w.position(0, old, w.cold[0]), w.position(net, old, fan)
	weight := stakeWeight(newState(w.v), net, old.Public())
	uid, _, _ := FindUID(w.v, net, old.Public())
	before := w.balance(w.cold[0].Public())
	raw := w.sign(w.cold[0], swap(w.cold[0], now))
	fee, _ := Fee(w.v, raw)
	res := w.block(raw)
	w.ok(res)
	if got := before - w.balance(w.cold[0].Public()); got != fee+w.params().KeySwapCost {
		t.Errorf("it cost %s", got)
	}
	if w.position(net, now, w.cold[0]) != stake || w.position(0, now, w.cold[0]) != root || w.position(net, now, fan) != hers || w.position(net, old, fan) != 0 {
		t.Error("stake did not move")
	}
	if got := stakeWeight(newState(w.v), net, now.Public()); got != weight {
		t.Errorf("stake weight %d, was %d", got, weight)
	}
	if u, ok, _ := FindUID(w.v, net, now.Public()); !ok || u != uid {
		t.Error("the uid did not move")
	}
	if _, ok, _ := FindUID(w.v, net, old.Public()); ok {
		t.Error("the old hotkey has a uid")
	}
	if take, _ := LoadTake(w.v, now.Public()); take != 77 {
		t.Error("the take did not move", take)
	}
	if l, _ := LoadRootMembers(w.v); len(l) != 2 || l[0] == old.Public() || l[1] == old.Public() {
		t.Error("membership of root did not move")
	}
	if p, _ := LoadCandidate(w.v, now.Public()); p == nil || p.Hotkey != now.Public() {
		t.Error("the producer did not move")
	}
	for k := range w.v { // nothing under the old name but what leads away from it, and the frozen epochs
		for _, prefix := range []string{prefixHotkeyPool, prefixShares, prefixUID, prefixOwner, prefixQueued, prefixBonded, prefixFamily, prefixCarry, prefixDelegate, prefixCandidate, prefixHolding, prefixOwned} {
			if len(k) >= len(prefix) && k[:len(prefix)] == prefix && contains(k, old.Public()) {
				t.Errorf("%q is left", k)
			}
		}
	}
	w.rejects("at once again", CodeRate, w.cold[0], NewSwapHotkey(w.gen.ChainID, w.cold[0].Public(), now.Public(), seed("new", 2)))
	w.rejects("back", CodeUnregistered, w.cold[0], NewSwapHotkey(w.gen.ChainID, w.cold[0].Public(), old.Public(), seed("new", 2)))
	w.rejects("the old one again", CodeRotated, w.cold[0], &Register{NetUID: net, Hotkey: old.Public(), MaxPrice: 50 * unit.Coin, Work: w.work(0), Proof: w.proof(0)})
	w.rejects("stake behind the old one", CodeUnregistered, fan, &Stake{NetUID: net, Hotkey: old.Public(), Amount: unit.Coin})
	// The old one reveals for the epoch whose roster has it, and for the one after.
	w.until(w.clock().First + 4)
	w.ok(w.block(reveals...))
	mined := w.position(net, now, w.cold[5])
	w.until(61)
	u, _, _ := FindUID(w.v, net, now.Public())
	if nr, _ := LoadNeuron(w.v, net, u); nr.Hotkey != now.Public() || nr.Dividends == 0 {
		t.Errorf("the epoch before the rotation was not paid: %+v", nr)
	}
	if w.position(net, now, w.cold[5]) <= mined {
		t.Error("what is mined for the old hotkey is lost")
	}
	reveals = w.commits(2, old)
	w.until(w.clock().First + 4)
	w.ok(w.block(reveals...))
	// From the next one on it is the new one, with the carry of the old.
	w.until(81)
	if c, err := LoadCarry(w.v, net, 3, now.Public()); err != nil || c == ([32]byte{}) {
		t.Error("the carry did not move", err)
	}
	reveals = w.commits(3, now)
	w.until(w.clock().First + 4)
	w.ok(w.block(reveals...))
	// What queued under the old hotkey comes out.
	l, err := LoadUnbonding(w.v, fan.Public())
	if err != nil || len(l) != 1 || l[0].Amount != unit.Coin || l[0].Hotkey != now.Public() {
		t.Error(l, err)
	}
}

func contains(k string, id key.ID) bool {
	for i := 0; i+32 <= len(k); i++ {
		if k[i:i+32] == string(id[:]) {
			return true
		}
	}
	return false
}

func (w *town) work(i int) key.Work        { k, _ := w.hot[i].Work(false); return k }
func (w *town) proof(i int) key.Possession { _, p := w.hot[i].Work(false); return p }

// commits plays the commits of all validators for an epoch, of which the first
// has the hotkey first, and returns the reveals.
func (w *town) commits(e Epoch, first key.Seed) (reveals [][]byte) {
	w.t.Helper()
	hot := w.hot[0]
	w.hot[0] = first
	var commits [][]byte
	for i := range validators {
		o := w.opening(i, e)
		commits, reveals = append(commits, w.commit(i, e, o)), append(reveals, w.reveal(i, e, o))
	}
	w.hot[0] = hot // its work keys, with which it produces blocks, stay
	w.ok(w.block(commits...))
	return reveals
}

// A rotated producer stays liable: a double vote of its consensus key burns the
// stake under the new hotkey, and what queues.
func TestSwapHotkeyKeepsLiability(t *testing.T) {
	w := electing(t)
	old, now := w.hot[0], seed("new", 0)
	w.do(w.cold[5], &Stake{Hotkey: old.Public(), Amount: 100 * unit.Coin})
	w.do(w.cold[5], &Unstake{Hotkey: old.Public(), Amount: StakeAmount(40 * unit.Coin)})
	w.do(w.cold[0], NewSwapHotkey(w.gen.ChainID, w.cold[0].Public(), old.Public(), now))
	before := w.position(0, now, w.cold[0])
	b := w.propose()
	b.Misbehaving = []Misbehaving{{w.address(0), w.height}}
	w.apply(b)
	after := w.position(0, now, w.cold[0])
	if lost := before - after; lost*100 < before*4 || lost*100 > before*6 {
		t.Errorf("%d of %d burned", lost, before)
	}
	if l, _ := LoadUnbonding(w.v, w.cold[5].Public()); len(l) != 1 || l[0].Amount > 39*unit.Coin {
		t.Error(l)
	}
}

func TestSwapColdkey(t *testing.T) {
	w := withParams(t, func(p *Params) { p.ColdkeySwap, p.ColdkeyAgain, p.DisputeFreeze = 10, 5, 20 })
	w.settle()
	old, now := w.cold[0], seed("fresh", 0)
	hash := ColdkeySwapHash(now.Public())
	locked := func(name string, p Payload) {
		t.Helper()
		raw := w.sign(old, p)
		if err := Check(w.v, raw, 0); !errors.Is(err, &Reject{Code: CodeLocked}) {
			t.Errorf("%s: may wait: %v", name, err)
		}
		with, without := w.twin(), w.twin()
		res := with.block(raw)
		without.block()
		if res.Txs[1].Code != CodeLocked || with.v.hash() != without.v.hash() {
			t.Errorf("%s: %s, or the state changed", name, res.Txs[1].Code)
		}
	}
	w.do(old, &SetProxy{Delegate: w.cold[6].Public(), Rights: RightAll})
	w.do(old, &SetIdentity{Identity: Identity{Name: "old"}})
	w.do(old, &SetAutoStake{net, w.hot[1].Public()})
	w.do(old, &Unstake{Hotkey: w.hot[0].Public(), Amount: StakeAmount(unit.Coin)})
	w.rejects("without an announcement", CodeNoSwap, old, &SwapColdkey{now.Public()})
	w.rejects("a dispute of nothing", CodeNoSwap, old, &DisputeColdkeySwap{})
	w.rejects("nothing to take back", CodeNoSwap, old, &AnnounceColdkeySwap{})
	w.do(old, &AnnounceColdkeySwap{hash})
	at := w.height
	locked("a transfer", &Transfer{now.Public(), 1})
	locked("a batch", &Batch{Steps: []Payload{&Transfer{now.Public(), 1}}})
	if res := w.block(w.sign(w.cold[6], &Proxied{Account: old.Public(), Call: &Transfer{w.cold[6].Public(), 1}})); res.Txs[1].Code != CodeLocked {
		t.Error("a delegate spends what is locked", res.Txs[1])
	}
	tipped := Unsigned{ChainID: w.gen.ChainID, Account: old.Public(), Nonce: w.nonce(old), Expiry: 99, Tip: 1000 * unit.Coin, Payload: &AnnounceColdkeySwap{}}
	if raw, err := tipped.Sign(old); err != nil || !errors.Is(Check(w.v, raw, 0), &Reject{Code: CodeLocked}) {
		t.Error("a tip empties a locked account", err)
	}
	w.rejects("too early", CodeRate, old, &SwapColdkey{now.Public()})
	w.rejects("to another", CodeNoSwap, old, &SwapColdkey{seed("fresh", 1).Public()})
	w.rejects("announced again", CodeRate, old, &AnnounceColdkeySwap{hash})
	w.until(at + 10)
	total := func(c key.Seed) (sum uint64) {
		l, err := LoadHoldings(w.v, c.Public())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range l {
			sum += x.Worth
		}
		return sum
	}
	had, held := w.balance(old.Public()), total(old)
	raw := w.sign(old, &SwapColdkey{now.Public()})
	fee, _ := Fee(w.v, raw)
	w.ok(w.block(raw))
	if got := w.balance(now.Public()); got < had-fee || w.balance(old.Public()) > unit.Coin/100 {
		t.Errorf("%s arrived of %s, %s are left", got, had, w.balance(old.Public()))
	}
	if got := total(now); got < held || total(old) != 0 {
		t.Errorf("stake of %d, was %d", got, held)
	}
	if c, _ := LoadOwner(w.v, w.hot[0].Public()); c != now.Public() {
		t.Error("the hotkey did not move")
	}
	if l, _ := LoadOwned(w.v, old.Public()); len(l) != 0 {
		t.Error(l)
	}
	if p, _ := LoadCandidate(w.v, w.hot[0].Public()); p.Coldkey != now.Public() {
		t.Error("the producer's fees did not move")
	}
	if l, _ := LoadProxies(w.v, now.Public()); len(l) != 0 {
		t.Error("a delegate of the old coldkey lives on")
	}
	if h, ok, _ := LoadAutoStake(w.v, net, now.Public()); !ok || h != w.hot[1].Public() {
		t.Error("auto-stake did not move")
	}
	if l, _ := LoadUnbonding(w.v, now.Public()); len(l) != 1 {
		t.Error("the queue forgot", l)
	}
	w.do(now, &Stake{NetUID: net, Hotkey: w.hot[0].Public(), Amount: unit.Coin})
	w.cold[0] = now

	// A thief announces, the owner disputes: nobody gets anything, and after the
	// freeze the account is its owner's again.
	old = w.cold[1]
	w.rejects("to one in use", CodeRotated, w.announced(old, w.cold[2]), &SwapColdkey{w.cold[2].Public()})
	w.do(old, &AnnounceColdkeySwap{ColdkeySwapHash(seed("thief", 0).Public())})
	w.do(old, &DisputeColdkeySwap{})
	at = w.height
	locked("the swap", &SwapColdkey{seed("thief", 0).Public()})
	locked("another dispute", &DisputeColdkeySwap{})
	locked("another announcement", &AnnounceColdkeySwap{hash})
	w.until(at + 20)
	w.rejects("a void swap", CodeNoSwap, old, &SwapColdkey{seed("thief", 0).Public()})
	w.do(old, &Transfer{now.Public(), 5})
	w.do(old, &AnnounceColdkeySwap{ColdkeySwapHash(seed("fresh", 3).Public())})
	at = w.height
	w.until(at + 15)
	w.do(old, &AnnounceColdkeySwap{}) // taken back
	w.do(old, &Transfer{now.Public(), 5})
}

// announced waits until a rotation that was announced may be made, and then lets
// it lapse for the test to go on.
func (w *town) announced(s, to key.Seed) key.Seed {
	w.do(s, &AnnounceColdkeySwap{ColdkeySwapHash(to.Public())})
	w.until(w.height + 15)
	return s
}
