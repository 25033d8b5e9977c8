package walk

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// site is machines made of network namespaces, whose cables end in one more with
// two switches: a split plugs some of them into the other one. That namespace is
// on the left switch too, as the machine of somebody who has no node.
type site struct {
	t    *testing.T
	name string
	n    int
}

func newSite(t *testing.T, n int) *site {
	s := &site{t, fmt.Sprintf("walk%d", os.Getpid()), n}
	t.Cleanup(func() {
		for i := range n + 1 {
			exec.Command("ip", "netns", "del", s.ns(i)).Run() // what was not made is not there
		}
	})
	for i := range n + 1 {
		s.ip("netns", "add", s.ns(i))
		s.ip("-n", s.ns(i), "link", "set", "lo", "up")
	}
	for _, sw := range []string{"left", "right"} {
		s.ip("-n", s.ns(n), "link", "add", sw, "type", "bridge")
		s.ip("-n", s.ns(n), "link", "set", sw, "up")
	}
	s.ip("-n", s.ns(n), "addr", "add", s.addr(n)+"/24", "dev", "left")
	for i := range n {
		s.ip("-n", s.ns(i), "link", "add", "eth0", "type", "veth", "peer", "name", s.port(i), "netns", s.ns(n))
		s.ip("-n", s.ns(i), "addr", "add", s.addr(i)+"/24", "dev", "eth0")
		s.ip("-n", s.ns(i), "link", "set", "eth0", "up")
		s.ip("-n", s.ns(n), "link", "set", s.port(i), "master", "left", "up")
	}
	return s
}

func (s *site) ns(i int) string   { return fmt.Sprintf("%s-%d", s.name, i) }
func (s *site) port(i int) string { return fmt.Sprintf("port%d", i) }
func (s *site) addr(i int) string { return fmt.Sprintf("10.78.0.%d", i+1) }

// in is the command that runs another on a machine.
func (s *site) in(i int) []string { return []string{"ip", "netns", "exec", s.ns(i)} }

func (s *site) ip(args ...string) {
	s.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		s.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// plug puts these machines on the right switch and the others on the left one.
func (s *site) plug(right ...int) {
	s.t.Helper()
	for i := range s.n {
		sw := "left"
		for _, r := range right {
			if r == i {
				sw = "right"
			}
		}
		s.ip("-n", s.ns(s.n), "link", "set", s.port(i), "master", sw)
	}
}

// Four operators on four machines, from the homes that `plexus init --network`
// writes: split in halves nobody makes a block, healed all go on; with one cut
// off the three go on and it catches up; never two blocks of one height. It
// needs root and a length: WALK_TEST_NETWORK=8s is that of each split.
func TestNetworkOfMachines(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("WALK_TEST_NETWORK"))
	if err != nil {
		t.Skip("four machines of network namespaces: set WALK_TEST_NETWORK to the length of a split, like 8s")
	}
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need ip of iproute2")
	}
	s := newSite(t, 4)
	dir := t.TempDir()
	env := environ(dir)
	args := []string{"init", "--network", "4", "--home", dir, "--no-password", "--json", "--set", "block_time=1s", "--set", "log.level=warn"}
	for i := range 4 {
		args = append(args, "--host", s.addr(i))
	}
	var made struct {
		Homes []string
		Join  string
	}
	if err := json.Unmarshal([]byte(works(t, env, args...)), &made); err != nil || len(made.Homes) != 4 {
		t.Fatal(made, err)
	}
	var all []*running
	for i, home := range made.Homes {
		all = append(all, start(t, env, home, s.in(i)))
	}
	for _, r := range all {
		r.reach(5, 60*time.Second)
	}
	top := func() (h uint64) {
		for _, r := range all {
			h = max(h, r.at())
		}
		return h
	}
	// healed waits until all have made some blocks since the cables were mended.
	healed := func(what string) {
		t.Helper()
		began, at := time.Now(), top()
		first := all[0].reach(at+1, 30*time.Second)
		for _, r := range all {
			r.reach(at+3, 60*time.Second)
		}
		t.Logf("%s, %v long: a block %v after it, all have three more %v after it", what, length, first.Round(100*time.Millisecond), time.Since(began).Round(100*time.Millisecond))
	}

	s.plug(2, 3)
	time.Sleep(time.Second) // what was under way arrives
	at := top()
	time.Sleep(length)
	if now := top(); now != at {
		t.Errorf("half of the operators made blocks %d to %d", at+1, now)
	}
	s.plug()
	healed("two and two")

	s.plug(3)
	time.Sleep(time.Second)
	alone := all[3].at()
	at = top()
	time.Sleep(length)
	for _, r := range all[:3] {
		r.reach(at+3, 40*time.Second)
	}
	if now := all[3].at(); now != alone {
		t.Errorf("one operator alone made blocks %d to %d", alone+1, now)
	}
	s.plug()
	healed("three and one")

	// Somebody else's machine reads a proved balance with the join string.
	var cold struct{ Address string }
	if err := json.Unmarshal([]byte(works(t, env, "key", "show", "operator1", "--keys", filepath.Join(dir, "coldkeys"), "--json")), &cold); err != nil {
		t.Fatal(err)
	}
	get := exec.Command("ip", append(s.in(4)[1:], binary(t), "light", "get", "account", cold.Address, "--join", made.Join, "--json")...)
	got := finish(t, get, environ(t.TempDir()))
	var a struct {
		Proved  bool
		Account struct {
			Balance string `json:"balance_rao"`
		}
	}
	if err := json.Unmarshal([]byte(got.out), &a); err != nil || !a.Proved || a.Account.Balance != "10000000000000" {
		t.Errorf("%d %s%s", got.code, got.out, got.err)
	}

	for _, r := range all {
		if code := r.end(syscall.SIGTERM); code != 0 {
			t.Errorf("%s ended with %d\n%s", r.name, code, r.log())
		}
	}
	compared := 0
	for h, root := range all[0].roots {
		for _, r := range all[1:] {
			if other, ok := r.roots[h]; ok {
				if compared++; other != root {
					t.Errorf("block %d: %s has %s, %s has %s", h, all[0].name, root, r.name, other)
				}
			}
		}
	}
	if compared < 3*int(at) {
		t.Errorf("only %d blocks were compared", compared)
	}
}
