package trial

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sort"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// Options of a trial.
type Options struct {
	// Tasks is how many are played; 0 is 16.
	Tasks int
	// Seed is the first; task i is drawn from Seed + i.
	Seed uint64
	// Params are the subnet's parameters, handed to the module as they are.
	Params []byte
	// Data is cut into the slices of a module that draws from data; empty takes
	// lines made of a few words.
	Data []byte
	// Artifact is the subnet's, handed to task and merge; empty for none.
	Artifact []byte
	// Progress, if not nil, is told how many of the tasks are done.
	Progress func(done, total int)
}

func (o *Options) defaults() {
	if o.Tasks == 0 {
		o.Tasks = 16
	}
}

// Result is what a player scored over all tasks, in Q32.32.
type Result struct {
	Player string `json:"player"`
	What   string `json:"what"`
	Tasks  int    `json:"tasks"` // it took part in
	Mean   uint64 `json:"mean"`
	Least  uint64 `json:"least"`
	Most   uint64 `json:"most"`
}

// Cost is the fuel of an operation over all calls of a trial.
type Cost struct {
	Op    string `json:"op"`
	Calls int    `json:"calls"`
	Mean  uint64 `json:"mean"`
	Most  uint64 `json:"most"`
}

// Report is the outcome of Play.
type Report struct {
	Results []Result `json:"results"` // in the order of the players
	Costs   []Cost   `json:"costs"`
	Rounds  []Round  `json:"-"`
}

// Round is one task with the scores of the field.
type Round struct {
	Seed   uint64
	Task   [32]byte // SHA-256 of the reply
	Scores map[string]uint64
	Fuel   map[string]uint64 // by operation
}

// Beta is the randomness that stands for a round's in a trial of that seed.
func Beta(seed uint64) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("plexus trial"), seed))
}

// game holds a module while it is played.
type game struct {
	ctx   context.Context
	m     plugins.Caller
	opt   Options
	fuel  map[abi.Op][]uint64
	costs map[string]uint64 // of the running round
}

func newGame(ctx context.Context, m plugins.Caller, opt Options) (*game, error) {
	opt.defaults()
	man := m.Manifest()
	for _, op := range []abi.Op{abi.OpTask, abi.OpScore, abi.OpRank} {
		if !man.Has(op) {
			return nil, fmt.Errorf("the module does not offer %s: a subnet's module has task, score and rank", op)
		}
	}
	return &game{ctx: ctx, m: m, opt: opt, fuel: map[abi.Op][]uint64{}}, nil
}

func (g *game) call(op abi.Op, body []byte) ([]byte, error) {
	r, err := g.m.Call(g.ctx, op, body, [32]byte{})
	if err != nil {
		return nil, err
	}
	g.fuel[op] = append(g.fuel[op], r.Fuel)
	if g.costs != nil {
		g.costs[op.String()] += r.Fuel
	}
	return r.Body, nil
}

// draw makes the task of a seed.
func (g *game) draw(seed uint64) (t abi.Task, reply []byte, err error) {
	if reply, err = g.call(abi.OpTask, g.taskRequest(seed)); err != nil {
		return t, nil, err
	}
	if t, err = abi.DecodeTask(reply); err == nil {
		err = t.CheckInputs(heights(seed))
	}
	return t, reply, err
}

// heights are the first block of a seed's round and the last at which it may be
// scored: a round in an epoch of the usual 360 blocks.
func heights(seed uint64) (height, last uint64) {
	height = 1000 + seed%(1<<32)*60
	return height, height + 180
}

// value stands for a chain value: one that all tasks see alike, prices from half
// to one and a half TAO.
func value(in abi.Input) []byte {
	h := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, in.Height), in.Key...))
	if in.Key == abi.KeyRandomness {
		return h[:]
	}
	return binary.BigEndian.AppendUint64(nil, abi.One/2+binary.BigEndian.Uint64(h[:8])%abi.One)
}

func (g *game) taskRequest(seed uint64) []byte {
	r := abi.TaskRequest{Beta: Beta(seed), Params: g.opt.Params, Slices: g.slices(Beta(seed)), Artifact: g.opt.Artifact}
	r.Height, r.Last = heights(seed)
	return r.Append(nil)
}

