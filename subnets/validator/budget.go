package validator

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
)

// Budget is what a node gives to validating, all subnets together. A field of
// zero bounds nothing.
type Budget struct {
	Fuel      uint64 // a second
	Memory    uint64 // bytes of the calls that run at once, by their manifests; one may always run
	Bandwidth uint64 // bytes a second of tasks and answers, both ways
}

// budgetRest is after how much time without asking a subnet counts as resting.
const budgetRest = time.Minute

// budgetBurst is how much is saved up, in seconds.
const budgetBurst = 2

// Scheduler holds subnets to a Budget. Of those that wait, the subnet that has
// used the least goes first, so that one whose module burns all it may slows the
// others down to their equal parts and no further. A subnet may have a budget of
// its own within the common one; what waits for that alone is overtaken. Its
// methods may be called concurrently.
type Scheduler struct {
	mu      sync.Mutex
	budget  Budget
	fuel    bucket
	traffic bucket
	running int
	memory  uint64 // of the running calls
	used    map[ledger.NetUID]*use
	calls   []*claim // waiting, in the order they came
	rounds  []*claim
	timer   *time.Timer
	now     func() time.Time
}

// use is what a subnet has used, by which turns are given. What was given up
// while it did not wait is not saved up: it begins with the least that others have.
type use struct {
	fuel, traffic uint64
	call          uint64    // fuel that a call is expected to use: a mean of the last
	last          time.Time // that it asked for anything

	own        Budget // what bounds this subnet alone
	ownFuel    bucket
	ownTraffic bucket
	running    int
	memory     uint64 // of its running calls
}

// bucket fills with time and may be overdrawn.
type bucket struct {
	rate  uint64
	level float64
	at    time.Time
}

// ready reports how long to wait before so much may be taken: until it is there, or
// the bucket is full. What nobody knows the cost of may be taken from anything.
func (b *bucket) ready(now time.Time, cost uint64) time.Duration {
	if b.rate == 0 {
		return 0
	}
	rate := float64(b.rate)
	b.level = min(rate*budgetBurst, b.level+max(0, now.Sub(b.at).Seconds())*rate)
	need := min(float64(max(cost, 1)), rate*budgetBurst)
	if b.at = now; b.level >= need {
		return 0
	}
	// A debt is paid back within a day, whatever a module claims to have used.
	return time.Duration(min((need-b.level)/rate, 86_400)*float64(time.Second)) + time.Millisecond
}

func (b *bucket) bound(rate uint64, now time.Time) {
	if rate != b.rate {
		*b = bucket{rate, float64(rate) * budgetBurst, now}
	}
}

func (b *bucket) spend(n uint64) { b.settle(0, n) }

// settle puts what was used in the place of what was expected.
func (b *bucket) settle(expected, used uint64) {
	if b.rate > 0 {
		b.level += float64(expected) - float64(used)
	}
}

// claim waits for its turn.
type claim struct {
	netuid  ledger.NetUID
	memory  uint64
	cost    uint64 // bytes to be sent; of a call what it is expected to use, once it runs
	granted chan struct{}
}

// NewScheduler makes a scheduler.
func NewScheduler(b Budget) *Scheduler {
	s := &Scheduler{used: map[ledger.NetUID]*use{}, now: time.Now}
	s.SetBudget(b)
	return s
}

// SetBudget changes the budget from now on; what runs goes on.
func (s *Scheduler) SetBudget(b Budget) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.budget = b
	s.fuel.bound(b.Fuel, now)
	s.traffic.bound(b.Bandwidth, now)
	s.grant()
}

// SetOwn changes what bounds one subnet, within the common budget, from now on;
// what runs goes on.
func (s *Scheduler) SetOwn(n ledger.NetUID, b Budget) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, now := s.of(n), s.now()
	u.own = b
	u.ownFuel.bound(b.Fuel, now)
	u.ownTraffic.bound(b.Bandwidth, now)
	s.grant()
}

// Caller makes a module's calls for a subnet within the budget.
func (s *Scheduler) Caller(n ledger.NetUID, c plugins.Caller) plugins.Caller {
	return scheduled{c, s, n}
}

type scheduled struct {
	plugins.Caller
	s *Scheduler
	n ledger.NetUID
}

// Call waits for its turn, then calls.
func (c scheduled) Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (plugins.Reply, error) {
	memory := min(c.Manifest().Pages, plugins.MaxPages) << 16
	turn := &claim{netuid: c.n, memory: memory, granted: make(chan struct{})}
	if err := c.s.take(ctx, &c.s.calls, turn); err != nil {
		return plugins.Reply{}, err
	}
	// Whatever the call does, its place is given back.
	var fuel uint64
	defer func() { c.s.ended(turn, fuel) }()
	r, err := c.Caller.Call(ctx, op, input, seed)
	fuel = r.Fuel
	var fault *plugins.Fault
	if errors.As(err, &fault) {
		fuel = fault.Fuel
	}
	return r, err
}

// Traffic waits until a subnet may send so many bytes for a round.
func (s *Scheduler) Traffic(ctx context.Context, n ledger.NetUID, bytes uint64) error {
	return s.take(ctx, &s.rounds, &claim{netuid: n, cost: bytes, granted: make(chan struct{})})
}

