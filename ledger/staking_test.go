package ledger

import (
	"errors"
	"math"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

func (w *town) position(n NetUID, h, c key.Seed) uint64 {
	w.t.Helper()
	p, err := LoadPosition(w.v, n, h.Public(), c.Public())
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *town) market(n NetUID) *Market {
	w.t.Helper()
	m, err := LoadMarket(w.v, n)
	if err != nil || m == nil {
		w.t.Fatal(err)
	}
	return m
}

// do plays one transaction that must hold.
func (w *town) do(s key.Seed, p Payload) *Result {
	w.t.Helper()
	res := w.block(w.sign(s, p))
	w.ok(res)
	return res
}

// withParams is a town of a changed genesis.
func withParams(t *testing.T, change func(*Params)) *town {
	return newTownOf(t, func(g *Genesis) { change(&g.Params) })
}

func TestStakeWithinLimits(t *testing.T) {
	w := newTown(t)
	w.settle()
	c, hot := w.cold[0], w.hot[0]
	p := w.market(net).SpotPrice().Nano()
	// A hundredth of a rise of the price needs about half a hundredth of the pool.
	ask := &Stake{NetUID: net, Hotkey: hot.Public(), Amount: 1000 * unit.Coin, Limit: PriceLimit(p + p/100)}
	w.rejects("all within the limit", CodePrice, c, ask)
	w.rejects("the limit is passed", CodePrice, c, &Stake{NetUID: net, Hotkey: hot.Public(), Amount: unit.Coin, Limit: PriceLimit(p - p/100), Partial: true})
	ask.Partial = true
	w.rejects("less than was asked for", CodePrice, c, &Stake{NetUID: net, Hotkey: hot.Public(), Amount: 1000 * unit.Coin,
		Limit: ask.Limit, Partial: true, Least: 900 * unit.Coin})
	raw := w.sign(c, ask)
	fee, _ := Fee(w.v, raw)
	before, pool := w.balance(c.Public()), w.market(net).TAO
	w.ok(w.block(raw))
	spent := before - w.balance(c.Public()) - fee
	if share := uint64(spent) * 1000 / uint64(pool); share < 4 || share > 6 {
		t.Errorf("spent %s of a pool of %s for a rise of 1 %%", spent, pool)
	}
	now := w.market(net).SpotPrice()
	if now.Cmp(ask.Limit.price()) > 0 || now.Nano() < p+p/100-2000 {
		t.Errorf("price %s within %s", now, ask.Limit)
	}
	// And out again.
	have := w.position(net, hot, c)
	out := &Unstake{NetUID: net, Hotkey: hot.Public(), Amount: StakeAmount(AllStake), Limit: PriceLimit(now.Nano() - now.Nano()/100)}
	w.rejects("all within the limit, out", CodePrice, c, out)
	out.Partial = true
	w.do(c, out)
	left := w.position(net, hot, c)
	if left == 0 || left >= have || w.market(net).SpotPrice().Cmp(out.Limit.price()) < 0 {
		t.Errorf("%d of %d left, price %s", left, have, w.market(net).SpotPrice())
	}
	w.rejects("nothing within the limit", CodePrice, c, &Unstake{NetUID: net, Hotkey: hot.Public(), Amount: StakeAmount(AllStake),
		Limit: PriceLimit(2 * now.Nano()), Partial: true})
	w.rejects("a crumb left", CodeAmount, c, &Unstake{NetUID: net, Hotkey: hot.Public(), Amount: StakeAmount(left - 5)})
}

func TestSwapStake(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) {
		n := g.Subnets[0]
		n.NetUID = 2
		g.Subnets = append(g.Subnets, n)
	})
	w.settle()
	c, hot := w.cold[0], w.hot[0]
	have := w.position(net, hot, c)
	all := StakeAmount(AllStake)
	w.rejects("to itself", CodeNetUID, c, &SwapStake{From: net, To: net, Hotkey: hot.Public(), Amount: all})
	w.rejects("to nowhere", CodeNetUID, c, &SwapStake{From: net, To: 9, Hotkey: hot.Public(), Amount: all})
	w.rejects("from nowhere", CodeNetUID, c, &SwapStake{From: 9, To: net, Hotkey: hot.Public(), Amount: all})
	w.rejects("without stake", CodeStake, c, &SwapStake{From: 2, To: net, Hotkey: hot.Public(), Amount: all})
	w.rejects("more than there is", CodeStake, c, &SwapStake{From: net, To: 2, Hotkey: hot.Public(), Amount: StakeAmount(have + 1)})
	w.rejects("too much asked for", CodePrice, c, &SwapStake{From: net, To: 2, Hotkey: hot.Public(), Amount: all, Least: StakeAmount(have * 2)})
	w.rejects("what answers for a producer", CodeQueued, c, &SwapStake{From: 0, To: 2, Hotkey: hot.Public(), Amount: StakeAmount(unit.Coin)})
	w.rejects("below the minimum", CodeAmount, c, &SwapStake{From: net, To: 2, Hotkey: hot.Public(), Amount: 1_000_000})
	w.rejects("at too good a rate", CodePrice, c, &SwapStake{From: net, To: 2, Hotkey: hot.Public(), Amount: all, Limit: 3e9})

	// One fee is paid: what is sold without one buys on the other side with one.
	a, b := w.market(net), w.market(2)
	tao := unit.MulDiv(uint64(a.TAO), have/2, uint64(a.Alpha)+have/2)
	net1 := tao - tao*33/65535
	want := unit.MulDiv(uint64(b.Alpha), net1, uint64(b.TAO)+net1)
	// The block's emission comes before the transaction and moves the pools by little.
	w.do(c, &SwapStake{From: net, To: 2, Hotkey: hot.Public(), Amount: StakeAmount(have / 2)})
	got := w.position(2, hot, c)
	if diff := int64(got) - int64(want); diff < -int64(want)/1000 || diff > int64(want)/1000 {
		t.Errorf("got %d, want about %d", got, want)
	}
	if left := w.position(net, hot, c); left < have-have/2-2 || left > have-have/2+2 {
		t.Errorf("%d of %d left", left, have)
	}
	// Partly, down to a rate.
	x := exchange{from: w.market(net), to: w.market(2), feeTo: 33}
	_, rate, _ := x.after(0)
	limit := RateLimit(rate.Lo - rate.Lo/100)
	w.do(c, &SwapStake{From: net, To: 2, Hotkey: hot.Public(), Amount: all, Limit: limit, Partial: true})
	x = exchange{from: w.market(net), to: w.market(2), feeTo: 33}
	if _, rate, _ = x.after(0); rate.Lo < uint64(limit) || w.position(net, hot, c) == 0 || w.position(2, hot, c) <= got {
		t.Errorf("rate %s, limit %d, %d left", rate, limit, w.position(net, hot, c))
	}
	// To root and back, behind a hotkey that produces nothing.
	miner := w.hot[5]
	w.do(c, &Stake{NetUID: 2, Hotkey: miner.Public(), Amount: 5 * unit.Coin})
	w.do(c, &SwapStake{From: 2, To: 0, Hotkey: miner.Public(), Amount: all})
	root := w.position(0, miner, c)
	if root < uint64(49*unit.Coin/10) || root > uint64(5*unit.Coin) {
		t.Errorf("%d on root", root)
	}
	w.do(c, &SwapStake{From: 0, To: net, Hotkey: miner.Public(), Amount: all})
	if w.position(0, miner, c) != 0 || w.position(net, miner, c) == 0 {
		t.Error("it did not come back")
	}
}