// mergeRequest holds each payload once, in the order of their hashes.
func (g *game) mergeRequest(payloads [][]byte) []byte {
	r := abi.MergeRequest{Params: g.opt.Params, Artifact: g.opt.Artifact, Slices: g.slices(Beta(g.opt.Seed ^ 1<<61)), Payloads: [][]byte{}}
	for _, i := range byHash(payloads) {
		if n := len(r.Payloads); n == 0 || !bytes.Equal(payloads[i], r.Payloads[n-1]) {
			r.Payloads = append(r.Payloads, payloads[i])
		}
	}
	return r.Append(nil)
}

func (g *game) slices(seed [32]byte) [][]byte {
	man := g.m.Manifest()
	all := [][]byte{}
	rnd := rand.New(rand.NewChaCha8(seed))
	for range man.Slices {
		all = append(all, g.slice(rnd, int(man.Slice)))
	}
	return all
}

func (g *game) slice(rnd *rand.Rand, n int) []byte {
	if len(g.opt.Data) >= n {
		at := rnd.IntN(len(g.opt.Data)-n+1) / n * n
		return g.opt.Data[at : at+n]
	}
	words := []string{"the", "light", "of", "a", "prism", "is", "bent", "by", "glass", "and", "falls", "upon", "paper", "\n"}
	var b []byte
	for len(b) < n {
		b = append(append(b, words[rnd.IntN(len(words))]...), ' ')
	}
	return b[:n]
}

func (g *game) solve(t *abi.Task, seed uint64) ([]byte, error) {
	man := g.m.Manifest()
	if !man.Has(abi.OpSolve) {
		return nil, nil
	}
	r := abi.SolveRequest{Params: g.opt.Params, Public: t.Public, Seed: Beta(seed ^ 1<<63)}
	b, err := g.call(abi.OpSolve, r.Append(nil))
	if err != nil {
		return nil, err
	}
	if uint64(len(b)) > man.Answer {
		return nil, fmt.Errorf("the solver's answer has %d bytes, the manifest allows %d", len(b), man.Answer)
	}
	return append([]byte{}, b...), nil
}

// score gives the payloads to the module in the order in which a node does, and
// the scores back in the order of the arguments.
func (g *game) score(t *abi.Task, payloads [][]byte) ([]uint64, error) {
	return g.scoreIn(t, payloads, byHash(payloads))
}

func byHash(payloads [][]byte) []int {
	order := make([]int, len(payloads))
	hashes := make([][32]byte, len(payloads))
	for i, p := range payloads {
		order[i], hashes[i] = i, sha256.Sum256(p)
	}
	sort.SliceStable(order, func(i, j int) bool { return bytes.Compare(hashes[order[i]][:], hashes[order[j]][:]) < 0 })
	return order
}

// scoreIn is score with an order of the caller's.
func (g *game) scoreIn(t *abi.Task, payloads [][]byte, order []int) ([]uint64, error) {
	b, err := g.call(abi.OpScore, g.scoreRequest(t, payloads, order))
	if err != nil {
		return nil, err
	}
	s, err := abi.DecodeScores(b, len(payloads))
	if err != nil {
		return nil, err
	}
	out := make([]uint64, len(payloads))
	for k, i := range order {
		out[i] = s[k]
	}
	return out, nil
}

func (g *game) scoreRequest(t *abi.Task, payloads [][]byte, order []int) []byte {
	r := abi.ScoreRequest{Params: g.opt.Params, Public: t.Public, Private: t.Private, Inputs: [][]byte{}, Payloads: [][]byte{}}
	for _, in := range t.Inputs {
		r.Inputs = append(r.Inputs, value(in))
	}
	for _, i := range order {
		r.Payloads = append(r.Payloads, payloads[i])
	}
	return r.Append(nil)
}

// field is what the players answer to a task.
func (g *game) field(t *abi.Task, solved, before []byte, seed uint64) (names []string, payloads [][]byte) {
	rnd := rand.New(rand.NewChaCha8(Beta(seed + 1<<62)))
	for _, p := range players {
		if a := p.answer(turn{*t, before, solved, int(g.m.Manifest().Answer), rnd}); a != nil {
			names, payloads = append(names, p.name), append(payloads, a)
		}
	}
	return names, payloads
}

