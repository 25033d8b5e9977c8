package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// waiting is a round that was asked and is not scored. Its answers are in the
// keep; the values of the chain are collected as blocks come.
type waiting struct {
	task    abi.Task
	headers []evidence.Header // rising
	inputs  []evidence.Input  // of the task's inputs those that are known, in any order
	scoring bool
}

// heldBlocks is for how many heights a node proves what was, at least.
const heldBlocks = 15

func (v *Validator) await(id roundID, w *waiting) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting[id] = w
	v.started[id] = true
}

// waitingIDs are the rounds that are not yet being scored, in rising order.
func (v *Validator) waitingIDs() []roundID {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []roundID
	for id, w := range v.waiting {
		if !w.scoring {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b roundID) int {
		if a.epoch != b.epoch {
			return int(int64(a.epoch) - int64(b.epoch))
		}
		return int(a.round) - int(b.round)
	})
	return out
}

// unscored reports whether rounds of an epoch wait to be scored.
func (v *Validator) unscored(e ledger.Epoch) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id := range v.waiting {
		if id.epoch == e {
			return true
		}
	}
	return false
}

// forward collects what waiting rounds need of the blocks up to h, and scores
// those that have it.
func (v *Validator) forward(ctx context.Context, g *errgroup.Group, clock *ledger.Clock, h ledger.Height) error {
	for _, id := range v.waitingIDs() {
		v.mu.Lock()
		w := v.waiting[id]
		v.mu.Unlock()
		if clock.Epoch > id.epoch+1 {
			if err := v.skip(id, errLate); err != nil {
				return err
			}
			continue
		}
		whole, err := v.collect(id, w, clock, h)
		if errors.Is(err, errLost) || errors.Is(err, round.ErrInputs) {
			if err := v.skip(id, err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if !whole || h < w.task.ScoreAt {
			continue
		}
		v.mu.Lock()
		w.scoring = true
		v.flying[id.epoch]++
		v.mu.Unlock()
		g.Go(func() error {
			defer v.land(id.epoch)
			return v.score(ctx, id)
		})
	}
	return nil
}

// errLate is why a round is skipped that is found after its epoch was to be closed.
var errLate = errors.New("the epoch in which its weights were to be committed is over")

// errLost is why a round is skipped whose values can no longer be proved.
var errLost = errors.New("a value of the chain that the scores need can no longer be proved")

// collect asks the chain for the values that are to be had after block h; whole
// says that all are there.
func (v *Validator) collect(id roundID, w *waiting, clock *ledger.Clock, h ledger.Height) (whole bool, err error) {
	missing := map[ledger.Height][]abi.Input{}
	for _, in := range w.task.Inputs {
		if !slices.ContainsFunc(w.inputs, func(have evidence.Input) bool { return have.Input == in }) &&
			!slices.Contains(missing[in.Height], in) {
			missing[in.Height] = append(missing[in.Height], in)
		}
	}
	if len(missing) == 0 {
		return true, nil
	}
	fresh := false
	for at, inputs := range missing {
		if at >= h { // the header after it is not there
			continue
		}
		keys := make([][]byte, len(inputs))
		for i, in := range inputs {
			keys[i] = round.StateKey(in)
		}
		state, err := v.Chain.Prove(at, keys)
		if err == nil && len(state.Values) != len(keys) {
			err = fmt.Errorf("%d values for %d keys", len(state.Values), len(keys))
		}
		if err != nil {
			if h > at+heldBlocks || clock.Epoch > id.epoch {
				return false, fmt.Errorf("%w: after block %d: %w", errLost, at, err)
			}
			continue // the next block may tell
		}
		for i, in := range inputs {
			have, err := evidence.NewInput(in, &state.Values[i])
			if err != nil {
				return false, err
			}
			w.inputs = append(w.inputs, have)
		}
		w.headers = append(w.headers, evidence.Header{Height: at, Header: state.Header})
		delete(missing, at)
		fresh = true
	}
	if fresh {
		slices.SortFunc(w.headers, func(a, b evidence.Header) int { return int(int64(a.Height) - int64(b.Height)) })
		if err := v.Keep.Put(v.inputsKey(id), evidence.EncodeInputs(w.headers, w.inputs)); err != nil {
			return false, fmt.Errorf("validator: keeping values of the chain: %w", err)
		}
	}
	return len(missing) == 0, nil
}

// ordered are the collected inputs in the order of the task, and their values.
func (w *waiting) ordered() (inputs []evidence.Input, values [][]byte, err error) {
	for _, in := range w.task.Inputs {
		i := slices.IndexFunc(w.inputs, func(have evidence.Input) bool { return have.Input == in })
		if i < 0 {
			return nil, nil, fmt.Errorf("%w: %s at block %d", errLost, in.Key, in.Height)
		}
		value, err := w.inputs[i].Value()
		if err != nil {
			return nil, nil, err
		}
		inputs, values = append(inputs, w.inputs[i]), append(values, value)
	}
	return inputs, values, nil
}
