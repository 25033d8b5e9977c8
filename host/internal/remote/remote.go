package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
)

// Remote is a connection to a network.
type Remote struct {
	Genesis *ledger.Genesis
	Net     *p2p.Host
	Light   *chain.Light
	log     *slog.Logger
	conf    Config

	mu   sync.Mutex
	next int
	view *chain.LightView // the newest, shared until a newer one is asked for
	at   time.Time
}

// ErrNoNode is returned when no node of the network answers.
var ErrNoNode = errors.New("no node of the network answers")

// Config of Open.
type Config struct {
	Join Join
	// Seed is the identity by which others know this process; zero takes one at
	// random, for a process that nobody asks for.
	Seed key.Seed
	// Listen has the multiaddrs to listen on, for a process that is asked for; none
	// means loopback. Hidden listens nowhere; see p2p.Config.
	Listen []string
	Hidden bool
	// Saved is what Save was last called with, and Save keeps the newest verified
	// header; see chain.LightConfig. Both may be nil.
	Saved []byte
	Save  func([]byte) error
	Log   *slog.Logger // nil discards
}

// Dial is Open without anything saved.
func Dial(ctx context.Context, j Join, seed key.Seed, log *slog.Logger) (*Remote, error) {
	return Open(ctx, Config{Join: j, Seed: seed, Log: log})
}

// Open joins a network and verifies its genesis and the root of trust.
func Open(ctx context.Context, c Config) (*Remote, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h, err := newHost(c)
	if err != nil {
		return nil, err
	}
	r := &Remote{Net: h, log: c.Log, conf: c}
	if err := r.join(ctx, c); err != nil {
		h.Close()
		return nil, err
	}
	return r, nil
}

func newHost(c Config) (*p2p.Host, error) {
	asked := c.Seed != (key.Seed{}) // by its peer id, which others know
	if !asked {
		rand.Read(c.Seed[:]) // crypto/rand never fails
	}
	return p2p.New(p2p.Config{Seed: c.Seed, Listen: c.Listen, Hidden: c.Hidden, Genesis: c.Join.Genesis, Client: true, Announce: asked, HolePunching: asked, Log: c.Log})
}

// Host joins a network as the identity of a seed and reads nothing of it: for one
// of several identities in a process, which share the Remote of one of them.
func Host(ctx context.Context, j Join, seed key.Seed, log *slog.Logger) (*p2p.Host, error) {
	h, err := newHost(Config{Join: j, Seed: seed, Log: log})
	if err != nil {
		return nil, err
	}
	if err := h.Connect(ctx, j.Addrs...); err != nil {
		h.Close()
		return nil, noNode(j)
	}
	return h, nil
}

// noNode is the error of a network none of whose addresses answers.
func noNode(j Join) error {
	return fmt.Errorf("%w at the %d addresses of network %x: is it running?", ErrNoNode, len(j.Addrs), j.Genesis[:4])
}

