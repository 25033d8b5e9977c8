package miner

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

const (
	// cost is what one answer adds to the virtual time of a caller of weight 1.
	cost = 1 << 32
	// maxWeight is the weight of the caller with the largest stake.
	maxWeight = 1 << 16
	// minRetry and maxRetry bound the pause that a busy miner asks for.
	minRetry, maxRetry = 100 * time.Millisecond, 30 * time.Second
	// maxDebts bounds the callers whose virtual time is remembered while they have
	// nothing in the queue.
	maxDebts = 4096
	// firstRetry is the pause while nothing is known of how long answers take.
	firstRetry = time.Second
)

// queue shares the answers in the making among the callers: start-time fair
// queueing, in which a caller who waits gets a share in proportion to its weight,
// however many requests it sends. What is beyond the places is not let in.
type queue struct {
	slots, places int // answers at once; requests that may wait beside them

	mu      sync.Mutex
	running int
	inside  map[ledger.Hotkey]int // tickets of each caller
	total   int
	waiting []*ticket
	clock   uint64                   // virtual time: the start of what runs
	due     map[ledger.Hotkey]uint64 // virtual time at which a caller's last request ends
	mean    time.Duration            // of answers, newer ones counting more; 0 for unknown
}

// ticket is one request's place in the queue.
type ticket struct {
	q      *queue
	caller ledger.Hotkey
	start  uint64        // virtual time
	turn   chan struct{} // closed when it may run
	began  time.Time     // of running
}

func newQueue(slots, places int) *queue {
	return &queue{slots: slots, places: places, inside: map[ledger.Hotkey]int{}, due: map[ledger.Hotkey]uint64{}}
}

// weight is a caller's share in the queue: its stake as a part of the largest.
func weight(stake, most uint64) uint64 {
	if most == 0 {
		return 1
	}
	for most >= 1<<47 { // so that the product fits
		most, stake = most>>1, stake>>1
	}
	return max(1, min(stake, most)*maxWeight/most)
}

// enter takes a place, or says when to come back. One caller has at most half of
// the places beside the answers in the making, so that others find one. A caller
// that would wait longer than patience is not let in: its deadline would pass.
func (q *queue) enter(caller ledger.Hotkey, weight uint64, patience time.Duration) (t *ticket, retry time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := q.ahead()
	if q.total >= q.slots+q.places || q.inside[caller] >= q.slots+(q.places+1)/2 || wait > patience {
		return nil, min(max(wait, minRetry), maxRetry)
	}
	q.total++
	q.inside[caller]++
	t = &ticket{q: q, caller: caller, start: max(q.clock, q.due[caller]), turn: make(chan struct{})}
	q.due[caller] = t.start + cost/max(weight, 1)
	return t, 0
}

// ahead is how long a request that comes now may wait. mu is held.
func (q *queue) ahead() time.Duration {
	if q.total < q.slots {
		return 0
	}
	if q.mean == 0 {
		return firstRetry
	}
	return q.mean * time.Duration(q.total-q.slots+1) / time.Duration(q.slots)
}

// wait waits for the ticket's turn.
func (t *ticket) wait(ctx context.Context) error {
	q := t.q
	q.mu.Lock()
	q.waiting = append(q.waiting, t)
	q.next()
	q.mu.Unlock()
	select {
	case <-t.turn:
		t.began = time.Now()
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == t {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	t.began = time.Now() // its turn had come
	return nil
}

// next lets those run whose turn it is. mu is held.
func (q *queue) next() {
	for q.running < q.slots && len(q.waiting) > 0 {
		first := 0
		for i, t := range q.waiting { // few, and in the order of their coming
			if t.start < q.waiting[first].start {
				first = i
			}
		}
		t := q.waiting[first]
		q.waiting = append(q.waiting[:first], q.waiting[first+1:]...)
		q.running++
		q.clock = max(q.clock, t.start)
		close(t.turn)
	}
}

// leave gives the place back, and the slot of one that ran.
func (t *ticket) leave() {
	q := t.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if !t.began.IsZero() {
		q.running--
		if took := time.Since(t.began); q.mean == 0 {
			q.mean = took
		} else {
			q.mean += (took - q.mean) / 8
		}
	}
	q.total--
	if q.inside[t.caller]--; q.inside[t.caller] == 0 {
		delete(q.inside, t.caller)
		// A caller's debt is forgotten once the virtual time has passed it.
		if q.due[t.caller] <= q.clock {
			delete(q.due, t.caller)
		}
	}
	switch {
	case q.total == 0: // nobody is owed anything
		clear(q.due)
		q.clock = 0
	case len(q.due) > maxDebts:
		maps.DeleteFunc(q.due, func(h ledger.Hotkey, _ uint64) bool { return q.inside[h] == 0 })
	}
	q.next()
}

// load returns the answers in the making and the requests that wait.
func (q *queue) load() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, q.total - q.running
}
