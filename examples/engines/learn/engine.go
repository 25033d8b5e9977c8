// Package learn is the engine of the learn subnet's better miner. It remembers from
// epoch to epoch what its updates left out, which a solver module cannot: a module
// starts anew with each task.
//
//	plexus engine learn-good --train text.txt --shard 1/4
package learn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/plexus-network/plexus/examples/subnets/learn"
	"github.com/plexus-network/plexus/examples/subnets/learn/model"
	"github.com/plexus-network/plexus/plugins/engine"
)

// Options configure the engine.
type Options struct {
	Train string // file of the text that is dealt into shards, of 8 KiB to MaxTrain bytes
	Shard string // "K/N": the K-th of N shards of it
}

// MaxTrain bounds the file of text in bytes.
const MaxTrain = 64 << 20

// Errors of the file of text.
var (
	ErrNoText   = errors.New("no text to learn from: --train FILE names it")
	ErrLongText = errors.New("text too long, want at most 64 MiB")
)

// Learner answers tasks. It may be used by many goroutines.
type Learner struct {
	mu sync.Mutex
	l  *model.Learner
}

// Open reads the text and takes the shard from it.
func Open(o Options) (*Learner, error) {
	if o.Train == "" {
		return nil, ErrNoText
	}
	info, err := os.Stat(o.Train)
	if err != nil {
		return nil, fmt.Errorf("--train: %w", err)
	}
	if info.Size() > MaxTrain {
		return nil, fmt.Errorf("--train %s: %w", o.Train, ErrLongText)
	}
	text, err := os.ReadFile(o.Train)
	if err != nil {
		return nil, fmt.Errorf("--train: %w", err)
	}
	name, k, n, err := model.Parse(model.Good + " " + o.Shard)
	if err != nil {
		return nil, fmt.Errorf("--shard %q: %w", o.Shard, err)
	}
	l, err := model.Open(name, text, k, n)
	if err != nil {
		return nil, fmt.Errorf("--shard %q of %s: %w", o.Shard, o.Train, err)
	}
	return &Learner{l: l}, nil
}

// Answer returns the update for the public part of a task: the same for all tasks of
// an epoch.
func (l *Learner) Answer(public []byte) ([]byte, error) {
	p, err := learn.DecodePublic(public)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.l.Answer(&p)
}

// Run answers tasks until the host ends the process. It returns only an error: a text
// or shard that will not do, or a process that was not started as an engine.
func Run(o Options) error {
	l, err := Open(o)
	if err != nil {
		return err
	}
	return engine.Serve(func(_ context.Context, t engine.Task) ([]byte, error) { return l.Answer(t.Public) })
}
