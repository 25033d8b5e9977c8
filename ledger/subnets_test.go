package ledger

import (
	"testing"

	"github.com/plexus-network/plexus/ledger/emission"
	"github.com/plexus-network/plexus/ledger/unit"
)

// newTownOf is a town whose genesis something has changed.
func newTownOf(t *testing.T, change func(*Genesis)) *town {
	w := newTown(t)
	change(w.gen)
	ws, err := w.gen.Writes()
	if err != nil {
		t.Fatal(err)
	}
	w.v = mapView{}
	w.v.write(ws)
	return w
}

func TestNoSubnetMintsNothing(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) { g.Subnets = nil })
	before, _ := LoadTotals(w.v)
	w.until(30)
	after, _ := LoadTotals(w.v)
	if after.Issued != before.Issued {
		t.Fatalf("issued %s, then %s", before.Issued, after.Issued)
	}
}

func TestIdleSubnetsGetNothing(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) {
		for _, change := range []func(*Subnet){
			func(s *Subnet) { s.Module = [32]byte{} },
			func(s *Subnet) { s.NeedsData = true },
			func(s *Subnet) { s.Params.Registration = false },
			func(s *Subnet) { // one window, which ends with epoch 0
				s.NeedsData, s.Data = true, DataSet{Root: [32]byte{1}, Slices: 3, Slice: 10, Window: 2}
			},
		} {
			n := g.Subnets[0]
			n.NetUID = NetUID(len(g.Subnets) + 1)
			change(&n.Subnet)
			g.Subnets = append(g.Subnets, n)
		}
	})
	w.until(30)
	for n, earns := range map[NetUID]bool{1: true, 2: false, 3: false, 4: false} {
		m, _ := LoadMarket(w.v, n)
		if got := m.Issued > 1000*unit.Coin; got != earns {
			t.Errorf("netuid %d: issued %s", n, m.Issued)
		}
	}
	// Epoch 0 is 20 blocks of one alpha each, and at most as much for the pool.
	m, _ := LoadMarket(w.v, 5)
	if m.Issued < 1020*unit.Coin || m.Issued > 1040*unit.Coin {
		t.Errorf("netuid 5 had data for one epoch and issued %s", m.Issued)
	}
}

// TestRootSells: with averages above 1 in all, the alpha that root earned is
// sold over the following epoch and raises the root pools at the next step.
func TestRootSells(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) {
		g.Params.PriceAlpha, g.Params.PriceHalf = 1<<32/5, 1
		for range 2 {
			n := g.Subnets[0]
			n.NetUID = NetUID(len(g.Subnets) + 1)
			g.Subnets = append(g.Subnets, n)
		}
	})
	w.settle()
	w.until(41)
	w.epoch(1)
	w.until(60)
	r, err := LoadRootSale(w.v, net)
	if err != nil || r == nil || r.Left == 0 || len(r.due) != validators {
		t.Fatalf("nothing waits for root: %+v %v", r, err)
	}
	if r.Part != (r.Left+19)/20 {
		t.Fatalf("parts of %s of %s", r.Part, r.Left)
	}
	before, _ := LoadTotals(w.v)
	left := r.Left
	for w.height < 79 {
		m, _ := LoadMarket(w.v, net)
		was := m.SpotPrice()
		w.block()
		r, _ = LoadRootSale(w.v, net)
		m, _ = LoadMarket(w.v, net)
		// 1 % of the price over 20 blocks; injection leaves it, excess raises it.
		if is := m.SpotPrice(); is.Nano() < was.Nano()-was.Nano()/2000-1 {
			t.Fatalf("block %d: price %s, then %s", w.height, was, is)
		}
		if r.Left > left {
			t.Fatal("what waits grew within an epoch")
		}
		left = r.Left
	}
	if r.TAO == 0 {
		t.Fatal("nothing was sold")
	}
	w.block() // the step of epoch 2
	after, _ := LoadTotals(w.v)
	if after.Held > 0 && after.Held >= before.Held+r.TAO || after.Root <= before.Root {
		t.Fatalf("the proceeds stay: %+v, then %+v", before, after)
	}
	r, _ = LoadRootSale(w.v, net)
	if r.TAO != 0 {
		t.Fatal("proceeds stay after the step:", r.TAO)
	}
}

