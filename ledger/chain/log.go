package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/cometbft/cometbft/libs/log"
)

// logger gives CometBFT a slog.Logger two levels down: its Info is a line per
// step of every block, and what it calls an error is mostly a peer that left.
type logger struct {
	s    *slog.Logger
	halt func(error) // told when consensus has stopped itself
	// alone says that the only producer is this node.
	alone *atomic.Bool
}

var _ log.Logger = logger{}

func (l logger) Debug(string, ...any)     {} // a line per message and peer
func (l logger) Info(m string, kv ...any) { l.log(slog.LevelDebug, m, kv) }
func (l logger) Warn(m string, kv ...any) { l.log(slog.LevelInfo, m, kv) }

// stopped is the error of a consensus that ended for a reason, which is what it
// panicked with: an error, or its text. A full disk stays recognisable, since it
// is the operator's to mend and not a damage.
func stopped(why any) error {
	err := brokenf("consensus stopped: %v", why)
	cause, _ := why.(error)
	if !errors.Is(cause, syscall.ENOSPC) && strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		cause = syscall.ENOSPC
	}
	if cause == nil {
		return err
	}
	return &stop{err, cause}
}

// stop is an error with a second one that errors.Is finds.
type stop struct{ err, cause error }

func (s *stop) Error() string   { return s.err.Error() }
func (s *stop) Unwrap() []error { return []error{s.err, s.cause} }

func (l logger) Error(m string, kv ...any) {
	// CometBFT reports a failed receive routine nowhere but here, and goes on
	// without consensus.
	if strings.HasPrefix(m, "CONSENSUS FAILURE") {
		for i := 0; i+1 < len(kv); i += 2 {
			if kv[i] == "err" {
				l.halt(stopped(kv[i+1]))
				return
			}
		}
		l.halt(brokenf("consensus stopped"))
		return
	}
	// Nor does it stop when its log of votes goes on where the store ended before:
	// a producer that is the whole network then waits for itself for ever. With
	// others, the lost blocks come from them.
	if l.alone.Load() && strings.HasPrefix(m, "error on catchup replay") {
		for i := 0; i+1 < len(kv); i += 2 {
			if err, ok := kv[i+1].(error); ok && strings.Contains(err.Error(), "should not contain") {
				l.halt(brokenf("blocks are lost: %v, but the store ends before it, and no other producer has it: restore the store from a copy", firstLine(err.Error())))
				return
			}
		}
	}
	l.log(slog.LevelInfo, m, kv)
}

func (l logger) With(kv ...any) log.Logger { return logger{l.s.With(readable(kv)...), l.halt, l.alone} }

func (l logger) log(level slog.Level, m string, kv []any) {
	if l.s.Enabled(context.Background(), level) {
		l.s.Log(context.Background(), level, m, readable(kv)...)
	}
}

// readable prints bytes in hexadecimal and drops stack traces.
func readable(kv []any) []any {
	out := make([]any, 0, len(kv))
	for i := 0; i+1 < len(kv); i += 2 {
		v := kv[i+1]
		switch x := v.(type) {
		case []byte:
			v = fmt.Sprintf("%X", x)
		case error:
			v = firstLine(x.Error())
		}
		if kv[i] != "stack" {
			out = append(out, kv[i], v)
		}
	}
	return out
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
