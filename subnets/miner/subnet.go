package miner

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/round"
)

// Subnet is one subnet that a miner serves.
type Subnet struct {
	NetUID ledger.NetUID
	Engine Engine
	Policy Policy
	// Parallel is how many answers may be in the making; 0 for DefaultParallel.
	Parallel int
	// Queue is how many requests may wait beside those; 0 for DefaultQueue, below
	// 0 for none. Each may hold a task of abi.MaxPayload bytes.
	Queue int
}

// Defaults of Subnet.
const (
	DefaultParallel = 4
	DefaultQueue    = 16
)

// subnet is a Subnet with what is known of it while the miner runs.
type subnet struct {
	Subnet
	chain Chain
	queue *queue
	seen  *seen

	loading chan struct{} // holds one token: rosters are loaded one at a time
	mu      sync.Mutex
	rosters map[ledger.Epoch]*roster
	newest  ledger.Epoch // that a roster is known of
}

// roster is what a miner needs of a roster: the members that are more to it than
// strangers are.
type roster struct {
	members map[ledger.Hotkey]*ledger.Member
	most    uint64 // the largest stake of those with a permit

	mu        sync.Mutex
	verifiers map[ledger.Hotkey]*key.Verifier // of members who asked
}

// verifier checks the signatures of a caller; those of a member faster from its
// second on.
func (r *roster) verifier(h ledger.Hotkey) round.Verifier {
	if r == nil || r.members[h] == nil {
		return h
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.verifiers[h]
	if v == nil {
		v = h.Verifier()
		r.verifiers[h] = v
	}
	return v
}

// newRoster keeps copies, so that the rest of r, which may have thousands of
// members, can go.
func newRoster(r ledger.Roster, open bool) *roster {
	out := &roster{members: map[ledger.Hotkey]*ledger.Member{}, verifiers: map[ledger.Hotkey]*key.Verifier{}}
	for i := range r {
		if m := &r[i]; m.Permit || open && m.Stake > 0 {
			kept := *m
			out.members[m.Hotkey] = &kept
		}
		if r[i].Permit {
			out.most = max(out.most, r[i].Stake)
		}
	}
	return out
}

// known returns the roster of an epoch that was loaded before, nil if none was.
// A request of an epoch that is over for a known one is stale.
func (s *subnet) known(e ledger.Epoch) (*roster, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest > 0 && e < s.newest-1 {
		return nil, fmt.Errorf("%w: epoch %d, and %d is running", round.RefusedStale, e, s.newest)
	}
	return s.rosters[e], nil
}

const (
	// rosterWait is how long a miner waits for the record of an epoch that its view
	// of the chain does not hold yet, looking each rosterEvery.
	rosterWait  = 4 * time.Second
	rosterEvery = 200 * time.Millisecond
)

// roster returns an epoch's roster, proved complete. Only the running epoch and
// its neighbours are looked up, so that nobody can make the miner fetch at will.
func (s *subnet) roster(ctx context.Context, e ledger.Epoch) (*roster, error) {
	ctx, cancel := context.WithTimeout(ctx, rosterWait)
	defer cancel()
	for {
		r, err := s.load(ctx, e)
		if r != nil || err != nil {
			return r, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: epoch %d has no record yet", round.RefusedEarly, e)
		case <-time.After(rosterEvery):
		}
	}
}

// load looks a roster up once; nil if the chain's view does not hold it yet.
func (s *subnet) load(ctx context.Context, e ledger.Epoch) (*roster, error) {
	select {
	case s.loading <- struct{}{}:
		defer func() { <-s.loading }()
	case <-ctx.Done():
		return nil, nil
	}
	if r, err := s.known(e); r != nil || err != nil {
		return r, err
	}
	v, err := s.chain.Fresh(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: view of the chain: %w", round.RefusedFault, err)
	}
	clock, err := ledger.LoadClock(v, s.NetUID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", round.RefusedFault, err)
	}
	switch {
	case clock == nil:
		return nil, fmt.Errorf("%w: the chain has no netuid %d", round.RefusedNetUID, s.NetUID)
	case e > clock.Epoch+1:
		return nil, fmt.Errorf("%w: epoch %d, and %d is running", round.RefusedEarly, e, clock.Epoch)
	case clock.Epoch > 0 && e < clock.Epoch-1:
		return nil, fmt.Errorf("%w: epoch %d, and %d is running", round.RefusedStale, e, clock.Epoch)
	}
	members, err := ledger.LoadRoster(v, s.NetUID, e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", round.RefusedFault, err)
	}
	if members == nil {
		return nil, nil
	}
	r := newRoster(members, s.Policy.Open)
	s.mu.Lock()
	s.rosters[e] = r
	s.newest = max(s.newest, e)
	for old := range s.rosters {
		if old+keptEpochs < s.newest {
			delete(s.rosters, old)
		}
	}
	newest := s.newest
	s.mu.Unlock()
	if err := s.seen.forget(newest); err != nil {
		return nil, fmt.Errorf("%w: %w", round.RefusedFault, err)
	}
	return r, nil
}

// admit decides whether a request's caller may ask, with which weight, and what
// checks its signatures. What costs little is looked at first: whom the known
// roster shuts out costs no check of a signature, and who has no signature costs
// no look at the chain.
func (s *subnet) admit(ctx context.Context, signed *round.Signed, r *round.Request) (weighs uint64, by round.Verifier, err error) {
	if err := s.Policy.listed(r.Caller); err != nil {
		return 0, nil, err
	}
	members, err := s.known(r.Epoch)
	if err != nil {
		return 0, nil, err
	}
	if members != nil {
		if err := s.Policy.judge(members.members[r.Caller]); err != nil {
			return 0, nil, err
		}
	}
	if err := signed.CheckRequest(members.verifier(r.Caller)); err != nil {
		return 0, nil, err
	}
	if members == nil {
		if members, err = s.roster(ctx, r.Epoch); err != nil {
			return 0, nil, err
		}
		if err := s.Policy.judge(members.members[r.Caller]); err != nil {
			return 0, nil, err
		}
	}
	if err := s.seen.used(r, s.Policy.Quota); err != nil {
		return 0, nil, err
	}
	m := members.members[r.Caller]
	if m == nil {
		return 1, r.Caller, nil
	}
	return weight(m.Stake, members.most), members.verifier(r.Caller), nil
}
