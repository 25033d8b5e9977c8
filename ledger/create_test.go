package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// rejects plays a transaction that only execution refuses and holds that it
// changes nothing but its account's nonce and the fee.
func (w *town) rejects(name string, want Code, s key.Seed, p Payload) {
	w.t.Helper()
	with, without := w.twin(), w.twin()
	res := with.block(with.sign(s, p))
	if got := res.Txs[1]; got.Code != want {
		w.t.Errorf("%s: %s %s, want %s", name, got.Code, got.Detail, want)
		return
	}
	if len(res.Blobs) != 0 {
		w.t.Errorf("%s: leaves %d blobs", name, len(res.Blobs))
	}
	without.block()
	for _, m := range []*town{with, without} { // the fee and where it goes
		delete(m.v, prefixTotals)
		for i := range w.cold {
			delete(m.v, string(accountKey(w.cold[i].Public())))
		}
		delete(m.v, string(accountKey(s.Public())))
	}
	if with.v.hash() != without.v.hash() {
		w.t.Errorf("%s: a rejected transaction changed more than its fee", name)
	}
}

// found creates a subnet for cold[i], with hot[i] as its uid 0.
func (w *town) found(i int) NetUID {
	w.t.Helper()
	w.ok(w.block(w.sign(w.cold[i], w.creation(i))))
	nets, err := Subnets(w.v)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, n := range nets {
		if sub, _ := LoadSubnet(w.v, n); sub.Created == w.height {
			return n
		}
	}
	w.t.Fatal("no subnet was created")
	return 0
}

func (w *town) creation(i int) *CreateSubnet {
	work, proof := w.hot[i].Work(false)
	return &CreateSubnet{Hotkey: w.hot[i].Public(), MaxPrice: 1 << 60, Work: work, Proof: proof}
}

// module makes bytes that look like a module.
func module(size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewSource(int64(size)))
	for i := range b {
		b[i] = byte(r.Intn(20))
	}
	return b
}

// store puts a module on the chain by cold[i].
func (w *town) store(i int, code []byte) [32]byte {
	w.t.Helper()
	p, chunks, err := PackModule(code)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ok(w.block(w.sign(w.cold[i], p)))
	for c := range chunks {
		res := w.block(w.sign(w.cold[i], &chunks[c]))
		w.ok(res)
		if len(res.Blobs) != 1 || res.Blobs[0].Hash != p.Chunks[c] || ChunkHash(res.Blobs[0].Bytes) != p.Chunks[c] {
			w.t.Fatalf("chunk %d was not handed out: %d blobs", c, len(res.Blobs))
		}
	}
	return p.Module
}

var someRounds = []ByteSetting{{"rounds", []byte{0, 2, 0, 6}}}

func TestCreateSubnet(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) { g.Params.NetworkRate = 100 })
	cost, err := LockCost(w.v)
	if err != nil || cost != 1000*unit.Coin {
		t.Fatal(cost, err)
	}
	before, _ := LoadAccount(w.v, w.cold[3].Public())
	n := w.found(3)
	sub, _ := LoadSubnet(w.v, n)
	m, _ := LoadMarket(w.v, n)
	u, has, _ := FindUID(w.v, n, w.hot[3].Public())
	after, _ := LoadAccount(w.v, w.cold[3].Public())
	if n != 2 || sub.Owner != w.cold[3].Public() || sub.Started != 0 || !has || u != 0 || m.Neurons != 1 || m.TAO != cost ||
		before.Balance-after.Balance < cost {
		t.Fatalf("netuid %d: %+v %+v", n, sub, m)
	}
	// The only other pool stands at about 1 TAO per alpha.
	if m.Alpha < 999*unit.Coin || m.Alpha > 1001*unit.Coin || m.Issued != m.Alpha {
		t.Fatalf("%+v", m)
	}
	// A second one costs twice as much, and falls by L/I in a block.
	if cost, _ = LockCost(w.v); cost != 2000*unit.Coin-1000*unit.Coin/100_800 {
		t.Fatal(cost)
	}
	w.rejects("too soon", CodeRate, w.cold[4], w.creation(4))
	w.until(w.height + 100)
	cheap := w.creation(4)
	cheap.MaxPrice = 1000 * unit.Coin
	w.rejects("price above the limit", CodePrice, w.cold[4], cheap)
	w.rejects("another's hotkey", CodeOwner, w.cold[4], w.creation(3))
	forged := w.creation(4)
	_, forged.Proof = w.hot[5].Work(false)
	w.rejects("work keys of another", CodePossession, w.cold[4], forged)
	w.rejects("a price that nobody has", CodeLowBalance, w.cold[5], func() Payload {
		// leave it too little
		w.ok(w.block(w.sign(w.cold[5], &Transfer{To: w.cold[6].Public(), Amount: 9000 * unit.Coin})))
		return w.creation(5)
	}())
	if n := w.found(4); n != 3 {
		t.Fatalf("netuid %d", n)
	}
}

