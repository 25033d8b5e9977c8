package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/plexus-network/plexus/plugins"
)

// Budget bounds what modules may use at once and over time. A field of zero
// bounds nothing.
type Budget struct {
	// Rate is fuel per second. A call starts while there is fuel saved up (at most
	// two seconds' worth) and may overdraw it, after which others wait.
	Rate uint64
	// Pages is the memory of the calls that run, by what their manifests ask for,
	// in pages of 64 KiB.
	Pages uint64
	// Workers is how many calls run at once.
	Workers int
}

func (b Budget) validate(name string) error {
	if b.Workers < 0 || b.Rate > plugins.MaxFuel {
		return fmt.Errorf("%s budget: %d workers, %d fuel a second: must be at least 0, at most 0 and %d", name, b.Workers, b.Rate, uint64(plugins.MaxFuel))
	}
	return nil
}

// burst is how much fuel is saved up, in seconds.
const burst = 2

// account is what a budget was spent on.
type account struct {
	budget  Budget
	running int
	pages   uint64
	fuel    int64 // saved up, negative when overdrawn
	at      time.Time
}

func newAccount(b Budget, now time.Time) account {
	return account{budget: b, fuel: int64(b.Rate) * burst, at: now}
}

// refill adds what was saved up since.
func (a *account) refill(now time.Time) {
	if a.budget.Rate == 0 {
		return
	}
	rate := float64(a.budget.Rate)
	// As floats, which a long time cannot make overflow.
	a.fuel = int64(min(burst*rate, float64(a.fuel)+now.Sub(a.at).Seconds()*rate))
	a.at = now
}

// wait returns how long the account must save before a call may start.
func (a *account) wait() time.Duration {
	if a.budget.Rate == 0 || a.fuel > 0 {
		return 0
	}
	return time.Duration(float64(1-a.fuel)/float64(a.budget.Rate)*float64(time.Second)) + time.Millisecond
}

func (a *account) room(pages uint64) bool {
	b := a.budget
	return (b.Workers == 0 || a.running < b.Workers) && (b.Pages == 0 || a.running == 0 || a.pages+pages <= b.Pages)
}

// line is the calls of one module, waiting or running.
type line struct {
	account
	claims []*claim // in the order they came
	served uint64   // fuel used, which decides whose turn it is
}

// claim is a call that waits for a worker.
type claim struct {
	id    plugins.ID
	pages uint64
	ready chan *worker // holds one
	done  bool         // granted or given up
}

// queue hands workers to calls: the module that used the least fuel goes first,
// and within a module who came first.
type queue struct {
	mu    sync.Mutex
	total account
	each  Budget
	lines map[plugins.ID]*line
	idle  []*worker
	timer *time.Timer
	stop  bool
}

func newQueue(workers []*worker, total, each Budget) *queue {
	return &queue{total: newAccount(total, time.Now()), each: each, lines: map[plugins.ID]*line{}, idle: workers}
}

// take waits for a worker, at best one that has the module loaded.
func (q *queue) take(ctx context.Context, closed <-chan struct{}, id plugins.ID, pages uint64) (*worker, error) {
	c := &claim{id: id, pages: pages, ready: make(chan *worker, 1)}
	q.mu.Lock()
	l := q.line(id)
	if l.running == 0 && len(l.claims) == 0 {
		l.served = max(l.served, q.least()) // idling saves up no turns
	}
	l.claims = append(l.claims, c)
	q.dispatch()
	q.mu.Unlock()
	var err error
	select {
	case w := <-c.ready:
		return w, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-closed:
		err = ErrClosed
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.done {
		q.put(<-c.ready, id, pages, 0)
		return nil, err
	}
	c.done = true
	for i, o := range l.claims {
		if o == c {
			l.claims = append(l.claims[:i], l.claims[i+1:]...)
			break
		}
	}
	return nil, err
}

// give returns a worker after a call that used that fuel.
func (q *queue) give(w *worker, id plugins.ID, pages, fuel uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(w, id, pages, fuel)
}

// spend notes fuel used without a worker.
func (q *queue) spend(id plugins.ID, fuel uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[id]; l != nil {
		l.served += fuel
		l.fuel -= int64(fuel)
	}
	q.total.fuel -= int64(fuel)
}

func (q *queue) put(w *worker, id plugins.ID, pages, fuel uint64) {
	l := q.lines[id]
	for _, a := range []*account{&q.total, &l.account} {
		a.running--
		a.pages -= pages
		a.fuel -= int64(fuel)
	}
	l.served += fuel
	q.idle = append(q.idle, w)
	q.dispatch()
}

// least is the smallest use among modules that are active.
func (q *queue) least() uint64 {
	var m uint64
	first := true
	for _, l := range q.lines {
		if (l.running > 0 || len(l.claims) > 0) && (first || l.served < m) {
			m, first = l.served, false
		}
	}
	return m
}

// dispatch grants what can be granted and sets the timer for what waits for
// fuel.
func (q *queue) dispatch() {
	now := time.Now()
	q.total.refill(now)
	var soon time.Duration
	for !q.stop && len(q.idle) > 0 {
		var best *line
		soon = 0
		for _, l := range q.lines {
			if len(l.claims) == 0 {
				continue
			}
			l.refill(now)
			c := l.claims[0]
			if !l.room(c.pages) || !q.total.room(c.pages) {
				continue // someone who ends will call again
			}
			if d := max(l.wait(), q.total.wait()); d > 0 {
				if soon == 0 || d < soon {
					soon = d
				}
				continue
			}
			if best == nil || l.served < best.served {
				best = l
			}
		}
		if best == nil {
			break
		}
		c := best.claims[0]
		best.claims = best.claims[1:]
		for _, a := range []*account{&q.total, &best.account} {
			a.running++
			a.pages += c.pages
		}
		c.done = true
		c.ready <- q.pick(c.id)
	}
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
	if soon > 0 && !q.stop {
		q.timer = time.AfterFunc(soon, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.dispatch()
		})
	}
}

// pick removes an idle worker: one that has the module, else one that runs, else
// any.
func (q *queue) pick(id plugins.ID) *worker {
	best, rank := 0, -1
	for i, w := range q.idle {
		r := 0
		switch {
		case w.has[id]:
			r = 2
		case w.proc != nil:
			r = 1
		}
		if r > rank {
			best, rank = i, r
		}
	}
	w := q.idle[best]
	q.idle = append(q.idle[:best], q.idle[best+1:]...)
	return w
}

// affords reports whether the module's budget of fuel and the total allow a call
// now, without a worker.
func (q *queue) affords(id plugins.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.total.refill(now)
	l := q.line(id)
	l.refill(now)
	return q.total.wait() == 0 && l.wait() == 0
}

// line returns the module's, a new one if need be.
func (q *queue) line(id plugins.ID) *line {
	l := q.lines[id]
	if l == nil {
		l = &line{account: newAccount(q.each, time.Now()), served: q.least()}
		q.lines[id] = l
	}
	return l
}

// claim waits until that worker is idle and removes it. It is for the end of the
// queue.
func (q *queue) claim(w *worker) *worker {
	for {
		q.mu.Lock()
		i := slices.Index(q.idle, w)
		if i >= 0 {
			q.idle = slices.Delete(q.idle, i, i+1)
			q.mu.Unlock()
			return w
		}
		q.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
}

// close ends the granting.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stop = true
	if q.timer != nil {
		q.timer.Stop()
	}
}
