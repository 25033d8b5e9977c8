package chain

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// cable is four network namespaces of one producer each, whose cables end in a
// fifth with two switches: a partition plugs some of them into the other one.
type cable struct {
	t    *testing.T
	name string
}

func newCable(t *testing.T) *cable {
	c := &cable{t, fmt.Sprintf("plexus%d", os.Getpid())}
	t.Cleanup(func() {
		for i := range 5 {
			exec.Command("ip", "netns", "del", c.ns(i)).Run() // what was not made is not there
		}
	})
	for i := range 5 {
		c.ip("netns", "add", c.ns(i))
	}
	for _, sw := range []string{"left", "right"} {
		c.ip("-n", c.ns(4), "link", "add", sw, "type", "bridge")
		c.ip("-n", c.ns(4), "link", "set", sw, "up")
	}
	for i := range 4 {
		c.ip("-n", c.ns(i), "link", "set", "lo", "up")
		c.ip("-n", c.ns(i), "link", "add", "eth0", "type", "veth", "peer", "name", c.port(i), "netns", c.ns(4))
		c.ip("-n", c.ns(i), "addr", "add", c.addr(i)+"/24", "dev", "eth0")
		c.ip("-n", c.ns(i), "link", "set", "eth0", "up")
		c.ip("-n", c.ns(4), "link", "set", c.port(i), "master", "left", "up")
	}
	return c
}

func (c *cable) ns(i int) string   { return fmt.Sprintf("%s-%d", c.name, i) }
func (c *cable) port(i int) string { return fmt.Sprintf("port%d", i) }
func (c *cable) addr(i int) string { return fmt.Sprintf("10.77.0.%d", i+1) }

func (c *cable) ip(args ...string) {
	c.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		c.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// plug puts these producers on the right switch and the others on the left one.
func (c *cable) plug(right ...int) {
	c.t.Helper()
	where := [4]string{"left", "left", "left", "left"}
	for _, i := range right {
		where[i] = "right"
	}
	for i, sw := range where {
		c.ip("-n", c.ns(4), "link", "set", c.port(i), "master", sw)
	}
}

// Four producers in network namespaces: split in halves nobody makes a block,
// and healed all go on; with one cut off the three go on, and it catches up.
// It needs root and a length: CHAIN_TEST_PARTITION=5s is that of each split.
func TestPartition(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("CHAIN_TEST_PARTITION"))
	if err != nil {
		t.Skip("four processes in network namespaces: set CHAIN_TEST_PARTITION to the length of a split, like 5s")
	}
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	c := newCable(t)
	file := genesisFile(t, 4)
	var all []*process
	for i := range 4 {
		cmd := exec.Command("ip", "netns", "exec", c.ns(i), os.Args[0])
		cmd.Env = []string{"CHAIN_TEST_IP=" + c.addr(i)}
		all = append(all, start(t, cmd, t.TempDir(), file, i, blockTime))
	}
	greetAll := func() {
		for i := range all {
			for j := range i {
				fmt.Fprintln(all[i].in, all[j].addr)
			}
		}
	}
	greetAll()
	for _, p := range all {
		p.reach(t, 5, 40*time.Second)
	}
	top := func() (h int64) {
		for _, p := range all {
			h = max(h, p.height.Load())
		}
		return h
	}
	// after waits until all have made some blocks since the cables were mended.
	after := func(what string) {
		began, at := time.Now(), top()
		for time.Since(began) < 90*time.Second && slices.ContainsFunc(all, func(p *process) bool { return p.height.Load() < at+4 }) {
			greetAll() // as a node's host does, which tries those it knows again and again
			time.Sleep(time.Second)
		}
		for i, p := range all {
			if h := p.height.Load(); h < at+4 {
				t.Fatalf("%s, %v long: producer %d is at %d after 90 s, want %d", what, length, i, h, at+4)
			}
		}
		t.Logf("%s, %v long: all have four more blocks %v after it", what, length, time.Since(began).Round(100*time.Millisecond))
	}

	c.plug(2, 3)
	time.Sleep(time.Second) // what was under way arrives
	at := top()
	time.Sleep(length)
	if now := top(); now != at {
		t.Errorf("half of the producers made blocks %d to %d", at+1, now)
	}
	c.plug()
	after("two and two")

	c.plug(3)
	time.Sleep(time.Second)
	alone := all[3].height.Load()
	at = top()
	time.Sleep(length)
	for _, p := range all[:3] {
		p.reach(t, at+4, 40*time.Second)
	}
	if now := all[3].height.Load(); now != alone {
		t.Errorf("one producer alone made blocks %d to %d", alone+1, now)
	}
	c.plug()
	after("three and one")
}
