package subnets_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// native is a module in Go: its task is β and a data slice, an answer scores its
// first byte over 256, and ranking adds the mean to what it carries. A payload
// "trap" makes it trap, as a bad module would.
type native struct{}

func (native) ID() plugins.ID { return plugins.ID{9} }

func (native) Manifest() abi.Manifest {
	return abi.Manifest{Name: "native", Version: "1", Meter: 1, Ops: []abi.Op{abi.OpTask, abi.OpScore, abi.OpRank}, Fuel: 1, Pages: 1,
		Answer: 16, Slices: 1, Slice: 8}
}

func (n native) Call(_ context.Context, op abi.Op, input []byte, _ [32]byte) (plugins.Reply, error) {
	reply := func(b []byte) (plugins.Reply, error) { return plugins.Reply{Body: b, Fuel: uint64(len(input))}, nil }
	switch op {
	case abi.OpTask:
		r, err := abi.DecodeTaskRequest(input)
		if err != nil {
			return plugins.Reply{}, err
		}
		return reply((&abi.Task{Public: append(r.Beta[:], r.Slices[0]...)}).Append(nil))
	case abi.OpScore:
		r, err := abi.DecodeScoreRequest(input)
		if err != nil {
			return plugins.Reply{}, err
		}
		s := make(abi.Scores, len(r.Payloads))
		for i, p := range r.Payloads {
			if string(p) == "trap" {
				return plugins.Reply{}, &plugins.Fault{Kind: plugins.ErrTrap, ID: n.ID(), Op: op}
			}
			s[i] = uint64(p[0]) << 24
		}
		return reply(s.Append(nil))
	}
	r, err := abi.DecodeRankRequest(input)
	if err != nil {
		return plugins.Reply{}, err
	}
	k := make(abi.Ranks, len(r.Rows))
	for i, row := range r.Rows {
		var w uint64
		if len(row.Carry) == 8 {
			w = binary.BigEndian.Uint64(row.Carry) / 2
		}
		for _, s := range row.Scores {
			w += s / uint64(len(row.Scores)) / 2
		}
		k[i] = abi.Rank{Weight: w, Carry: binary.BigEndian.AppendUint64(nil, w)}
	}
	return reply(k.Append(nil))
}

// bench is a chain that moves by hand, and evidence made with everybody's keys.
type bench struct {
	*chain
	data *dataset.Set
}

func newBench(t testing.TB, rounds []uint16, miners, asked int) *bench {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	set, err := dataset.New(b, 8)
	if err != nil {
		t.Fatal(err)
	}
	w := &bench{data: set, chain: newChain(t, miners, ledger.Subnet{Module: native{}.ID(), Data: set.Named(), Params: params(rounds, asked)})}
	w.block()
	return w
}

func (w *bench) twin(t testing.TB) *bench { return &bench{chain: w.chain.twin(t), data: w.data} }

// next moves to the first block of the next epoch.
func (w *bench) next() { w.until(w.clock().First + tempo) }

// play makes round i of the running epoch as validator v would.
func (w *bench) play(v int, e ledger.Epoch, i uint16) evidence.Round {
	w.t.Helper()
	rec, roster, sub := w.record(e), w.roster(e), w.subnet()
	r := evidence.Round{Round: i}
	var beta [32]byte
	r.Proof, beta = w.hot[v].VRF().Prove(round.Alpha(rec.Seed, netuid, i))
	var data [][]byte
	for _, k := range round.Slices(beta, rec.Data.Slices, 1) {
		b, proof, _ := w.data.Slice(k)
		r.Slices, data = append(r.Slices, evidence.Slice{Index: k, Data: b, Proof: proof}), append(data, b)
	}
	task, fuel, err := round.Task(context.Background(), native{}, beta, w.terms(e, i, data))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Task, r.TaskFuel = round.TaskHash(task.Public), fuel
	for _, k := range round.Asked(beta, roster, w.hot[v].Public(), int(sub.Params.Asked)) {
		r.Responses = append(r.Responses, w.respond(v, e, &r, k, []byte{byte(40 * k), byte(i)}))
	}
	w.score(&r, beta, task)
	return r
}

// respond is the whole exchange with roster member k.
func (w *bench) respond(v int, e ledger.Epoch, r *evidence.Round, k int, data []byte) evidence.Response {
	_, beta := w.hot[v].VRF().Prove(round.Alpha(w.record(e).Seed, netuid, r.Round))
	req := round.Request{ChainID: w.gen.ChainID, NetUID: netuid, Module: native{}.ID(), Epoch: e, Round: r.Round, Task: r.Task,
		Caller: w.hot[v].Public(), Callee: w.hot[k].Public(), DeadlineMS: 10_000, ID: round.RequestID(beta, w.hot[k].Public())}
	return w.exchange(v, k, &req, data)
}