func TestStartSubnet(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) { g.Params.StartDelay = 10 })
	n := w.found(3)
	w.rejects("unknown subnet", CodeNetUID, w.cold[3], &StartSubnet{9})
	w.rejects("not the owner", CodeNotOwner, w.cold[4], &StartSubnet{n})
	w.rejects("start before the delay", CodeRate, w.cold[3], &StartSubnet{n})
	w.rejects("stake before the start", CodeNotStarted, w.cold[3], &Stake{NetUID: n, Hotkey: w.hot[3].Public(), Amount: unit.Coin})
	w.until(w.height + 10)
	w.rejects("start without rounds", CodeParameter, w.cold[3], &StartSubnet{n})
	w.ok(w.block(w.sign(w.cold[3], &SetParams{NetUID: n, Bytes: someRounds})))
	w.ok(w.block(w.sign(w.cold[3], &StartSubnet{n})))
	w.rejects("a second start", CodeStarted, w.cold[3], &StartSubnet{n})
	w.ok(w.block(w.sign(w.cold[3], &Stake{NetUID: n, Hotkey: w.hot[3].Public(), Amount: 10 * unit.Coin})))
	if rec, err := LoadRecord(w.v, n, 0); err != nil || rec == nil || rec.First != w.height {
		t.Fatal("the first epoch did not begin with the block after the start", rec, err)
	}
	m, _ := LoadMarket(w.v, n)
	if m.Pending != 0 {
		t.Fatal("emission without a module:", m.Pending)
	}
}

func TestSetParams(t *testing.T) {
	w := newTown(t)
	o := w.owner
	w.ok(w.block(w.sign(w.cold[0], &Transfer{To: o.Public(), Amount: 100 * unit.Coin})))
	one := func(name string, v uint64) *SetParams {
		return &SetParams{NetUID: net, Numbers: []Setting{{name, v}}}
	}
	w.rejects("unknown subnet", CodeNetUID, o, &SetParams{NetUID: 7, Numbers: []Setting{{"asked", 3}}})
	w.rejects("not the owner", CodeNotOwner, w.cold[3], one("asked", 3))
	w.rejects("nothing", CodeParameter, o, &SetParams{NetUID: net})
	w.rejects("no such parameter", CodeParameter, o, one("askt", 3))
	w.rejects("no such bytes", CodeParameter, o, &SetParams{NetUID: net, Bytes: []ByteSetting{{"asked", []byte{1}}}})
	w.rejects("a vote's parameter", CodeParameter, o, one("kappa", 3))
	w.rejects("below an owner's bound", CodeParameter, o, one("tempo", 20))
	w.rejects("above the bound", CodeParameter, o, one("owner_immune", 11))
	w.rejects("bounds of alpha while it is off", CodeParameter, o, one("alpha_low", 2000))
	w.rejects("evidence too large", CodeParameter, o, one("evidence_max", 1<<20))
	w.rejects("rounds beyond the tempo", CodeParameter, o, &SetParams{NetUID: net, Bytes: []ByteSetting{{"rounds", []byte{0, 2, 0, 90}}}})
	w.rejects("fewer uids than permits", CodeParameter, o, &SetParams{NetUID: net, Numbers: []Setting{{"max_uids", 63}}})

	before, _ := LoadRecord(w.v, net, 0)
	w.ok(w.block(w.sign(o, &SetParams{NetUID: net, Numbers: []Setting{{"alpha_low", 2000}, {"asked", 3}, {"liquid_alpha", 1}}})))
	w.rejects("again within two tempos", CodeRate, o, one("asked", 2))
	if sub, _ := LoadSubnet(w.v, net); sub.Params.Asked != 4 {
		t.Fatal("a running epoch's parameter moved")
	}
	if p, _ := LoadPlanned(w.v, net); p == nil || p.Params.Asked != 3 {
		t.Fatal("the change is not announced")
	}
	w.until(11) // the last ten blocks of epoch 0 are 11..20
	w.rejects("in the freeze window", CodeFrozen, o, one("skip_max", 2))
	w.until(21)
	rec, _ := LoadRecord(w.v, net, 1)
	p, err := LoadParams(w.v, rec.Params)
	if err != nil || p == nil || p.Asked != 3 || !p.LiquidAlpha || p.AlphaLow != 2000 {
		t.Fatal(p, err)
	}
	if old, _ := LoadParams(w.v, before.Params); old == nil || old.Asked != 4 {
		t.Fatal("the parameters of an old epoch are gone")
	}
	w.until(45)
	w.ok(w.block(w.sign(o, one("asked", 2))))
}

