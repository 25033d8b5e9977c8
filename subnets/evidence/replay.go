package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/round"
)

// Difference is the first thing that a replay found to be other than published.
type Difference struct {
	What      string // "score", "status", "task", "proof", "asked set", "weights", …
	Round     int    // -1 when it concerns the whole epoch
	Hotkey    ledger.Hotkey
	Published string
	Replayed  string
}

// String is one line for a person.
func (d *Difference) String() string {
	where := "epoch"
	if d.Round >= 0 {
		where = fmt.Sprintf("round %d", d.Round)
	}
	if d.Hotkey != (ledger.Hotkey{}) {
		where += " miner " + d.Hotkey.String()
	}
	return fmt.Sprintf("%s: %s: published %s, replayed %s", where, d.What, d.Published, d.Replayed)
}

// Report is the outcome of a replay.
type Report struct {
	Rounds int // replayed
	Leaves int
	Fuel   uint64
	Diff   *Difference // nil when everything is equal
}

// Equal reports whether nothing differed.
func (r *Report) Equal() bool { return r.Diff == nil }

// Errors of a replay that could not be carried out.
var (
	ErrNoRecord = errors.New("evidence: the chain has no such epoch")
	ErrNoReveal = errors.New("evidence: the validator revealed no weights for this epoch")
	ErrModule   = errors.New("evidence: the module is not the one that the epoch names")
	ErrTooOld   = errors.New("evidence: the chain no longer shows the hash of a block that the evidence needs")
)

// Replay recomputes a validator's epoch from its bundle: proofs, asked sets,
// data slices, tasks, chain values, signatures, scores, ranking, the vote for an
// artifact and the opened commitment.
// Everything it takes as given comes from v, so a view whose every value is
// proved makes the result independent of whoever served it. The module must be
// the one that the epoch's record names. progress may be nil.
func Replay(ctx context.Context, v ledger.View, m plugins.Caller, b *Bundle, progress func(done, total int)) (*Report, error) {
	r := &replay{ctx: ctx, m: m, b: b, report: &Report{}}
	return r.run(v, progress, r.ranking, r.merging, r.commitment)
}

// Verify checks of a bundle what needs no module: that it is the one whose root
// was committed, that what was revealed is what was committed, and every proof,
// asked set, data slice, chain value and signature. Tasks, scores and weights are as
// published; Replay recomputes them.
func Verify(ctx context.Context, v ledger.View, b *Bundle, progress func(done, total int)) (*Report, error) {
	r := &replay{ctx: ctx, b: b, report: &Report{}}
	return r.run(v, progress, r.published, r.merging, r.commitment)
}

// run replays the rounds and then takes the last steps. The roots come last: a
// bundle in which one score was altered has another root too, and the score is
// what one wants named.
func (r *replay) run(v ledger.View, progress func(done, total int), last ...func() error) (*Report, error) {
	ctx, b := r.ctx, r.b
	if err := r.load(v); err != nil {
		return nil, err
	}
	done := 0
	tick := func() {
		if done++; progress != nil {
			progress(done, len(b.Rounds)+6)
		}
	}
	for _, step := range append([]func() error{r.identity, r.artifact, func() error { return r.play(tick) }}, last...) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step(); err != nil {
			return nil, err
		}
		if r.report.Diff != nil {
			return r.report, nil
		}
		tick()
	}
	return r.report, nil
}

type replay struct {
	ctx    context.Context
	m      plugins.Caller // nil to recompute nothing
	b      *Bundle
	report *Report

	view   ledger.View
	hashes map[ledger.Height][32]byte // of the blocks whose headers the bundle shows
	chain  string
	rec    *ledger.EpochRecord
	next   *ledger.EpochRecord // of the epoch after, in which the bundle was closed
	params *ledger.SubnetParams
	roster ledger.Roster
	com    *ledger.Committed
	open   *ledger.Opening
	self   *ledger.Member
}

func (r *replay) differ(what string, round int, h ledger.Hotkey, published, replayed any) error {
	r.report.Diff = &Difference{What: what, Round: round, Hotkey: h, Published: fmt.Sprint(published), Replayed: fmt.Sprint(replayed)}
	return nil
}

