package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/engine"
)

// ExamOptions are those of a trial, and what a subnet asks of a miner.
type ExamOptions struct {
	Options
	NetUID   uint16        // told to the engine
	Deadline time.Duration // an answer that takes longer scores 0; 0 is 3.5 s
}

// Exam is what an engine did with a module's tasks.
type Exam struct {
	Engine   string  `json:"engine"`
	Tasks    int     `json:"tasks"`    // asked
	Answered int     `json:"answered"` // in time, and not too long
	Late     int     `json:"late"`     // beyond the deadline
	Failed   int     `json:"failed"`   // refused, died, hung, or too long
	Unfit    int     `json:"unfit"`    // answered, and not well-formed by the module's own check
	Deadline float64 `json:"deadline_ms"`
	P50      float64 `json:"p50_ms"` // until the whole answer, late ones included
	P95      float64 `json:"p95_ms"`
	First    float64 `json:"first_p50_ms"` // until its first part, earlier than the whole for an engine that streams
	Bytes    int     `json:"bytes"`        // of the longest answer

	// Marks are the predicted score, in Q32.32, and what it compares with: the
	// engine's first answer given again to every task, and no bytes at all.
	Marks    []Mark     `json:"marks"`
	Oddities []Oddity   `json:"malformed"` // what it did with tasks that are none
	Findings []string   `json:"findings"`  // what its owner should look at; empty when all is well
	Examples []Question `json:"-"`
}

// Mark is the score of one way of answering.
type Mark struct {
	Name   string `json:"name"`
	Mean   uint64 `json:"mean"`
	Spread uint64 `json:"spread"` // standard deviation of one task's score
	Least  uint64 `json:"least"`
	Most   uint64 `json:"most"`
}

// Oddity is a task that is none, and what became of it: "refused", "answered",
// "died" or "hung".
type Oddity struct {
	Task    string `json:"task"`
	Outcome string `json:"outcome"`
}

// Question is one task of an exam with what the engine made of it.
type Question struct {
	Seed   uint64
	Answer []byte
	Score  uint64
	Err    error // nil for an answer, also a late one
	Took   time.Duration
}

// Names of an exam's marks.
const (
	MarkEngine   = "engine"
	MarkRepeated = "repeated"
	MarkEmpty    = "empty"
	MarkSolver   = "solver" // the module's own, when it has one
)

// maxFailures are told of in the findings.
const maxFailures = 3

// Examine asks an engine a module's own tasks, one after the other as a miner does,
// scores the answers, and then asks what is no task. What the engine does wrong
// stands in the report; an error is the module's fault or the context's end.
func Examine(ctx context.Context, m plugins.Caller, e *engine.Engine, opt ExamOptions) (*Exam, error) {
	g, err := newGame(ctx, m, opt.Options)
	if err != nil {
		return nil, err
	}
	if opt.Deadline <= 0 {
		opt.Deadline = 3500 * time.Millisecond
	}
	x := &examiner{game: g, e: e, opt: opt, scores: map[string][]uint64{},
		report: &Exam{Tasks: g.opt.Tasks, Deadline: ms(opt.Deadline), Findings: []string{}, Oddities: []Oddity{}}}
	odd := oddities(nil)
	total := g.opt.Tasks + len(odd)
	progress := func(done int) {
		if opt.Progress != nil {
			opt.Progress(done, total)
		}
	}
	var last abi.Task
	for i := range g.opt.Tasks {
		if last, err = x.ask(g.opt.Seed + uint64(i)); err != nil {
			return nil, fmt.Errorf("seed %d: %w", g.opt.Seed+uint64(i), err)
		}
		progress(i + 1)
	}
	for i, o := range oddities(last.Public) {
		if err := x.tease(ctx, o); err != nil {
			return nil, err
		}
		progress(g.opt.Tasks + i + 1)
	}
	x.conclude()
	return x.report, nil
}