func TestSetDataAndMechanisms(t *testing.T) {
	w := newTown(t)
	o := w.owner
	w.ok(w.block(w.sign(w.cold[0], &Transfer{To: o.Public(), Amount: 100 * unit.Coin})))
	w.rejects("data of another's subnet", CodeNotOwner, w.cold[3], &SetData{NetUID: net})
	w.rejects("slices too large", CodeParameter, o, &SetData{NetUID: net, Slices: 1, Slice: 5 << 20})
	w.rejects("window too large", CodeParameter, o, &SetData{NetUID: net, Slices: 1, Slice: 5, Window: 2})
	w.rejects("one mechanism by a list", CodeParameter, o, &SetMechanisms{net, []uint16{65535}})
	w.rejects("a split that is too small", CodeParameter, o, &SetMechanisms{net, []uint16{1, 2}})
	w.rejects("too many mechanisms", CodeParameter, o, &SetMechanisms{net, []uint16{1, 1, 65533}})
	w.rejects("mechanisms of another's subnet", CodeNotOwner, w.cold[3], &SetMechanisms{net, nil})
	w.ok(w.block(w.sign(o, &SetData{NetUID: net, Root: [32]byte{5}, Slices: 7, Slice: 5, Window: 3})))
	w.ok(w.block(w.sign(o, &SetMechanisms{net, []uint16{65534, 1}})))
	w.rejects("mechanisms too soon", CodeRate, o, &SetMechanisms{net, nil})
	w.until(12)
	w.rejects("data in the freeze window", CodeFrozen, o, &SetData{NetUID: net})
	w.rejects("mechanisms in the freeze window", CodeFrozen, o, &SetMechanisms{net, nil})
	w.until(21)
	sub, _ := LoadSubnet(w.v, net)
	if sub.Data.From != 1 || sub.Data.Window != 3 || sub.Mechanisms() != 2 {
		t.Fatalf("%+v", sub)
	}
	for e, want := range map[Epoch][2]uint64{0: {0, 0}, 1: {0, 3}, 2: {3, 3}, 3: {0, 0}} {
		if first, count := sub.Data.Draw(e); first != want[0] || count != want[1] {
			t.Errorf("epoch %d draws %d from %d", e, count, first)
		}
	}
	w.until(41)
	if rec, _ := LoadRecord(w.v, net, 2); rec.Window != 3 || rec.Data.Root != ([32]byte{5}) {
		t.Fatalf("%+v", rec)
	}
}

func TestIdentity(t *testing.T) {
	w := newTown(t)
	id := Identity{Name: "a", Description: "b"}
	w.ok(w.block(w.sign(w.cold[3], &SetIdentity{Identity: id})))
	w.rejects("another's subnet", CodeNotOwner, w.cold[3], &SetIdentity{NetUID: net, Identity: id})
	if got, _ := LoadAccountIdentity(w.v, w.cold[3].Public()); got == nil || *got != id {
		t.Fatal(got)
	}
	w.ok(w.block(w.sign(w.cold[3], &SetIdentity{})))
	if got, _ := LoadAccountIdentity(w.v, w.cold[3].Public()); got != nil {
		t.Fatal("an identity stays")
	}
	n := w.found(4)
	w.ok(w.block(w.sign(w.cold[4], &SetIdentity{NetUID: n, Identity: id})))
	w.rejects("again at once", CodeRate, w.cold[4], &SetIdentity{NetUID: n, Identity: id})
	if got, _ := LoadIdentity(w.v, n); got == nil || *got != id {
		t.Fatal(got)
	}
	long := &SetIdentity{Identity: Identity{URL: string(make([]byte, maxIdentityField+1))}}
	if _, err := DecodeTx(w.sign(w.cold[4], long)); !errors.Is(err, &Reject{Code: CodeMalformed}) {
		t.Fatal(err)
	}
}