// TestRootExcess: what cannot be sold for more than ten epochs' worth becomes
// alpha of those who stake on root, and nothing is lost on the way.
func TestRootExcess(t *testing.T) {
	w := newTown(t)
	w.settle()
	s := newState(w.v)
	h := w.hot[0].Public()
	m := need[Market](s, marketKey(net))
	m.Pending += 1000
	m.Issued += 1000
	store(s, marketKey(net), m)
	store(s, rootSaleKey(net), RootSale{Left: 1000, Worth: 10, due: []due{{h, 1000}}})
	before, _ := LoadPosition(s, net, h, w.cold[0].Public())
	handed, lost, err := stepRoot(s, net, []due{{h, 20}}, 20)
	if err != nil || handed != 820 || lost != 0 {
		t.Fatal(handed, lost, err)
	}
	after, _ := LoadPosition(s, net, h, w.cold[0].Public())
	if after < before+819 || after > before+820 {
		t.Fatalf("position of %d, then %d", before, after)
	}
	r, _ := LoadRootSale(s, net)
	if r.Left != 200 || r.Worth != 20 || len(r.due) != 1 || r.due[0].Alpha != 200 || r.Part != 10 {
		t.Fatalf("%+v", r)
	}
}

func TestParameterTables(t *testing.T) {
	p, sp := DefaultParams(), DefaultSubnetParams()
	sp.Rounds = []uint16{1}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	if err := sp.Validate(); err != nil {
		t.Error(err)
	}
	names := map[string]bool{}
	check := func(k Parameter, get func(string) (uint64, bool), set func(string, uint64) error) {
		if names[k.Name] || k.Doc == "" || k.Unit == "" || k.Most < k.Least {
			t.Errorf("%+v", k)
		}
		names[k.Name] = true
		was, _ := get(k.Name)
		for _, v := range []uint64{k.Least, k.Most, was} {
			if err := set(k.Name, v); err != nil {
				t.Errorf("%s to %d: %v", k.Name, v, err)
			}
			if got, ok := get(k.Name); !ok || got != v {
				t.Errorf("%s is %d after being set to %d", k.Name, got, v)
			}
		}
		if k.Most != 1<<64-1 && set(k.Name, k.Most+1) == nil || k.Least > 0 && set(k.Name, k.Least-1) == nil {
			t.Errorf("%s takes values outside its bounds", k.Name)
		}
		if k.Owner && (k.OwnerLeast < k.Least || k.OwnerMost > k.Most || k.OwnerLeast > k.OwnerMost) {
			t.Errorf("%s: an owner's bounds %d..%d are not within %d..%d", k.Name, k.OwnerLeast, k.OwnerMost, k.Least, k.Most)
		}
	}
	for _, k := range ChainParameters() {
		check(k, p.Get, p.Set)
	}
	for _, k := range SubnetParameters() {
		check(k, sp.Get, func(n string, v uint64) error { return sp.Set(n, v, false) })
		if err := sp.Set(k.Name, k.Least, true); (err == nil) != (k.Owner && k.OwnerLeast <= k.Least) {
			t.Errorf("%s by an owner: %v", k.Name, err)
		}
		was := DefaultSubnetParams()
		v, _ := was.Get(k.Name)
		_ = sp.Set(k.Name, v, false)
	}
	if p.Set("cap", 1) == nil || sp.Set("cap", 1, false) == nil || sp.SetBytes("cap", nil) == nil || sp.SetBytes("rounds", []byte{1}) == nil {
		t.Error("an unknown parameter was set")
	}
	if emission.Cap != uint64(MaxTAO) {
		t.Error("two caps")
	}
}