// Carried counts bytes that a round of a subnet received.
func (s *Scheduler) Carried(n ledger.NetUID, bytes uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.of(n)
	u.traffic += bytes
	u.ownTraffic.spend(bytes)
	s.traffic.spend(bytes)
	s.grant()
}

func (s *Scheduler) ended(c *claim, fuel uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.memory -= c.memory
	fuel = min(fuel, plugins.MaxFuel)
	u := s.of(c.netuid)
	u.running--
	u.memory -= c.memory
	u.ownFuel.settle(c.cost, fuel)
	u.fuel += fuel - c.cost // what was expected stands there already
	u.call = (3*u.call + fuel) / 4
	if u.call == 0 || c.cost == 0 {
		u.call = fuel
	}
	s.fuel.settle(c.cost, fuel)
	s.grant()
}

// of is a subnet's use; a new one begins with the least that others have.
func (s *Scheduler) of(n ledger.NetUID) *use {
	u := s.used[n]
	if u == nil {
		u = &use{}
		if len(s.used) > 0 {
			*u = use{fuel: math.MaxUint64, traffic: math.MaxUint64}
			for _, other := range s.used {
				u.fuel, u.traffic = min(u.fuel, other.fuel), min(u.traffic, other.traffic)
			}
		}
		s.used[n] = u
	}
	return u
}

// take waits until the claim is granted.
func (s *Scheduler) take(ctx context.Context, line *[]*claim, c *claim) error {
	s.mu.Lock()
	s.wake(c.netuid)
	*line = append(*line, c)
	s.grant()
	s.mu.Unlock()
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range *line {
		if x == c {
			*line = append((*line)[:i], (*line)[i+1:]...)
			s.grant()
			return ctx.Err()
		}
	}
	return nil // granted just now: the caller goes on and gives it back
}

// wake brings a subnet that asked for nothing for a while up to the least of those
// that wait, so that a rest does not buy it all of the next minutes.
func (s *Scheduler) wake(n ledger.NetUID) {
	u, now := s.of(n), s.now()
	rested := now.Sub(u.last) > budgetRest
	if u.last = now; !rested {
		return
	}
	least := use{fuel: math.MaxUint64, traffic: math.MaxUint64}
	for _, l := range [][]*claim{s.calls, s.rounds} {
		for _, c := range l {
			x := s.of(c.netuid)
			least.fuel, least.traffic = min(least.fuel, x.fuel), min(least.traffic, x.traffic)
		}
	}
	if least.fuel != math.MaxUint64 {
		u.fuel, u.traffic = max(u.fuel, least.fuel), max(u.traffic, least.traffic)
	}
}

// grant gives turns while there is room, and sets the time to look again. Nobody
// overtakes the one whose turn it is, or a module that needs much memory would
// never run beside small ones.
func (s *Scheduler) grant() {
	now := s.now()
	pause := time.Duration(0)
	later := func(wait time.Duration) {
		if pause == 0 || wait < pause {
			pause = wait
		}
	}
	for {
		i := s.first(s.calls, func(u *use) uint64 { return u.fuel }, func(u *use, c *claim) bool {
			if wait := u.ownFuel.ready(now, u.call); wait > 0 {
				later(wait)
				return false
			}
			return u.own.Memory == 0 || u.running == 0 || u.memory+c.memory <= u.own.Memory
		})
		if i < 0 {
			break
		}
		c := s.calls[i]
		if wait := s.fuel.ready(now, s.of(c.netuid).call); wait > 0 {
			later(wait)
			break
		}
		if s.budget.Memory > 0 && s.running > 0 && s.memory+c.memory > s.budget.Memory {
			break // until a call ends
		}
		s.calls = append(s.calls[:i], s.calls[i+1:]...)
		s.running++
		s.memory += c.memory
		u := s.of(c.netuid)
		c.cost = u.call
		u.fuel += c.cost
		u.running++
		u.memory += c.memory
		u.ownFuel.spend(c.cost)
		s.fuel.spend(c.cost)
		close(c.granted)
	}
	for {
		i := s.first(s.rounds, func(u *use) uint64 { return u.traffic }, func(u *use, c *claim) bool {
			wait := u.ownTraffic.ready(now, c.cost)
			if wait > 0 {
				later(wait)
			}
			return wait == 0
		})
		if i < 0 {
			break
		}
		c := s.rounds[i]
		if wait := s.traffic.ready(now, c.cost); wait > 0 {
			later(wait)
			break
		}
		s.rounds = append(s.rounds[:i], s.rounds[i+1:]...)
		u := s.of(c.netuid)
		u.traffic += c.cost
		u.ownTraffic.spend(c.cost)
		s.traffic.spend(c.cost)
		close(c.granted)
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	if pause > 0 {
		s.timer = time.AfterFunc(pause, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.grant()
		})
	}
}

// first is the claim whose subnet has used the least, of one subnet the oldest;
// claims that wait for their subnet's own budget are passed over, and -1 is none.
func (s *Scheduler) first(line []*claim, of func(*use) uint64, ready func(*use, *claim) bool) int {
	best := -1
	waits := map[ledger.NetUID]bool{}
	for i, c := range line {
		u := s.of(c.netuid)
		if waits[c.netuid] {
			continue // one that came before it does
		}
		if !ready(u, c) {
			waits[c.netuid] = true
			continue
		}
		if best < 0 || of(u) < of(s.of(line[best].netuid)) {
			best = i
		}
	}
	return best
}
