package validator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// job is one round to run, with everything it depends on.
type job struct {
	rec    ledger.EpochRecord
	sub    ledger.Subnet
	roster ledger.Roster
	round  uint16
}

// run runs one round and keeps it. What goes wrong with the module, the data or
// the miners skips the round; only the store stops the loop.
func (v *Validator) run(ctx context.Context, j job) error {
	r, err := v.play(ctx, j)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		v.Log.Warn("round skipped", "netuid", v.NetUID, "epoch", j.rec.Epoch, "round", j.round, "err", err)
		v.Notify(Event{Kind: "skipped", NetUID: v.NetUID, Epoch: j.rec.Epoch, Round: j.round, Err: err})
		r = &evidence.Round{Round: j.round, Skipped: true}
	}
	// Compressing and hashing is done here, while the epoch runs, so that closing
	// it need only copy.
	done, ferr := evidence.Finish(r)
	if ferr == nil {
		ferr = v.Keep.Put(v.roundKey(j.rec.Epoch, j.round), done.Append(nil))
	}
	if ferr != nil {
		return fmt.Errorf("validator: keeping a round: %w", ferr)
	}
	if err == nil && !r.Skipped {
		e := Event{Kind: "round", NetUID: v.NetUID, Epoch: j.rec.Epoch, Round: j.round}
		for i := range r.Responses {
			l := &r.Responses[i].Leaf
			e.Scores = append(e.Scores, Score{Hotkey: j.roster[l.Index].Hotkey, Score: l.Score, Status: l.Status})
		}
		v.Notify(e)
	}
	return nil
}

// play draws the task, asks the miners and scores what they answer.
func (v *Validator) play(ctx context.Context, j job) (*evidence.Round, error) {
	mod, err := v.Module(ctx, plugins.ID(j.rec.Module))
	if err != nil {
		return nil, fmt.Errorf("loading module: %w", err)
	}
	manifest := mod.Manifest()
	r := &evidence.Round{Round: j.round}
	var beta [32]byte
	r.Proof, beta = v.Hotkey.VRF().Prove(round.Alpha(j.rec.Seed, v.NetUID, j.round))
	var data [][]byte
	if j.rec.Data.Slices > 0 {
		set, err := v.Data(ctx, j.rec.Data, j.rec.Epoch)
		if err != nil {
			return nil, err
		}
		first, count := j.rec.Data.Draw(j.rec.Epoch)
		if count == 0 {
			return nil, fmt.Errorf("epoch %d has no window of the data left: the subnet's owner must add a data set", j.rec.Epoch)
		}
		for _, i := range round.Slices(beta, count, int(manifest.Slices)) {
			b, proof, err := set.Slice(first + i)
			if err != nil {
				return nil, err
			}
			r.Slices = append(r.Slices, evidence.Slice{Index: first + i, Data: b, Proof: proof})
			data = append(data, b)
		}
	}
	task, fuel, err := round.Task(ctx, mod, beta, j.sub.Params.Module, data, nil)
	if err != nil {
		return nil, fmt.Errorf("drawing the task: %w", err)
	}
	r.Task, r.TaskFuel = round.TaskHash(task.Public), fuel
	r.Responses = v.ask(ctx, j, r.Task, task, round.Asked(beta, j.roster, v.self, int(j.sub.Params.Asked)), int(manifest.Answer))
	var payloads [][]byte
	var scored []int
	for i := range r.Responses {
		if r.Responses[i].Leaf.Status == evidence.Answered {
			payloads, scored = append(payloads, r.Responses[i].Payload.Data), append(scored, i)
		}
	}
	scores, fuel, err := round.Score(ctx, mod, beta, j.sub.Params.Module, task, payloads)
	if err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	r.ScoreFuel = fuel
	for k, i := range scored {
		r.Responses[i].Leaf.Score = scores[k]
	}
	return r, nil
}

