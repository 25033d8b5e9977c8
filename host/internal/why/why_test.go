package why

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/subnets/evidence"
)

const (
	net        = ledger.NetUID(1)
	validators = 3
	tempo      = 20
)

type view map[string][]byte

func (v view) Get(k []byte) ([]byte, error) { return v[string(k)], nil }

func (v view) Range(prefix []byte, fn func(k, v []byte) error) error {
	for _, k := range slices.Sorted(maps.Keys(v)) {
		if strings.HasPrefix(k, string(prefix)) {
			if err := fn([]byte(k), v[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// town is a chain of three validators, uids 0 to 2, and two miners, uids 3 and 4.
type town struct {
	t         *testing.T
	gen       *ledger.Genesis
	hot, cold []key.Seed
	v         view
	height    ledger.Height
	events    map[uint64][]ledger.Event
}

func newTown(t *testing.T, split ...uint16) *town {
	w := &town{t: t, v: view{}, events: map[uint64][]ledger.Event{}}
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.Rounds, p.BurnIncrease, p.Immunity, p.MaxUIDs, p.MinUIDs = tempo, []uint16{1, 5}, 1<<32, 60, 8, 4
	p.MaxValidators = 4
	owner := key.Seed(key.Hash("owner"))
	g := &ledger.Genesis{ChainID: "test-1", Time: 1, Params: ledger.DefaultParams(), Subnets: []ledger.GenesisSubnet{{NetUID: net, Lock: 1000 * unit.Coin,
		Subnet: ledger.Subnet{Owner: owner.Public(), OwnerHotkey: key.Seed(key.Hash("ownerhot")).Public(), Module: [32]byte{9}, Meter: 1, ABI: 1, Started: 1, Params: p, Split: split}}}}
	for i := range byte(validators + 2) {
		w.hot, w.cold = append(w.hot, key.Seed(key.Hash("hot", []byte{i}))), append(w.cold, key.Seed(key.Hash("cold", []byte{i})))
		g.Accounts = append(g.Accounts, ledger.Allocation{Account: w.cold[i].Public(), Balance: 10_000 * unit.Coin})
		if i < validators {
			g.Producers = append(g.Producers, ledger.NewGenesisProducer(w.hot[i], w.cold[i].Public(), key.Seed(key.Hash("cons", []byte{i})), 100_000*unit.Coin))
		}
	}
	sort.Slice(g.Accounts, func(i, j int) bool { return bytes.Compare(g.Accounts[i].Account[:], g.Accounts[j].Account[:]) < 0 })
	sort.Slice(g.Producers, func(i, j int) bool {
		return bytes.Compare(g.Producers[i].Consensus[:], g.Producers[j].Consensus[:]) < 0
	})
	ws, err := g.Writes()
	if err != nil {
		t.Fatal(err)
	}
	w.gen = g
	w.write(ws)
	var txs, stakes [][]byte
	for i := range w.hot {
		work, proof := w.hot[i].Work(i >= validators)
		txs = append(txs, ledger.Sign(w.cold[i], g.ChainID, 0, 10, &ledger.Register{NetUID: net, Hotkey: w.hot[i].Public(), MaxPrice: 1000 * unit.Coin, Work: work, Proof: proof}))
		if i < validators {
			stakes = append(stakes, ledger.Sign(w.cold[i], g.ChainID, 1, 10, &ledger.Stake{NetUID: net, Hotkey: w.hot[i].Public(), Amount: 100 * unit.Coin}))
		}
	}
	w.block(txs...)
	w.block(stakes...)
	w.until(tempo)
	return w
}

func (w *town) write(ws []ledger.Write) {
	for _, x := range ws {
		if x.Value == nil {
			delete(w.v, string(x.Key))
		} else {
			w.v[string(x.Key)] = x.Value
		}
	}
}

func (w *town) block(txs ...[]byte) {
	w.t.Helper()
	h := w.height + 1
	i := int(h) % validators
	entry, err := ledger.SealEntry(w.hot[i].VRF(), w.v, h)
	if err != nil {
		w.t.Fatal(err)
	}
	p := ledger.NewGenesisProducer(w.hot[i], w.cold[i].Public(), key.Seed(key.Hash("cons", []byte{byte(i)})), unit.Coin)
	res, err := ledger.Apply(w.v, ledger.Block{Height: h, Time: int64(h) * 1000, Proposer: p.Address(), Hash: [32]byte{byte(h)}, Entries: append([][]byte{entry}, txs...)})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range res.Txs {
		if r.Code != ledger.OK {
			w.t.Fatalf("block %d: %+v", h, r)
		}
	}
	w.write(res.Writes)
	w.height, w.events[h] = h, res.Events
}

func (w *town) until(h ledger.Height) {
	for w.height < h {
		w.block()
	}
}

// said is what a validator says of an epoch: a weight each to the two miners, and
// its evidence of two rounds.
type said struct {
	weights [2]uint64
	leaves  [][2]evidence.Leaf // by round
	skipped bool               // the second round
}

func one(score float64, s evidence.Status) evidence.Leaf {
	return evidence.Leaf{Score: uint64(score * (1 << 32)), Status: s}
}

// epoch has the validators commit and reveal what they say of the epoch that has
// just ended, and returns the bundles by root.
func (w *town) epoch(e ledger.Epoch, all [validators]said) map[[32]byte]*evidence.Bundle {
	w.t.Helper()
	out := map[[32]byte]*evidence.Bundle{}
	var commits, reveals [][]byte
	for i, s := range all {
		b := &evidence.Bundle{ChainID: w.gen.ChainID, NetUID: net, Epoch: e, Validator: w.hot[i].Public(), Row: ledger.NewRow([]uint64{0, 0, 0, s.weights[0], s.weights[1]})}
		for r, l := range s.leaves {
			rd := evidence.Round{Round: uint16(r)}
			for m := range l {
				l[m].Round, l[m].Index = uint16(r), uint16(validators+m)
				rd.Responses = append(rd.Responses, evidence.Response{Leaf: l[m]})
			}
			b.Rounds = append(b.Rounds, rd)
		}
		if s.skipped {
			b.Rounds = append(b.Rounds, evidence.Round{Round: uint16(len(b.Rounds)), Skipped: true})
		}
		carry, err := ledger.LoadCarry(w.v, net, e, w.hot[i].Public())
		if err != nil {
			w.t.Fatal(err)
		}
		root, o := b.Root(), ledger.Opening{Row: b.Row, CarryIn: carry, CarryOut: [32]byte{byte(e), byte(i)}}
		out[root] = b
		hot := w.hot[i]
		commits = append(commits, ledger.Sign(hot, w.gen.ChainID, 0, w.height+15, &ledger.Commit{NetUID: net, Epoch: e, Evidence: root, Commitment: o.Commitment(w.gen.ChainID, net, e, hot.Public(), root)}))
		reveals = append(reveals, ledger.Sign(hot, w.gen.ChainID, 0, w.height+15, &ledger.Reveal{NetUID: net, Epoch: e, Opening: o}))
	}
	w.block(commits...)
	clock, err := ledger.LoadClock(w.v, net)
	if err != nil {
		w.t.Fatal(err)
	}
	w.until(clock.First + 4)
	w.block(reveals...)
	return out
}

func near(got *float64, want float64) bool {
	return got != nil && *got > want-0.011 && *got < want+0.011
}

// TestExplain is a case computed by hand. Three validators of equal stake; two say
// 1/2 and 1/2 of the miners 3 and 4, the third 1 and nothing. More than half of
// the stake backs 1/2, so consensus is 1/2 for both and the third loses half of
// its row: vtrust 0.5. Ranks are then 1/2 and 1/3, incentives 0.6 and 0.4.
func TestExplain(t *testing.T) {
	w := newTown(t)
	w.until(40) // epoch 1 is over
	a, n, b, wh := evidence.Answered, evidence.None, evidence.Busy, evidence.Withheld
	bundles := w.epoch(1, [validators]said{
		{weights: [2]uint64{1, 1}, leaves: [][2]evidence.Leaf{{one(.5, a), one(.25, a)}, {one(1, a), one(0, n)}}},
		{weights: [2]uint64{1, 1}, leaves: [][2]evidence.Leaf{{one(.5, a), one(.5, a)}}, skipped: true},
		{weights: [2]uint64{1, 0}, leaves: [][2]evidence.Leaf{{one(.75, a), one(0, n)}, {one(.25, a), one(0, wh)}}},
	})
	withheld := w.hot[1].Public() // whose evidence nobody has
	src := Sources{Bundle: func(_ context.Context, _ ledger.NetUID, _ ledger.Epoch, root [32]byte, author ledger.Member) (*evidence.Bundle, error) {
		if author.Hotkey == withheld || bundles[root] == nil {
			return nil, errors.New("nobody serves it")
		}
		return bundles[root], nil
	}}
	explain := func(i, epochs int) *api.Why {
		t.Helper()
		out, err := src.Explain(context.Background(), w.v, net, w.hot[i].Public(), epochs)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}

	// Before the step: a forecast.
	open := explain(4, 2)
	if len(open.Epochs) != 2 || open.Epochs[0].State != "running" || open.Epochs[0].Mined != nil || open.Epochs[1].State != "open" || open.Epochs[1].Found != "forecast" ||
		!near(open.Epochs[1].Incentive, .4) || open.Epochs[1].Paid != nil || open.Last.Epoch != 0 || open.Last.Earned != 0 {
		t.Errorf("before the step: %+v", open.Epochs)
	}
	w.until(60)

	miner := explain(4, 3)
	if miner.Epoch != 3 || len(miner.Epochs) != 3 || *miner.UID != 4 || !miner.Serves {
		t.Fatalf("%+v", miner)
	}
	if l := miner.Last; l == nil || l.Epoch != 1 || !near(&l.Incentive, .4) || !near(&l.Consensus, .5) || l.Paid == 0 || l.Earned != l.Paid {
		t.Errorf("last step: %+v", l)
	}
	e := miner.Epochs[2]
	if e.Epoch != 1 || e.State != "settled" || !e.Member || e.Found != "chain" || !near(e.Consensus, .5) || !near(e.Incentive, .4) || e.Paid == nil || *e.Paid != miner.Last.Paid || e.Validated != nil {
		t.Errorf("epoch 1: %+v", e)
	}
	d := e.Mined
	if d == nil || d.Read != 2 || d.WhyAnswers != (api.WhyAnswers{Asked: 4, Answered: 1, None: 2, Withheld: 1}) || d.Late != 3 || !near(d.Mean, .0625) || !near(d.Median, (.625+.0625)/2) {
		t.Fatalf("mined: %+v", d)
	}
	for i, want := range []struct {
		evidence        string
		asked           int
		mean, median    float64
		weight, clipped float64
	}{{"at hand", 2, .125, (.75 + .125) / 2, .5, .5}, {"not at hand: nobody serves it", 0, 0, 0, .5, .5}, {"at hand", 2, 0, .25, 0, 0}} {
		v := d.Validators[i]
		if v.Hotkey != api.Address(w.hot[i].Public().String()) || v.State != "revealed" || v.Evidence != want.evidence || !near(&v.Stake, 1./3) || !near(v.Weight, want.weight) || !near(v.Clipped, want.clipped) {
			t.Errorf("validator %d: %+v", i, v)
		}
		if want.asked == 0 && (v.Answers != nil || v.Mean != nil || v.Median != nil) {
			t.Errorf("validator %d: numbers out of nowhere: %+v", i, v)
		}
		if want.asked > 0 && (v.Answers.Asked != want.asked || !near(v.Mean, want.mean) || !near(v.Median, want.median)) {
			t.Errorf("validator %d: %+v", i, v)
		}
	}
	if len(miner.Bonds) != 2 { // the third validator gave it nothing
		t.Errorf("bonds: %+v", miner.Bonds)
	}
	rich := explain(3, 3).Epochs[2]
	if v := rich.Mined.Validators[2]; !near(v.Weight, 1) || !near(v.Clipped, .5) || !near(rich.Incentive, .6) {
		t.Errorf("clipping of the other miner: %+v", rich)
	}

	liar := explain(2, 3)
	v := liar.Epochs[2].Validated
	if v == nil || v.State != "revealed" || v.Evidence != "at hand" || v.Rounds != 2 || v.Skipped != 0 || !near(v.VTrust, .5) || !near(v.ClippedShare, .5) || v.Dividends == nil || *v.Dividends == 0 {
		t.Fatalf("validated: %+v", v)
	}
	// 1 of 4 requests is none; the other validator at hand has 1 of 4 as well.
	if !near(v.NoneShare, .25) || !near(v.NoneField, .25) || !near(v.NoneAbove, 0) || liar.Epochs[2].Mined != nil || len(liar.Bonds) != 1 {
		t.Errorf("validated: %+v, bonds %+v", v, liar.Bonds)
	}
	hidden := explain(1, 3).Epochs[2].Validated
	if hidden.Evidence != "not at hand: nobody serves it" || hidden.Answers != nil || hidden.NoneShare != nil || !near(hidden.VTrust, 1) || !near(hidden.ClippedShare, 0) {
		t.Errorf("validated: %+v", hidden)
	}

	// An epoch later the state no longer has what was found for epoch 1: it is
	// recomputed, and says so. What it paid, a history knows.
	more := w.epoch(2, [validators]said{
		{weights: [2]uint64{1, 0}, leaves: [][2]evidence.Leaf{{one(1, a), one(0, b)}}}, {weights: [2]uint64{1, 0}, leaves: [][2]evidence.Leaf{{one(1, a), one(0, b)}}},
		{weights: [2]uint64{1, 0}, leaves: [][2]evidence.Leaf{{one(1, a), one(0, b)}}}})
	maps.Copy(bundles, more)
	w.until(80)
	later := explain(4, 9)
	if len(later.Epochs) != 5 {
		t.Fatalf("%d epochs", len(later.Epochs))
	}
	e = later.Epochs[3]
	if e.Epoch != 1 || e.Found != "recomputed" || !near(e.Incentive, .4) || !near(e.Consensus, .5) || e.Paid != nil || e.PaidNote == "" {
		t.Errorf("epoch 1 later: %+v", e)
	}
	if e = later.Epochs[2]; e.Found != "chain" || *e.Incentive != 0 || *e.Paid != 0 || e.Mined.Busy != 2 {
		t.Errorf("epoch 2: %+v %+v", e, e.Mined)
	}
	if e = later.Epochs[4]; e.Epoch != 0 || e.Member {
		t.Errorf("epoch 0: %+v", e)
	}
	src.Events = func(height uint64) ([]ledger.Event, bool) { return w.events[height], w.events[height] != nil }
	if e = explain(4, 9).Epochs[3]; e.Paid == nil || *e.Paid != miner.Last.Paid || e.PaidNote != "" {
		t.Errorf("epoch 1 with a history: %+v", e)
	}
	if v := explain(2, 9).Epochs[3].Validated; !near(v.VTrust, .5) || v.Dividends != nil || v.DividendsNote == "" {
		t.Errorf("epoch 1 of a validator later: %+v", v)
	}

	// Without sources all of it is absent, and nothing fails.
	src = Sources{}
	if d := explain(4, 9).Epochs[2].Mined; d.Read != 0 || d.Mean != nil || d.Median != nil || d.Validators[0].Evidence != "not at hand: this node has no evidence" || !near(d.Validators[0].Weight, 0) {
		t.Errorf("without sources: %+v", d)
	}
	if _, err := src.Explain(context.Background(), w.v, 9, w.hot[0].Public(), 1); !errors.Is(err, ErrSubnet) {
		t.Error(err)
	}
	if out, err := src.Explain(context.Background(), w.v, net, key.ID{1}, 2); err != nil || out.UID != nil || out.Place != nil || out.Epochs[1].Member {
		t.Errorf("a stranger: %+v, %v", out, err)
	}
}

// TestPlace: five neurons of eight places, all registered in block 1.
func TestPlace(t *testing.T) {
	w := newTown(t)
	w.until(40)
	w.epoch(1, [validators]said{{weights: [2]uint64{1, 0}}, {weights: [2]uint64{1, 0}}, {weights: [2]uint64{1, 0}}})
	w.until(60)
	place := func(h key.ID) *api.WhyPlace {
		t.Helper()
		out, err := Sources{}.Explain(context.Background(), w.v, net, h, 1)
		if err != nil || out.Place == nil {
			t.Fatal(out, err)
		}
		return out.Place
	}
	p := place(w.hot[4].Public()) // paid nothing, like nobody else
	if p.Of != 5 || p.Rank != 5 || p.Free != 3 || p.Before == nil || *p.Before != 0 || p.Never || p.ImmuneUntil != 61 || p.ImmuneBlocks != 0 || p.Expected != nil ||
		p.Forecast != "is replaced by the 4th registration from now, if nothing else changes; nobody registered in the last 60 blocks" {
		t.Errorf("%+v", p)
	}
	if q := place(w.hot[3].Public()); q.Rank >= p.Rank || *q.Before <= *p.Before {
		t.Errorf("%+v", q)
	}
	// Two register in the last 62 blocks: the fourth registration from now, of which
	// one place is left, is expected after two times as many.
	for i := range byte(2) {
		hot, cold := key.Seed(key.Hash("new", []byte{i})), w.cold[i]
		work, proof := hot.Work(true)
		acc, err := ledger.LoadAccount(w.v, cold.Public())
		if err != nil {
			t.Fatal(err)
		}
		w.block(ledger.Sign(cold, w.gen.ChainID, acc.Nonce, w.height+9, &ledger.Register{NetUID: net, Hotkey: hot.Public(), MaxPrice: 1000 * unit.Coin, Work: work, Proof: proof}))
	}
	p = place(w.hot[4].Public())
	if p.Free != 1 || p.Recent != 2 || p.Expected == nil || *p.Expected != 62+uint64(1+*p.Before+1)*62/2 {
		t.Errorf("%+v", p)
	}
	young := place(key.Seed(key.Hash("new", []byte{1})).Public())
	if young.ImmuneBlocks != 59 || !strings.Contains(young.Forecast, "immune for 59 blocks more") {
		t.Errorf("%+v", young)
	}
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Error(got)
		}
	}
}

// TestMechanisms: a subnet's second mechanism is explained beside the first, by
// what was revealed for it: here miner 4 alone is paid there, on the word of two
// validators of three.
func TestMechanisms(t *testing.T) {
	w := newTown(t, 49152, 16383)
	w.until(40)
	a := one(.5, evidence.Answered)
	w.epoch(1, [validators]said{
		{weights: [2]uint64{1, 1}, leaves: [][2]evidence.Leaf{{a, a}}},
		{weights: [2]uint64{1, 1}, leaves: [][2]evidence.Leaf{{a, a}}},
		{weights: [2]uint64{1, 1}, leaves: [][2]evidence.Leaf{{a, a}}},
	})
	// The first window is over; epoch 2's is used for both.
	w.until(60)
	var commits, reveals [][]byte
	for i := range 2 {
		hot, o := w.hot[i], ledger.Opening{Row: ledger.NewRow([]uint64{0, 0, 0, 0, 1}), CarryOut: [32]byte{7}}
		commits = append(commits, ledger.Sign(hot, w.gen.ChainID, 0, w.height+15, &ledger.Commit{NetUID: net, Epoch: 2, Mechanism: 1,
			Commitment: o.Commitment(w.gen.ChainID, net.Mechanism(1), 2, hot.Public(), [32]byte{})}))
		reveals = append(reveals, ledger.Sign(hot, w.gen.ChainID, 0, w.height+15, &ledger.Reveal{NetUID: net, Epoch: 2, Mechanism: 1, Opening: o}))
	}
	w.block(commits...)
	clock, err := ledger.LoadClock(w.v, net)
	if err != nil {
		t.Fatal(err)
	}
	w.until(clock.First + 4)
	w.block(reveals...)
	for i, want := range map[int]float64{3: 0, 4: 1} {
		out, err := Sources{}.Explain(context.Background(), w.v, net, w.hot[i].Public(), 2)
		if err != nil {
			t.Fatal(err)
		}
		e := out.Epochs[1]
		if e.Epoch != 2 || e.Incentive != nil || len(e.Mechanisms) != 1 {
			t.Fatalf("miner %d: %+v", i, e)
		}
		m := e.Mechanisms[0]
		if m.Mechanism != 1 || !near(&m.Part, .25) || m.Found != "forecast" || !near(m.Incentive, want) || m.Mined == nil || m.Validated != nil {
			t.Fatalf("miner %d: %+v", i, m)
		}
		said := map[string]int{}
		for _, v := range m.Mined.Validators {
			said[v.State]++
			if v.State == "revealed" && (!near(v.Weight, want) || v.Evidence != "not at hand: none was named") {
				t.Errorf("miner %d: %+v", i, v)
			}
		}
		if said["revealed"] != 2 || said["silent"] != 1 {
			t.Errorf("miner %d: %v", i, said)
		}
	}
	out, err := Sources{}.Explain(context.Background(), w.v, net, w.hot[0].Public(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if v := out.Epochs[1].Mechanisms[0].Validated; v == nil || v.State != "revealed" || !near(v.VTrust, 1) {
		t.Errorf("validator: %+v", v)
	}
}