func TestTransferStake(t *testing.T) {
	w := newTown(t)
	w.settle()
	c, hot, to := w.cold[0], w.hot[0], w.cold[5]
	have := w.position(net, hot, c)
	p := &TransferStake{NetUID: net, Hotkey: hot.Public(), To: to.Public(), Amount: StakeAmount(have / 2)}
	w.rejects("to oneself", CodeAmount, c, &TransferStake{NetUID: net, Hotkey: hot.Public(), To: c.Public(), Amount: 5})
	w.rejects("on no subnet", CodeNetUID, c, &TransferStake{NetUID: 9, Hotkey: hot.Public(), To: to.Public(), Amount: 5})
	w.rejects("of a stranger", CodeStake, to, &TransferStake{NetUID: net, Hotkey: hot.Public(), To: c.Public(), Amount: 5})
	w.rejects("dust", CodeAmount, c, &TransferStake{NetUID: net, Hotkey: hot.Public(), To: to.Public(), Amount: 5})
	w.do(c, p)
	if got := w.position(net, hot, to); got+1 < have/2 || got > have/2 {
		t.Errorf("%d arrived of %d", got, have/2)
	}
	// What answers for a producer goes on answering for it.
	root := w.position(0, hot, c)
	w.do(c, &TransferStake{Hotkey: hot.Public(), To: to.Public(), Amount: StakeAmount(unit.Coin)})
	if w.position(0, hot, c) > root-uint64(unit.Coin) || bondedUntil(newState(w.v), hot.Public()) != elected {
		t.Error("root stake was freed")
	}
	l, err := LoadHoldings(w.v, to.Public())
	if err != nil || len(l) != 2 || l[0].NetUID != 0 || l[1].Hotkey != hot.Public() || l[0].Worth == 0 {
		t.Error(l, err)
	}
	w.do(c, &Transfer{w.owner.Public(), unit.Coin})
	w.do(w.owner, &SetParams{NetUID: net, Numbers: []Setting{{"stake_transfer", 0}}})
	w.until(w.height + 20)
	w.rejects("forbidden", CodeNoTransfer, c, &TransferStake{NetUID: net, Hotkey: hot.Public(), To: to.Public(), Amount: StakeAmount(have / 4)})
}