func TestModules(t *testing.T) {
	w := newTown(t)
	code := module(700 << 10)
	p, chunks, err := PackModule(code)
	if err != nil || len(chunks) < 2 {
		t.Fatal(len(chunks), err)
	}
	me := w.cold[3]
	w.rejects("a chunk of nothing", CodeModule, me, &chunks[0])
	empty := *p
	empty.Chunks = nil
	w.rejects("no chunks", CodeModule, me, &empty)
	before, _ := LoadTotals(w.v)
	w.ok(w.block(w.sign(me, p)))
	after, _ := LoadTotals(w.v)
	if paid := after.Burned - before.Burned; paid < unit.TAO(p.Packed)*1000 {
		t.Fatal("storing burned only", paid)
	}
	w.rejects("announced twice", CodeModule, me, p)
	w.rejects("another's upload", CodeModule, w.cold[4], &chunks[0])
	w.rejects("the second chunk first", CodeChunk, me, &chunks[1])
	w.rejects("other bytes", CodeChunk, me, &StoreChunk{p.Module, 0, chunks[1].Bytes})
	for i := range chunks {
		if m, _ := LoadModule(w.v, p.Module); m != nil {
			t.Fatal("complete too early")
		}
		w.ok(w.block(w.sign(me, &chunks[i])))
	}
	m, err := LoadModule(w.v, p.Module)
	if err != nil || m == nil || m.Size != uint64(len(code)) || len(m.Chunks) != len(chunks) {
		t.Fatal(m, err)
	}
	w.rejects("stored already", CodeModule, w.cold[4], p)

	// A module whose bytes are not what its hash says fails at its last chunk, and
	// is forgotten when its time has come.
	liar, parts, _ := PackModule(module(1000))
	liar.Module = sha256.Sum256([]byte("another"))
	parts[0].Module = liar.Module
	w.ok(w.block(w.sign(me, liar)))
	w.rejects("wrong hash", CodeChunk, me, &parts[0])
	short, bits, _ := PackModule(module(1001))
	short.Size--
	w.ok(w.block(w.sign(me, short)))
	w.rejects("longer than announced", CodeChunk, me, &bits[0])
	twin := w.twin()
	for at := w.height + 1000; twin.height < at; {
		twin.blockQuick()
	}
	for k := range twin.v {
		if bytes.HasPrefix([]byte(k), []byte(prefixUpload)) || bytes.HasPrefix([]byte(k), []byte(prefixExpiry)) {
			t.Fatal("an unfinished module stays:", hex.EncodeToString([]byte(k)))
		}
	}
	if m, _ := LoadModule(twin.v, p.Module); m == nil {
		t.Fatal("a complete module expired")
	}
}

func TestUnpackChunkIsBounded(t *testing.T) {
	_, chunks, err := PackModule(make([]byte, 4*MaxChunk))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := UnpackChunk(chunks[0].Bytes, 4*MaxChunk); err != nil || len(out) != 4*MaxChunk {
		t.Fatal(len(out), err)
	}
	for _, most := range []uint64{0, 1, 4*MaxChunk - 1, MaxModule + 1} {
		if _, err := UnpackChunk(chunks[0].Bytes, most); !errors.Is(err, ErrModule) {
			t.Errorf("at most %d: %v", most, err)
		}
	}
	if _, _, err := PackModule(make([]byte, MaxModule+1)); !errors.Is(err, ErrModule) {
		t.Error(err)
	}
}

func FuzzUnpackChunk(f *testing.F) {
	_, chunks, _ := PackModule(module(3000))
	f.Add(chunks[0].Bytes, uint64(3000))
	f.Fuzz(func(t *testing.T, b []byte, most uint64) {
		most %= 1 << 21
		if out, err := UnpackChunk(b, most); err == nil && (len(out) == 0 || uint64(len(out)) > most) {
			t.Fatalf("%d bytes unpack to %d, at most %d", len(b), len(out), most)
		}
	})
}

