package validator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// job is one round, with everything it depends on.
type job struct {
	id     roundID
	rec    *ledger.EpochRecord
	params *ledger.SubnetParams // of the record
	roster ledger.Roster
}

// load reads what a round of an epoch depends on; nil when the epoch has no
// record.
func (v *Validator) load(view ledger.View, id roundID) (*job, error) {
	j := &job{id: id}
	var err error
	if j.rec, err = ledger.LoadRecord(view, v.NetUID, id.epoch); err != nil || j.rec == nil {
		return nil, err
	}
	if j.params, err = ledger.LoadParams(view, j.rec.Params); err != nil {
		return nil, err
	}
	if j.params == nil {
		return nil, fmt.Errorf("validator: the parameters of epoch %d are not in the state", id.epoch)
	}
	j.roster, err = ledger.LoadRoster(view, v.NetUID, id.epoch)
	return j, err
}

// run asks the miners of a round and keeps what they say; a round that can be
// scored at once is. What goes wrong with the module, the data or the miners
// skips the round; only the store stops the loop.
func (v *Validator) run(ctx context.Context, j *job) error {
	a, err := v.play(ctx, j)
	if ctx.Err() != nil {
		return nil
	}
	var broken *keepError
	if errors.As(err, &broken) {
		return err
	}
	if err != nil {
		return v.skip(j.id, err)
	}
	if err := v.keepAsked(j.id, a); err != nil {
		return err
	}
	w := &waiting{task: a.task, scoring: a.task.ScoreAt == 0}
	v.await(j.id, w)
	if !w.scoring {
		v.Log.Debug("round asked", "netuid", v.NetUID, "epoch", j.id.epoch, "round", j.id.round, "score at", a.task.ScoreAt)
		return nil
	}
	return v.score(ctx, j.id)
}

// keepError is an error of the store, which ends the loop.
type keepError struct{ err error }

func (e *keepError) Error() string { return "validator: keeping a round: " + e.err.Error() }
func (e *keepError) Unwrap() error { return e.err }

// errBudget is why a round is skipped that had to wait too long.
var errBudget = errors.New("the epoch ended before the budget had bandwidth for the round")

// bandwidth waits until a round may send so many bytes.
func (v *Validator) bandwidth(ctx context.Context, j *job, bytes int) error {
	if v.Budget == nil {
		return nil
	}
	if err := v.Budget.Traffic(ctx, v.NetUID, uint64(bytes)); err != nil {
		return err
	}
	view, release, err := v.Chain.View()
	if err != nil {
		return err
	}
	defer release()
	clock, err := ledger.LoadClock(view, v.NetUID)
	if err != nil {
		return err
	}
	if clock == nil || clock.Epoch != j.id.epoch {
		return errBudget
	}
	return nil
}

// received counts what a round brought.
func (v *Validator) received(r *evidence.Round) {
	if v.Budget == nil {
		return
	}
	bytes := 0
	for i := range r.Responses {
		if p := r.Responses[i].Payload; p != nil {
			bytes += len(p.Data)
		}
	}
	v.Budget.Carried(v.NetUID, uint64(bytes))
}

// skip ends a round without scores.
func (v *Validator) skip(id roundID, why error) error {
	v.Log.Warn("round skipped", "netuid", v.NetUID, "epoch", id.epoch, "round", id.round, "err", why)
	if err := v.keepFinished(id, &evidence.Round{Round: id.round, Skipped: true}); err != nil {
		return err
	}
	v.drop(id)
	v.Notify(Event{Kind: "skipped", NetUID: v.NetUID, Epoch: id.epoch, Round: id.round, Err: why})
	return nil
}

func (v *Validator) drop(id roundID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.waiting, id)
}

