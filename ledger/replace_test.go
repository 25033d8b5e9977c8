package ledger

import (
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/ledger/yuma"
)

// crowd is a town whose subnet has room for uids neurons.
func crowd(t *testing.T, uids uint16, change func(*Genesis)) *town {
	return newTownOf(t, func(g *Genesis) {
		p := &g.Subnets[0].Params
		p.MaxUIDs, p.MaxValidators, p.MinUIDs, p.Immunity = uids, 2, 2, 30
		g.Params.MinNonImmune = 2
		if change != nil {
			change(g)
		}
	})
}

func (w *town) uid(h Hotkey) int {
	u, ok, err := FindUID(w.v, net, h)
	if err != nil {
		w.t.Fatal(err)
	}
	if !ok {
		return -1
	}
	return int(u)
}

func TestReplacement(t *testing.T) {
	w := crowd(t, 5, nil)
	for i := range 5 {
		w.ok(w.block(w.register(i)))
	}
	// All five are immune, so the earliest of them goes.
	w.ok(w.block(w.register(5)))
	if w.uid(w.hot[0].Public()) != -1 || w.uid(w.hot[5].Public()) != 0 {
		t.Fatal("the earliest immune neuron was not replaced")
	}
	w.until(40)
	// Now all are past their immunity; the least emission goes, however old.
	s := newState(w.v)
	for i, emission := range map[int]unit.Alpha{1: 9, 2: 9, 3: 1, 4: 9, 5: 2} {
		u := UID(w.uid(w.hot[i].Public()))
		nr := need[Neuron](s, neuronKey(net, u))
		nr.Emission = emission
		store(s, neuronKey(net, u), nr)
		store(s, bondsKey(net, u), bondsRow{yuma.Row{{UID: 1, Value: 7}}})
		store(s, carryKey(net, w.hot[i].Public()), Carry{Epoch: 1})
	}
	w.v.write(s.writes(s.changes()))
	gone := UID(w.uid(w.hot[3].Public()))
	w.ok(w.block(w.register(6)))
	if w.uid(w.hot[3].Public()) != -1 || w.uid(w.hot[6].Public()) != int(gone) {
		t.Fatal("the neuron with the least emission was not replaced")
	}
	for _, k := range [][]byte{bondsKey(net, gone), carryKey(net, w.hot[3].Public())} {
		if w.v[string(k)] != nil {
			t.Fatalf("%q stays after a replacement", k)
		}
	}
	if nr, _ := LoadNeuron(w.v, net, gone); nr.Registered != w.height || nr.Emission != 0 {
		t.Fatalf("%+v", nr)
	}
}

func TestImmortal(t *testing.T) {
	owner := seed("owner", 0).Public()
	sub := Subnet{Owner: owner, OwnerHotkey: Hotkey{9}, Params: SubnetParams{OwnerImmune: 2}}
	s := newState(mapView{})
	for i := range byte(10) {
		c := owner
		if i == 2 || i == 4 {
			c = Coldkey{1}
		}
		setOwner(s, Hotkey{i}, c)
	}
	var all []Neuron
	for i, at := range []Height{5, 3, 1, 4, 2} {
		all = append(all, Neuron{Hotkey: Hotkey{byte(i)}, Registered: at})
	}
	check := func(what string, want ...bool) {
		t.Helper()
		for u, got := range immortal(s, &sub, all) {
			if got != want[u] {
				t.Errorf("%s: uid %d is kept: %v", what, u, got)
			}
		}
	}
	check("its first two registrations", false, true, false, true, false)
	sub.OwnerHotkey = Hotkey{0}
	check("its hotkey before the first", true, true, false, false, false)
	sub.Params.OwnerImmune = 1
	check("its hotkey alone", true, false, false, false, false)
}

func TestFullOfImmortals(t *testing.T) {
	w := crowd(t, 2, func(g *Genesis) {
		g.Subnets[0].Owner, g.Subnets[0].Params.OwnerImmune = g.Accounts[0].Account, 10
		g.Subnets[0].Params.MaxValidators, g.Subnets[0].Params.MinUIDs = 1, 1
	})
	var rich int
	for i := range w.cold {
		if w.cold[i].Public() == w.gen.Accounts[0].Account {
			rich = i
		}
	}
	for i := range byte(2) {
		hot := seed("immortal", int(i))
		work, proof := hot.Work(false)
		w.ok(w.block(w.sign(w.cold[rich], &Register{NetUID: net, Hotkey: hot.Public(), MaxPrice: 50 * unit.Coin, Work: work, Proof: proof})))
	}
	other := (rich + 1) % len(w.cold)
	tx, _ := DecodeTx(w.register(other))
	w.rejects("all belong to the owner", CodeFull, w.cold[other], tx.Payload)
}

