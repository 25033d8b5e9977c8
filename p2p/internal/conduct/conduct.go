// Package conduct remembers what peers did wrong.
package conduct

import (
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// Shun is the number of points from which on a peer's streams are refused.
	Shun = 1000
	// halfLife is after how long half of the points are forgiven.
	halfLife = 10 * time.Minute
	// most bounds the peers remembered. For a new one the least of a sample goes, so
	// that a crowd does not push out who did worse.
	most, sample = 4096, 32
)

// Conduct has the points of peers, which time forgives. The zero value is ready.
type Conduct struct {
	mu     sync.Mutex
	points map[peer.ID]mark
}

type mark struct {
	points float64
	at     time.Time
}

func (m mark) now() float64 {
	return m.points * math.Exp2(-float64(time.Since(m.at))/float64(halfLife))
}

// Blame adds points to a peer's.
func (c *Conduct) Blame(id peer.ID, points float64) {
	if points <= 0 || math.IsNaN(points) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.points == nil {
		c.points = map[peer.ID]mark{}
	}
	if _, ok := c.points[id]; !ok && len(c.points) >= most {
		var least peer.ID
		low, left := math.Inf(1), sample
		for p, m := range c.points {
			if n := m.now(); n < low {
				least, low = p, n
			}
			if left--; left == 0 {
				break
			}
		}
		delete(c.points, least)
	}
	c.points[id] = mark{min(c.points[id].now()+points, 4*Shun), time.Now()}
}

// Points returns those that a peer has now.
func (c *Conduct) Points(id peer.ID) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.points[id]
	if !ok {
		return 0
	}
	return m.now()
}

// Shunned reports whether a peer's streams are refused.
func (c *Conduct) Shunned(id peer.ID) bool { return c.Points(id) >= Shun }