// score scores a round that was asked, and finishes it.
func (v *Validator) score(ctx context.Context, id roundID) error {
	b, err := v.Keep.Get(v.askedKey(id))
	if err != nil {
		return fmt.Errorf("validator: a kept round: %w", err)
	}
	a, err := decodeAsked(b)
	if err != nil {
		return err
	}
	view, release, err := v.Chain.View()
	if err != nil {
		return fmt.Errorf("validator: %w", err)
	}
	j, err := v.load(view, id)
	release()
	if err != nil {
		return err
	}
	if j == nil {
		return v.skip(id, fmt.Errorf("epoch %d has no record any more", id.epoch))
	}
	v.mu.Lock()
	w := v.waiting[id]
	v.mu.Unlock()
	if err := v.judge(ctx, j, a, w); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return v.skip(id, err)
	}
	if err := v.keepFinished(id, a.r); err != nil {
		return err
	}
	v.drop(id)
	e := Event{Kind: "round", NetUID: v.NetUID, Epoch: id.epoch, Round: id.round}
	for i := range a.r.Responses {
		l := &a.r.Responses[i].Leaf
		e.Scores = append(e.Scores, Score{Hotkey: j.roster[l.Index].Hotkey, Score: l.Score, Status: l.Status})
	}
	v.Notify(e)
	return nil
}

// judge fills in the scores of a round.
func (v *Validator) judge(ctx context.Context, j *job, a *asked, w *waiting) (err error) {
	mod, err := v.Module(ctx, plugins.ID(j.rec.Module))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrModule, err)
	}
	var values [][]byte
	if a.r.Inputs, values, err = w.ordered(); err != nil {
		return err
	}
	a.r.Headers = w.headers
	var payloads [][]byte
	var scored []int
	for i := range a.r.Responses {
		if a.r.Responses[i].Leaf.Status == evidence.Answered {
			payloads, scored = append(payloads, a.r.Responses[i].Payload.Data), append(scored, i)
		}
	}
	_, beta := v.Hotkey.VRF().Prove(round.Alpha(j.rec.Seed, v.NetUID, j.id.round))
	scores, fuel, err := round.Score(ctx, mod, beta, j.params.Module, a.task, values, payloads)
	if err != nil {
		return fmt.Errorf("scoring: %w", err)
	}
	a.r.ScoreFuel = fuel
	for k, i := range scored {
		a.r.Responses[i].Leaf.Score = scores[k]
	}
	return nil
}

// play draws the task and asks the miners.
func (v *Validator) play(ctx context.Context, j *job) (*asked, error) {
	mod, err := v.Module(ctx, plugins.ID(j.rec.Module))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	manifest := mod.Manifest()
	r := &evidence.Round{Round: j.id.round}
	var beta [32]byte
	r.Proof, beta = v.Hotkey.VRF().Prove(round.Alpha(j.rec.Seed, v.NetUID, j.id.round))
	terms := round.Terms{Params: j.params.Module, Height: round.Begin(j.rec, j.params, j.id.round), Last: round.Last(j.rec, j.params)}
	if r.Slices, terms.Slices, err = v.slices(ctx, j.rec, beta, int(manifest.Slices)); err != nil {
		return nil, err
	}
	if terms.Artifact, err = v.artifact(ctx, j.id.epoch, j.rec.Artifact); err != nil {
		return nil, err
	}
	task, fuel, err := round.Task(ctx, mod, beta, terms)
	if err != nil {
		return nil, fmt.Errorf("drawing the task: %w", err)
	}
	r.Task, r.TaskFuel = round.TaskHash(task.Public), fuel
	asks := round.Asked(beta, j.roster, v.self, int(j.params.Asked))
	if err := v.bandwidth(ctx, j, len(asks)*len(task.Public)); err != nil {
		return nil, err
	}
	if err := v.Keep.Put(v.askingKey(j.id), []byte{1}); err != nil {
		return nil, &keepError{err}
	}
	r.Responses = v.ask(ctx, j, beta, r.Task, task, asks, int(manifest.Answer))
	v.received(r)
	return &asked{task, r}, nil
}

