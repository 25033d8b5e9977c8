package ledger

import (
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
)

// manyDue is a town with that many subnets of the town's neurons, at the block
// that ends an epoch in all of them, after all have revealed.
func manyDue(b *testing.B, subnets int) (*town, Block) {
	w := newTownOf(&testing.T{}, func(g *Genesis) {
		g.Params.StepsABlock = 255
		for n := 2; n <= subnets; n++ {
			sub := g.Subnets[0]
			sub.NetUID = NetUID(n)
			g.Subnets = append(g.Subnets, sub)
		}
		for i := range g.Accounts {
			g.Accounts[i].Balance *= 10
		}
	})
	for n := range NetUID(subnets) {
		var txs [][]byte
		for i := range w.hot {
			work, proof := w.hot[i].Work(i >= validators)
			txs = append(txs, w.sign(w.cold[i], &Register{NetUID: n + 1, Hotkey: w.hot[i].Public(), MaxPrice: 1 << 50, Work: work, Proof: proof}))
		}
		w.ok(w.blockQuick(txs...))
	}
	e := w.clock().Epoch + 1
	for w.clock().Epoch <= e {
		w.blockQuick()
	}
	w.blockQuick()
	var commits, reveals [][]byte
	for n := range NetUID(subnets) {
		for i := range validators {
			o := w.opening(i, e)
			hot := w.hot[i]
			commits = append(commits, Sign(hot, w.gen.ChainID, 0, w.height+40, &Commit{NetUID: n + 1, Epoch: e,
				Commitment: o.Commitment(w.gen.ChainID, n+1, e, hot.Public(), [32]byte{})}))
			reveals = append(reveals, Sign(hot, w.gen.ChainID, 0, w.height+40, &Reveal{NetUID: n + 1, Epoch: e, Opening: o}))
		}
	}
	w.ok(w.blockQuick(commits...))
	for w.height+1 < w.clock().First+4 {
		w.blockQuick()
	}
	w.ok(w.blockQuick(reveals...))
	for w.height+1 < w.clock().First+uint64(w.gen.Subnets[0].Params.Tempo)-1 {
		w.blockQuick()
	}
	return w, w.propose()
}

// A block in which the steps of 64 subnets run, of seven neurons each: what the
// ledger does around Yuma, whose cost at other sizes package yuma measures.
func BenchmarkSteps64(b *testing.B) {
	w, block := manyDue(b, 64)
	b.ReportAllocs()
	for b.Loop() {
		res, err := Apply(w.v, block)
		if err != nil {
			b.Fatal(err)
		}
		ended := 0
		for _, e := range res.Events {
			if e.Kind == "epoch" {
				ended++
			}
		}
		if ended != 64 {
			b.Fatalf("%d steps ran", ended)
		}
	}
}

// Reveals of a full roster through Apply, signatures apart.
func BenchmarkApplyReveals(b *testing.B) {
	const n, width = 256, 256
	w := newTown(&testing.T{})
	w.settle()
	for w.clock().Epoch < 2 {
		w.blockQuick()
	}
	w.blockQuick()
	// A roster of 256 validators in place of the one that was frozen.
	e := Epoch(1)
	roster := make(Roster, n)
	for i := range roster {
		roster[i] = Member{UID: UID(i), Hotkey: key.Hash("many", be64(uint64(i))), Permit: true, Stake: 1}
	}
	s := newState(w.v)
	rec := need[EpochRecord](s, recordKey(net, e))
	rec.Roster, rec.Members = roster.Root(), n
	store(s, recordKey(net, e), rec)
	for i := range roster.pages() {
		s.set(rosterKey(net, e, uint16(i)), roster.page(i))
	}
	dense := make([]uint64, width)
	for i := range dense {
		dense[i] = uint64(i + 1)
	}
	for w.height+1 < w.clock().First+4 {
		w.blockQuick()
	}
	block := w.propose()
	block.Verified = []bool{false}
	for i := range roster {
		h := roster[i].Hotkey
		o := Opening{Row: NewRow(dense), CarryOut: [32]byte{1}, Salt: [32]byte{byte(i)}}
		store(s, commitKey(net, e, h), Committed{Commitment: o.Commitment(w.gen.ChainID, net, e, h, [32]byte{}), Height: w.height})
		u := Unsigned{ChainID: w.gen.ChainID, Account: h, Expiry: w.height + 99, Payload: &Reveal{NetUID: net, Epoch: e, Opening: o}}
		block.Entries, block.Verified = append(block.Entries, Attach(u.Body(), key.ED25519, key.Signature{})), append(block.Verified, true)
	}
	w.v.write(s.writes(s.changes()))
	b.ReportAllocs()
	for b.Loop() {
		res, err := Apply(w.v, block)
		if err != nil || res.Txs[n].Code != OK {
			b.Fatal(err, res.Txs[n])
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "reveals/s")
}