// Play draws tasks and scores the field on each. An error is the module's own
// fault, a breach of the contract, or the context's end.
func Play(ctx context.Context, m plugins.Caller, opt Options) (*Report, error) {
	g, err := newGame(ctx, m, opt)
	if err != nil {
		return nil, err
	}
	report := &Report{}
	var before []byte
	var answers [][]byte // of the first rounds, for merge
	merged := 0
	for i := range g.opt.Tasks {
		seed := g.opt.Seed + uint64(i)
		round := Round{Seed: seed, Scores: map[string]uint64{}, Fuel: map[string]uint64{}}
		g.costs = round.Fuel
		fail := func(err error) error { return fmt.Errorf("seed %d: %w", seed, err) }
		task, reply, err := g.draw(seed)
		if err != nil {
			return nil, fail(err)
		}
		round.Task = sha256.Sum256(reply)
		solved, err := g.solve(&task, seed)
		if err != nil {
			return nil, fail(err)
		}
		names, payloads := g.field(&task, solved, before, seed)
		scores, err := g.score(&task, payloads)
		if err != nil {
			return nil, fail(err)
		}
		for k, name := range names {
			round.Scores[name] = scores[k]
		}
		if merged += len(bytes.Join(payloads, nil)); merged <= maxMerged {
			answers = append(answers, payloads...)
		}
		before = solved
		report.Rounds = append(report.Rounds, round)
		if g.opt.Progress != nil {
			g.opt.Progress(i+1, g.opt.Tasks)
		}
	}
	if err := g.rank(report.Rounds); err != nil {
		return nil, err
	}
	if man := m.Manifest(); man.Has(abi.OpMerge) {
		if err := g.merge(answers); err != nil {
			return nil, err
		}
	}
	report.Results = results(report.Rounds)
	report.Costs = g.table()
	return report, nil
}

// rank ranks the field by the scores of all rounds, twice, so that the carries of
// the first are read by the second.
func (g *game) rank(rounds []Round) error {
	r := abi.RankRequest{Params: g.opt.Params}
	for _, p := range players {
		row := abi.Row{Carry: []byte{}, Scores: []uint64{}}
		for _, round := range rounds {
			if s, ok := round.Scores[p.name]; ok {
				row.Scores = append(row.Scores, s)
			}
		}
		r.Rows = append(r.Rows, row)
	}
	for range 2 {
		b, err := g.call(abi.OpRank, r.Append(nil))
		if err != nil {
			return fmt.Errorf("rank: %w", err)
		}
		ranks, err := abi.DecodeRanks(b, len(r.Rows))
		if err != nil {
			return fmt.Errorf("rank: %w", err)
		}
		for i, k := range ranks {
			r.Rows[i].Carry = bytes.Clone(k.Carry)
		}
	}
	return nil
}

// maxMerged bounds the bytes of the answers of one merge.
const maxMerged = 8 << 20

// merge makes an artifact of the answers, twice, so that the second is made with
// the first in force.
func (g *game) merge(payloads [][]byte) error {
	payloads = payloads[:min(len(payloads), abi.MaxPayloads)]
	for range 2 {
		b, err := g.call(abi.OpMerge, g.mergeRequest(payloads))
		if err != nil {
			return fmt.Errorf("merge: %w", err)
		}
		m, err := abi.DecodeMerged(b)
		if err != nil {
			return fmt.Errorf("merge: %w", err)
		}
		if len(m.Artifact) > 0 {
			g.opt.Artifact = bytes.Clone(m.Artifact)
		}
	}
	return nil
}

func results(rounds []Round) (all []Result) {
	for _, p := range players {
		r := Result{Player: p.name, What: p.what, Least: abi.One}
		var sum uint64
		for _, round := range rounds {
			s, ok := round.Scores[p.name]
			if !ok {
				continue
			}
			r.Tasks++
			sum += s
			r.Least, r.Most = min(r.Least, s), max(r.Most, s)
		}
		if r.Tasks > 0 {
			r.Mean = sum / uint64(r.Tasks)
			all = append(all, r)
		}
	}
	return all
}

func (g *game) table() (all []Cost) {
	for op := abi.OpDescribe; op <= abi.OpMerge; op++ {
		calls := g.fuel[op]
		if len(calls) == 0 {
			continue
		}
		c := Cost{Op: op.String(), Calls: len(calls)}
		var sum uint64
		for _, f := range calls {
			sum += f
			c.Most = max(c.Most, f)
		}
		c.Mean = sum / uint64(len(calls))
		all = append(all, c)
	}
	return all
}
