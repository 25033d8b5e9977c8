package validator

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/p2p/memnet"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
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

// TestBusyHost: a miner whose host has no place for the stream is asked again when
// the host says, and is busy, not away, if that is never.
func TestBusyHost(t *testing.T) {
	for name, c := range map[string]struct {
		held time.Duration // all places of the host
		want evidence.Status
	}{"for a while": {2500 * time.Millisecond, evidence.None}, "for too long": {time.Minute, evidence.Busy}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := memnet.New(memnet.Config{Latency: 10 * time.Millisecond})
				defer net.Close()
				caller, miner := key.Seed{1}, key.Seed{2}
				from, at := net.Host(caller.Derive("peer")), net.Host(miner.Derive("peer"))
				var answered atomic.Int32
				at.Handle(round.Protocol, func(_ context.Context, s *p2p.Stream) {
					b, err := s.Recv(round.MaxAsk)
					if err != nil {
						return // one of those who only hold a place
					}
					ask, err := round.DecodeAsk(b)
					if err != nil {
						t.Error(err)
					}
					a := round.SignAnswer(miner, round.Answer{Request: round.RequestHash(ask.Request.Body)})
					s.Send((&round.Reply{Answer: &a}).Append(nil))
					answered.Add(1)
				})
				for {
					s, err := from.Open(t.Context(), at.ID(), round.Protocol)
					if err != nil {
						t.Fatal(err)
					}
					time.AfterFunc(c.held, func() { s.Close() })
					full := make(chan bool, 1)
					go func() { _, err := s.Recv(0); full <- err != nil }()
					time.Sleep(100 * time.Millisecond)
					if len(full) > 0 {
						break
					}
				}
				req := round.Request{Caller: caller.Public(), Callee: miner.Public()}
				work, _ := miner.Work(true)
				x := &talk{net: from, member: &ledger.Member{Hotkey: miner.Public(), Work: work}, ask: round.Ask{Request: round.SignRequest(caller, &req)}}
				half, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				x.hash(t.Context(), half)
				if got := x.answer != nil; got != (c.want == evidence.None) || int(answered.Load()) != map[bool]int{true: 1}[got] {
					t.Errorf("answered %v, %d times", got, answered.Load())
				}
				if x.answer == nil && x.status != c.want {
					t.Errorf("status %v", x.status)
				}
				if x.stream != nil {
					x.stream.Close()
				}
			})
		})
	}
}
