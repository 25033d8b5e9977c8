package subnets_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/miner"
	"github.com/plexus-network/plexus/subnets/round"
)

// lane is one validator with miners over real sockets: what an exchange costs.
type lane struct {
	*chain
	tb     testing.TB
	caller *p2p.Host
	signer key.Expanded    // the validator's
	known  []*key.Verifier // of the miners
	miners []*p2p.Host
}

// newLane makes n miners that answer with answer.
func newLane(tb testing.TB, n int, answer []byte) *lane {
	p := params([]uint16{1}, 1)
	p.MaxUIDs = 300
	l := &lane{chain: newChain(tb, n, ledger.Subnet{Module: [32]byte{1}, Params: p}), tb: tb}
	l.block()
	host := func(i int) *p2p.Host {
		h, err := p2p.New(p2p.Config{Seed: l.hot[i].Derive("peer"), Genesis: l.gen.Hash(), Client: true})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { h.Close() })
		return h
	}
	l.caller, l.signer = host(0), l.hot[0].Expand()
	for i := range n {
		h := host(validators + i)
		if _, err := miner.New(miner.Config{ChainID: l.gen.ChainID, Hotkey: l.hot[validators+i], Net: h, Chain: l.chain,
			Subnets: []miner.Subnet{{NetUID: netuid, Parallel: 16, Engine: engine(func(context.Context, []byte) ([]byte, error) { return answer, nil })}}}); err != nil {
			tb.Fatal(err)
		}
		// A raw stream: as many bytes there, as many back, and nothing else.
		on(h.Libp2p().SetStreamHandler, "/raw/1", func(s io.ReadWriteCloser) {
			defer s.Close()
			head := make([]byte, 8)
			for {
				if _, err := io.ReadFull(s, head[:1]); err != nil {
					return
				}
				if _, err := io.ReadFull(s, head[1:]); err != nil {
					return
				}
				there, back := size(head[:4]), size(head[4:])
				if _, err := io.CopyN(io.Discard, s, int64(there)); err != nil {
					return
				}
				if _, err := s.Write(make([]byte, back)); err != nil {
					return
				}
			}
		})
		if err := l.caller.Connect(tb.Context(), h.Addrs()...); err != nil {
			tb.Fatal(err)
		}
		l.miners, l.known = append(l.miners, h), append(l.known, l.hot[validators+i].Public().Verifier())
	}
	return l
}

func size(b []byte) int { return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3]) }

// on sets a handler whose types belong to a library that is not imported here.
func on[P ~string, S io.ReadWriteCloser, H ~func(S)](set func(P, H), name P, fn func(io.ReadWriteCloser)) {
	set(name, func(s S) { fn(s) })
}

// raw sends and receives as many bytes on a stream of its own.
func (l *lane) raw(i, there, back int) error {
	s, err := l.caller.Libp2p().NewStream(l.tb.Context(), l.miners[i].ID(), "/raw/1")
	if err != nil {
		return err
	}
	defer s.Close()
	b := append([]byte{byte(there >> 24), byte(there >> 16), byte(there >> 8), byte(there), byte(back >> 24), byte(back >> 16), byte(back >> 8), byte(back)},
		make([]byte, there)...)
	if _, err := s.Write(b); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, s)
	if err == nil && n != int64(back) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// exchange asks miner i for an answer as a validator does, with all signatures and
// their checks, and returns the payload.
func (l *lane) exchange(i int, task []byte, taskHash [32]byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(l.tb.Context(), 30*time.Second)
	defer cancel()
	r := round.Request{ChainID: l.gen.ChainID, NetUID: netuid, Module: [32]byte{1}, Epoch: 1, Task: taskHash, Caller: l.signer.Public(), Callee: l.known[i].ID(), DeadlineMS: 30_000}
	rand.Read(r.ID[:])
	ask := round.Ask{Request: round.SignRequest(l.signer, &r), Public: task}
	s, err := l.caller.Open(ctx, l.miners[i].ID(), round.Protocol)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Send(ask.Append(nil)); err != nil {
		return nil, err
	}
	var reply round.Reply
	for {
		b, err := s.Recv(8192)
		if err != nil {
			return nil, err
		}
		if reply, err = round.DecodeReply(b); err != nil {
			return nil, err
		}
		if !reply.Go {
			break
		}
		if err := s.Send(task); err != nil {
			return nil, err
		}
	}
	if reply.Answer == nil {
		return nil, fmt.Errorf("told %+v", reply)
	}
	a, err := reply.Answer.OpenAnswer(ask.Request.Body, l.known[i])
	if err != nil {
		return nil, err
	}
	if err := s.Send(round.AppendReceipt(nil, round.SignReceipt(l.signer, *reply.Answer))); err != nil {
		return nil, err
	}
	b, err := s.Recv(round.MaxFrame)
	if err != nil {
		return nil, err
	}
	p, err := round.DecodePayload(b)
	if err != nil {
		return nil, err
	}
	return p.Data, p.Matches(a)
}

// each runs fn n times, flight of them at once, and returns what each took.
func each(n, flight int, fn func(i int) error) (took []time.Duration, all time.Duration, err error) {
	took = make([]time.Duration, n)
	var g errgroup.Group
	g.SetLimit(flight)
	began := time.Now()
	for i := range n {
		g.Go(func() error {
			start := time.Now()
			defer func() { took[i] = time.Since(start) }()
			return fn(i)
		})
	}
	err = g.Wait()
	return took, time.Since(began), err
}

// BenchmarkExchange holds a signed request, answer, receipt and payload against a
// raw stream of the same sizes, in turns, so that both meet the same machine.
func BenchmarkExchange(b *testing.B) {
	for _, c := range []struct {
		name       string
		task, data int
		flight     int
	}{{"1KiB", 1 << 10, 1 << 10, 1}, {"1KiBx16", 1 << 10, 1 << 10, 16}, {"1MiB", 1 << 20, 1 << 20, 1}, {"1MiBx4", 1 << 20, 1 << 20, 4}} {
		b.Run(c.name, func(b *testing.B) {
			l := newLane(b, 1, make([]byte, c.data))
			task := make([]byte, c.task)
			hash := round.TaskHash(task)
			var ours, raw time.Duration
			for b.Loop() {
				const n = 16
				_, t, err := each(n, c.flight, func(int) error { _, err := l.exchange(0, task, hash); return err })
				if err != nil {
					b.Fatal(err)
				}
				ours += t / n
				_, t, err = each(n, c.flight, func(int) error { return l.raw(0, c.task+600, c.data+400) })
				if err != nil {
					b.Fatal(err)
				}
				raw += t / n
			}
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "µs/exchange")
			b.ReportMetric(float64(raw.Microseconds())/float64(b.N), "µs/raw")
			b.ReportMetric(float64(raw)/float64(ours), "ratio")
		})
	}
}

// BenchmarkCrowd is how long single exchanges take with 256 miners and 16 in
// flight.
func BenchmarkCrowd(b *testing.B) {
	l := newLane(b, 256, make([]byte, 1<<10))
	task := make([]byte, 1<<10)
	hash := round.TaskHash(task)
	var took []time.Duration
	for b.Loop() {
		t, _, err := each(1024, 16, func(i int) error { _, err := l.exchange(i%256, task, hash); return err })
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, t...)
	}
	slices.SortFunc(took, cmp.Compare[time.Duration])
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", .5}, {"p99", .99}, {"max", 1}} {
		b.ReportMetric(float64(took[int(q.at*float64(len(took)-1))].Microseconds())/1000, q.name+"-ms")
	}
}
