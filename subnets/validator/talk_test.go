package validator

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plexus-network/plexus/p2p"
)

// pipe is a stream to nowhere.
func pipe(ctx context.Context) *p2p.Stream {
	c, _ := net.Pipe()
	return p2p.NewStream(ctx, half{c}, "", nil)
}

type half struct{ net.Conn }

func (half) CloseWrite() error { return nil }
func (half) Reset() error      { return nil }

// A stream that does not open is tried again beside the first try; late ones are
// given up, and nothing is left over.
func TestHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries, given atomic.Int32
		stuck := func(ctx context.Context) (*p2p.Stream, error) {
			<-ctx.Done()
			given.Add(1)
			return nil, ctx.Err()
		}
		began := time.Now()
		s, err := hedged(t.Context(), t.Context(), func(ctx context.Context) (*p2p.Stream, error) {
			if tries.Add(1) == 1 {
				return stuck(ctx)
			}
			return pipe(ctx), nil
		})
		if err != nil || s == nil || tries.Load() != 2 || given.Load() != 1 || time.Since(began) != hedges[1] {
			t.Fatalf("%v, %d tries, %d given up, after %s", err, tries.Load(), given.Load(), time.Since(began))
		}
		s.Close()
		ctx, cancel := context.WithTimeout(t.Context(), hedges[2]+time.Second)
		defer cancel()
		if _, err := hedged(t.Context(), ctx, stuck); !errors.Is(err, context.DeadlineExceeded) || given.Load() != 4 {
			t.Errorf("%v, %d given up", err, given.Load())
		}
		refused := errors.New("refused")
		tries.Store(0)
		if _, err := hedged(t.Context(), t.Context(), func(context.Context) (*p2p.Stream, error) { tries.Add(1); return nil, refused }); !errors.Is(err, refused) || tries.Load() != 1 {
			t.Errorf("%v after %d tries", err, tries.Load())
		}
	})
}
