package subnets_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
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
	known  []ledger.Hotkey // of the miners
	miners []*p2p.Host
	noted  sync.Once
	trips  []trip // of one exchange
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
		// A raw stream: so many bytes there, so many back, and nothing else.
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
				there, back := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
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
		l.miners, l.known = append(l.miners, h), append(l.known, l.hot[validators+i].Public())
	}
	return l
}

// on sets a handler whose types belong to a library that is not imported here.
func on[P ~string, S io.ReadWriteCloser, H ~func(S)](set func(P, H), name P, fn func(io.ReadWriteCloser)) {
	set(name, func(s S) { fn(s) })
}

// trip is how many bytes go there, and how many then come back.
type trip struct{ there, back int }

// raw makes trips on a stream of its own, as one would without any of this.
func (l *lane) raw(i int, trips ...trip) error {
	s, err := l.caller.Libp2p().NewStream(l.tb.Context(), l.miners[i].ID(), "/raw/1")
	if err != nil {
		return err
	}
	defer s.Close()
	for i, t := range trips {
		b := binary.BigEndian.AppendUint32(make([]byte, 0, 8+t.there), uint32(t.there))
		b = binary.BigEndian.AppendUint32(b, uint32(t.back))
		if _, err := s.Write(b[:cap(b)]); err != nil {
			return err
		}
		if i == len(trips)-1 {
			if err := s.CloseWrite(); err != nil {
				return err
			}
		}
		if _, err := io.CopyN(io.Discard, s, int64(t.back)); err != nil {
			return err
		}
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return fmt.Errorf("after the last trip: %d bytes, %w", n, err)
	}
	return nil
}

// exchange asks miner i for an answer as a validator does, with all signatures and
// their checks, and takes the payload. The first one notes the frames.
func (l *lane) exchange(i int, task []byte, taskHash [32]byte) error {
	ctx, cancel := context.WithTimeout(l.tb.Context(), 30*time.Second)
	defer cancel()
	s, err := l.caller.Open(ctx, l.miners[i].ID(), round.Protocol)
	if err != nil {
		return err
	}
	defer s.Close()
	var trips []trip
	call := func(out []byte, max int, last bool) ([]byte, error) {
		if err := s.Send(out); err != nil {
			return nil, err
		}
		if last {
			s.CloseWrite()
		}
		in, err := s.Recv(max)
		trips = append(trips, trip{4 + len(out), 4 + len(in)})
		return in, err
	}
	ask := round.Ask{Request: round.SignRequest(l.signer, l.request(i, taskHash)), Public: task}
	in, err := call(ask.Append(nil), 8192, false)
	if err != nil {
		return err
	}
	reply, err := round.DecodeReply(in)
	if err == nil && reply.Go {
		if in, err = call(task, 8192, false); err == nil {
			reply, err = round.DecodeReply(in)
		}
	}
	if err != nil {
		return err
	}
	if reply.Answer == nil {
		return fmt.Errorf("told %+v", reply)
	}
	a, err := reply.Answer.OpenAnswer(ask.Request.Body, l.known[i])
	if err != nil {
		return err
	}
	if in, err = call(round.AppendReceipt(nil, round.SignReceipt(l.signer, *reply.Answer)), round.MaxFrame, true); err != nil {
		return err
	}
	p, err := round.DecodePayload(in)
	if err != nil {
		return err
	}
	l.noted.Do(func() { l.trips = trips })
	return p.Matches(a)
}

// request is a request to miner i that was never made before.
func (l *lane) request(i int, taskHash [32]byte) *round.Request {
	r := &round.Request{ChainID: l.gen.ChainID, NetUID: netuid, Module: [32]byte{1}, Epoch: 1, Task: taskHash, Caller: l.signer.Public(), Callee: l.known[i], DeadlineMS: 30_000}
	rand.Read(r.ID[:])
	return r
}

