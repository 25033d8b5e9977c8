package subnets_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// uneven is native with a task that takes the longer the earlier its round was
// asked for, so that later rounds are done first.
type uneven struct {
	native
	calls *atomic.Int32
}

func (u uneven) Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (plugins.Reply, error) {
	if op == abi.OpTask {
		time.Sleep(max(0, 20-2*time.Duration(u.calls.Add(1))) * time.Millisecond)
	}
	return u.native.Call(ctx, op, input, seed)
}

// Rounds are replayed several at once, and of several that differ it is always
// the first that is named, with what was replayed before it.
func TestFirstDifference(t *testing.T) {
	t.Parallel()
	w := newBench(t, []uint16{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 1)
	m := w.make(0, 1, w.rounds(0, 1), nil)
	w.next()
	if code := w.commit(0, m, m.open); code != ledger.OK {
		t.Fatal(code)
	}
	for _, first := range []int{0, 3, 11} {
		for try := range 5 {
			b := *m.Bundle
			b.Rounds = append([]evidence.Round(nil), m.Rounds...)
			for i := first; i < len(b.Rounds); i += 2 {
				b.Rounds[i].Responses = append([]evidence.Response(nil), b.Rounds[i].Responses...)
				b.Rounds[i].Responses[0].Leaf.Score ^= 1 << 20
			}
			ticks, total := 0, 0
			r, err := evidence.Replay(context.Background(), w.now(), uneven{calls: &atomic.Int32{}}, &b, func(done, of int) { ticks, total = done, of })
			if err != nil {
				t.Fatal(err)
			}
			if r.Equal() || r.Diff.What != "score" || r.Diff.Round != first || r.Rounds != first {
				t.Errorf("first %d, try %d: %+v, %d rounds", first, try, r.Diff, r.Rounds)
			}
			if ticks >= total && total != 0 {
				t.Errorf("%d of %d done where something differs", ticks, total)
			}
		}
	}
	ticks, total := 0, 0
	if r, err := evidence.Replay(context.Background(), w.now(), native{}, m.Bundle, func(done, of int) { ticks, total = done, of }); err != nil || !r.Equal() || ticks != total || total == 0 {
		t.Errorf("%+v %v, %d of %d", r, err, ticks, total)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := evidence.Replay(ctx, w.now(), native{}, m.Bundle, nil); err != context.Canceled {
		t.Error(err)
	}
}

// An epoch of 3,072 leaves of the text subnet, 16 rounds of 192 answers, replayed
// by each engine.
func BenchmarkReplay3072(b *testing.B) {
	var starts []uint16
	for i := range uint16(16) {
		starts = append(starts, i+1)
	}
	set, m := corpus(b), textModule(b)
	p := params(starts, 192)
	p.MaxUIDs = 256
	c := newChain(b, 193, ledger.Subnet{Module: m.ID(), Data: set.Named(), Params: p})
	w := &bench{chain: c, data: set}
	w.block()
	rec, roster := w.record(1), w.roster(1)
	bundle := &evidence.Bundle{ChainID: w.gen.ChainID, NetUID: netuid, Epoch: 1, Validator: w.hot[0].Public()}
	var leaves [][]evidence.Leaf
	for i := range starts {
		r := evidence.Round{Round: uint16(i)}
		var beta [32]byte
		r.Proof, beta = w.hot[0].VRF().Prove(round.Alpha(rec.Seed, netuid, r.Round))
		var data [][]byte
		for _, k := range round.Slices(beta, rec.Data.Slices, int(m.Manifest().Slices)) {
			s, proof, _ := set.Slice(k)
			r.Slices, data = append(r.Slices, evidence.Slice{Index: k, Data: s, Proof: proof}), append(data, s)
		}
		task, fuel, err := round.Task(b.Context(), m, beta, w.terms(1, r.Round, data))
		if err != nil {
			b.Fatal(err)
		}
		r.Task, r.TaskFuel = round.TaskHash(task.Public), fuel
		var payloads [][]byte
		for _, k := range round.Asked(beta, roster, w.hot[0].Public(), 192) {
			answer, err := fixed([]string{" aet", " aeo", " ins", "etao", "aens"}[k%5])
			if err != nil {
				b.Fatal(err)
			}
			req := round.Request{ChainID: w.gen.ChainID, NetUID: netuid, Module: m.ID(), Epoch: 1, Round: r.Round, Task: r.Task,
				Caller: w.hot[0].Public(), Callee: roster[k].Hotkey, DeadlineMS: 10_000, ID: round.RequestID(beta, roster[k].Hotkey)}
			r.Responses = append(r.Responses, w.exchange(0, w.number(roster[k].Hotkey), &req, answer))
			r.Responses[len(r.Responses)-1].Leaf.Index = uint16(k)
			payloads = append(payloads, answer)
		}
		scores, fuel, err := round.Score(b.Context(), m, beta, nil, task, nil, payloads)
		if err != nil {
			b.Fatal(err)
		}
		r.ScoreFuel = fuel
		for j, s := range scores {
			r.Responses[j].Leaf.Score = s
		}
		bundle.Rounds, leaves = append(bundle.Rounds, r), append(leaves, r.Leaves())
	}
	ranks, fuel, err := round.Rank(b.Context(), m, rec.Seed, nil, evidence.Rows(leaves, roster, nil))
	if err != nil {
		b.Fatal(err)
	}
	bundle.RankFuel = fuel
	bundle.Row, bundle.CarryOut = evidence.Outcome(roster, ranks)
	show := &made{Bundle: bundle}
	show.seal()
	w.next()
	if code := w.commit(0, show, show.open); code != ledger.OK {
		b.Fatal(code)
	}
	code, err := plugins.Build(b.Context(), filepath.FromSlash("../examples/subnets/text/module"), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, engine := range []string{"compiler", "interpreter"} {
		b.Run(engine, func(b *testing.B) {
			e, err := wasm.NewEngine(wasm.Config{CacheDir: cacheDir, Interpreter: engine == "interpreter"})
			if err != nil {
				b.Fatal(err)
			}
			m, err := e.Load(b.Context(), code)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r, err := evidence.Replay(b.Context(), w.now(), m, bundle, nil)
				if err != nil || !r.Equal() || r.Leaves != 3072 {
					b.Fatal(err, r)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/epoch")
		})
	}
}

// number is that of the hotkey.
func (c *chain) number(h ledger.Hotkey) int {
	for i := range c.hot {
		if c.hot[i].Public() == h {
			return i
		}
	}
	return -1
}
