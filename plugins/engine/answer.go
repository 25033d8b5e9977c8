package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins/internal/child"
	"github.com/plexus-network/plexus/plugins/internal/enginepb"
)

// Answer asks the model for its answer to a task of a subnet. It waits for a
// free slot, and for a model that is being restarted, until ctx ends. An answer
// that takes longer than Config.Timeout is ErrHung, and the model is killed.
// When only ctx ends, the model is left to finish, since starting it anew may
// cost more than the answer.
func (e *Engine) Answer(ctx context.Context, netuid uint16, public []byte) ([]byte, error) {
	return e.AnswerTo(ctx, netuid, public, nil)
}

// AnswerTo is Answer for who wants to see the answer while a streaming model makes
// it: part, if not nil, is called with each piece in turn, which it must not keep,
// and not any more once AnswerTo has returned. An answer that fails in the middle
// is an error, whatever was seen of it.
func (e *Engine) AnswerTo(ctx context.Context, netuid uint16, public []byte, part func([]byte)) ([]byte, error) {
	if len(public) > abi.MaxPayload {
		return nil, fmt.Errorf("engine: task of %d bytes: %w", len(public), ErrTooLarge)
	}
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("engine: wait for a free slot: %w", ctx.Err())
	case <-e.ctx.Done():
		return nil, ErrClosed
	}
	p, err := e.running(ctx)
	if err != nil {
		<-e.slots
		return nil, err
	}
	type reply struct {
		body []byte
		err  error
	}
	in := &enginepb.Task{Netuid: uint32(netuid), Public: bytes.Clone(public), // the call may outlive this one
		MaxAnswer: uint32(e.config.MaxAnswer), TimeoutMs: uint32(min(e.config.Timeout.Milliseconds(), 1<<32-1))}
	show := &shown{part: part}
	done := make(chan reply, 1)
	e.tasks.Go(func() {
		b, err := e.ask(p, in, show)
		<-e.slots
		done <- reply{b, err}
	})
	select {
	case r := <-done:
		return r.body, r.err
	case <-ctx.Done():
		show.stop()
		return nil, fmt.Errorf("engine: answer: %w", ctx.Err())
	}
}

// shown hands parts to a caller until it is gone.
type shown struct {
	mu   sync.Mutex
	part func([]byte)
}

func (s *shown) show(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.part != nil {
		s.part(b)
	}
}

func (s *shown) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part = nil
}

// ask makes one call under the engine's own timeout.
func (e *Engine) ask(p *child.Process, in *enginepb.Task, show *shown) ([]byte, error) {
	e.mu.Lock()
	e.begun++
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(e.ctx, e.config.Timeout)
	defer cancel()
	body, out := []byte{}, new(enginepb.Part)
	err := p.Stream(ctx, methodAnswer, in, out, func() error {
		// A model that goes on is stopped where the bound is crossed.
		if n := len(body) + len(out.Data); n > e.config.MaxAnswer {
			return fmt.Errorf("answer of %d bytes or more: %w (at most %d)", n, ErrTooLarge, e.config.MaxAnswer)
		}
		body = append(body, out.Data...)
		show.show(out.Data)
		return nil
	})
	switch {
	case e.ctx.Err() != nil:
		return nil, ErrClosed
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w (%v)", ErrHung, e.config.Timeout)
		e.doom(p, err)
		p.Kill()
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("engine: %w", err)
	}
	e.useful.Store(true)
	return body, nil
}

// running returns the running model, waiting while it is down.
func (e *Engine) running(ctx context.Context) (*child.Process, error) {
	for {
		e.mu.Lock()
		p, changed, closed := e.proc, e.changed, e.closed
		e.mu.Unlock()
		if closed {
			return nil, ErrClosed
		}
		if p != nil && p.Alive() {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			err := fmt.Errorf("%w: %w", ErrDown, ctx.Err())
			if last := e.Health().LastErr; last != nil {
				err = fmt.Errorf("%w, after: %w", err, last)
			}
			return nil, err
		case <-e.ctx.Done():
			return nil, ErrClosed
		}
	}
}
