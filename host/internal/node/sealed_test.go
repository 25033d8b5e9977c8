package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// told collects the events of a node.
type told struct {
	mu  sync.Mutex
	all []event.Event
}

func (l *told) Write(b []byte) (int, error) {
	var e event.Event
	if err := json.Unmarshal(bytes.TrimSpace(b), &e); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
	return len(b), nil
}

func (l *told) kind(k string) (out []event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

// Two nodes over the network: one has sealed a set and holds its secret, the other
// validates with a permit, gets the set and its keys by itself, is warned, and is
// told when the last window is over.
func TestSealedOverTheNetwork(t *testing.T) {
	t.Parallel()
	const windows = 5
	secret := key.Seed{77}
	x, err := dataset.Seal(lines(t, "hidden", 3*windows), windows, secret)
	if err != nil {
		t.Fatal(err)
	}
	g := testGenesis(t, "sealed")
	g.Subnets[0].Data = x.Set().Named() // from epoch 0
	g.Subnets[0].Params.Tempo = 28
	g.Subnets[0].Params.Rounds = []uint16{2, 8}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	owner, err := openConfig(t, loaded(t, newHomeWith(t, g, "elsewhere"), map[string]any{"consensus": ""}))
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	dir := owner.data.dir
	if err := errors.Join(dataset.Save(filepath.Join(dir, dataset.FileName(x.Root())), x.Encode(nil)),
		keys.Save(filepath.Join(dir, dataset.SecretName(x.Root())), secret), owner.data.own()); err != nil {
		t.Fatal(err)
	}
	c := loaded(t, newHome(t, g), map[string]any{"validate": []int{1}, "datasets.warn": 2})
	c.Join = owner.Addrs()
	var heard told
	n, err := Open(t.Context(), c, testLog(), event.NewWriter(&heard, "validator"))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, n := range []*Node{owner, n} {
		wg.Go(func() {
			if err := n.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(90 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no %s; validated: %+v", what, n.validating())
			}
		}
	}
	until("block", func() bool { return n.chain.Head().Height > 0 })
	works, proof := n.hot.Work(false)
	if _, err := n.chain.Submit(ledger.Sign(keys.Development("owner"), "sealed", 0, 50,
		&ledger.Register{NetUID: 1, Hotkey: n.hot.Public(), MaxPrice: 100 * unit.Coin, Work: works, Proof: proof})); err != nil {
		t.Fatal(err)
	}
	var at uint64 // the running epoch's window; keys of those before the permit are not given
	until("set and keys", func() bool {
		a := n.validating().Subnets
		if len(a) != 1 || a[0].Root != fmt.Sprintf("%x", x.Root()) || a[0].DataErr != "" || a[0].Left == 0 {
			return false
		}
		at = windows - a[0].Left
		return true
	})
	n.data.mu.Lock()
	h := n.data.held[x.Root()]
	n.data.mu.Unlock()
	if b, _, err := h.set.Slice(3 * at); err != nil || string(b) != fmt.Sprintf("hidden, line %d", 3*at) {
		t.Errorf("slice %d: %q, %v", 3*at, b, err)
	}
	if _, err := os.Stat(filepath.Join(n.data.fetched(), dataset.FileName(x.Root()))); err != nil {
		t.Error(err)
	}
	until("warning", func() bool { return len(heard.kind("data-low")) > 0 })
	until("end of the data", func() bool { return len(heard.kind("data-out")) > 0 })
	low, out := heard.kind("data-low"), heard.kind("data-out")[0]
	if low[0].Netuid != 1 || len(low) != 2 || low[0].Total != windows || low[0].Done != windows-2 || low[0].Epoch != windows-2 || low[1].Done != windows-1 {
		t.Errorf("warnings %+v", low)
	}
	if out.Epoch != windows || !strings.Contains(out.Err, "plexus subnet data") {
		t.Errorf("end %+v", out)
	}
	until("state without windows", func() bool {
		a := n.validating().Subnets[0]
		return a.Left == 0 && a.Windows == windows && a.DataErr == errNoWindow.Error()
	})
}

func loaded(t *testing.T, home string, flags map[string]any) config.Config {
	t.Helper()
	c, err := config.Load(home, flags)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
