package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// Options of a check.
type Options struct {
	// Seeds is how many tasks are drawn; 0 is 4.
	Seeds int
	// Params are the subnet's parameters, handed to the module as they are.
	Params []byte
	// Data is cut into the slices of a module that draws from data; empty takes
	// lines made of a few words.
	Data []byte
	// Artifact is the subnet's, handed to task and merge; empty for none.
	Artifact []byte
	// CacheDir keeps compiled code; empty compiles anew.
	CacheDir string
	// Progress, if not nil, is told how many of the checks are done.
	Progress func(done, total int)
}

func (o *Options) slice(s *source, n int) []byte {
	if len(o.Data) >= n && n > 0 {
		at := s.IntN(len(o.Data)-n+1) / n * n
		return o.Data[at : at+n]
	}
	words := []string{"the", "light", "of", "a", "prism", "is", "bent", "by", "glass", "and", "falls", "upon", "paper", "\n"}
	var b []byte
	for len(b) < n {
		b = append(append(b, words[s.IntN(len(words))]...), ' ')
	}
	return b[:n]
}

// run is one check of a module.
type run struct {
	*Report
	ctx               context.Context
	opt               Options
	module, reference *wasm.Module // nil until loaded
	done              []call
}

func (r *run) close() {
	for _, m := range []*wasm.Module{r.module, r.reference} {
		if m != nil {
			_ = m.Close(context.WithoutCancel(r.ctx)) // it was only looked at
		}
	}
}

// call is one that was made, to be made again.
type call struct {
	sample
	reply plugins.Reply
}

// Check says whether a module keeps the contract. The error is that of ctx or of
// the machine; whatever the module does wrong stands in the report.
func Check(ctx context.Context, code []byte, opt Options) (*Report, error) {
	if opt.Seeds == 0 {
		opt.Seeds = 4
	}
	r := &run{Report: &Report{ID: plugins.Digest(code)}, ctx: ctx, opt: opt}
	defer r.close()
	if ok, err := r.load(code); err != nil || !ok {
		return r.Report, err
	}
	checks := []struct {
		name string
		do   func() error
	}{
		{"operations", r.operations}, {"describe", r.describe}, {"rounds", r.rounds}, {"artifact", r.artifact}, {"answers", r.answers}, {"rubbish", r.rubbish},
		{"repetition", r.repetition}, {"host's seed", r.otherSeed}, {"interpreter", r.interpreter}, {"fuel", r.fuel},
	}
	for i, c := range checks {
		if opt.Progress != nil {
			opt.Progress(i, len(checks))
		}
		err := c.do()
		if ctx.Err() != nil {
			return r.Report, ctx.Err()
		}
		var skip skipped
		if errors.As(err, &skip) {
			r.skip(c.name, string(skip))
			continue
		}
		detail := ""
		if err == nil {
			detail = fmt.Sprintf("%d calls so far", len(r.done))
		}
		r.add(c.name, err, "%s", detail)
	}
	r.Calls = len(r.done)
	return r.Report, nil
}

type skipped string

func (s skipped) Error() string { return string(s) }

// load is the gate, the manifest, and both engines.
func (r *run) load(code []byte) (bool, error) {
	manifest, err := plugins.ReadManifest(code)
	if !r.add("manifest", err, "%s %s, operations %v", manifest.Name, manifest.Version, manifest.Ops) {
		return false, nil
	}
	r.Manifest = manifest
	lim := plugins.DefaultLimits().Within(plugins.Limits{Fuel: min(manifest.Fuel, plugins.MaxFuel), Pages: uint32(min(manifest.Pages, plugins.MaxPages)), Log: plugins.MaxLog})
	for _, interpreter := range []bool{false, true} {
		cfg := wasm.Config{Interpreter: interpreter, Limits: lim}
		if !interpreter {
			cfg.CacheDir = r.opt.CacheDir
		}
		engine, err := wasm.NewEngine(cfg)
		if err != nil {
			return false, err
		}
		m, err := engine.Load(r.ctx, code)
		if err != nil && !plugins.IsGuest(err) {
			return false, err
		}
		if !interpreter && !r.add("gate", err, "%d bytes", len(code)) || err != nil {
			return false, nil
		}
		if interpreter {
			r.reference = m
		} else {
			r.module = m
		}
	}
	return true, nil
}