// slices opens the data slices that seed draws for an epoch.
func (v *Validator) slices(ctx context.Context, rec *ledger.EpochRecord, seed [32]byte, count int) (open []evidence.Slice, data [][]byte, err error) {
	if rec.Data.Slices == 0 {
		return nil, nil, nil
	}
	set, err := v.Data(ctx, rec.Data, rec.Epoch)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrData, err)
	}
	first, total := rec.Data.Draw(rec.Epoch)
	if total == 0 {
		return nil, nil, fmt.Errorf("%w: epoch %d has no window of the data left: the subnet's owner must add a data set", ErrData, rec.Epoch)
	}
	for _, i := range round.Slices(seed, total, count) {
		b, proof, err := set.Slice(first + i)
		if err != nil {
			return nil, nil, err
		}
		open = append(open, evidence.Slice{Index: first + i, Data: b, Proof: proof})
		data = append(data, b)
	}
	return open, data, nil
}

// artifact gets the bytes of an artifact, none for the zero hash.
func (v *Validator) artifact(ctx context.Context, e ledger.Epoch, hash [32]byte) ([]byte, error) {
	if hash == ([32]byte{}) {
		return nil, nil
	}
	b, err := v.Artifact(ctx, v.NetUID, e, hash)
	if err == nil && (len(b) > abi.MaxArtifact || round.ArtifactHash(b) != hash) {
		err = fmt.Errorf("what came is another")
	}
	if err != nil {
		return nil, fmt.Errorf("artifact %x: %w", hash[:6], err)
	}
	return b, nil
}

// ask sends the task to every asked miner at once. First all salted hashes are
// collected, or half the deadline passes; then receipts go out and payloads come
// in. So no payload exists outside its miner while another miner may still
// choose its own.
func (v *Validator) ask(ctx context.Context, j *job, beta, taskHash [32]byte, task abi.Task, asked []int, maxAnswer int) []evidence.Response {
	deadline := time.Duration(j.params.DeadlineMS) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	out := make([]evidence.Response, len(asked))
	talks := make([]*talk, len(asked))
	var g errgroup.Group
	for i, index := range asked {
		g.Go(func() error {
			m := &j.roster[index]
			req := round.Request{ChainID: v.ChainID, NetUID: v.NetUID, Module: j.rec.Module, Epoch: j.id.epoch, Round: j.id.round, Task: taskHash,
				Caller: v.self, Callee: m.Hotkey, DeadlineMS: j.params.DeadlineMS, ID: round.RequestID(beta, m.Hotkey)}
			t := &talk{net: v.Net, member: m, ask: round.Ask{Request: round.SignRequest(v.sign, &req), Public: task.Public}}
			talks[i] = t
			half, cancel := context.WithTimeout(ctx, deadline/2)
			defer cancel()
			t.hash(ctx, half)
			return nil
		})
	}
	g.Wait()
	for i, index := range asked {
		g.Go(func() error {
			t := talks[i]
			out[i] = evidence.Response{Leaf: evidence.Leaf{Round: j.id.round, Index: uint16(index), Status: t.status}, Request: t.ask.Request}
			if t.answer != nil {
				t.payload(v.sign, maxAnswer)
				out[i].Answer, out[i].Receipt, out[i].Payload = t.answer, t.receipt, t.paid
				out[i].Leaf.Hash, out[i].Leaf.Status = t.announced.Hash, t.status
			}
			if t.stream != nil {
				t.stream.Close()
			}
			return nil
		})
	}
	g.Wait()
	for i, t := range talks {
		if t.fault != "" {
			v.Log.Info("a miner's message is faulty", "netuid", v.NetUID, "epoch", j.id.epoch, "round", j.id.round, "miner", t.member.Hotkey, "fault", t.fault)
			v.Notify(Event{Kind: "fault", NetUID: v.NetUID, Epoch: j.id.epoch, Round: j.id.round, Miner: j.roster[asked[i]].Hotkey, Fault: t.fault})
		}
	}
	return out
}