// ask sends the task to every asked miner at once. First all salted hashes are
// collected, or half the deadline passes; then receipts go out and payloads come
// in. So no payload exists outside its miner while another miner may still
// choose its own.
func (v *Validator) ask(ctx context.Context, j job, taskHash [32]byte, task abi.Task, asked []int, maxAnswer int) []evidence.Response {
	deadline := time.Duration(j.sub.Params.DeadlineMS) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	out := make([]evidence.Response, len(asked))
	talks := make([]*talk, len(asked))
	var g errgroup.Group
	for i, index := range asked {
		g.Go(func() error {
			m := &j.roster[index]
			req := round.Request{ChainID: v.ChainID, NetUID: v.NetUID, Module: j.rec.Module, Epoch: j.rec.Epoch, Round: j.round, Task: taskHash,
				Caller: v.self, Callee: m.Hotkey, DeadlineMS: j.sub.Params.DeadlineMS}
			rand.Read(req.ID[:]) // crypto/rand never fails
			t := &talk{net: v.Net, member: m, ask: round.Ask{Request: round.SignRequest(v.Hotkey, &req), Public: task.Public}}
			talks[i] = t
			half, cancel := context.WithTimeout(ctx, deadline/2)
			defer cancel()
			t.hash(ctx, half)
			return nil
		})
	}
	g.Wait()
	for i, index := range asked {
		g.Go(func() error {
			t := talks[i]
			out[i] = evidence.Response{Leaf: evidence.Leaf{Round: j.round, Index: uint16(index), Status: t.status}, Request: t.ask.Request}
			if t.answer != nil {
				t.payload(v.Hotkey, maxAnswer)
				out[i].Answer, out[i].Receipt, out[i].Payload = t.answer, t.receipt, t.paid
				out[i].Leaf.Hash, out[i].Leaf.Status = t.announced.Hash, t.status
			}
			if t.stream != nil {
				t.stream.Close()
			}
			return nil
		})
	}
	g.Wait()
	return out
}

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
}

// hash gets the miner's signed hash within half. A transport error is tried
// again: the request's id is new to a miner that never saw it.
func (t *talk) hash(ctx, half context.Context) {
	t.status = evidence.None
	to, err := p2p.PeerIDFromKey(t.member.Work.Peer)
	if err != nil {
		return
	}
	for try := 0; try < 3 && half.Err() == nil; try++ {
		if try > 0 {
			select {
			case <-half.Done():
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
		s, err := t.net.Open(ctx, to, round.Protocol)
		if err != nil {
			continue
		}
		// Recv obeys the stream's own context, so the half-time is kept by closing.
		stop := context.AfterFunc(half, func() { s.Close() })
		reply, err := t.put(s)
		if !stop() || err != nil {
			s.Close()
			if half.Err() != nil || errors.Is(err, round.ErrAnswer) {
				return
			}
			continue
		}
		if reply.Answer == nil {
			s.Close()
			if reply.Refused != 0 {
				t.status = evidence.None
				return
			}
			// It may be free again before half of the deadline has passed.
			t.status = evidence.Busy
			try = -1
			select {
			case <-half.Done():
				return
			case <-time.After(max(time.Duration(reply.Busy)*time.Millisecond, minBusy)):
			}
			continue
		}
		a, err := reply.Answer.OpenAnswer(t.ask.Request.Body, t.member.Hotkey)
		if err != nil {
			s.Close()
			return
		}
		t.stream, t.answer, t.announced = s, reply.Answer, a
		return
	}
}

// minBusy is how soon a busy miner is asked again at the earliest.
const minBusy = 100 * time.Millisecond

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
func (t *talk) payload(seed key.Seed, maxAnswer int) {
	t.status = evidence.Withheld
	t.receipt = round.SignReceipt(seed, *t.answer)
	if err := t.stream.Send(round.AppendReceipt(nil, t.receipt)); err != nil {
		return
	}
	b, err := t.stream.Recv(min(maxAnswer+128, round.MaxFrame))
	if err != nil {
		return
	}
	p, err := round.DecodePayload(b)
	if err != nil || len(p.Data) > maxAnswer {
		return
	}
	t.paid, t.status = &p, evidence.Answered
	if p.Matches(t.announced) != nil {
		t.status = evidence.Mismatch
	}
}
