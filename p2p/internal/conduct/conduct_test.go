package conduct

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestConduct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Conduct
		if c.Points("a") != 0 || c.Shunned("a") {
			t.Error("a stranger has points")
		}
		c.Blame("a", 600)
		c.Blame("a", -5)
		c.Blame("a", math.NaN())
		if c.Shunned("a") || c.Points("a") != 600 {
			t.Errorf("%v points", c.Points("a"))
		}
		c.Blame("a", 400)
		if !c.Shunned("a") || c.Shunned("b") {
			t.Error("a peer with 1000 points is not shunned, or another is")
		}
		time.Sleep(halfLife)
		if c.Shunned("a") || math.Abs(c.Points("a")-500) > 1e-6 {
			t.Errorf("%v points after half of them were forgiven", c.Points("a"))
		}
		c.Blame("a", 1e300)
		if p := c.Points("a"); p > 4*Shun {
			t.Errorf("%v points: nobody would live to see them forgiven", p)
		}
	})
}

// A crowd of identities cannot make those forgotten who did worse.
func TestBound(t *testing.T) {
	var c Conduct
	c.Blame("worst", 2*Shun)
	for i := range 2 * most {
		c.Blame(peer.ID([]byte{byte(i), byte(i >> 8), 1}), 1)
	}
	if len(c.points) != most || !c.Shunned("worst") {
		t.Errorf("%d peers, the worst has %v", len(c.points), c.Points("worst"))
	}
}