func TestServe(t *testing.T) {
	w := newTown(t)
	w.settle()
	miner := w.hot[4]
	work, proof := miner.Work(true)
	serve := func(s key.Seed, p *Serve) []byte { return Sign(s, w.gen.ChainID, 0, w.height+10, p) }
	stop := &Serve{NetUID: net, Reset: true}
	for _, c := range []struct {
		name string
		raw  []byte
		want Code
	}{
		{"unknown subnet", serve(miner, &Serve{NetUID: 9}), CodeNetUID},
		{"a stranger", serve(seed("stranger", 0), stop), CodeUnregistered},
		{"root", serve(miner, &Serve{}), CodeNetUID},
	} {
		if err := Check(w.v, c.raw, 0); !errors.Is(err, &Reject{Code: c.want}) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	before, _ := LoadAccount(w.v, w.cold[4].Public())
	if res := w.block(serve(w.hot[5], &Serve{NetUID: net, Peer: work.Peer, Proof: proof.Peer})); res.Txs[1].Code != CodePossession {
		t.Fatal("another's peer identity:", res.Txs[1])
	}
	w.ok(w.block(serve(miner, stop)))
	if nr, _ := LoadNeuron(w.v, net, 4); nr.Work.Peer != (key.ID{}) || !nr.Reset || nr.Work.VRF != work.VRF {
		t.Fatalf("%+v", nr)
	}
	again := &Serve{NetUID: net, Peer: work.Peer, Proof: proof.Peer}
	if err := Check(w.v, serve(miner, again), 0); !errors.Is(err, &Reject{Code: CodeSlot}) {
		t.Fatal(err)
	}
	if err := Admit(w.v, w.propose(serve(miner, again))); !errors.Is(err, &Reject{Code: CodeSlot}) {
		t.Fatal("a block with a spent slot:", err)
	}
	w.until(w.height + 49)
	w.ok(w.block(serve(miner, again)))
	nr, _ := LoadNeuron(w.v, net, 4)
	after, _ := LoadAccount(w.v, w.cold[4].Public())
	if nr.Work != work || after != before {
		t.Fatalf("%+v", nr)
	}
	if nr.Reset {
		t.Fatal("steps have passed, and the wish to drop bonds stays")
	}
}

func TestRotateWorkKeys(t *testing.T) {
	w := newTown(t)
	w.settle()
	fresh := key.Seed{77}
	work := key.Work{VRF: fresh.VRF().Public(), Enc: fresh.Derive("enc").Public()}
	_, forged := fresh.Work(false) // for another hotkey
	rotate := &RotateWorkKeys{NetUID: net, Hotkey: w.hot[4].Public(), Work: work, Proof: forged}
	w.rejects("keys of another hotkey", CodePossession, w.cold[4], rotate)
	work, proof := w.hot[4].Work(false)
	good := &RotateWorkKeys{NetUID: net, Hotkey: w.hot[4].Public(), Work: work, Proof: proof}
	w.rejects("another's hotkey", CodeOwner, w.cold[3], good)
	elsewhere := *good
	elsewhere.NetUID = 9
	w.rejects("no uid there", CodeUnregistered, w.cold[4], &elsewhere)
	w.until(21)
	w.ok(w.block(w.sign(w.cold[4], good)))
	peers := func(e Epoch) key.ID {
		r, err := LoadRoster(w.v, net, e)
		if err != nil {
			t.Fatal(err)
		}
		return r[4].Work.Peer
	}
	w.until(41)
	if peers(1) == (key.ID{}) || peers(2) != (key.ID{}) {
		t.Fatal("rotated keys must count from the next epoch, and only from it")
	}
}

func TestTrim(t *testing.T) {
	w := crowd(t, 7, nil)
	w.ok(w.block(w.sign(w.cold[0], &Transfer{To: w.owner.Public(), Amount: 100 * unit.Coin})))
	w.settle()
	w.rejects("too many immune", CodeImmune, w.owner, &Trim{net, 5})
	w.until(41)
	w.rejects("another's subnet", CodeNotOwner, w.cold[3], &Trim{net, 5})
	w.rejects("below the least", CodeParameter, w.owner, &Trim{net, 1})
	w.rejects("more than there is room for", CodeParameter, w.owner, &Trim{net, 8})
	s := newState(w.v)
	for i, emission := range []unit.Alpha{9, 0, 8, 7, 1, 6, 5} {
		u := UID(w.uid(w.hot[i].Public()))
		nr := need[Neuron](s, neuronKey(net, u))
		nr.Emission = emission
		store(s, neuronKey(net, u), nr)
	}
	store(s, bondsKey(net, 0), bondsRow{yuma.Row{{UID: 1, Value: 3}, {UID: 3, Value: 4}, {UID: 6, Value: 5}}})
	store(s, bondsKey(net, 4), bondsRow{yuma.Row{{UID: 0, Value: 1}}})
	w.v.write(s.writes(s.changes()))
	w.ok(w.block(w.sign(w.owner, &Trim{net, 5}))) // drops uids 1 and 4
	for i, want := range []int{0, -1, 1, 2, -1, 3, 4} {
		if got := w.uid(w.hot[i].Public()); got != want {
			t.Errorf("uid %d is now %d, want %d", i, got, want)
		}
	}
	row, _, err := load[bondsRow](w.v, bondsKey(net, 0))
	if err != nil || len(row.Row) != 2 || row.Row[0] != (yuma.Entry{UID: 2, Value: 4}) || row.Row[1] != (yuma.Entry{UID: 4, Value: 5}) {
		t.Fatal(row, err)
	}
	w.until(44)
	w.rejects("too soon", CodeRate, w.owner, &Trim{net, 4})
	// Within the epoch there is no room beyond the trim.
	w.ok(w.block(w.register(1)))
	if m, _ := LoadMarket(w.v, net); m.Neurons != 5 {
		t.Fatal(m.Neurons, "neurons")
	}
	w.until(62)
	if sub, _ := LoadSubnet(w.v, net); sub.Params.MaxUIDs != 5 {
		t.Fatal(sub.Params.MaxUIDs)
	}
}

func TestRootMembers(t *testing.T) {
	w := newTown(t)
	join := func(i int) *Register {
		work, proof := w.hot[i].Work(false)
		return &Register{Hotkey: w.hot[i].Public(), Work: work, Proof: proof}
	}
	w.ok(w.block(w.sign(w.cold[0], join(0)), w.sign(w.cold[4], join(4))))
	w.rejects("twice", CodeRegistered, w.cold[0], join(0))
	s := newState(w.v)
	m, _ := fetch[members](s, []byte(prefixRootMember))
	for i := range rootMembers - 2 {
		h := Hotkey{255, byte(i)}
		m.list = append(m.list, h)
		store(s, hotkeyPoolKey(0, h), HotkeyPool{})
	}
	store(s, []byte(prefixRootMember), m)
	w.v.write(s.writes(s.changes()))
	w.rejects("without stake", CodeFull, w.cold[5], join(5))
	w.ok(w.block(w.sign(w.cold[1], join(1)))) // has root stake
	list, err := LoadRootMembers(w.v)
	if err != nil || len(list) != rootMembers {
		t.Fatal(len(list), err)
	}
	for i := 1; i < len(list); i++ {
		if !less(list[i-1], list[i]) {
			t.Fatal("members do not rise")
		}
	}
}

// TestMechanisms: two mechanisms with their own rows, bonds and incentive share
// the miners' pot by the split.
func TestMechanisms(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) { g.Subnets[0].Split = []uint16{49_151, 16_384} }) // 3 to 1
	w.settle()
	w.until(41)
	var commits, reveals [][]byte
	for i := range validators {
		for m := range uint8(2) {
			at := net.Mechanism(m)
			dense := make([]uint64, validators+miners)
			dense[validators+int(m)] = 1 // the first miner in the one, the second in the other
			o := Opening{Row: NewRow(dense), CarryOut: [32]byte{m, 1}, Salt: [32]byte{byte(i), m}}
			c := o.Commitment(w.gen.ChainID, at, 1, w.hot[i].Public(), [32]byte{3})
			commits = append(commits, Sign(w.hot[i], w.gen.ChainID, 0, w.height+10, &Commit{NetUID: net, Epoch: 1, Mechanism: m, Evidence: [32]byte{3}, Commitment: c}))
			reveals = append(reveals, Sign(w.hot[i], w.gen.ChainID, 0, w.height+20, &Reveal{NetUID: net, Epoch: 1, Mechanism: m, Opening: o}))
		}
	}
	third := Sign(w.hot[0], w.gen.ChainID, 0, w.height+10, &Commit{NetUID: net, Epoch: 1, Mechanism: 2})
	if err := Check(w.v, third, 0); !errors.Is(err, &Reject{Code: CodeNetUID}) {
		t.Fatal(err)
	}
	w.ok(w.block(commits...))
	w.until(w.clock().First + 4)
	w.ok(w.block(reveals...))
	pot, _, _ := load[Pending](w.v, pendingKey(net, 1))
	w.until(60)
	first, _ := LoadPosition(w.v, net, w.hot[validators].Public(), w.cold[validators].Public())
	second, _ := LoadPosition(w.v, net, w.hot[validators+1].Public(), w.cold[validators+1].Public())
	want := unit.MulDiv(uint64(pot.Server), 16_384, 65_535)
	if second+2 < want || second > want || first+2 < uint64(pot.Server)-want || first > uint64(pot.Server)-want {
		t.Fatalf("paid %d and %d of %s", first, second, pot.Server)
	}
	nr, _ := LoadNeuron(w.v, net, validators)
	st, err := LoadStanding(w.v, net, 1, validators+1)
	if err != nil || st == nil || st.Incentive != 65535 || nr.Incentive != 65535 {
		t.Fatal(nr, st, err)
	}
	for m := range uint8(2) {
		row, ok, _ := load[bondsRow](w.v, bondsKey(net.Mechanism(m), 0))
		if !ok || len(row.Row) != 1 || row.Row[0].UID != validators+uint16(m) {
			t.Fatalf("bonds of mechanism %d: %v", m, row)
		}
	}
	if c, _ := loadCarry(w.v, net, 1, 2, w.hot[0].Public()); c != ([32]byte{1, 1}) {
		t.Fatalf("carry of mechanism 1: %x", c)
	}
}