func (w *bench) exchange(v, k int, req *round.Request, data []byte) evidence.Response {
	signed := round.SignRequest(w.hot[v], req)
	p := round.Payload{Salt: [32]byte{byte(k)}, Data: data}
	answer := round.SignAnswer(w.hot[k], round.Answer{Request: round.RequestHash(signed.Body), Hash: round.SaltedHash(p.Salt, data)})
	return evidence.Response{Leaf: evidence.Leaf{Round: req.Round, Index: uint16(k), Hash: round.SaltedHash(p.Salt, data)},
		Request: signed, Answer: &answer, Receipt: round.SignReceipt(w.hot[v], answer), Payload: &p}
}

// score scores the answered leaves of a round.
func (w *bench) score(r *evidence.Round, beta [32]byte, task abi.Task) {
	w.t.Helper()
	var payloads [][]byte
	var at []int
	for j := range r.Responses {
		if r.Responses[j].Leaf.Status == evidence.Answered {
			payloads, at = append(payloads, r.Responses[j].Payload.Data), append(at, j)
		}
	}
	scores, fuel, err := round.Score(context.Background(), native{}, beta, nil, task, nil, payloads)
	if err != nil {
		w.t.Fatal(err)
	}
	r.ScoreFuel = fuel
	for i, j := range at {
		r.Responses[j].Leaf.Score = scores[i]
	}
}

// rescore scores a round again after its answers were changed.
func (w *bench) rescore(v int, e ledger.Epoch, r *evidence.Round) {
	w.t.Helper()
	_, beta := w.hot[v].VRF().Prove(round.Alpha(w.record(e).Seed, netuid, r.Round))
	w.score(r, beta, abi.Task{Public: append(append([]byte(nil), beta[:]...), r.Slices[0].Data...)})
}

// made is what a validator shows for an epoch: evidence and what it committed.
type made struct {
	*evidence.Bundle
	open ledger.Opening
	root [32]byte
}

// make makes validator v's bundle of epoch e from its rounds, honestly.
func (w *bench) make(v int, e ledger.Epoch, rounds []evidence.Round, in []evidence.Carried) *made {
	w.t.Helper()
	b := &evidence.Bundle{ChainID: w.gen.ChainID, NetUID: netuid, Epoch: e, Validator: w.hot[v].Public(), Rounds: rounds, CarryIn: in}
	roster := w.roster(e)
	var leaves [][]evidence.Leaf
	for i := range rounds {
		leaves = append(leaves, rounds[i].Leaves())
	}
	ranks, fuel, err := round.Rank(context.Background(), native{}, w.record(e).Seed, nil, evidence.Rows(leaves, roster, in))
	if err != nil {
		w.t.Fatal(err)
	}
	b.RankFuel = fuel
	b.Row, b.CarryOut = evidence.Outcome(roster, ranks)
	m := &made{Bundle: b}
	m.seal()
	return m
}

// seal makes the opening and the root that fit the bundle as it stands.
func (m *made) seal() {
	m.open = ledger.Opening{Row: m.Row, CarryIn: evidence.CarryHash(m.CarryIn), CarryOut: evidence.CarryHash(m.CarryOut), Salt: key.Hash("salt")}
	m.root = m.Root()
}

// commit commits m in the first block of the next epoch and reveals open. It
// returns the ledger's code for the reveal.
func (w *bench) commit(v int, m *made, reveal ledger.Opening) ledger.Code {
	w.t.Helper()
	hot := w.hot[v]
	p := &ledger.Commit{NetUID: netuid, Epoch: m.Epoch, Evidence: m.root, Commitment: m.open.Commitment(w.gen.ChainID, netuid, m.Epoch, hot.Public(), m.root)}
	if res := w.block(ledger.Sign(hot, w.gen.ChainID, 0, w.height+10, p)); res[0].Code != ledger.OK {
		w.t.Fatalf("commit: %+v", res)
	}
	w.until(w.clock().First + window)
	return w.block(ledger.Sign(hot, w.gen.ChainID, 0, w.height+10, &ledger.Reveal{NetUID: netuid, Epoch: m.Epoch, Opening: reveal}))[0].Code
}

// rounds plays all rounds of epoch e.
func (w *bench) rounds(v int, e ledger.Epoch) []evidence.Round {
	var out []evidence.Round
	for i := range w.subnet().Params.Rounds {
		out = append(out, w.play(v, e, uint16(i)))
	}
	return out
}
