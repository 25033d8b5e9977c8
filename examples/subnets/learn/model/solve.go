package model

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/learn"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Parse reads the name of a learner and its shard, as in "baseline 2/4"; without a
// shard it is 1/1.
func Parse(text string) (name string, k, n int, err error) {
	name, part, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		return name, 1, 1, nil
	}
	of, all, _ := strings.Cut(part, "/")
	k, err = strconv.Atoi(of)
	n, err2 := strconv.Atoi(all)
	if err != nil || err2 != nil {
		return "", 0, 0, ErrShard
	}
	return name, k, n, nil
}

// Open returns the named learner of a shard of a text.
func Open(name string, text []byte, k, n int) (*Learner, error) {
	if name == Lazy {
		return New(name, nil)
	}
	shard, err := Shard(text, k, n)
	if err != nil {
		return nil, err
	}
	return New(name, shard)
}

// Solve answers a task as the request's parameters say: the name of a learner and its
// shard, and after a line feed the text that is dealt into shards. The good learner
// remembers from task to task, which a module cannot: here it is ErrUnknown.
func Solve(r *abi.SolveRequest) ([]byte, error) {
	head, text, _ := bytes.Cut(r.Params, []byte("\n"))
	name, k, n, err := Parse(string(head))
	if err != nil {
		return nil, err
	}
	if name == Good {
		return nil, ErrUnknown
	}
	l, err := Open(name, text, k, n)
	if err != nil {
		return nil, err
	}
	p, err := learn.DecodePublic(r.Public)
	if err != nil {
		return nil, err
	}
	return l.Answer(&p)
}

// Module returns the solver module.
func Module() sdk.Module { return sdk.Module{Solve: Solve} }