func TestNameModule(t *testing.T) {
	w := newTown(t)
	w.ok(w.block(w.sign(w.cold[0], &Transfer{To: w.owner.Public(), Amount: 100 * unit.Coin})))
	hash := w.store(3, module(5000))
	name := func(n NetUID, h [32]byte) *NameModule {
		return &NameModule{NetUID: n, Module: h, Meter: 1, ABI: 1, Answer: 1000}
	}
	w.rejects("a module that is not there", CodeModule, w.owner, name(net, [32]byte{7}))
	w.rejects("another's subnet", CodeNotOwner, w.cold[3], name(net, hash))
	huge := name(net, hash)
	huge.Answer = maxAnswer
	w.rejects("answers that evidence cannot hold", CodeParameter, w.owner, huge)
	was, _ := LoadSubnet(w.v, net)
	clock := w.clock()
	w.ok(w.block(w.sign(w.owner, name(net, hash))))
	sub, _ := LoadSubnet(w.v, net)
	if sub.Module != was.Module || sub.Next.Module != hash || sub.Next.Epoch != clock.Epoch+2 {
		t.Fatalf("%+v", sub)
	}
	if g, _ := LoadMetagraph(w.v, net); g.Next == nil || g.Next.Module != hex.EncodeToString(hash[:]) || g.Next.Epoch != clock.Epoch+2 {
		t.Fatalf("not announced: %+v", g)
	}
	w.until(21)
	if rec, _ := LoadRecord(w.v, net, 1); rec.Next.Module != hash || rec.Module != was.Module {
		t.Fatalf("%+v", rec)
	}
	w.until(41)
	if rec, _ := LoadRecord(w.v, net, 2); rec.Module != hash || rec.Next != (Upgrade{}) {
		t.Fatalf("%+v", rec)
	}
	n := w.found(4)
	w.ok(w.block(w.sign(w.cold[4], name(n, hash))))
	if sub, _ := LoadSubnet(w.v, n); sub.Module != hash {
		t.Fatal("the first module before the start is not in use at once")
	}
}

// TestDissolve: a creation at the limit ends the cheapest subnet, whose pool goes
// to those who hold its alpha.
func TestDissolve(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) {
		g.Params.SubnetLimit, g.Params.NetworkRate, g.Params.NetworkImmunity = 2, 0, 60
		g.Params.PriceAlpha, g.Params.PriceHalf = 1<<32/5, 1
	})
	w.settle()
	n := w.found(3)
	w.ok(w.block(w.sign(w.cold[3], &SetParams{NetUID: n, Bytes: someRounds})))
	w.ok(w.block(w.sign(w.cold[3], &StartSubnet{n})))
	w.ok(w.block(w.sign(w.cold[4], &Stake{NetUID: n, Hotkey: w.hot[3].Public(), Amount: 100 * unit.Coin})))
	w.rejects("all are immune", CodeLimit, w.cold[5], w.creation(5))
	w.until(66)
	before, _ := LoadAccount(w.v, w.cold[4].Public())
	clock, _ := LoadClock(w.v, n)
	m, _ := LoadMarket(w.v, n)
	one, _ := LoadMarket(w.v, net)
	victim := n
	if one.Price < m.Price {
		victim = net
	}
	if victim != n {
		t.Fatalf("the test wants netuid %d to be the cheaper: %d, %d", n, one.Price, m.Price)
	}
	if again := w.found(5); again != n {
		t.Fatalf("netuid %d", again)
	}
	after, _ := LoadAccount(w.v, w.cold[4].Public())
	// Of the claims its stake is one, the pool's reserve and the protocol's the others.
	want := unit.MulDiv(uint64(m.TAO), uint64(m.Staked), uint64(m.Staked+m.Alpha+m.Protocol))
	if got := uint64(after.Balance - before.Balance); got < want-2 || got > want+2 {
		t.Fatalf("paid %d, want about %d", got, want)
	}
	sub, _ := LoadSubnet(w.v, n)
	now, _ := LoadClock(w.v, n)
	if sub.Owner != w.cold[5].Public() || now.Epoch != clock.Epoch+1 || now.Origin != now.Epoch || now.Record != clock.Record {
		t.Fatalf("%+v %+v", sub, now)
	}
	if s, _ := LoadStake(w.v, n, w.hot[3].Public()); s != 0 {
		t.Fatal("stake of the old subnet stays:", s)
	}
	if u, ok, _ := FindUID(w.v, n, w.hot[3].Public()); ok {
		t.Fatal("a uid of the old subnet stays:", u)
	}
	// Its old epochs can be committed to by nobody.
	old := Sign(w.hot[3], w.gen.ChainID, 0, w.height+10, &Commit{NetUID: n, Epoch: clock.Epoch})
	if err := Check(w.v, old, 0); !errors.Is(err, &Reject{Code: CodeEpoch}) {
		t.Fatal(err)
	}
}

// blockQuick is block without the sums over the whole state.
func (w *town) blockQuick(txs ...[]byte) *Result {
	w.t.Helper()
	res, err := Apply(w.v, w.propose(txs...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.v.write(res.Writes)
	w.height, w.last = w.height+1, res
	return res
}