// TestYuma3Parameters: what the step hands to Yuma are the subnet's parameters.
func TestYuma3Parameters(t *testing.T) {
	bonds := func(change func(*SubnetParams)) uint16 {
		w := newTownOf(t, func(g *Genesis) { change(&g.Subnets[0].Params) })
		w.settle()
		w.until(41)
		w.epoch(1)
		w.until(60)
		row, _, err := load[bondsRow](w.v, bondsKey(net, 0))
		if err != nil || len(row.Row) != miners {
			t.Fatal(row, err)
		}
		return row.Row[miners-1].Value
	}
	classic := bonds(func(p *SubnetParams) { p.Yuma3 = false })
	plain := bonds(func(p *SubnetParams) {})
	slow := bonds(func(p *SubnetParams) { p.BondsAverage = 975_000 })
	liquid := bonds(func(p *SubnetParams) { p.LiquidAlpha = true })
	narrow := bonds(func(p *SubnetParams) { p.LiquidAlpha, p.AlphaLow, p.AlphaHigh = true, 2000, 2000 })
	// Weights 1:2:3:4 give the last miner 0.4. Classic bonds are relative to the
	// largest of the column, Yuma3's are what alpha takes over of the weight: a
	// tenth, a fortieth, between 0.7 and 0.9, and 2000/65535.
	near := func(name string, got uint16, least, most int) {
		if int(got) < least || int(got) > most {
			t.Errorf("%s: %d, want %d to %d", name, got, least, most)
		}
	}
	near("classic", classic, 65534, 65535)
	near("yuma3", plain, 2620, 2622)
	near("yuma3, slow", slow, 654, 656)
	near("liquid", liquid, 18_000, 24_000)
	near("liquid, narrow", narrow, 799, 801)
}

