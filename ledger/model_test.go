package ledger

import (
	"maps"
	"math/big"
	"math/rand"
	"slices"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// naive is the money of a chain without emission, written again over unbounded
// integers and without any of the ledger's code: balances, pools, shares, the
// queue. Values are never changed in place, so that a copy of the maps is a copy.
type naive struct {
	free    map[int]*big.Int  // by coldkey
	reserve map[NetUID]*purse // V is TAO, S is alpha
	pool    map[place]*purse  // of a hotkey
	shares  map[stakeOf]*big.Int
	waiting map[int]*purse // what queues behind a hotkey
	queue   []leaver
	burned  *big.Int
}

type purse struct{ V, S *big.Int }

type place struct {
	n NetUID
	h int
}

type stakeOf struct {
	place
	c int
}

type leaver struct {
	release Height
	h, c    int
	to      int // -1 to be paid out
	shares  *big.Int
}

var (
	offset = new(big.Int).Lsh(big.NewInt(1), 32)
	word   = new(big.Int).Lsh(big.NewInt(1), 64)
)

func num(v uint64) *big.Int            { return new(big.Int).SetUint64(v) }
func plus(a, b *big.Int) *big.Int      { return new(big.Int).Add(a, b) }
func minus(a, b *big.Int) *big.Int     { return new(big.Int).Sub(a, b) }
func muldiv(a, b, c *big.Int) *big.Int { x := new(big.Int).Mul(a, b); return x.Div(x, c) }
func least(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func (m *naive) copy() *naive {
	return &naive{maps.Clone(m.free), maps.Clone(m.reserve), maps.Clone(m.pool), maps.Clone(m.shares), maps.Clone(m.waiting),
		append([]leaver(nil), m.queue...), m.burned}
}

func (p *purse) scale() (s, v *big.Int) { return plus(p.S, offset), plus(p.V, num(1)) }

func (p *purse) worth(shares *big.Int) *big.Int {
	s, v := p.scale()
	return least(p.V, muldiv(shares, v, s))
}

func (p *purse) put(x *big.Int) (*purse, *big.Int) {
	s, v := p.scale()
	minted := muldiv(x, s, v)
	return &purse{plus(p.V, x), plus(p.S, minted)}, minted
}

func (m *naive) at(p place) *purse {
	if x := m.pool[p]; x != nil {
		return x
	}
	return &purse{num(0), num(0)}
}

func (m *naive) held(s stakeOf) *big.Int {
	if x := m.shares[s]; x != nil {
		return x
	}
	return num(0)
}

func (m *naive) worth(s stakeOf) *big.Int { return m.at(s.place).worth(m.held(s)) }

func (m *naive) deposit(s stakeOf, x *big.Int) bool {
	p, minted := m.at(s.place).put(x)
	if minted.Sign() == 0 {
		return false
	}
	m.pool[s.place], m.shares[s] = p, plus(m.held(s), minted)
	return true
}

func (m *naive) withdraw(s stakeOf, x *big.Int) {
	p, own := m.at(s.place), m.held(s)
	burned := own
	if x.Cmp(p.worth(own)) < 0 {
		a, b := p.scale()
		up := new(big.Int).Add(new(big.Int).Mul(x, a), minus(b, num(1)))
		burned = least(own, up.Div(up, b))
	}
	m.pool[s.place], m.shares[s] = &purse{minus(p.V, x), minus(p.S, burned)}, minus(own, burned)
}

// price is TAO per alpha in 64 fraction bits, as limits see it.
func price(tao, alpha *big.Int) *big.Int { return muldiv(tao, word, alpha) }

// trade is what in brings, nil when a guard refuses it.
func trade(from, to, in *big.Int, fee int64, buying bool) *big.Int {
	net := minus(in, muldiv(in, big.NewInt(fee), num(65535)))
	out := muldiv(to, net, plus(from, net))
	if to.Cmp(num(1e6)) < 0 || in.Cmp(new(big.Int).Mul(from, num(1000))) > 0 || plus(from, in).Cmp(word) >= 0 || out.Sign() == 0 {
		return nil
	}
	tao, alpha := plus(from, in), minus(to, out)
	if !buying {
		tao, alpha = alpha, tao
	}
	if p := price(tao, alpha); p.Cmp(price(num(1), num(1e6))) < 0 || p.Cmp(price(num(1e6), num(1))) > 0 {
		return nil
	}
	return out
}

// most is the largest x up to top with ok(x), found from above by halving steps.
func most(top *big.Int, ok func(*big.Int) bool) *big.Int {
	if ok(top) {
		return top
	}
	x := num(0)
	for bit := top.BitLen(); bit >= 0; bit-- {
		if y := plus(x, new(big.Int).Lsh(num(1), uint(bit))); y.Cmp(top) <= 0 && ok(y) {
			x = y
		}
	}
	return x
}

const (
	modelFee       = 33
	modelUnbonding = 3
)

var minStake = num(2_000_000)

// leaving is how much an amount takes out of a position, nil when it may not.
func (m *naive) leaving(s stakeOf, amount uint64) *big.Int {
	worth, x := m.worth(s), num(amount)
	if amount == AllStake {
		x = worth
	}
	left := minus(worth, x)
	if x.Sign() == 0 || left.Sign() < 0 || left.Sign() > 0 && m.value(s.n, left).Cmp(minStake) < 0 {
		return nil
	}
	return x
}

func (m *naive) value(n NetUID, x *big.Int) *big.Int {
	if n == 0 {
		return x
	}
	r := m.reserve[n]
	return muldiv(x, price(r.V, r.S), word)
}

func (m *naive) quote(n NetUID, in *big.Int, fee int64, buying bool) (out, after *big.Int) {
	r := m.reserve[n]
	net := minus(in, muldiv(in, big.NewInt(fee), num(65535)))
	if buying {
		out = muldiv(r.S, net, plus(r.V, net))
		return out, price(plus(r.V, in), minus(r.S, out))
	}
	out = muldiv(r.V, net, plus(r.S, net))
	return out, price(minus(r.V, out), plus(r.S, in))
}

func limitOf(l uint64) *big.Int { return muldiv(num(l), word, num(1e9)) }

func (m *naive) buy(n NetUID, in *big.Int, fee int64) *big.Int {
	r := m.reserve[n]
	out := trade(r.V, r.S, in, fee, true)
	if out != nil {
		m.reserve[n] = &purse{plus(r.V, in), minus(r.S, out)}
	}
	return out
}

func (m *naive) sell(n NetUID, in *big.Int, fee int64) *big.Int {
	r := m.reserve[n]
	out := trade(r.S, r.V, in, fee, false)
	if out != nil {
		m.reserve[n] = &purse{minus(r.V, out), plus(r.S, in)}
	}
	return out
}

func (m *naive) stake(c, h int, p *Stake) bool {
	in := num(uint64(p.Amount))
	if in.Cmp(minStake) < 0 {
		return false
	}
	got := in
	if p.NetUID != 0 {
		if m.reserve[p.NetUID] == nil {
			return false
		}
		limit := limitOf(uint64(p.Limit))
		within := func(x *big.Int) bool { _, after := m.quote(p.NetUID, x, modelFee, true); return after.Cmp(limit) <= 0 }
		if p.Limit != 0 && p.Partial {
			in = most(in, within)
		}
		if in.Cmp(minStake) < 0 || p.Limit != 0 && !within(in) {
			return false
		}
		if got = m.buy(p.NetUID, in, modelFee); got == nil || got.Cmp(num(uint64(p.Least))) < 0 {
			return false
		}
	}
	if m.free[c].Cmp(in) < 0 {
		return false
	}
	m.free[c] = minus(m.free[c], in)
	return m.deposit(stakeOf{place{p.NetUID, h}, c}, got)
}

func (m *naive) unstake(c, h int, p *Unstake, now Height, bonded bool) bool {
	s := stakeOf{place{p.NetUID, h}, c}
	x := m.leaving(s, uint64(p.Amount))
	if x == nil {
		return false
	}
	if p.NetUID == 0 {
		return m.leaveRoot(s, x, -1, now, bonded)
	}
	limit := limitOf(uint64(p.Limit))
	within := func(x *big.Int) bool { _, after := m.quote(p.NetUID, x, modelFee, false); return after.Cmp(limit) >= 0 }
	if p.Limit != 0 {
		if p.Partial {
			x = most(x, within)
		}
		if !within(x) || x.Sign() == 0 || m.leaving(s, x.Uint64()) == nil {
			return false
		}
	}
	m.withdraw(s, x)
	out := m.sell(p.NetUID, x, modelFee)
	if out == nil || out.Cmp(num(uint64(p.Least))) < 0 {
		return false
	}
	m.free[c] = plus(m.free[c], out)
	return true
}

func (m *naive) leaveRoot(s stakeOf, x *big.Int, to int, now Height, bonded bool) bool {
	m.withdraw(s, x)
	if !bonded {
		m.arrive(s.c, x, to)
		return true
	}
	w := m.waiting[s.h]
	if w == nil {
		w = &purse{num(0), num(0)}
	}
	w, minted := w.put(x)
	m.waiting[s.h] = w
	m.queue = append(m.queue, leaver{now + modelUnbonding, s.h, s.c, to, minted})
	return minted.Sign() > 0
}

func (m *naive) arrive(c int, x *big.Int, to int) {
	if to < 0 || !m.deposit(stakeOf{place{0, to}, c}, x) {
		m.free[c] = plus(m.free[c], x)
	}
}

func (m *naive) release(now Height) {
	for len(m.queue) > 0 && m.queue[0].release <= now {
		u := m.queue[0]
		m.queue = m.queue[1:]
		w := m.waiting[u.h]
		x := w.worth(u.shares)
		w = &purse{minus(w.V, x), minus(w.S, u.shares)}
		if m.waiting[u.h] = w; w.S.Sign() == 0 {
			m.burned = plus(m.burned, w.V)
			delete(m.waiting, u.h)
		}
		m.arrive(u.c, x, u.to)
	}
}

func (m *naive) swap(c, h int, p *SwapStake, bonded bool) bool {
	if p.From == p.To || p.From == 0 && bonded || p.From != 0 && m.reserve[p.From] == nil || p.To != 0 && m.reserve[p.To] == nil {
		return false
	}
	s := stakeOf{place{p.From, h}, c}
	x := m.leaving(s, uint64(p.Amount))
	if x == nil {
		return false
	}
	var sellFee, buyFee int64 = 0, modelFee
	if p.To == 0 {
		sellFee = modelFee
	}
	within := func(x *big.Int) bool {
		tao, left, right := x, word, word
		if p.From != 0 {
			tao, left = m.quote(p.From, x, sellFee, false)
		}
		if p.To != 0 {
			_, right = m.quote(p.To, tao, buyFee, true)
		}
		return muldiv(left, num(1e9), right).Cmp(num(uint64(p.Limit))) >= 0
	}
	if p.Limit != 0 {
		if p.Partial {
			x = most(x, within)
		}
		if x.Sign() == 0 || !within(x) || m.leaving(s, x.Uint64()) == nil {
			return false
		}
	}
	m.withdraw(s, x)
	if p.From != 0 {
		if x = m.sell(p.From, x, sellFee); x == nil {
			return false
		}
	}
	if x.Cmp(minStake) < 0 {
		return false
	}
	if p.To != 0 {
		if x = m.buy(p.To, x, buyFee); x == nil {
			return false
		}
	}
	return x.Cmp(num(uint64(p.Least))) >= 0 && m.deposit(stakeOf{place{p.To, h}, c}, x)
}

// modelled is a chain beside its model.
type modelled struct {
	*town
	m   *naive
	r   *rand.Rand
	hit map[Kind][2]int // refused, applied
}

// amount draws around what there is, and beyond.
func (w *modelled) around(have uint64) uint64 {
	switch w.r.Intn(8) {
	case 0:
		return AllStake
	case 1:
		return w.r.Uint64()
	case 2:
		return uint64(w.r.Intn(3_000_000))
	case 3:
		return have + 1
	case 4:
		return have - min(have, uint64(w.r.Intn(3_000_000)))
	}
	return uint64(w.r.Int63n(int64(have + 1)))
}

func (w *modelled) step(c int) (Payload, func(*naive, Height) bool) {
	r, n, h := w.r, NetUID(w.r.Intn(4)), w.r.Intn(len(w.hot))
	if held, _ := LoadHoldings(w.v, w.cold[c].Public()); len(held) > 0 && r.Intn(4) > 0 { // where there is something to lose
		x := held[r.Intn(len(held))]
		n, h = x.NetUID, slices.IndexFunc(w.hot, func(s key.Seed) bool { return s.Public() == x.Hotkey })
	}
	hot, bonded := w.hot[h].Public(), h < validators
	have, _ := LoadPosition(w.v, n, hot, w.cold[c].Public())
	limit := uint64(0)
	if r.Intn(2) == 0 {
		limit = 900_000_000 + uint64(r.Intn(200_000_000))
		if mk, _ := LoadMarket(w.v, n); mk != nil {
			limit = mk.SpotPrice().Nano() * (900 + uint64(r.Intn(200))) / 1000
		}
	}
	part := r.Intn(2) == 0
	switch r.Intn(7) {
	case 0:
		to := r.Intn(len(w.cold))
		p := &Transfer{w.cold[to].Public(), unit.TAO(w.around(uint64(w.balance(w.cold[c].Public()))))}
		return p, func(m *naive, _ Height) bool {
			x := num(uint64(p.Amount))
			if x.Sign() == 0 || m.free[c].Cmp(x) < 0 {
				return false
			}
			m.free[c] = minus(m.free[c], x)
			m.free[to] = plus(m.free[to], x)
			return true
		}
	case 1, 2:
		p := &Stake{NetUID: n, Hotkey: hot, Amount: unit.TAO(w.around(uint64(w.balance(w.cold[c].Public())) / 20)), Least: unit.Alpha(r.Intn(5)),
			Limit: PriceLimit(limit), Partial: part}
		return p, func(m *naive, _ Height) bool { return m.stake(c, h, p) }
	case 3:
		p := &Unstake{NetUID: n, Hotkey: hot, Amount: StakeAmount(w.around(have)), Limit: PriceLimit(limit), Partial: part}
		return p, func(m *naive, now Height) bool { return m.unstake(c, h, p, now, bonded) }
	case 4:
		to := r.Intn(len(w.hot))
		p := &MoveStake{NetUID: n, From: hot, To: w.hot[to].Public(), Amount: StakeAmount(w.around(have))}
		return p, func(m *naive, now Height) bool {
			s := stakeOf{place{n, h}, c}
			x := m.leaving(s, uint64(p.Amount))
			if x == nil || h == to {
				return false
			}
			if n == 0 {
				return m.leaveRoot(s, x, to, now, bonded)
			}
			m.withdraw(s, x)
			return m.deposit(stakeOf{place{n, to}, c}, x)
		}
	case 5:
		to := r.Intn(len(w.cold))
		p := &TransferStake{NetUID: n, Hotkey: hot, To: w.cold[to].Public(), Amount: StakeAmount(w.around(have))}
		return p, func(m *naive, _ Height) bool {
			s := stakeOf{place{n, h}, c}
			if to == c || n != 0 && m.reserve[n] == nil {
				return false
			}
			x := m.leaving(s, uint64(p.Amount))
			if x == nil || m.value(n, x).Cmp(minStake) < 0 {
				return false
			}
			m.withdraw(s, x)
			return m.deposit(stakeOf{place{n, h}, to}, x)
		}
	}
	p := &SwapStake{From: n, To: NetUID(r.Intn(4)), Hotkey: hot, Amount: StakeAmount(w.around(have)), Limit: RateLimit(limit), Partial: part}
	return p, func(m *naive, _ Height) bool { return m.swap(c, h, p, bonded) }
}

// play makes a block of one transaction of some coldkeys, on both.
func (w *modelled) play() (txs int) {
	var raws [][]byte
	var steps []func(*naive, Height) bool
	var who []int
	for c := range w.cold {
		nonce := w.nonce(w.cold[c])
		for range w.r.Intn(6) {
			p, step := w.step(c)
			raws = append(raws, Sign(w.cold[c], w.gen.ChainID, nonce, w.height+10, p))
			steps, who, nonce = append(steps, step), append(who, c), nonce+1
		}
	}
	before, stuck := w.v, map[int]bool{}
	res := w.blockQuick(raws...)
	fees := num(0)
	for i, raw := range raws {
		fee, err := Fee(before, raw)
		if err != nil {
			w.t.Fatal(err)
		}
		if stuck[who[i]] || w.m.free[who[i]].Cmp(num(uint64(fee))) < 0 { // spent by an earlier one of the block
			if got := res.Txs[i+1].Code; got != CodeLowBalance && got != CodeNonceHigh {
				w.t.Fatalf("block %d: %s, and a fee of %s is due from %s", w.height, got, fee, w.m.free[who[i]])
			}
			stuck[who[i]] = true // its other nonces of this block come too early
			continue
		}
		w.m.free[who[i]] = minus(w.m.free[who[i]], num(uint64(fee)))
		fees = plus(fees, num(uint64(fee/2)))
		w.m.burned = plus(w.m.burned, num(uint64(fee-fee/2)))
		next := w.m.copy()
		ok := steps[i](next, w.height)
		if ok {
			w.m = next
		}
		tx, _ := DecodeTx(raw)
		if got := res.Txs[i+1]; ok != (got.Code == OK) {
			w.t.Fatalf("block %d: %+v by %d: the ledger says %s %s, the model %v", w.height, tx.Payload, who[i], got.Code, got.Detail, ok)
		}
		hit := w.hit[tx.Kind]
		if ok {
			hit[1]++
		} else {
			hit[0]++
		}
		w.hit[tx.Kind] = hit
	}
	producer := int(w.height) % validators
	w.m.free[producer] = plus(w.m.free[producer], fees)
	w.m.release(w.height)
	w.compare()
	return len(raws)
}

func (w *modelled) compare() {
	w.t.Helper()
	same := func(what string, got uint64, want *big.Int) {
		if want == nil {
			want = num(0)
		}
		if num(got).Cmp(want) != 0 {
			w.t.Fatalf("block %d: %s is %d, the model says %s", w.height, what, got, want)
		}
	}
	for c := range w.cold {
		same("a balance", uint64(w.balance(w.cold[c].Public())), w.m.free[c])
		for h := range w.hot {
			for n := range NetUID(3) {
				same("a position", w.position(n, w.hot[h], w.cold[c]), w.m.worth(stakeOf{place{n, h}, c}))
			}
		}
	}
	for h := range w.hot {
		for n := range NetUID(3) {
			v, _ := LoadStake(w.v, n, w.hot[h].Public())
			same("a hotkey's pool", v, w.m.at(place{n, h}).V)
		}
	}
	for n, r := range w.m.reserve {
		same("a reserve of TAO", uint64(w.market(n).TAO), r.V)
		same("a reserve of alpha", uint64(w.market(n).Alpha), r.S)
	}
	tot, _ := LoadTotals(w.v)
	same("burned", uint64(tot.Burned), w.m.burned)
}

// TestModel plays random money on the ledger and on a naive one side by side.
func TestModel(t *testing.T) {
	hit := map[Kind][2]int{}
	for s := range rounds(t, "LEDGER_TEST_SEQUENCES", 100) {
		base := newTownOf(t, func(g *Genesis) {
			g.Params.Unbonding, g.Params.ElectEvery = modelUnbonding, 100_000
			g.Subnets[0].Params.Registration = false // without it nothing is emitted
			n := g.Subnets[0]
			n.NetUID, n.Lock = 2, 50*unit.Coin
			g.Subnets = append(g.Subnets, n)
		})
		for i := validators; i < len(base.hot); i++ {
			base.ok(base.blockQuick(base.sign(base.cold[i], &Register{Hotkey: base.hot[i].Public(), Work: base.work(i), Proof: base.proof(i)})))
		}
		w := &modelled{town: base, r: rand.New(rand.NewSource(int64(s))), hit: hit, m: &naive{free: map[int]*big.Int{}, reserve: map[NetUID]*purse{},
			pool: map[place]*purse{}, shares: map[stakeOf]*big.Int{}, waiting: map[int]*purse{}}}
		tot, _ := LoadTotals(w.v)
		w.m.burned = num(uint64(tot.Burned))
		for c := range w.cold {
			w.m.free[c] = num(uint64(w.balance(w.cold[c].Public())))
		}
		for n := NetUID(1); n <= 2; n++ {
			w.m.reserve[n] = &purse{num(uint64(w.market(n).TAO)), num(uint64(w.market(n).Alpha))}
		}
		for h := range validators {
			w.m.deposit(stakeOf{place{0, h}, h}, num(uint64(100_000*unit.Coin)))
		}
		w.compare()
		for txs := 0; txs < 200; {
			txs += w.play()
		}
		if err := CheckInvariants(w.v); err != nil {
			t.Fatalf("sequence %d: %v", s, err)
		}
	}
	for k, n := range hit {
		if n[0] == 0 || n[1] == 0 {
			t.Errorf("%s: %d refused, %d applied", k, n[0], n[1])
		}
	}
	t.Logf("refused and applied: %v", hit)
}