// signatures makes and checks those of an exchange with miner 0 and does nothing
// else: as much as any exchange costs that leaves proof of all it says.
func (l *lane) signatures(taskHash [32]byte, miner key.Expanded, by *key.Verifier) error {
	request := round.SignRequest(l.signer, l.request(0, taskHash))
	if err := request.CheckRequest(by); err != nil {
		return err
	}
	a := round.SignAnswer(miner, round.Answer{Request: round.RequestHash(request.Body)})
	if _, err := a.OpenAnswer(request.Body, l.known[0]); err != nil {
		return err
	}
	return round.CheckReceipt(by, a, round.SignReceipt(l.signer, a))
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

// BenchmarkExchange holds a signed request, answer, receipt and payload against
// raw streams, in turns, so that all meet the same machine. Each is a stream of
// its own. The echo has as many bytes in one trip there and back, which cannot be
// had with a commitment before the payload; the frames are ours, unsigned: as many,
// of the same lengths, in the same order. Both ends share the machine, and the
// signatures alone say how much of the time is theirs.
func BenchmarkExchange(b *testing.B) {
	for _, c := range []struct {
		name   string
		size   int // of task and payload
		flight int
	}{{"1KiB", 1 << 10, 1}, {"1KiBx16", 1 << 10, 16}, {"1MiB", 1 << 20, 1}, {"1MiBx4", 1 << 20, 4}} {
		b.Run(c.name, func(b *testing.B) {
			l := newLane(b, 1, make([]byte, c.size))
			task := make([]byte, c.size)
			hash := round.TaskHash(task)
			if err := l.exchange(0, task, hash); err != nil { // the first one fetches the roster
				b.Fatal(err)
			}
			var all trip
			for _, t := range l.trips {
				all.there, all.back = all.there+t.there, all.back+t.back
			}
			miner, by := l.hot[validators].Expand(), l.signer.Public().Verifier()
			kinds := []struct {
				name  string
				fn    func(int) error
				spent time.Duration
			}{
				{name: "exchange", fn: func(int) error { return l.exchange(0, task, hash) }},
				{name: "echo", fn: func(int) error { return l.raw(0, all) }},
				{name: "frames", fn: func(int) error { return l.raw(0, l.trips...) }},
				{name: "signatures", fn: func(int) error { return l.signatures(hash, miner, by) }},
			}
			const n = 64
			for b.Loop() {
				for k := range kinds {
					_, took, err := each(n, c.flight, kinds[k].fn)
					if err != nil {
						b.Fatal(err)
					}
					kinds[k].spent += took
				}
			}
			b.ReportMetric(0, "ns/op")
			for _, k := range kinds {
				b.ReportMetric(float64(k.spent.Microseconds())/float64(n*b.N), "µs/"+k.name)
			}
			b.ReportMetric(float64(kinds[1].spent)/float64(kinds[0].spent), "of-echo")
			b.ReportMetric(float64(kinds[2].spent)/float64(kinds[0].spent), "of-frames")
		})
	}
}

// BenchmarkCrowd is how long single exchanges take with 256 miners and 16 in
// flight, once each miner has its roster; before that apart.
func BenchmarkCrowd(b *testing.B) {
	l := newLane(b, 256, make([]byte, 1<<10))
	task := make([]byte, 1<<10)
	hash := round.TaskHash(task)
	ask := func(n int) []time.Duration {
		took, _, err := each(n, 16, func(i int) error { return l.exchange(i%256, task, hash) })
		if err != nil {
			b.Fatal(err)
		}
		return took
	}
	at := func(took []time.Duration, q float64) float64 {
		slices.SortFunc(took, cmp.Compare[time.Duration])
		return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000
	}
	first := ask(256)
	var took []time.Duration
	for b.Loop() {
		took = append(took, ask(1024)...)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(at(first, .99), "first-p99-ms")
	b.ReportMetric(at(took, .5), "p50-ms")
	b.ReportMetric(at(took, .99), "p99-ms")
	b.ReportMetric(at(took, 1), "max-ms")
}
