package trial

import (
	"bytes"
	"math/rand/v2"

	"github.com/plexus-network/plexus/abi"
)

// turn is what a player knows when it answers.
type turn struct {
	task   abi.Task
	before []byte // the solver's answer to the task before, nil at first
	solved []byte // the solver's answer, nil when the module has none
	bound  int    // bytes of the longest answer
	rnd    *rand.Rand
}

// player is a way of answering. A nil answer means that it does not take part.
type player struct {
	name, what string
	answer     func(t turn) []byte
}

// players are the field, the honest first. The private part stands for what a
// leak could be worth; it is an answer only where the module's own form of truth
// is one.
var players = []player{
	{"solver", "the module's own solver", func(t turn) []byte { return t.solved }},
	{"leak", "the private part of the task, sent as an answer", func(t turn) []byte {
		if len(t.task.Private) > t.bound {
			return nil
		}
		return bytes.Clone(t.task.Private)
	}},
	{"copy", "the solver's answer again", func(t turn) []byte { return t.solved }},
	{"stale", "the solver's answer to the task before", func(t turn) []byte { return t.before }},
	{"echo", "the task itself", func(t turn) []byte { return bytes.Clone(t.task.Public[:min(len(t.task.Public), t.bound)]) }},
	{"empty", "no bytes", func(turn) []byte { return []byte{} }},
	{"constant", "always the byte 1", func(turn) []byte { return []byte{1} }},
	{"universal", "as many different bytes as fit", func(t turn) []byte {
		b := make([]byte, t.bound)
		for i := range b {
			b[i] = byte(i)
		}
		return b
	}},
	{"longest", "as many letters e as fit", func(t turn) []byte { return bytes.Repeat([]byte{'e'}, t.bound) }},
	{"malformed", "random bytes", func(t turn) []byte {
		b := make([]byte, 1+t.rnd.IntN(t.bound))
		for i := range b {
			b[i] = byte(t.rnd.Uint32())
		}
		return b
	}},
}