// do makes a call and remembers it. A refusal is a result, everything else that
// the module does wrong an error.
func (r *run) do(s sample) (body []byte, refused bool, err error) {
	reply, err := r.module.Call(r.ctx, s.op, s.body, [32]byte{})
	var fault *plugins.Fault
	if errors.As(err, &fault) && errors.Is(err, plugins.ErrRefused) {
		r.done = append(r.done, call{s, plugins.Reply{Fuel: fault.Fuel}})
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	r.done = append(r.done, call{s, reply})
	r.Fuel = max(r.Fuel, reply.Fuel)
	return reply.Body, false, nil
}

// need is do of a call that must not be refused.
func (r *run) need(s sample) ([]byte, error) {
	body, refused, err := r.do(s)
	if refused {
		return nil, fmt.Errorf("%s refused a request as a node makes it", s.op)
	}
	return body, err
}

func (r *run) source(seed int) *source {
	return &source{rand.New(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 'c'})), &r.Manifest, &r.opt}
}

func (r *run) operations() error {
	if r.Manifest.Has(abi.OpSolve) && len(r.Manifest.Ops) == 1 {
		return nil // a solver is no subnet's module
	}
	for _, op := range []abi.Op{abi.OpTask, abi.OpScore, abi.OpRank} {
		if !r.Manifest.Has(op) {
			return fmt.Errorf("the manifest does not name %s, without which no subnet can run the module", op)
		}
	}
	return nil
}

func (r *run) describe() error {
	if !r.Manifest.Has(abi.OpDescribe) {
		return skipped("not offered")
	}
	b, err := r.need(sample{op: abi.OpDescribe})
	if err != nil {
		return err
	}
	_, err = abi.DecodeDescription(b)
	return err
}