func TestTake(t *testing.T) {
	w := newTown(t)
	w.settle()
	c, hot := w.cold[0], w.hot[0]
	w.rejects("of a stranger", CodeOwner, w.cold[1], &SetTake{hot.Public(), 5})
	w.rejects("of nobody", CodeUnregistered, c, &SetTake{seed("nobody", 0).Public(), 5})
	w.rejects("too much", CodeParameter, c, &SetTake{hot.Public(), 11_797})
	w.do(c, &SetTake{hot.Public(), 0})
	w.do(c, &SetTake{hot.Public(), 100})
	w.rejects("raised again", CodeRate, c, &SetTake{hot.Public(), 101})
	w.do(c, &SetTake{hot.Public(), 0})
	if got, err := LoadTake(w.v, hot.Public()); err != nil || got != 0 {
		t.Error(got, err)
	}
	if got, _ := LoadTake(w.v, w.hot[1].Public()); got != 11_796 {
		t.Error(got)
	}
	// Two alike validators, with and without a take, each with a nominator of
	// another coldkey beside its owner. Without a take both gain alike.
	fan := w.cold[6]
	for i := range 2 {
		w.do(fan, &Stake{NetUID: net, Hotkey: w.hot[i].Public(), Amount: 50 * unit.Coin})
	}
	var was [2]uint64
	w.until(41)
	w.epoch(1)
	for i := range was {
		was[i] = w.position(net, w.hot[i], fan)
	}
	w.until(60)
	var gain [2]uint64 // per unit that was there
	for i := range was {
		gain[i] = (w.position(net, w.hot[i], fan) - was[i]) * 1e6 / was[i]
	}
	free, taxed := gain[0], gain[1]
	if taxed == 0 || taxed*100 > free*84 || taxed*100 < free*78 {
		t.Errorf("nominators got %d and %d: a take of 18 %% leaves 82 %%", free, taxed)
	}
}

