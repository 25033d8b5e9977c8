package miners

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
)

// Errors of a hotkey that would never be asked.
var (
	ErrNoSubnet     = errors.New("no such subnet")
	ErrUnregistered = errors.New("not registered")
)

// serveExpiry is how many blocks a serving record waits for its block.
const serveExpiry = 50

// standing sees to it that a miner who would never be asked learns why, says from
// when on it is asked, and makes the chain name its peer identity where it does
// not yet.
func (a *Axon) standing(ctx context.Context, r *remote.Remote, events *event.Writer) error {
	v, err := a.registered(ctx, r)
	if err != nil {
		return err
	}
	for _, s := range a.Services {
		clock, err := ledger.LoadClock(v, s.NetUID)
		if err != nil {
			return err
		}
		uid, _, err := ledger.FindUID(v, s.NetUID, a.Hotkey.Public())
		if err != nil {
			return err
		}
		neuron, err := ledger.LoadNeuron(v, s.NetUID, uid)
		if err != nil {
			return err
		}
		from, err := a.asked(v, s.NetUID, clock, neuron)
		if err != nil {
			return err
		}
		if from != "" {
			events.Emit(event.Event{Kind: "note", From: a.Name, Netuid: uint16(s.NetUID), Height: v.Height(), Text: from})
		}
		if err := a.serve(ctx, r, v, s.NetUID, neuron); err != nil {
			events.Emit(event.Event{Kind: "note", From: a.Name, Netuid: uint16(s.NetUID), Height: v.Height(), Text: "the chain does not name this miner's peer identity", Err: err.Error()})
		}
	}
	return nil
}

// What a light client proves is a block old, so that a registration just made
// shows two blocks later; who waits for it waits no longer than registerWait.
const (
	registerBlocks = 2
	registerWait   = 15 * time.Second
)

// registered returns a view in which the hotkey has a neuron in all subnets.
func (a *Axon) registered(ctx context.Context, r *remote.Remote) (*chain.LightView, error) {
	var first uint64
	for end := time.Now().Add(registerWait); ; {
		v, err := r.View(ctx)
		if err != nil {
			return nil, err
		}
		if first == 0 {
			first = v.Height()
		}
		if err = a.found(v); err == nil {
			return v, nil
		}
		if !errors.Is(err, ErrUnregistered) || v.Height() >= first+registerBlocks || time.Now().After(end) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (a *Axon) found(v ledger.View) error {
	for _, s := range a.Services {
		clock, err := ledger.LoadClock(v, s.NetUID)
		if err != nil {
			return err
		}
		if clock == nil {
			return fmt.Errorf("%w: netuid %d: see 'plexus subnet ls'", ErrNoSubnet, s.NetUID)
		}
		_, ok, err := ledger.FindUID(v, s.NetUID, a.Hotkey.Public())
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: %s in netuid %d: run plexus register --netuid %d --hotkey %s --from KEY", ErrUnregistered, a.Hotkey.Public(), s.NetUID, s.NetUID, a.Name)
		}
	}
	return nil
}

// asked says from when on a neuron is asked, empty if it is already. The roster
// of an epoch is frozen when it begins.
func (a *Axon) asked(v ledger.View, n ledger.NetUID, clock *ledger.Clock, neuron *ledger.Neuron) (string, error) {
	if neuron.Registered < clock.First && neuron.Work.Peer == a.Hotkey.Derive("peer").Public() {
		return "", nil
	}
	sub, err := ledger.LoadSubnet(v, n)
	if err != nil {
		return "", err
	}
	params, err := ledger.ChainParams(v)
	if err != nil {
		return "", err
	}
	tot, err := ledger.LoadTotals(v)
	if err != nil {
		return "", err
	}
	next := clock.First + uint64(sub.Params.Tempo)
	left := max(next, tot.Height) - tot.Height
	return fmt.Sprintf("asked from epoch %d on, which begins at block %d, in about %d s; this is block %d", clock.Epoch+1, next,
		left*params.BlockMS/1000, tot.Height), nil
}

// serve hands in the signed record that binds the hotkey to this host's peer
// identity, unless the chain names it already.
func (a *Axon) serve(ctx context.Context, r *remote.Remote, v ledger.View, n ledger.NetUID, neuron *ledger.Neuron) error {
	peer := a.Hotkey.Derive("peer")
	if neuron.Work.Peer == peer.Public() {
		return nil
	}
	hot := a.Hotkey.Public()
	tot, err := ledger.LoadTotals(v)
	if err != nil {
		return err
	}
	p := &ledger.Serve{NetUID: n, Peer: peer.Public(), Proof: peer.Sign("possession-peer", hot[:])}
	_, err = r.Submit(ctx, ledger.Sign(a.Hotkey, r.Genesis.ChainID, 0, tot.Height+serveExpiry, p))
	return err
}
