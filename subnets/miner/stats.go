package miner

import (
	"maps"
	"slices"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/round"
)

// Outcomes of an exchange beside the refusals of package round.
const (
	Answered  = "answered"   // the payload was handed over
	Busy      = "busy"       // the caller was told to come back
	NoReceipt = "no-receipt" // none came for the announced answer, or a wrong one
	Lost      = "lost"       // the stream ended before the exchange did
)

// Outcomes lists the names that Stats counts under.
func Outcomes() []string {
	out := []string{Answered, Busy, NoReceipt, Lost}
	for _, r := range round.Refusals() {
		out = append(out, r.String())
	}
	return out
}

// Stats is what a miner counted of one subnet since it began. Requests that name
// no subnet it serves are counted under netuid 0.
type Stats struct {
	NetUID     ledger.NetUID
	Running    int // answers in the making
	Waiting    int // requests that wait for their turn or their task
	Remembered int // requests
	Outcomes   map[string]int64
}

// Stats returns the counts, by rising netuid.
func (m *Miner) Stats() []Stats {
	out := []Stats{{Outcomes: m.counts.of(0)}}
	for _, n := range slices.Sorted(maps.Keys(m.subnets)) {
		s := m.subnets[n]
		x := Stats{NetUID: n, Outcomes: m.counts.of(n)}
		x.Running, x.Waiting = s.queue.load()
		s.seen.mu.Lock()
		x.Remembered = s.seen.count
		s.seen.mu.Unlock()
		out = append(out, x)
	}
	return out
}

type counts struct {
	mu sync.Mutex
	n  map[ledger.NetUID]map[string]int64
}

func (c *counts) add(n ledger.NetUID, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[ledger.NetUID]map[string]int64{}
	}
	if c.n[n] == nil {
		c.n[n] = map[string]int64{}
	}
	c.n[n][outcome]++
}

func (c *counts) of(n ledger.NetUID) map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]int64, len(c.n[n]))
	maps.Copy(out, c.n[n])
	return out
}
