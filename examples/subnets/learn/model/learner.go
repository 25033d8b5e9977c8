package model

import (
	"encoding/binary"
	"errors"

	"github.com/plexus-network/plexus/examples/subnets/learn"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	// Chunk is how many bytes of its shard a learner reads for one update, and
	// LongChunk how many the good one reads, or all it has.
	Chunk, LongChunk = 8 << 10, 64 << 10
	// MinShard is the fewest bytes of a shard.
	MinShard = Chunk

	rateChunk, rateLong = 50, 20 // of descend: more text bears smaller steps
	// blocks of the text go round among the shards.
	block = 4 << 10
)

// Names of the learners.
const (
	Good     = "good"     // SGD over more text with error feedback: what an update left out goes into the next
	Baseline = "baseline" // one pass of SGD
	Poisoner = "poisoner" // the opposite of what SGD would do
	Lazy     = "lazy"     // an update without changes
)

// Errors of a learner.
var (
	ErrUnknown = errors.New("model: unknown; there are baseline, poisoner and lazy, and good, which remembers and so is no module")
	ErrShard   = errors.New("model: shard must be K of N, 1 to N, and the text at least N times 8 KiB")
)

// Shard returns the k-th of n parts of a text, k from 1: every n-th block of 4 KiB.
func Shard(text []byte, k, n int) ([]byte, error) {
	if k < 1 || k > n || len(text) < n*MinShard {
		return nil, ErrShard
	}
	var out []byte
	for i := (k - 1) * block; i < len(text); i += n * block {
		out = append(out, text[i:min(len(text), i+block)]...)
	}
	return out, nil
}

// Learner makes updates from one shard. It is not safe for concurrent use.
type Learner struct {
	name  string
	shard []byte
	rest  []int32 // what was left out so far, in 1/fine
	epoch uint64  // for which sent was made
	sent  []byte
}

// New returns the named learner of a shard of at least MinShard bytes.
func New(name string, shard []byte) (*Learner, error) {
	switch name {
	case Good, Baseline, Poisoner:
		if len(shard) < MinShard {
			return nil, ErrShard
		}
	case Lazy:
	default:
		return nil, ErrUnknown
	}
	return &Learner{name: name, shard: shard}, nil
}

// Answer returns the update for a task: one for all rounds of an epoch, in which the
// task is the same.
func (l *Learner) Answer(p *learn.Public) ([]byte, error) {
	if l.sent != nil && l.epoch == p.Last {
		return l.sent, nil
	}
	m, err := learn.DecodeModel(p.Model)
	if err != nil {
		return nil, err
	}
	u := learn.Update{Scale: 1}
	if l.name != Lazy {
		u = l.update(m, p.Last)
	}
	l.epoch, l.sent = p.Last, u.Append(nil)
	return l.sent, nil
}

func (l *Learner) update(m learn.Model, epoch uint64) learn.Update {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], epoch)
	length, rate := Chunk, rateChunk
	if l.name == Good {
		length, rate = min(len(l.shard), LongChunk), rateLong
	}
	from := sdk.NewRand(seed, 0).Intn(len(l.shard) - length + 1)
	changes := descend(m, l.shard[from:from+length], rate)
	switch l.name {
	case Good:
		if l.rest == nil {
			l.rest = make([]int32, learn.Weights)
		}
		for i := range changes {
			changes[i] += l.rest[i]
		}
		u := largest(changes)
		copy(l.rest, changes)
		for i, p := range u.At {
			l.rest[p] -= int32(u.By[i]) * int32(u.Scale) / 16 * fine
		}
		return u
	case Poisoner:
		for i := range changes {
			changes[i] = -4 * changes[i]
		}
	}
	return largest(changes)
}
