package validator

import (
	"context"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// A miner whose answers are signed by another key loses its standing with the
// validator, which in the end hears it no more; it is asked all the same, as the
// randomness says. One whose line breaks loses nothing.
func TestBlamed(t *testing.T) {
	t.Parallel()
	caller, hot := key.Seed{1}, key.Seed{2}
	host := func(s key.Seed) *p2p.Host {
		h, err := p2p.New(p2p.Config{Seed: s, Genesis: [32]byte{7}, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		return h
	}
	for _, c := range []struct {
		name  string
		fault Fault
		serve func(s *p2p.Stream, request []byte)
		heard bool
	}{
		{"another's signature", FaultSignature, func(s *p2p.Stream, request []byte) {
			a := round.SignAnswer(key.Seed{9}, round.Answer{Request: round.RequestHash(request)})
			s.Send((&round.Reply{Answer: &a}).Append(nil))
			s.Recv(1)
		}, false},
		{"none", FaultUnsigned, func(s *p2p.Stream, request []byte) {
			a := round.SignAnswer(hot, round.Answer{Request: round.RequestHash(request)})
			a.Sig = key.Signature{}
			s.Send((&round.Reply{Answer: &a}).Append(nil))
			s.Recv(1)
		}, false},
		{"refuses", "", func(s *p2p.Stream, _ []byte) { s.Send((&round.Reply{Refused: round.RefusedFault}).Append(nil)) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, m := host(caller.Derive("peer")), host(hot.Derive("peer"))
			m.Handle(round.Protocol, func(_ context.Context, s *p2p.Stream) {
				b, err := s.Recv(round.MaxAsk)
				if err != nil {
					return
				}
				ask, err := round.DecodeAsk(b)
				if err != nil {
					t.Error(err)
					return
				}
				c.serve(s, ask.Request.Body)
			})
			v.Handle("hello", func(_ context.Context, s *p2p.Stream) { s.Send([]byte("hello")) })
			hello := func() bool {
				s, err := m.Open(t.Context(), v.ID(), "hello")
				if err != nil {
					return false
				}
				defer s.Close()
				_, err = s.Recv(16)
				return err == nil
			}
			if err := v.Connect(t.Context(), m.Addrs()...); err != nil {
				t.Fatal(err)
			}
			if !hello() {
				t.Fatal("a new peer is not heard")
			}
			for i := range 6 {
				req := round.Request{Caller: caller.Public(), Callee: hot.Public(), DeadlineMS: 1000, ID: [16]byte{byte(i)}, Task: round.TaskHash([]byte("task"))}
				x := &talk{net: v, member: &ledger.Member{Hotkey: hot.Public(), Work: key.Work{Peer: hot.Derive("peer").Public()}},
					ask: round.Ask{Request: round.SignRequest(caller, &req), Public: []byte("task")}}
				half, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				x.hash(t.Context(), half)
				cancel()
				if x.fault != c.fault || x.status != evidence.None {
					t.Fatalf("time %d: fault %q, %s", i, x.fault, x.status)
				}
			}
			if got := hello(); got != c.heard {
				t.Errorf("heard afterwards: %v, want %v", got, c.heard)
			}
		})
	}
}