func (r *replay) load(v ledger.View) (err error) {
	b := r.b
	r.view = v
	if r.chain, err = ledger.ChainID(v); err != nil {
		return err
	}
	if r.rec, err = ledger.LoadRecord(v, b.NetUID, b.Epoch); err != nil {
		return err
	}
	if r.rec == nil {
		return fmt.Errorf("%w: netuid %d epoch %d", ErrNoRecord, b.NetUID, b.Epoch)
	}
	if r.next, err = ledger.LoadRecord(v, b.NetUID, b.Epoch+1); err != nil {
		return err
	}
	if r.m != nil && r.m.ID() != r.rec.Module {
		return fmt.Errorf("%w: %x, the epoch names %x", ErrModule, r.m.ID(), r.rec.Module)
	}
	if r.params, err = ledger.LoadParams(v, r.rec.Params); err != nil {
		return err
	}
	if r.params == nil {
		return fmt.Errorf("evidence: the parameters of epoch %d are not in the state", b.Epoch)
	}
	if r.roster, err = ledger.LoadRoster(v, b.NetUID, b.Epoch); err != nil {
		return err
	}
	if r.com, err = ledger.LoadCommitted(v, b.NetUID, b.Epoch, b.Validator); err != nil {
		return err
	}
	if r.open, err = ledger.LoadReveal(v, b.NetUID, b.Epoch, b.Validator); err != nil {
		return err
	}
	if r.com == nil || r.open == nil {
		return fmt.Errorf("%w: %s, netuid %d epoch %d", ErrNoReveal, b.Validator, b.NetUID, b.Epoch)
	}
	return r.blockHashes()
}

func (r *replay) identity() error {
	b := r.b
	if b.ChainID != r.chain {
		return r.differ("chain", -1, ledger.Hotkey{}, b.ChainID, r.chain)
	}
	i := r.roster.Index(b.Validator)
	if i < 0 || !r.roster[i].Permit {
		return r.differ("permit", -1, b.Validator, "a validator", "none in this epoch's roster")
	}
	r.self = &r.roster[i]
	if h := r.params.Hash(); h != r.rec.Params {
		return fmt.Errorf("evidence: the parameters in the state are not those of epoch %d", b.Epoch)
	}
	if want := len(r.params.Rounds); len(b.Rounds) != want {
		return r.differ("rounds", -1, ledger.Hotkey{}, len(b.Rounds), want)
	}
	return nil
}

func hex(h [32]byte) string { return fmt.Sprintf("%x", h[:8]) }

// commitment checks that the bundle is the one whose root was committed, and that
// what was revealed is what was committed and what the bundle says.
func (r *replay) commitment() error {
	b := r.b
	if got := b.Root(); got != r.com.Evidence {
		return r.differ("evidence root", -1, ledger.Hotkey{}, hex(r.com.Evidence), hex(got))
	}
	if got := r.open.Commitment(r.chain, b.NetUID, b.Epoch, b.Validator, r.com.Evidence); got != r.com.Commitment {
		return r.differ("commitment", -1, ledger.Hotkey{}, hex(r.com.Commitment), hex(got))
	}
	if in := CarryHash(b.CarryIn); in != r.open.CarryIn {
		return r.differ("carry in", -1, ledger.Hotkey{}, hex(r.open.CarryIn), hex(in))
	}
	if out := CarryHash(b.CarryOut); out != r.open.CarryOut {
		return r.differ("carry out", -1, ledger.Hotkey{}, hex(r.open.CarryOut), hex(out))
	}
	skipped := 0
	for i := range b.Rounds {
		if b.Rounds[i].Skipped {
			skipped++
		}
	}
	if skipped*1000 > len(b.Rounds)*int(r.params.SkipMax) {
		return r.differ("skipped rounds", -1, ledger.Hotkey{}, skipped, fmt.Sprintf("at most %d thousandths", r.params.SkipMax))
	}
	return nil
}

func (r *replay) round(rd *Round, i int) error {
	none := ledger.Hotkey{}
	if int(rd.Round) != i {
		return r.differ("round number", i, none, rd.Round, i)
	}
	if rd.Skipped {
		if !rd.empty() {
			return r.differ("skipped round", i, none, "a round that is not empty", errSkipped)
		}
		return nil
	}
	beta, data, err := r.drawn(rd, i)
	if err != nil || r.report.Diff != nil {
		return err
	}
	if r.m == nil {
		_, err := r.inputs(rd, i, nil)
		if err == nil && r.report.Diff == nil {
			_, _, err = r.responses(rd, i, beta)
		}
		r.report.Leaves, r.report.Rounds = len(rd.Responses), 1
		return err
	}
	task, err := r.task(rd, i, beta, data)
	if err != nil || r.report.Diff != nil {
		return err
	}
	inputs, err := r.inputs(rd, i, &task)
	if err != nil || r.report.Diff != nil {
		return err
	}
	payloads, scored, err := r.responses(rd, i, beta)
	if err != nil || r.report.Diff != nil {
		return err
	}
	scores, fuel, err := round.Score(r.ctx, r.m, beta, r.params.Module, task, inputs, payloads)
	if faulty(err) {
		return r.differ("scores", i, none, fmt.Sprintf("%d payloads scored", len(payloads)), err)
	}
	if err != nil {
		return fmt.Errorf("replaying scores of round %d: %w", i, err)
	}
	r.report.Fuel += fuel
	want := make([]uint64, len(rd.Responses))
	for k, j := range scored {
		want[j] = scores[k]
	}
	for j := range rd.Responses {
		l := &rd.Responses[j].Leaf
		if l.Score != want[j] {
			return r.differ("score", i, r.roster[l.Index].Hotkey, Decimal(l.Score), Decimal(want[j]))
		}
		r.report.Leaves++
	}
	if fuel != rd.ScoreFuel {
		return r.differ("score fuel", i, none, rd.ScoreFuel, fuel)
	}
	r.report.Rounds++
	return nil
}