// TestBondsReset: with the parameter, a miner's wish drops the bonds toward it.
func TestBondsReset(t *testing.T) {
	for _, on := range []bool{false, true} {
		w := newTownOf(t, func(g *Genesis) { g.Subnets[0].Params.BondsReset = on })
		w.settle()
		w.until(41)
		w.epoch(1)
		w.until(61)
		work, proof := w.hot[validators].Work(true)
		wish := &Serve{NetUID: net, Peer: work.Peer, Proof: proof.Peer, Reset: true}
		w.ok(w.block(Sign(w.hot[validators], w.gen.ChainID, 0, w.height+5, wish)))
		w.until(80) // nobody reveals for epoch 2, so the bonds only decay
		row, _, _ := load[bondsRow](w.v, bondsKey(net, 0))
		toward := false
		for _, e := range row.Row {
			toward = toward || e.UID == validators
		}
		if toward == on {
			t.Errorf("reset %v: bonds %v", on, row.Row)
		}
	}
}

// TestPermitsOfARoster: the largest stakes from the threshold on have permits,
// and the owner's hotkey whatever it has.
func TestPermitsOfARoster(t *testing.T) {
	w := newTown(t)
	w.settle()
	s := newState(w.v)
	params := need[Params](s, []byte(prefixParams))
	sub := need[Subnet](s, subnetKey(net))
	sub.OwnerHotkey = w.hot[5].Public()
	least := ^uint64(0)
	for i := range validators {
		least = min(least, stakeWeight(s, net, w.hot[i].Public()))
	}
	permits := func(threshold uint64, most uint16) (out string) {
		params.StakeThreshold, sub.Params.MaxValidators = threshold, most
		store(s, []byte(prefixParams), params)
		for _, m := range freeze(s, net, &sub) {
			if m.Permit {
				out += string(rune('0' + m.UID))
			}
		}
		return out
	}
	for _, c := range []struct {
		threshold uint64
		most      uint16
		want      string
	}{{0, 64, "0125"}, {0, 2, "015"}, {least, 64, "0125"}, {21e15, 64, "5"}} {
		if got := permits(c.threshold, c.most); got != c.want {
			t.Errorf("threshold %d, %d permits: uids %s, want %s", c.threshold, c.most, got, c.want)
		}
	}
}