func TestAutoStake(t *testing.T) {
	w := newTown(t)
	w.settle()
	to := w.hot[0]
	w.rejects("on no subnet", CodeNetUID, w.cold[4], &SetAutoStake{9, to.Public()})
	w.rejects("to nobody", CodeUnregistered, w.cold[4], &SetAutoStake{net, seed("nobody", 0).Public()})
	w.do(w.cold[4], &SetAutoStake{net, to.Public()})
	w.do(w.cold[5], &SetAutoStake{net, to.Public()})
	w.do(w.cold[5], &SetAutoStake{net, Hotkey{}})
	w.until(41)
	w.epoch(1)
	w.until(60)
	if w.position(net, w.hot[4], w.cold[4]) != 0 || w.position(net, to, w.cold[4]) == 0 {
		t.Error("what was mined is not where it should be")
	}
	if w.position(net, w.hot[5], w.cold[5]) == 0 || w.position(net, to, w.cold[5]) != 0 {
		t.Error("a destination that was taken back is still used")
	}
}

func TestChildren(t *testing.T) {
	w := withParams(t, func(p *Params) { p.ChildRate, p.ChildCooldown = 5, 10 })
	w.settle()
	parent, child := w.hot[0], w.hot[3]
	half := []Kin{{child.Public(), math.MaxUint64 / 2}}
	w.rejects("on no subnet", CodeNetUID, w.cold[0], &SetChildren{9, parent.Public(), half})
	w.rejects("on root", CodeNetUID, w.cold[0], &SetChildren{0, parent.Public(), half})
	w.rejects("of a stranger", CodeOwner, w.cold[1], &SetChildren{net, parent.Public(), half})
	w.rejects("of itself", CodeFamily, w.cold[0], &SetChildren{net, parent.Public(), []Kin{{parent.Public(), 1}}})
	w.rejects("of nobody", CodeUnregistered, w.cold[0], &SetChildren{net, parent.Public(), []Kin{{seed("nobody", 0).Public(), 1}}})
	two := []Kin{{w.hot[3].Public(), math.MaxUint64}, {w.hot[4].Public(), 1}}
	if less(two[1].Hotkey, two[0].Hotkey) {
		two[0], two[1] = two[1], two[0]
	}
	w.rejects("more than all", CodeFamily, w.cold[0], &SetChildren{net, parent.Public(), two})
	for name, list := range map[string][]Kin{"unsorted": {two[1], two[0]}, "twice": {two[0], two[0]}, "nothing": {{child.Public(), 0}},
		"six": {{Hotkey{1}, 1}, {Hotkey{2}, 1}, {Hotkey{3}, 1}, {Hotkey{4}, 1}, {Hotkey{5}, 1}, {Hotkey{6}, 1}}} {
		if _, err := DecodeTx(w.sign(w.cold[0], &SetChildren{net, parent.Public(), list})); !errors.Is(err, &Reject{Code: CodeMalformed}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.do(w.cold[0], &SetChildren{net, parent.Public(), half})
	w.rejects("again", CodeRate, w.cold[0], &SetChildren{net, parent.Public(), nil})
	w.do(w.cold[3], &SetChildTake{net, child.Public(), 6553})
	w.rejects("take raised again", CodeRate, w.cold[3], &SetChildTake{net, child.Public(), 6554})
	w.rejects("take too large", CodeParameter, w.cold[3], &SetChildTake{net, child.Public(), 11_797})
	w.rejects("take of a stranger", CodeOwner, w.cold[0], &SetChildTake{net, child.Public(), 0})
	w.rejects("take on no subnet", CodeNetUID, w.cold[3], &SetChildTake{7, child.Public(), 0})
	if kids, due, _ := LoadWaiting(w.v, net, parent.Public()); len(kids) != 1 || due != w.height-1+10 {
		t.Error(kids, due)
	}
	before := stakeWeight(newState(w.v), net, parent.Public())
	w.until(21) // the first epoch that begins after the cooldown
	s := newState(w.v)
	own := ownWeight(s, net, parent.Public())
	if a, b := stakeWeight(s, net, parent.Public()), stakeWeight(s, net, child.Public()); a+b != own || b != own/2 && b != own/2-1 && b+1 != own/2 || before != own {
		t.Errorf("%d and %d of %d", a, b, own)
	}
	roster, err := LoadRoster(w.v, net, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m := roster[roster.Index(child.Public())]; !m.Permit || m.Stake == 0 {
		t.Errorf("the child validates: %+v", m)
	}
	w.rejects("a circle", CodeFamily, w.cold[3], &SetChildren{net, child.Public(), []Kin{{parent.Public(), 1}}})
	// A circle that closes while both wait is left open.
	w.do(w.cold[1], &SetChildren{net, w.hot[1].Public(), []Kin{{w.hot[2].Public(), 7}}})
	w.do(w.cold[2], &SetChildren{net, w.hot[2].Public(), []Kin{{w.hot[1].Public(), 7}}})
	w.until(41)
	f1, _ := LoadFamily(w.v, net, w.hot[1].Public())
	f2, _ := LoadFamily(w.v, net, w.hot[2].Public())
	if len(f1.Children)+len(f2.Children) != 1 {
		t.Errorf("%+v %+v", f1, f2)
	}
	// The child commits too; its dividends go to the parent but for its take.
	w.do(w.cold[3], &SetAutoStake{net, w.hot[6].Public()}) // what it mines goes elsewhere
	var commits, reveals [][]byte
	for i := range validators + 1 {
		o := w.opening(i, 1)
		commits, reveals = append(commits, w.commit(i, 1, o)), append(reveals, w.reveal(i, 1, o))
	}
	w.ok(w.block(commits...))
	w.until(w.clock().First + 4)
	w.ok(w.block(reveals...))
	w.until(59)
	stake := func(h key.Seed) uint64 { v, _ := LoadStake(w.v, net, h.Public()); return v }
	mine, theirs := stake(child), stake(parent)
	w.block()
	u, _, _ := FindUID(w.v, net, child.Public())
	nr, _ := LoadNeuron(w.v, net, u)
	if nr.Dividends == 0 {
		t.Fatalf("the child earned no dividends: %+v", nr)
	}
	if got, up := stake(child)-mine, stake(parent)-theirs; up == 0 || got >= up {
		t.Errorf("child %d, parent %d", got, up)
	}
	w.do(w.cold[0], &SetChildren{net, parent.Public(), nil})
	w.until(81)
	if f, _ := LoadFamily(w.v, net, child.Public()); len(f.Parents) != 0 || stakeWeight(newState(w.v), net, child.Public()) != ownWeight(newState(w.v), net, child.Public()) {
		t.Error("the child was not given up")
	}
}

// portions add up to the dividend, whatever the takes.
func TestPortionsAddUp(t *testing.T) {
	w := withParams(t, func(p *Params) { p.ChildCooldown, p.ChildBurn = 0, 5000 })
	w.settle()
	w.do(w.cold[0], &SetChildren{net, w.hot[0].Public(), []Kin{{w.hot[3].Public(), math.MaxUint64 / 3}}})
	w.do(w.cold[1], &SetChildren{net, w.hot[1].Public(), []Kin{{w.hot[3].Public(), math.MaxUint64}}})
	w.until(21)
	params := w.params()
	for _, d := range []uint64{0, 1, 2, 7, 1e9 + 7, 1 << 40} {
		var sum, burned uint64
		got := portions(newState(w.v), net, w.hot[3].Public(), d, 1000, &params)
		for _, x := range got {
			sum += x.amount
			if x.to == (Hotkey{}) {
				burned += x.amount
			}
		}
		if sum != d || len(got) != 7 || d > 1e6 && (burned == 0 || got[1].amount == 0) {
			t.Errorf("%d: %v", d, got)
		}
	}
}
