package ledger

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// teller writes a story of what a town whose people have names does, with the
// numbers that matter.
type teller struct {
	*town
	names map[[32]byte]string
	b     strings.Builder
}

func (w *teller) say(format string, args ...any) {
	fmt.Fprintf(&w.b, "%5d  %s\n", w.height, fmt.Sprintf(format, args...))
}

// did plays transactions that must hold, and tells what they and the block did.
func (w *teller) did(txs ...[]byte) {
	w.t.Helper()
	w.ok(w.block(txs...))
	w.tell()
}

func (w *teller) tell() {
	for _, e := range w.last.Events {
		who := w.names[e.Hotkey]
		switch e.Kind {
		case "subnet_created":
			w.say("%s creates subnet %d for %s; its price becomes the pool", who, e.NetUID, unit.TAO(e.Amount))
		case "registered":
			w.say("%s registers for %s", who, unit.TAO(e.Amount))
		case "module_announced":
			w.say("a module is announced, %d bytes packed", e.Amount)
		case "module_stored":
			w.say("the module is complete, %d bytes", e.Amount)
		case "module_named":
			w.say("subnet %d names its module, to be used from epoch %d on", e.NetUID, e.Epoch)
		case "params_set":
			w.say("the owner of subnet %d sets parameters", e.NetUID)
		case "subnet_started":
			w.say("subnet %d starts with the next block", e.NetUID)
		case "staked":
			w.say("%s is staked with %s", unit.Alpha(e.Amount), who)
		case "epoch":
			if e.NetUID == 2 {
				w.say("epoch %d ends", e.Epoch)
			}
		case "paid":
			if e.NetUID == 2 {
				w.say("  the step of epoch %d pays %s to %s", e.Epoch, unit.Alpha(e.Amount), who)
			}
		case "root_paid":
			if e.NetUID == 2 {
				w.say("  root's sale brings %s to those behind %s", unit.TAO(e.Amount), who)
			}
		}
	}
}

func (w *teller) quiet(h Height) {
	for w.height < h {
		w.blockQuick()
		w.tell()
	}
	if err := CheckInvariants(w.v); err != nil {
		w.t.Fatal(err)
	}
}

// TestTranscript tells the first three epochs of a subnet, from its creation on,
// and holds the story to the one in testdata. UPDATE=1 writes it anew.
func TestTranscript(t *testing.T) {
	base := newTownOf(t, func(g *Genesis) { g.Params.PriceAlpha, g.Params.PriceHalf = 1<<32/5, 1 })
	w := &teller{town: base, names: map[[32]byte]string{}}
	for i, name := range []string{"Ada", "Ben", "Cora", "Dan", "Eve", "Fay", "Gus"} {
		w.names[w.hot[i].Public()] = name
	}
	const n = NetUID(2)
	const founder = 3
	cold := w.cold[founder]
	w.did(w.sign(cold, w.creation(founder)))
	p, chunks, err := PackModule([]byte(strings.Repeat("a module that scores answers; ", 40)))
	if err != nil {
		t.Fatal(err)
	}
	w.did(w.sign(cold, p))
	w.did(w.sign(cold, &chunks[0]))
	w.did(w.sign(cold, &NameModule{NetUID: n, Module: p.Module, Meter: 1, ABI: 1, Answer: 4096}))
	w.did(w.sign(cold, &SetParams{NetUID: n, Numbers: []Setting{{"asked", 3}}, Bytes: someRounds}))
	for _, i := range []int{0, 1, 4, 5} {
		work, proof := w.hot[i].Work(i > 1)
		w.did(w.sign(w.cold[i], &Register{NetUID: n, Hotkey: w.hot[i].Public(), MaxPrice: 10 * unit.Coin, Work: work, Proof: proof}))
	}
	w.did(w.sign(cold, &StartSubnet{n}))
	w.did(w.sign(w.cold[0], &Stake{NetUID: n, Hotkey: w.hot[0].Public(), Amount: 100 * unit.Coin}))
	w.did(w.sign(w.cold[1], &Stake{NetUID: n, Hotkey: w.hot[1].Public(), Amount: 50 * unit.Coin}))
	sub, _ := LoadSubnet(w.v, n)
	tempo := uint64(sub.Params.Tempo)
	for e := range Epoch(3) {
		first := sub.Started + (e+1)*tempo
		w.quiet(first - 1)
		m, _ := LoadMarket(w.v, n)
		w.say("the pool holds %s and %s, %s each; %s wait for steps", m.TAO, m.Alpha, m.SpotPrice(), m.Pending)
		w.block()
		roster, err := LoadRoster(w.v, n, e)
		if err != nil {
			t.Fatal(err)
		}
		rec, _ := LoadRecord(w.v, n, e)
		w.say("epoch %d had a roster of %d and module %s", e, len(roster), hex.EncodeToString(rec.Module[:4]))
		var commits, reveals [][]byte
		for i := range 2 {
			at := roster.Index(w.hot[i].Public())
			if at < 0 || !roster[at].Permit {
				continue
			}
			dense := make([]uint64, len(roster))
			dense[roster.Index(w.hot[4].Public())], dense[roster.Index(w.hot[5].Public())] = 2, 1
			carry, _ := LoadCarry(w.v, n, e, w.hot[i].Public())
			o := Opening{Row: NewRow(dense), CarryIn: carry, CarryOut: [32]byte{byte(e), 1}, Salt: [32]byte{byte(i)}}
			commits = append(commits, Sign(w.hot[i], w.gen.ChainID, 0, w.height+tempo, &Commit{NetUID: n, Epoch: e,
				Commitment: o.Commitment(w.gen.ChainID, n, e, w.hot[i].Public(), [32]byte{})}))
			reveals = append(reveals, Sign(w.hot[i], w.gen.ChainID, 0, w.height+tempo, &Reveal{NetUID: n, Epoch: e, Opening: o}))
		}
		w.did(commits...)
		w.say("%d validators commit to weights of epoch %d", len(commits), e)
		w.quiet(first + sub.Params.CommitWindow() - 1)
		w.did(reveals...)
		w.say("%d validators reveal them: Eve twice as good as Fay", len(reveals))
	}
	w.quiet(sub.Started + 4*tempo - 1)
	for u := range UID(5) {
		nr, _ := LoadNeuron(w.v, n, u)
		w.say("%s has uid %d, incentive %d, dividends %d, and earned %s in all", w.names[nr.Hotkey], u, nr.Incentive, nr.Dividends, nr.Earned)
	}
	file := filepath.Join("testdata", "transcript.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(w.b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + w.b.String())
	if w.b.String() != string(want) {
		got, old := strings.Split(w.b.String(), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(got), len(old)) {
			if got[i] != old[i] {
				t.Fatalf("line %d:\n%s\nwas\n%s", i+1, got[i], old[i])
			}
		}
		t.Fatalf("%d lines, were %d", len(got), len(old))
	}
}
