package ledger

import (
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// electing makes a town whose elections are every 5 blocks and whose U is 7.
func electing(t *testing.T) *town {
	w := newTown(t)
	p := w.params()
	p.ElectEvery, p.Unbonding, p.MissWindow, p.Jail = 5, 7, 10, 12
	w.v[prefixParams] = p.append(nil)
	return w
}

func (w *town) params() Params {
	p, _, err := load[Params](w.v, []byte(prefixParams))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// join makes coldkey i a producer with a stake.
func (w *town) join(i int, stake unit.TAO) {
	w.t.Helper()
	w.ok(w.block(w.sign(w.cold[i], &Batch{Steps: []Payload{NewAnnounceProducer(w.hot[i], seed("cons", i)),
		&Stake{Hotkey: w.hot[i].Public(), Amount: stake}}})))
}

func (w *town) set() map[Hotkey]uint64 {
	all, err := Producers(w.v)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[Hotkey]uint64{}
	for _, p := range all {
		out[p.Hotkey] = p.Power
	}
	return out
}

func (w *town) election() *Result {
	w.until((w.height/5+1)*5 - 1)
	return w.block()
}

func (w *town) address(i int) Address {
	p := Producer{Consensus: seed("cons", i).Public()}
	return p.Address()
}

func TestElection(t *testing.T) {
	w := electing(t)
	w.join(3, 5000*unit.Coin)
	if len(w.set()) != validators {
		t.Fatal("joined before the election")
	}
	res := w.election()
	if got := w.set()[w.hot[3].Public()]; got != 5000 {
		t.Fatalf("power %d", got)
	}
	if len(res.Producers) != 1 || res.Producers[0] != (ProducerUpdate{seed("cons", 3).Public(), 5000}) {
		t.Fatal(res.Producers)
	}
	if res = w.election(); len(res.Producers) != 0 {
		t.Fatal("an election without a change tells consensus something", res.Producers)
	}
	w.refused("announced twice", w.cold[3], NewAnnounceProducer(w.hot[3], seed("cons", 9)), CodeCandidate)
	w.refused("of another coldkey", w.cold[4], NewAnnounceProducer(w.hot[3], seed("cons", 9)), CodeOwner)
	w.refused("a used consensus key", w.cold[4], NewAnnounceProducer(w.hot[4], seed("cons", 3)), CodeConsensusKey)
	stolen := NewAnnounceProducer(w.hot[4], seed("cons", 8))
	stolen.Consensus = seed("cons", 7).Public()
	w.refused("without the consensus key", w.cold[4], stolen, CodePossession)
	stolen = NewAnnounceProducer(w.hot[4], seed("cons", 8))
	stolen.Hotkey = w.hot[5].Public()
	w.refused("proofs for another hotkey", w.cold[4], stolen, CodePossession)
	w.refused("withdrawn by a stranger", w.cold[4], &WithdrawProducer{w.hot[3].Public()}, CodeOwner)
	w.refused("withdrawn without", w.cold[4], &WithdrawProducer{seed("hot", 99).Public()}, CodeOwner)
	w.refused("not jailed", w.cold[3], &Unjail{w.hot[3].Public()}, CodeJailed)

	// A set of four does not shrink; a fifth lets one go.
	w.ok(w.block(w.sign(w.cold[3], &WithdrawProducer{w.hot[3].Public()})))
	w.refused("withdrawn twice", w.cold[3], &WithdrawProducer{w.hot[3].Public()}, CodeCandidate)
	w.election()
	if len(w.set()) != 4 {
		t.Fatal("a set of four shrank", w.set())
	}
	w.join(4, 6000*unit.Coin)
	w.election()
	if s := w.set(); len(s) != 4 || s[w.hot[3].Public()] != 0 || s[w.hot[4].Public()] != 6000 {
		t.Fatal(s)
	}
	// A new key for a withdrawn hotkey.
	w.ok(w.block(w.sign(w.cold[3], NewAnnounceProducer(w.hot[3], seed("cons", 33)))))
	w.election()
	if s := w.set(); len(s) != 5 {
		t.Fatal(s)
	}
}

// A whale gets a third of the votes per election, no more.
func TestElectionMovesByAThird(t *testing.T) {
	w := electing(t)
	w.ok(w.block(w.sign(w.cold[3], NewAnnounceProducer(w.hot[3], seed("cons", 3)))))
	// As if somebody had staked two million TAO.
	tot, _ := LoadTotals(w.v)
	const whale = 2_000_000 * unit.Coin
	tot.Issued, tot.Root = tot.Issued+whale, tot.Root+whale
	w.v[prefixTotals] = tot.append(nil)
	s := newState(w.v)
	if err := deposit(s, 0, w.hot[3].Public(), w.cold[3].Public(), uint64(whale)); err != nil {
		t.Fatal(err)
	}
	w.v.write(s.writes(s.changes()))
	total := uint64(300_000)
	for power := uint64(0); power < 2_000_000; {
		w.election()
		is := w.set()[w.hot[3].Public()]
		if is != min(power+total/3, 2_000_000) {
			t.Fatalf("power %d after %d of %d", is, power, total)
		}
		total += is - power
		power = is
	}
}

func TestUnbonding(t *testing.T) {
	w := electing(t)
	hot := w.hot[0].Public() // elected since the genesis
	fan := w.cold[5]
	w.ok(w.block(w.sign(fan, &Stake{Hotkey: hot, Amount: 100 * unit.Coin})))
	w.refused("more than there is", fan, &Unstake{Hotkey: hot, Amount: StakeAmount(101 * unit.Coin)}, CodeStake)
	w.refused("nothing", fan, &Unstake{Hotkey: hot}, CodeAmount)
	w.refused("a crumb left", fan, &Unstake{Hotkey: hot, Amount: StakeAmount(100*unit.Coin - 5)}, CodeAmount)
	w.refused("behind nobody", fan, &Unstake{Hotkey: w.hot[6].Public(), Amount: StakeAmount(unit.Coin)}, CodeStake)
	w.refused("on no subnet", fan, &Unstake{NetUID: 9, Hotkey: hot, Amount: 5}, CodeStake)
	before := w.balance(fan.Public())
	raw := w.sign(fan, &Unstake{Hotkey: hot, Amount: StakeAmount(40 * unit.Coin)})
	fee, _ := Fee(w.v, raw)
	w.ok(w.block(raw))
	at := w.height
	if w.balance(fan.Public()) != before-fee {
		t.Fatal("the stake did not queue")
	}
	l, err := LoadUnbonding(w.v, fan.Public())
	if err != nil || len(l) != 1 || l[0].Amount != 40*unit.Coin || l[0].Release != at+7 {
		t.Fatal(l, err)
	}
	w.until(at + 6)
	if w.balance(fan.Public()) != before-fee {
		t.Fatal("it left too early")
	}
	w.block()
	if w.balance(fan.Public()) != before-fee+40*unit.Coin {
		t.Fatal("it did not leave", w.balance(fan.Public()))
	}
	tot, _ := LoadTotals(w.v)
	if l, _ := LoadUnbonding(w.v, fan.Public()); len(l) != 0 || tot.Queued != 0 {
		t.Fatal(l, tot.Queued)
	}
	// Redelegation waits as well, and arrives.
	w.ok(w.block(w.sign(w.cold[3], NewAnnounceProducer(w.hot[3], seed("cons", 3)))))
	to := w.hot[3].Public()
	w.refused("to itself", fan, &MoveStake{From: hot, To: hot, Amount: 5}, CodeAmount)
	w.refused("to nobody", fan, &MoveStake{From: hot, To: w.hot[6].Public(), Amount: 5}, CodeUnregistered)
	w.ok(w.block(w.sign(fan, &MoveStake{From: hot, To: to, Amount: StakeAmount(AllStake)})))
	if p, _ := LoadPosition(w.v, 0, to, fan.Public()); p != 0 {
		t.Fatal("redelegated stake does not wait")
	}
	w.until(w.height + 7)
	if p, _ := LoadPosition(w.v, 0, to, fan.Public()); p != uint64(60*unit.Coin) {
		t.Fatal(p)
	}
	// Behind a hotkey that was never elected it is free at once.
	if w.set()[to] != 0 {
		w.ok(w.block(w.sign(w.cold[4], NewAnnounceProducer(w.hot[4], seed("cons", 4)))))
		to = w.hot[4].Public()
		w.ok(w.block(w.sign(fan, &Stake{Hotkey: to, Amount: 60 * unit.Coin})))
	}
	before = w.balance(fan.Public())
	raw = w.sign(fan, &Unstake{Hotkey: to, Amount: StakeAmount(AllStake)})
	fee, _ = Fee(w.v, raw)
	w.ok(w.block(raw))
	if w.balance(fan.Public()) != before-fee+60*unit.Coin {
		t.Fatal(w.balance(fan.Public()))
	}
}

func TestUnstakeSellsAlpha(t *testing.T) {
	w := newTown(t)
	w.settle()
	hot, c := w.hot[0].Public(), w.cold[0]
	have, _ := LoadPosition(w.v, net, hot, c.Public())
	w.refused("too little asked for", c, &Unstake{NetUID: net, Hotkey: hot, Amount: StakeAmount(have / 2), Least: 1000 * unit.Coin}, CodePrice)
	before := w.balance(c.Public())
	w.ok(w.block(w.sign(c, &Unstake{NetUID: net, Hotkey: hot, Amount: StakeAmount(have / 2)})))
	if w.balance(c.Public()) <= before {
		t.Fatal("nothing was paid")
	}
	left, _ := LoadPosition(w.v, net, hot, c.Public())
	w.ok(w.block(w.sign(c, &MoveStake{NetUID: net, From: hot, To: w.hot[1].Public(), Amount: StakeAmount(AllStake)})))
	if p, _ := LoadPosition(w.v, net, hot, c.Public()); p != 0 {
		t.Fatal(p)
	}
	if p, _ := LoadPosition(w.v, net, w.hot[1].Public(), c.Public()); p+1 < left || p > left {
		t.Fatal(p, left)
	}
}

// A double vote burns 5 % of what stands and of what queues behind the hotkey.
func TestDoubleVote(t *testing.T) {
	w := electing(t)
	w.join(3, 5000*unit.Coin)
	w.join(4, 5000*unit.Coin)
	w.election()
	hot, fan := w.hot[3].Public(), w.cold[5]
	w.ok(w.block(w.sign(fan, &Stake{Hotkey: hot, Amount: 100 * unit.Coin})))
	w.ok(w.block(w.sign(fan, &Unstake{Hotkey: hot, Amount: StakeAmount(40 * unit.Coin)})))
	p := w.params()
	p.Unbonding = 7
	burned, _ := LoadTotals(w.v)
	prove := func(i int) *Result {
		b := w.propose()
		b.Misbehaving = []Misbehaving{{Producer: w.address(i), Height: w.height}}
		return w.apply(b)
	}
	res := prove(3)
	if len(res.Producers) != 1 || res.Producers[0].Power != 0 || len(w.set()) != 4 {
		t.Fatal("it was not expelled", res.Producers)
	}
	five := func(x unit.TAO) uint64 { return unit.MulDiv(uint64(x), 3277, 65535) }
	if s, _ := LoadStake(w.v, 0, hot); s != uint64(5060*unit.Coin)-five(5060*unit.Coin) {
		t.Fatal(s)
	}
	l, _ := LoadUnbonding(w.v, fan.Public())
	if want := uint64(40*unit.Coin) - five(40*unit.Coin); len(l) != 1 || uint64(l[0].Amount) > want || uint64(l[0].Amount)+2 < want {
		t.Fatal(l, want)
	}
	now, _ := LoadTotals(w.v)
	if got := uint64(now.Burned - burned.Burned); got < five(5060*unit.Coin)+five(40*unit.Coin) {
		t.Fatal("too little is burned", got)
	}
	stake, _ := LoadStake(w.v, 0, hot)
	prove(3)
	if again, _ := LoadStake(w.v, 0, hot); again != stake {
		t.Fatal("slashed twice")
	}
	w.refused("announced again", w.cold[3], NewAnnounceProducer(w.hot[3], seed("cons", 30)), CodeTombstoned)
	w.refused("let out", w.cold[3], &Unjail{hot}, CodeTombstoned)
	w.until(w.height + 10)
	tot, _ := LoadTotals(w.v)
	if l, _ := LoadUnbonding(w.v, fan.Public()); len(l) != 0 || tot.Queued != 0 {
		t.Fatal("the rest is stuck in the queue", l, tot.Queued)
	}
	// A set of four stays four: the tombstoned producer goes when there is a fifth.
	prove(4)
	if s, _ := LoadStake(w.v, 0, w.hot[4].Public()); s != uint64(5000*unit.Coin)-five(5000*unit.Coin) {
		t.Fatal(s)
	}
	w.election()
	if len(w.set()) != 4 {
		t.Fatal(w.set())
	}
	w.join(5, 50*unit.Coin)
	w.election()
	if s := w.set(); s[w.hot[4].Public()] != 0 || len(s) != 4 {
		t.Fatal(s)
	}
	// Evidence of a key that the chain never had is nothing.
	b := w.propose()
	b.Misbehaving = []Misbehaving{{Producer: Address{1}}}
	w.apply(b)
}

func TestJail(t *testing.T) {
	w := electing(t)
	w.join(3, 5000*unit.Coin)
	w.join(4, 4000*unit.Coin)
	w.election()
	miss := func(n int) {
		for range n {
			b := w.propose()
			b.Absent = []Address{w.address(4), {99}}
			w.apply(b)
		}
	}
	miss(5)
	w.until(w.height + 5) // five of ten is not over half
	if m, _ := LoadMissed(w.v, w.address(4)); m != 5 || w.set()[w.hot[4].Public()] == 0 {
		t.Fatal(m, w.set())
	}
	w.until(w.height + 5)
	if m, _ := LoadMissed(w.v, w.address(4)); m != 0 {
		t.Fatal("misses are not forgotten", m)
	}
	miss(6)
	at := w.height
	hot := w.hot[4].Public()
	if w.set()[hot] != 0 {
		t.Fatal("not jailed")
	}
	if c, _ := LoadCandidate(w.v, hot); c.Jailed != at+12 {
		t.Fatal(c.Jailed)
	}
	if s, _ := LoadStake(w.v, 0, hot); s != uint64(4000*unit.Coin) {
		t.Fatal("missing votes costs stake", s)
	}
	w.election()
	if w.set()[hot] != 0 {
		t.Fatal("a jailed producer was elected")
	}
	w.refused("too early", w.cold[4], &Unjail{hot}, CodeJailed)
	// A new consensus key does not open the jail.
	w.ok(w.block(w.sign(w.cold[4], &Batch{Steps: []Payload{&WithdrawProducer{hot}, NewAnnounceProducer(w.hot[4], seed("cons", 44))}})))
	w.election()
	if w.set()[hot] != 0 {
		t.Fatal("a new key opened the jail")
	}
	w.until(at + 12)
	w.ok(w.block(w.sign(w.cold[4], &Unjail{hot})))
	w.election()
	if w.set()[hot] != 4000 {
		t.Fatal(w.set())
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	w := newTown(t)
	s := newState(w.v)
	rich := func(i int, stake uint64) Producer {
		h := key.Hash("candidate", []byte{byte(i), byte(i >> 8)})
		p := Producer{Hotkey: h, Consensus: h}
		store(s, producerKey(p.Address()), p)
		store(s, candidateKey(h), pointer(p.Address()))
		if err := deposit(s, 0, h, h, stake); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for i := range maxCandidates - validators {
		if err := addCandidate(s, rich(i, uint64(100+i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := addCandidate(s, rich(5000, 100)); !errors.Is(err, &Reject{Code: CodeCandidates}) {
		t.Fatal(err)
	}
	if err := addCandidate(s, rich(5001, 101)); err != nil {
		t.Fatal(err)
	}
	list, err := Candidates(s)
	if err != nil || len(list) != maxCandidates {
		t.Fatal(len(list), err)
	}
	if p, _ := LoadCandidate(s, key.Hash("candidate", []byte{0, 0})); !p.Withdrawn {
		t.Fatal("the poorest candidate is still in")
	}
}
