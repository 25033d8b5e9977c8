package validator

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// A round passes through three states that survive a crash. Before its first
// request leaves it is marked as asking: a round that a crash left in that state
// is skipped, for a miner takes a request once. When all have answered, or not,
// it is kept with everything they said, and waits for the values of the chain that
// its scores need. Scored, it is finished, and nothing else of it remains.

func (v *Validator) askingKey(id roundID) []byte { return v.stateKey("asking", id) }
func (v *Validator) askedKey(id roundID) []byte  { return v.stateKey("asked", id) }
func (v *Validator) inputsKey(id roundID) []byte { return v.stateKey("inputs", id) }

func (v *Validator) stateKey(kind string, id roundID) []byte {
	b := v.key(kind, id.epoch)
	return append(b, byte(id.round>>8), byte(id.round))
}

// asked is a round whose miners have answered.
type asked struct {
	task abi.Task
	r    *evidence.Round
}

// append appends [1, task, round].
func (a *asked) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	return cbor.AppendBytes(cbor.AppendBytes(b, a.task.Append(nil)), evidence.EncodeRound(a.r))
}

func decodeAsked(b []byte) (*asked, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	task, r := d.Bytes(2*abi.MaxMessage), d.Bytes(evidence.MaxBundle)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("validator: a kept round: %w", err)
	}
	a := &asked{}
	var err error
	if a.task, err = abi.DecodeTask(task); err == nil {
		a.r, err = evidence.DecodeRound(r)
	}
	if err != nil {
		return nil, fmt.Errorf("validator: a kept round: %w", err)
	}
	return a, nil
}

// keepAsked keeps a round that waits to be scored, durably.
func (v *Validator) keepAsked(id roundID, a *asked) error {
	if err := v.Keep.Put(v.askedKey(id), a.append(nil)); err != nil {
		return fmt.Errorf("validator: keeping a round: %w", err)
	}
	return nil
}

// keepFinished keeps a finished round, then drops what led to it. Compressing and
// hashing is done here, while the epoch runs, so that closing it need only copy.
func (v *Validator) keepFinished(id roundID, r *evidence.Round) error {
	done, err := evidence.Finish(r)
	if err == nil {
		err = v.Keep.Put(v.roundKey(id.epoch, id.round), done.Append(nil))
	}
	if err == nil {
		err = v.dropState(id)
	}
	if err != nil {
		return fmt.Errorf("validator: keeping a round: %w", err)
	}
	return nil
}

func (v *Validator) dropState(id roundID) error {
	return errors.Join(v.Keep.Delete(v.askingKey(id)), v.Keep.Delete(v.askedKey(id)), v.Keep.Delete(v.inputsKey(id)))
}

// resume takes up the rounds of an epoch that an earlier run left: those that wait
// to be scored go on waiting, those whose requests were under way are skipped.
func (v *Validator) resume(e ledger.Epoch, rounds int) error {
	for i := range rounds {
		id := roundID{e, uint16(i)}
		done, err := v.Keep.Get(v.roundKey(e, id.round))
		if err != nil {
			return err
		}
		if done != nil {
			continue
		}
		b, err := v.Keep.Get(v.askedKey(id))
		if err != nil {
			return err
		}
		if b != nil {
			a, err := decodeAsked(b)
			if err != nil {
				return err
			}
			w := &waiting{task: a.task}
			if b, err = v.Keep.Get(v.inputsKey(id)); err != nil {
				return err
			}
			if b != nil {
				if w.headers, w.inputs, err = evidence.DecodeInputs(b); err != nil {
					return err
				}
			}
			v.await(id, w)
			continue
		}
		mark, err := v.Keep.Get(v.askingKey(id))
		if err != nil {
			return err
		}
		if mark != nil {
			if err := v.skip(id, errInterrupted); err != nil {
				return err
			}
		}
	}
	return nil
}

var errInterrupted = errors.New("the validator was stopped while it asked the miners, who take a request once")