func (r *Remote) join(ctx context.Context, c Config) (err error) {
	j := c.Join
	if err := r.Net.Connect(ctx, j.Addrs...); err != nil {
		r.log.Debug("joining", "err", err)
		return noNode(j)
	}
	if r.Genesis, err = chain.FetchGenesis(ctx, r.ask, j.Genesis); err != nil {
		return fmt.Errorf("fetching the genesis %x: %w", j.Genesis[:6], err)
	}
	// A network that has just begun has no header yet, or one alone, which proves
	// no state.
	for {
		r.Light, err = chain.OpenLight(ctx, chain.LightConfig{Genesis: r.Genesis, Anchor: j.Anchor, Saved: c.Saved, Save: c.Save,
			Ask: r.ask, Witnesses: r.witnesses, Log: r.log})
		if err == nil {
			_, err = r.Light.Head(ctx)
		}
		if err == nil || !errors.Is(err, chain.ErrUnavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// Close leaves the network.
func (r *Remote) Close() error { return r.Net.Close() }

// nodes lists connected peers, beginning with another one each time.
func (r *Remote) nodes() []peer.ID {
	all := r.Net.FullNodes()
	if len(all) == 0 {
		all = r.Net.Peers()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(all) > 1 {
		r.next = (r.next + 1) % len(all)
		all = append(all[r.next:len(all):len(all)], all[:r.next]...)
	}
	return all
}

// each tries fn with one node after another until one succeeds.
func (r *Remote) each(ctx context.Context, fn func(peer.ID) error) error {
	last := ErrNoNode
	for _, id := range r.nodes() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := fn(id)
		if err == nil {
			return nil
		}
		last = fmt.Errorf("%w: %w", ErrNoNode, err)
	}
	return last
}

// call sends one frame and receives one.
func (r *Remote) call(ctx context.Context, to peer.ID, stream string, req []byte, max int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := r.Net.Open(ctx, to, stream)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Send(req); err != nil {
		return nil, err
	}
	return s.Recv(max)
}

// ask carries a light request to some node.
func (r *Remote) ask(ctx context.Context, req []byte) (out []byte, err error) {
	err = r.each(ctx, func(id peer.ID) (err error) {
		out, err = r.call(ctx, id, streamLight, req, chain.MaxAnswer)
		return err
	})
	return out, err
}

// witnesses are the ways to ask some full nodes beside the one that answers: all
// of a few, since which one answers changes.
func (r *Remote) witnesses() []chain.Ask {
	all := r.Net.FullNodes()
	if len(all) < 2 {
		return nil // it would be compared with itself
	}
	var out []chain.Ask
	for _, id := range all[:min(len(all), 3)] {
		out = append(out, func(ctx context.Context, req []byte) ([]byte, error) {
			return r.call(ctx, id, streamLight, req, chain.MaxAnswer)
		})
	}
	return out
}

// Fresh returns a proved view that is at most a third of a second old.
func (r *Remote) Fresh(ctx context.Context) (ledger.View, error) { return r.View(ctx) }

// Asks are the ways to put light requests to the nodes that a host is connected
// with: to one after another until one answers, and to some of them each.
func Asks(h *p2p.Host) (chain.Ask, func() []chain.Ask) {
	r := &Remote{Net: h}
	return r.ask, r.witnesses
}

// View is Fresh with the view's own type.
func (r *Remote) View(ctx context.Context) (*chain.LightView, error) {
	r.mu.Lock()
	v, at := r.view, r.at
	r.mu.Unlock()
	if v != nil && time.Since(at) < time.Second/3 {
		return v, nil
	}
	// The view asks with the context it was made with, and is shared by callers
	// whose own contexts end earlier.
	v, err := r.Light.View(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.view == nil || r.view.Head() != v.Head() {
		r.view = v // otherwise the older one, which has values already
	}
	r.at = time.Now()
	return r.view, nil
}

// Submit hands a transaction in and returns its id once a node has taken it.
func (r *Remote) Submit(ctx context.Context, tx []byte) (id [32]byte, err error) {
	t, err := ledger.DecodeTx(tx)
	if err != nil {
		return id, err
	}
	var refused error
	err = r.each(ctx, func(to peer.ID) error {
		b, err := r.call(ctx, to, streamSubmit, tx, 8192)
		if err != nil {
			return err
		}
		rep, err := decodeReply(b)
		if err == nil {
			refused = rep.err()
		}
		return err
	})
	if err == nil {
		err = refused
	}
	return t.ID(), err
}

// ErrLost is returned for a transaction that expired without a block.
var ErrLost = errors.New("the transaction expired before it was in a block: send it again")

// Wait waits until a transaction is in a block and returns its height, or the
// reject that it met there, as a node tells it. It ends with ctx, or with
// ErrLost when no node knows the transaction and the chain has passed expiry.
func (r *Remote) Wait(ctx context.Context, id [32]byte, expiry uint64) (uint64, error) {
	for {
		// The height is read first, so that a transaction in the very last block is
		// not taken for lost.
		v, err := r.View(ctx)
		if err != nil {
			return 0, err
		}
		rep, err := r.status(ctx, id)
		switch {
		case err == nil && rep.state == chain.Included:
			return rep.height, rep.err()
		case err == nil && rep.state == chain.Dropped:
			return 0, rep.err()
		case err != nil && v.Height() > expiry:
			return 0, fmt.Errorf("%w (%x, expiry block %d)", ErrLost, id[:6], expiry)
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("transaction %x is not in a block yet: %w", id[:6], ctx.Err())
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// status asks for a transaction until a node knows it.
func (r *Remote) status(ctx context.Context, id [32]byte) (rep reply, err error) {
	err = r.each(ctx, func(to peer.ID) error {
		b, err := r.call(ctx, to, streamStatus, id[:], 8192)
		if err != nil {
			return err
		}
		if rep, err = decodeReply(b); err != nil {
			return err
		}
		if rep.state == chain.Unknown {
			return errUnknown
		}
		return nil
	})
	return rep, err
}