// drawn checks a round's proof and slices, and returns its randomness and data.
func (r *replay) drawn(rd *Round, i int) (beta [32]byte, data [][]byte, err error) {
	beta, err = r.self.Work.VRF.VerifyVRF(round.Alpha(r.rec.Seed, r.b.NetUID, rd.Round), rd.Proof)
	if err != nil {
		return beta, nil, r.differ("proof", i, ledger.Hotkey{}, "a VRF proof", err)
	}
	data, err = r.slices(rd.Slices, beta, i)
	return beta, data, err
}

// task draws the task of a round again.
func (r *replay) task(rd *Round, i int, beta [32]byte, data [][]byte) (abi.Task, error) {
	task, fuel, err := round.Task(r.ctx, r.m, beta, round.Terms{Params: r.params.Module, Slices: data, Artifact: r.b.Artifact,
		Height: round.Begin(r.rec, r.params, rd.Round), Last: round.Last(r.rec, r.params)})
	if faulty(err) {
		return task, r.differ("task", i, ledger.Hotkey{}, hex(rd.Task), err)
	}
	if err != nil {
		return task, fmt.Errorf("replaying task of round %d: %w", i, err)
	}
	r.report.Fuel += fuel
	if h := round.TaskHash(task.Public); h != rd.Task {
		return task, r.differ("task", i, ledger.Hotkey{}, hex(rd.Task), hex(h))
	}
	if fuel != rd.TaskFuel {
		return task, r.differ("task fuel", i, ledger.Hotkey{}, rd.TaskFuel, fuel)
	}
	return task, nil
}

// responses checks who was asked and every signature, and returns the payloads
// to be scored with their places.
func (r *replay) responses(rd *Round, i int, beta [32]byte) (payloads [][]byte, scored []int, err error) {
	none := ledger.Hotkey{}
	asked := round.Asked(beta, r.roster, r.b.Validator, int(r.params.Asked))
	if len(asked) != len(rd.Responses) {
		return nil, nil, r.differ("asked set", i, none, fmt.Sprintf("%d miners", len(rd.Responses)), fmt.Sprintf("%d miners", len(asked)))
	}
	for j := range rd.Responses {
		res := &rd.Responses[j]
		if int(res.Leaf.Index) != asked[j] {
			return nil, nil, r.differ("asked set", i, none, fmt.Sprintf("roster index %d", res.Leaf.Index), fmt.Sprintf("roster index %d", asked[j]))
		}
		miner := r.roster[asked[j]].Hotkey
		status, err := r.response(rd, res, miner, beta)
		if err != nil {
			return nil, nil, r.differ("signature", i, miner, res.Leaf.Status, err)
		}
		if status != res.Leaf.Status {
			return nil, nil, r.differ("status", i, miner, res.Leaf.Status, status)
		}
		if status == Answered {
			payloads, scored = append(payloads, res.Payload.Data), append(scored, j)
		}
	}
	return payloads, scored, nil
}

// faulty reports whether a call failed by the module's own fault, as it does on
// every machine: then an honest validator has no result to publish. Time that ran
// out in a worker says nothing of the kind.
func faulty(err error) bool {
	if errors.Is(err, round.ErrInputs) || errors.Is(err, round.ErrUnequal) {
		return true
	}
	return plugins.IsGuest(err) && !errors.Is(err, plugins.ErrDeadline)
}

