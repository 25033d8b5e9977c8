package validator

import (
	"context"
	"errors"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// talk is the exchange with one miner.
type talk struct {
	net    p2p.Opener
	member *ledger.Member
	ask    round.Ask

	stream    *p2p.Stream
	status    evidence.Status
	answer    *round.Signed
	announced round.Answer
	receipt   key.Signature
	paid      *round.Payload
	fault     Fault // of the miner, empty for none
}

// hash gets the miner's signed hash within half. A transport error is tried
// again: the request's id is new to a miner that never saw it. A busy miner, or one
// whose host is, may be free again before half is over.
func (t *talk) hash(ctx, half context.Context) {
	t.status = evidence.None
	to, err := p2p.PeerIDFromKey(t.member.Work.Peer)
	if err != nil {
		return
	}
	pause := time.Duration(0)
	for fails := 0; fails < 3; {
		select {
		case <-half.Done():
			return
		case <-time.After(pause):
		}
		pause = afterFault
		s, err := hedged(ctx, half, func(ctx context.Context) (*p2p.Stream, error) { return t.net.Open(ctx, to, round.Protocol) })
		if err != nil {
			fails++
			continue
		}
		// Recv obeys the stream's own context, so the half-time is kept by closing.
		stop := context.AfterFunc(half, func() { s.Close() })
		reply, err := t.put(s)
		if !stop() || err != nil {
			if half.Err() == nil {
				t.unread(s, err)
			}
			s.Close()
			if half.Err() != nil || errors.Is(err, round.ErrAnswer) {
				return
			}
			var full *p2p.BusyError
			if fails++; errors.As(err, &full) {
				t.status, fails, pause = evidence.Busy, 0, max(full.Retry, minBusy)
			}
			continue
		}
		if reply.Answer == nil {
			s.Close()
			if reply.Refused != 0 {
				t.status = evidence.None
				return
			}
			t.status, fails, pause = evidence.Busy, 0, max(time.Duration(reply.Busy)*time.Millisecond, minBusy)
			continue
		}
		a, err := reply.Answer.OpenAnswer(t.ask.Request.Body, t.member.Hotkey)
		if err != nil {
			t.wrong(s, unfit(reply.Answer, err))
			s.Close()
			return
		}
		t.stream, t.answer, t.announced = s, reply.Answer, a
		return
	}
}

// Pauses after which a stream that does not open is tried a second and a third
// time while the first goes on: a connection that died without a word takes long
// to be noticed.
var hedges = [...]time.Duration{0, time.Second, 3 * time.Second}

// hedged opens a stream, and a second one when the first takes long; whichever is
// first is used, the others are given up. Only the opening is hedged: a miner takes
// a request once.
func hedged(ctx, half context.Context, open func(context.Context) (*p2p.Stream, error)) (*p2p.Stream, error) {
	type opened struct {
		i   int
		s   *p2p.Stream
		err error
	}
	results := make(chan opened, len(hedges))
	var stop []context.CancelFunc // of each try; a stream lives as long as its context
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended := 0
	end := func(but int) {
		for i, cancel := range stop {
			if i != but {
				cancel()
			}
		}
		for ; ended < len(stop); ended++ {
			if r := <-results; r.err == nil {
				r.s.Close()
			}
		}
	}
	for {
		select {
		case <-half.Done():
			end(-1)
			return nil, half.Err()
		case <-timer.C:
			i := len(stop)
			one, cancel := context.WithCancel(ctx)
			stop = append(stop, cancel)
			go func() {
				s, err := open(one)
				results <- opened{i, s, err}
			}()
			if i+1 < len(hedges) {
				timer.Reset(hedges[i+1] - hedges[i])
			}
		case r := <-results:
			if ended++; r.err == nil {
				end(r.i)
				return r.s, nil
			}
			if ended == len(stop) {
				end(-1)
				return nil, r.err
			}
		}
	}
}

// minBusy is how soon a busy miner is asked again at the earliest, afterFault how
// soon one with which the connection failed.
const minBusy, afterFault = 100 * time.Millisecond, 200 * time.Millisecond

// put sends the request, then the task once the miner takes it, and returns the
// miner's word. ErrAnswer is a word that makes no sense; other errors are of the
// transport.
func (t *talk) put(s *p2p.Stream) (r round.Reply, err error) {
	if err := s.Send(t.ask.Append(nil)); err != nil {
		return r, err
	}
	for sent := !t.ask.Follows(); ; sent = true {
		b, err := s.Recv(8192)
		if err != nil {
			return r, err
		}
		if r, err = round.DecodeReply(b); err != nil || r.Go && sent || r.Answer != nil && !sent {
			return r, errors.Join(round.ErrAnswer, err)
		}
		if !r.Go {
			return r, nil
		}
		if err := s.Send(t.ask.Public); err != nil {
			return r, err
		}
	}
}

// payload returns the receipt and takes the payload.
func (t *talk) payload(by key.Signer, maxAnswer int) {
	t.status = evidence.Withheld
	t.receipt = round.SignReceipt(by, *t.answer)
	if err := t.stream.Send(round.AppendReceipt(nil, t.receipt)); err != nil {
		return
	}
	t.stream.CloseWrite() // at once, so that the end leaves with the receipt
	b, err := t.stream.Recv(min(maxAnswer+128, round.MaxFrame))
	if err != nil {
		t.unread(t.stream, err)
		return
	}
	p, err := round.DecodePayload(b)
	switch {
	case err != nil:
		t.wrong(t.stream, FaultMalformed)
		return
	case len(p.Data) > maxAnswer:
		t.wrong(t.stream, FaultOversize)
		return
	}
	t.paid, t.status = &p, evidence.Answered
	if p.Matches(t.announced) != nil {
		t.wrong(t.stream, FaultMismatch)
		t.status = evidence.Mismatch
	}
}
