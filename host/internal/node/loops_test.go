package node

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
)

// one finds a subnet in a list.
func one(t *testing.T, all []admin.Subnet, netuid uint16) admin.Subnet {
	t.Helper()
	for _, s := range all {
		if s.NetUID == netuid {
			return s
		}
	}
	t.Fatalf("netuid %d is not among %+v", netuid, all)
	return admin.Subnet{}
}

// A loop that fails over and over is started again after growing pauses, and the
// other one never notices.
func TestAFaultStaysInItsSubnet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lives [3]atomic.Int32
		var pauses []time.Duration
		l := newLoops(testLog())
		l.run = func(ctx context.Context, s *subnetLoop, quit <-chan struct{}) error {
			lives[s.netuid].Add(1)
			if s.netuid == 1 {
				return errors.New("disk of this subnet")
			}
			<-ctx.Done()
			return nil
		}
		l.fault = func(n ledger.NetUID, err error, again time.Duration) {
			if n != 1 || !strings.Contains(describe(err, again), "disk of this subnet") {
				t.Errorf("fault of netuid %d: %v", n, err)
			}
			pauses = append(pauses, again)
		}
		l.gone, l.bound = func(ledger.NetUID) {}, func(config.Subnet) {}
		l.ask([]config.Subnet{{NetUID: 1}, {NetUID: 2}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		bad, good := one(t, l.list(), 1), one(t, l.list(), 2)
		if bad.State != "waiting" || bad.Restarts != int(lives[1].Load()) || bad.Err != "disk of this subnet" || bad.ErrAt == nil {
			t.Errorf("the one that fails: %+v after %d lives", bad, lives[1].Load())
		}
		if good.State != "running" || good.Restarts != 0 || lives[2].Load() != 1 || good.Err != "" {
			t.Errorf("the other one: %+v after %d lives", good, lives[2].Load())
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if pauses[i] != want*time.Second {
				t.Errorf("pause %d is %v, want %d s", i, pauses[i], want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// What is asked for changes while loops run: a removed one ends in order, and one
// that comes back meanwhile begins only after that, for both would write the same
// rounds.
func TestSubnetsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		live := map[ledger.NetUID]int{}
		var forgot []ledger.NetUID
		round := make(chan struct{}) // the round in flight of netuid 1 ends
		l := newLoops(testLog())
		l.run = func(ctx context.Context, s *subnetLoop, quit <-chan struct{}) error {
			mu.Lock()
			live[s.netuid]++
			if live[s.netuid] > 1 {
				t.Errorf("netuid %d has two loops", s.netuid)
			}
			mu.Unlock()
			select {
			case <-ctx.Done():
			case <-quit:
				if s.netuid == 1 {
					<-round
				}
			}
			mu.Lock()
			live[s.netuid]--
			mu.Unlock()
			return nil
		}
		l.fault = func(n ledger.NetUID, err error, _ time.Duration) { t.Errorf("netuid %d: %v", n, err) }
		l.gone = func(n ledger.NetUID) { mu.Lock(); defer mu.Unlock(); forgot = append(forgot, n) }
		bounds := map[ledger.NetUID]uint64{}
		l.bound = func(s config.Subnet) { mu.Lock(); defer mu.Unlock(); bounds[s.NetUID] = s.Fuel }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		is := func(want ...ledger.NetUID) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for _, c := range live {
				n += c
			}
			for _, w := range want {
				if live[w] != 1 {
					t.Errorf("netuid %d does not run: %v", w, live)
				}
			}
			if n != len(want) {
				t.Errorf("running %v, want %v", live, want)
			}
		}
		is()
		l.ask([]config.Subnet{{NetUID: 1, Fuel: 5}, {NetUID: 2}})
		is(1, 2)
		l.ask([]config.Subnet{{NetUID: 2, Fuel: 7}, {NetUID: 3}})
		is(1, 2, 3) // 1 has a round in flight
		if s := one(t, l.list(), 1); s.State != "ending" {
			t.Errorf("%+v", s)
		}
		if s := one(t, l.list(), 2); s.Fuel != 7 {
			t.Errorf("changed bounds: %+v", s)
		}
		l.ask([]config.Subnet{{NetUID: 1, Fuel: 9}, {NetUID: 2}})
		is(1, 2)
		close(round)
		is(1, 2)
		if s := one(t, l.list(), 1); s.State != "running" || s.Fuel != 9 {
			t.Errorf("back again: %+v", s)
		}
		if bounds[1] != 9 || bounds[2] != 0 || bounds[3] != 0 {
			t.Errorf("bounds: %v", bounds)
		}
		if len(forgot) != 2 { // 3, and the first life of 1
			t.Errorf("gone: %v", forgot)
		}
		l.ask(nil)
		is()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// What an operator changes in the configuration of a running node is seen in it.
func TestSubnetsReload(t *testing.T) {
	n, err := open(t, newHome(t, testGenesis(t, "reload")))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	fresh := n.cfg
	n.Control(Control{Config: func() (config.Config, error) { return fresh, nil }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	list := func() []admin.Subnet { return n.validating().Subnets }
	until := func(what string, ok func([]admin.Subnet) bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !ok(list()); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %+v", what, list())
			}
		}
	}
	reload := func(want ...string) {
		t.Helper()
		text, err := n.Reload()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%q does not say %q", text, w)
			}
		}
		if strings.Contains(text, "restart") {
			t.Errorf("%q", text)
		}
	}
	if a := n.validating(); len(a.Subnets) != 0 || a.Text == "" {
		t.Errorf("nothing is configured: %+v", a)
	}
	fresh.Validate, fresh.Data = []ledger.NetUID{1}, "data"
	fresh.Subnets = []config.Subnet{{NetUID: 4, Data: "other.set", Fuel: 1000}}
	reload("applied", "validate [] -> [1]", `"netuid":4`, "data  -> data")
	until("two", func(l []admin.Subnet) bool {
		return len(l) == 2 && l[0].NetUID == 1 && l[0].Data == n.cfg.Path("data") && l[1].Data == n.cfg.Path("other.set") && l[1].Fuel == 1000 && l[1].State == "running"
	})
	fresh.Validate = nil
	fresh.Subnets = []config.Subnet{{NetUID: 4, Fuel: 2000, Memory: 3}}
	reload("applied", "validate [1] -> []")
	until("one", func(l []admin.Subnet) bool {
		return len(l) == 1 && l[0].NetUID == 4 && l[0].Fuel == 2000 && l[0].Memory == 3 && l[0].Data == n.cfg.Path("data")
	})
	reload("nothing has changed")
	// Evidence that an archive has kept goes when a bound is set.
	put := func(e ledger.Epoch) {
		t.Helper()
		if _, _, err := n.bundles.Put(4, e, func(io.Writer) ([32]byte, error) { return [32]byte{byte(e)}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	fresh.Evidence = config.Evidence{Keep: 9, Archive: true}
	reload("applied", "evidence.archive false -> true")
	for e := range ledger.Epoch(20) {
		put(e)
	}
	if all, err := n.bundles.List(); err != nil || len(all) != 20 {
		t.Errorf("an archive keeps %d of 20, %v", len(all), err)
	}
	fresh.Evidence.Archive = false
	reload("applied", "evidence.archive true -> false")
	put(20)
	if all, err := n.bundles.List(); err != nil || len(all) != 10 || all[0].Epoch != 11 {
		t.Errorf("nine epochs and the last are %d: %v, %v", len(all), all, err)
	}
	if n.modules.pool == nil {
		t.Error("a node with a hotkey cannot run modules")
	}
}

func TestSubnetsNeedAHotkey(t *testing.T) {
	home := newHome(t, testGenesis(t, "without"))
	c, err := config.Load(home, map[string]any{"hotkey": "", "consensus": ""})
	if err != nil {
		t.Fatal(err)
	}
	n, err := openConfig(t, c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	c.Hotkey, c.Subnets = "hotkey.key", []config.Subnet{{NetUID: 1}}
	n.Control(Control{Config: func() (config.Config, error) { return c, nil }})
	if _, err := n.Reload(); !errors.Is(err, config.ErrConfig) || !strings.Contains(err.Error(), "hotkey") {
		t.Errorf("reloaded: %v", err)
	}
}