type examiner struct {
	*game
	e        *engine.Engine
	opt      ExamOptions
	report   *Exam
	first    []byte // the engine's first answer
	scores   map[string][]uint64
	took     []float64
	begun    []float64
	failures []string
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// ask makes the task of a seed, has it answered, and scores.
func (x *examiner) ask(seed uint64) (abi.Task, error) {
	task, _, err := x.draw(seed)
	if err != nil {
		return task, err
	}
	q := Question{Seed: seed}
	begin := time.Now()
	begun := time.Duration(0)
	answer, err := x.e.AnswerTo(x.ctx, x.opt.NetUID, task.Public, func([]byte) {
		if begun == 0 {
			begun = time.Since(begin)
		}
	})
	q.Took, q.Err = time.Since(begin), err
	if x.ctx.Err() != nil {
		return task, x.ctx.Err()
	}
	if err == nil {
		x.took, x.begun = append(x.took, ms(q.Took)), append(x.begun, ms(begun))
		x.report.Bytes = max(x.report.Bytes, len(answer))
		if most := x.m.Manifest().Answer; uint64(len(answer)) > most {
			q.Err = fmt.Errorf("answer of %d bytes, the module takes at most %d", len(answer), most)
		}
	}
	counts := q.Err == nil && q.Took <= x.opt.Deadline
	switch {
	case counts:
		x.report.Answered++
	case q.Err == nil:
		x.report.Late++
	default:
		x.report.Failed++
		x.fail("seed %d: %v", seed, q.Err)
	}
	if q.Err == nil {
		q.Answer = answer
		if err := x.check(&task, seed, answer); err != nil {
			return task, err
		}
	}
	names, payloads := []string{MarkEmpty}, [][]byte{{}}
	if counts {
		names, payloads = append(names, MarkEngine), append(payloads, answer)
	} else {
		x.scores[MarkEngine] = append(x.scores[MarkEngine], 0)
	}
	if x.first != nil {
		names, payloads = append(names, MarkRepeated), append(payloads, x.first)
	}
	if solved, err := x.solve(&task, seed); err != nil {
		return task, err
	} else if solved != nil {
		names, payloads = append(names, MarkSolver), append(payloads, solved)
	}
	scores, err := x.score(&task, payloads)
	if err != nil {
		return task, err
	}
	for i, name := range names {
		x.scores[name] = append(x.scores[name], scores[i])
		if name == MarkEngine {
			q.Score = scores[i]
		}
	}
	if x.first == nil && counts {
		x.first = answer
	}
	x.report.Examples = append(x.report.Examples, q)
	return task, nil
}

// check asks the module's own check, if it has one.
func (x *examiner) check(task *abi.Task, seed uint64, answer []byte) error {
	man := x.m.Manifest()
	if !man.Has(abi.OpCheck) {
		return nil
	}
	r := abi.CheckRequest{Params: x.game.opt.Params, Public: task.Public, Payload: answer}
	b, err := x.call(abi.OpCheck, r.Append(nil))
	if err != nil {
		return err
	}
	v, err := abi.DecodeVerdict(b)
	if err != nil {
		return err
	}
	if !v.OK {
		x.report.Unfit++
		x.fail("seed %d: the module's check: %s", seed, v.Reason)
	}
	return nil
}

func (x *examiner) fail(format string, args ...any) {
	if len(x.failures) < maxFailures {
		x.failures = append(x.failures, fmt.Sprintf(format, args...))
	}
}

// oddities are tasks that are none, made from one that is.
func oddities(public []byte) []struct {
	name string
	body []byte
} {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 4<<10)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	flipped := bytes.Clone(public)
	if len(flipped) > 0 {
		flipped[len(flipped)/2] ^= 0x80
	}
	return []struct {
		name string
		body []byte
	}{
		{"empty", nil}, {"its first byte", public[:min(1, len(public))]}, {"its first half", public[:len(public)/2]},
		{"all but its last byte", public[:max(0, len(public)-1)]}, {"with a byte more", append(bytes.Clone(public), 0)},
		{"with a bit flipped", flipped}, {"noise of 4 KiB", noise}, {"noise of 4 MiB", bytes.Repeat(noise, abi.MaxPayload/len(noise))},
	}
}

// tease asks what is no task. The engine may refuse or answer, but it has to live.
func (x *examiner) tease(ctx context.Context, o struct {
	name string
	body []byte
}) error {
	_, err := x.e.Answer(ctx, x.opt.NetUID, o.body)
	outcome := "answered"
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, engine.ErrHung):
		outcome = "hung"
	case errors.Is(err, engine.ErrDied), errors.Is(err, engine.ErrDown):
		outcome = "died"
	case err != nil:
		outcome = "refused"
	}
	x.report.Oddities = append(x.report.Oddities, Oddity{o.name, outcome})
	if outcome == "died" || outcome == "hung" {
		x.report.Findings = append(x.report.Findings, fmt.Sprintf("a task that is none (%s) ends the engine: %v", o.name, err))
	}
	return nil
}

// conclude computes what is left and says what stands out.
func (x *examiner) conclude() {
	r := x.report
	r.P50, r.P95, r.First = quantile(x.took, 0.5), quantile(x.took, 0.95), quantile(x.begun, 0.5)
	marks := map[string]Mark{}
	for _, name := range []string{MarkEngine, MarkSolver, MarkRepeated, MarkEmpty} {
		if s := x.scores[name]; len(s) > 0 {
			marks[name] = mark(name, s)
			r.Marks = append(r.Marks, marks[name])
		}
	}
	note := func(format string, args ...any) { r.Findings = append(r.Findings, fmt.Sprintf(format, args...)) }
	if r.Failed > 0 {
		note("%d of %d tasks got no answer", r.Failed, r.Tasks)
	}
	if r.Late > 0 {
		note("%d of %d answers came after the deadline of %v and count nothing", r.Late, r.Tasks, x.opt.Deadline)
	} else if r.P95 > 0.8*r.Deadline {
		note("one answer in twenty takes %.0f ms of the %.0f ms that there are, the network's way not included", r.P95, r.Deadline)
	}
	if r.Unfit > 0 {
		note("%d of %d answers are not well-formed", r.Unfit, r.Tasks)
	}
	r.Findings = append(r.Findings, x.failures...)
	if marks[MarkEngine].Mean == 0 {
		note("it would earn nothing")
	} else if !x.above(MarkRepeated) || !x.above(MarkEmpty) {
		note("it scores no more than an answer that does not look at the task")
	}
}

// above reports whether the engine did better than another way of answering, in the
// tasks that both had.
func (x *examiner) above(other string) bool {
	s := x.scores[other]
	own := x.scores[MarkEngine][len(x.scores[MarkEngine])-len(s):] // whoever began later had all that follow
	return len(s) == 0 || mark("", own).Mean > mark("", s).Mean
}

func mark(name string, scores []uint64) Mark {
	m := Mark{Name: name, Least: slices.Min(scores), Most: slices.Max(scores)}
	var sum, squares float64
	for _, s := range scores {
		sum += float64(s)
	}
	mean := sum / float64(len(scores))
	for _, s := range scores {
		squares += (float64(s) - mean) * (float64(s) - mean)
	}
	m.Mean = uint64(mean)
	if len(scores) > 1 {
		m.Spread = uint64(math.Sqrt(squares / float64(len(scores)-1)))
	}
	return m
}

// quantile is the smallest value that a share of them does not exceed, 0 of none.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[min(len(v)-1, max(0, int(math.Ceil(q*float64(len(v))))-1))]
}