// rounds draws tasks, scores answers of every shape and ranks.
func (r *run) rounds() error {
	if !r.Manifest.Has(abi.OpTask) || !r.Manifest.Has(abi.OpScore) || !r.Manifest.Has(abi.OpRank) {
		return skipped("not a subnet's module")
	}
	var carries [][]byte
	for seed := range r.opt.Seeds {
		if err := r.round(r.source(seed), &carries); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	return nil
}

func (r *run) round(s *source, carries *[][]byte) error {
	b, err := r.need(s.task())
	if err != nil {
		return err
	}
	task, err := abi.DecodeTask(b)
	if err != nil {
		return fmt.Errorf("task: %w", err)
	}
	if err := task.CheckInputs(taskHeight, taskLast); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	var more [][]byte
	if r.Manifest.Has(abi.OpSolve) {
		solve := abi.SolveRequest{Params: r.opt.Params, Public: task.Public, Seed: [32]byte{1}}
		answer, err := r.need(sample{abi.OpSolve, solve.Append(nil)})
		if err != nil {
			return err
		}
		more = append(more, answer)
	}
	for _, payloads := range [][][]byte{{}, {nil}, s.answers(append(more, task.Private[:min(len(task.Private), int(r.Manifest.Answer))]))} {
		b, err := r.need(s.score(task, payloads))
		if err != nil {
			return err
		}
		scores, err := abi.DecodeScores(b, len(payloads))
		if err != nil {
			return fmt.Errorf("score: %w", err)
		}
		for i := 1; i < len(payloads); i++ { // equal ones are neighbours
			if bytes.Equal(payloads[i], payloads[i-1]) && scores[i] != scores[i-1] {
				return fmt.Errorf("score: equal payloads of %d bytes got %d and %d", len(payloads[i]), scores[i-1], scores[i])
			}
		}
	}
	for _, rank := range []sample{{abi.OpRank, (&abi.RankRequest{Params: r.opt.Params}).Append(nil)}, s.rank(*carries)} {
		b, err := r.need(rank)
		if err != nil {
			return err
		}
		request, err := abi.DecodeRankRequest(rank.body)
		if err != nil {
			return err
		}
		ranks, err := abi.DecodeRanks(b, len(request.Rows))
		if err != nil {
			return fmt.Errorf("rank: %w", err)
		}
		*carries = (*carries)[:0]
		for _, k := range ranks {
			*carries = append(*carries, bytes.Clone(k.Carry))
		}
	}
	return nil
}

// artifact merges into none, and again into what came of it.
func (r *run) artifact() error {
	if !r.Manifest.Has(abi.OpMerge) {
		return skipped("not offered")
	}
	artifact := r.opt.Artifact
	for seed := range r.opt.Seeds {
		b, err := r.need(r.source(seed).merge(artifact))
		if err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		m, err := abi.DecodeMerged(b)
		if err != nil {
			return fmt.Errorf("seed %d: merge: %w", seed, err)
		}
		if len(m.Artifact) > 0 {
			artifact = bytes.Clone(m.Artifact)
		}
	}
	return nil
}

// answers asks the optional operations of every answer's shape.
func (r *run) answers() error {
	s := r.source(99)
	asked := false
	for _, payload := range s.answers(nil) {
		if r.Manifest.Has(abi.OpCheck) {
			asked = true
			check := abi.CheckRequest{Params: r.opt.Params, Payload: payload}
			b, refused, err := r.do(sample{abi.OpCheck, check.Append(nil)})
			if err != nil {
				return err
			}
			if !refused {
				if _, err := abi.DecodeVerdict(b); err != nil {
					return fmt.Errorf("check: %w", err)
				}
			}
		}
		for _, op := range []abi.Op{abi.OpRender, abi.OpParse} {
			if r.Manifest.Has(op) {
				asked = true
				if _, _, err := r.do(sample{op, payload}); err != nil {
					return err
				}
			}
		}
	}
	if !asked {
		return skipped("neither check nor render nor parse is offered")
	}
	return nil
}

// rubbish expects a refusal of what is no message, and nothing worse.
func (r *run) rubbish() error {
	s := r.source(100)
	for _, c := range r.done[:len(r.done):len(r.done)] {
		if c.op == abi.OpRender || c.op == abi.OpParse || c.op == abi.OpDescribe {
			continue // these take any bytes, or none
		}
		for _, bad := range s.rubbish(c.sample) {
			_, refused, err := r.do(bad)
			if err != nil {
				return fmt.Errorf("%d bytes that are no message of %s: %w", len(bad.body), bad.op, err)
			}
			if !refused {
				return fmt.Errorf("%s took %d bytes that are not its message", bad.op, len(bad.body))
			}
		}
	}
	return nil
}

// repetition makes the calls again, the last first: what a call leaves behind
// must not reach another.
func (r *run) repetition() error {
	for i := len(r.done) - 1; i >= 0; i-- {
		if err := r.again(r.module, r.done[i], [32]byte{}, true); err != nil {
			return fmt.Errorf("made again in another order: %w", err)
		}
	}
	return nil
}

func (r *run) otherSeed() error {
	for _, c := range r.done {
		if err := r.again(r.module, c, [32]byte{1, 2, 3}, false); err != nil {
			return fmt.Errorf("with another seed behind random_get, on which no reply may depend: %w", err)
		}
	}
	return nil
}

// interpreter makes each kind of call once more, in the referee.
func (r *run) interpreter() error {
	seen := map[abi.Op]int{}
	for _, c := range r.done {
		if seen[c.op]++; seen[c.op] > 4 {
			continue
		}
		if err := r.again(r.reference, c, [32]byte{}, true); err != nil {
			return fmt.Errorf("in the interpreter: %w", err)
		}
	}
	return nil
}

func (r *run) again(m plugins.Caller, c call, seed [32]byte, fuel bool) error {
	reply, err := m.Call(r.ctx, c.op, c.body, seed)
	var fault *plugins.Fault
	if errors.As(err, &fault) && errors.Is(err, plugins.ErrRefused) {
		reply, err = plugins.Reply{Fuel: fault.Fuel}, nil
	}
	switch {
	case err != nil:
		return err
	case !bytes.Equal(reply.Body, c.reply.Body):
		return fmt.Errorf("%s of %d bytes gave another reply", c.op, len(c.body))
	case fuel && reply.Fuel != c.reply.Fuel:
		return fmt.Errorf("%s of %d bytes took %d fuel, before %d", c.op, len(c.body), reply.Fuel, c.reply.Fuel)
	}
	return nil
}

// fuel compares what the calls took with what the manifest asks for.
func (r *run) fuel() error {
	if r.Fuel > r.Manifest.Fuel/2 {
		return fmt.Errorf("a call took %d fuel of the %d that the manifest asks for: leave twice what you need", r.Fuel, r.Manifest.Fuel)
	}
	return nil
}