// response checks every signature of one response and says what its status must
// be. None and Busy are the validator's word, as long as no answer contradicts
// it.
func (r *replay) response(rd *Round, res *Response, miner ledger.Hotkey, beta [32]byte) (Status, error) {
	req, err := res.Request.OpenRequest()
	if err != nil {
		return 0, err
	}
	want := round.Request{ChainID: r.chain, NetUID: r.b.NetUID, Module: r.rec.Module, Epoch: r.b.Epoch, Round: rd.Round,
		Task: rd.Task, Caller: r.b.Validator, Callee: miner, DeadlineMS: r.params.DeadlineMS, ID: round.RequestID(beta, miner), MaxPrice: req.MaxPrice}
	if req != want {
		return 0, errors.New("the request is for another round, task or miner, has another deadline than the subnet's, or an id that was not drawn")
	}
	if res.Answer == nil {
		if res.Leaf.Hash != ([32]byte{}) || res.Payload != nil {
			return 0, errors.New("a payload without an answer")
		}
		if res.Leaf.Status == Busy {
			return Busy, nil
		}
		return None, nil
	}
	answer, err := res.Answer.OpenAnswer(res.Request.Body, miner)
	if err != nil {
		return 0, err
	}
	if err := round.CheckReceipt(r.b.Validator, *res.Answer, res.Receipt); err != nil {
		return 0, err
	}
	if answer.Hash != res.Leaf.Hash {
		return 0, errors.New("the leaf names another hash than the miner signed")
	}
	switch {
	case res.Payload == nil:
		return Withheld, nil
	case r.m == nil && res.Leaf.Status == Withheld:
		return Withheld, nil // whether it is too long, the module says
	case r.m != nil && len(res.Payload.Data) > int(r.m.Manifest().Answer):
		return Withheld, nil // what is too long counts as not come
	case res.Payload.Matches(answer) != nil:
		return Mismatch, nil
	}
	return Answered, nil
}

func (r *replay) ranking() error {
	b := r.b
	rounds := make([][]Leaf, len(b.Rounds))
	for i := range b.Rounds {
		rounds[i] = b.Rounds[i].Leaves()
	}
	rows := Rows(rounds, r.roster, b.CarryIn)
	ranks, fuel, err := round.Rank(r.ctx, r.m, r.rec.Seed, r.params.Module, rows)
	if faulty(err) {
		return r.differ("ranking", -1, ledger.Hotkey{}, fmt.Sprintf("%d weights", len(b.Row.Weights)), err)
	}
	if err != nil {
		return fmt.Errorf("replaying the ranking: %w", err)
	}
	r.report.Fuel += fuel
	row, carry := Outcome(r.roster, ranks)
	if fuel != b.RankFuel {
		return r.differ("rank fuel", -1, ledger.Hotkey{}, b.RankFuel, fuel)
	}
	if CarryHash(carry) != CarryHash(b.CarryOut) {
		return r.differ("carry out", -1, ledger.Hotkey{}, hex(CarryHash(b.CarryOut)), hex(CarryHash(carry)))
	}
	return r.weights(row, b.Row, r.open.Row)
}

// published compares the bundle's weights with those revealed.
func (r *replay) published() error { return r.weights(r.open.Row, r.b.Row) }

// weights compares rows that were published with the right one.
func (r *replay) weights(right ledger.Row, published ...ledger.Row) error {
	got, err := right.Dense(len(r.roster))
	if err != nil {
		return err
	}
	for _, row := range published {
		have, err := row.Dense(len(r.roster))
		if err != nil {
			return r.differ("weights", -1, ledger.Hotkey{}, "a row over the roster", err)
		}
		for i := range got {
			if have[i] != got[i] {
				return r.differ("weight", -1, r.roster[i].Hotkey, have[i], got[i])
			}
		}
	}
	return nil
}

// Rows makes the rows of an epoch's ranking from the leaves of its rounds, one per
// member of the roster that serves, in the roster's order. A miner's scores stand
// in the order of the rounds it was asked in.
func Rows(rounds [][]Leaf, roster ledger.Roster, carry []Carried) []abi.Row {
	rows := make([]abi.Row, 0, len(roster))
	at := make([]int, len(roster))
	for i := range roster {
		at[i] = -1
		if roster[i].Serves() {
			at[i] = len(rows)
			rows = append(rows, abi.Row{Carry: carryOf(carry, roster[i].Hotkey)})
		}
	}
	for _, leaves := range rounds {
		for _, l := range leaves {
			if k := at[l.Index]; k >= 0 {
				rows[k].Scores = append(rows[k].Scores, l.Score)
			}
		}
	}
	return rows
}

func carryOf(carry []Carried, h ledger.Hotkey) []byte {
	for i := range carry {
		if bytes.Equal(carry[i].Hotkey[:], h[:]) {
			return carry[i].Carry
		}
	}
	return nil
}

// Outcome turns the ranks of Rows into a row over the roster and the carries to
// keep, rising by hotkey.
func Outcome(roster ledger.Roster, ranks abi.Ranks) (ledger.Row, []Carried) {
	dense := make([]uint64, len(roster))
	var carry []Carried
	k := 0
	for i := range roster {
		if !roster[i].Serves() {
			continue
		}
		dense[i] = ranks[k].Weight
		if len(ranks[k].Carry) > 0 {
			carry = append(carry, Carried{Hotkey: roster[i].Hotkey, Carry: ranks[k].Carry})
		}
		k++
	}
	sortCarried(carry)
	return ledger.NewRow(dense), carry
}
