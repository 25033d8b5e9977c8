package node

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/store"
)

// launch runs a node until the test ends.
func launch(t *testing.T, n *Node) *producer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &producer{Node: n, stop: cancel, done: make(chan error, 1)}
	go func() { p.done <- n.Run(ctx) }()
	t.Cleanup(func() { p.end() })
	return p
}

// emptyHome writes the home of a full node, as change alters its configuration.
func emptyHome(t *testing.T, g *ledger.Genesis, change func(*config.Config)) string {
	t.Helper()
	c := config.Default()
	c.Home, c.BlockTime, c.API.Listen, c.Admin.Socket = t.TempDir(), 100*time.Millisecond, "", ""
	change(&c)
	if err := errors.Join(c.Save(), os.WriteFile(filepath.Join(c.Home, "genesis.cbor"), g.Encode(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return c.Home
}

// events collects what a node tells.
type events struct {
	mu sync.Mutex
	b  strings.Builder
}

func (e *events) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.b.Write(b)
}

func (e *events) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.b.String()
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(150 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s after 150 s", what)
		}
	}
}

// A second home joins by state sync, told of it by its configuration alone: the
// first has forgotten the blocks that it does not ask for. It then serves a
// snapshot itself.
func TestJoinBySnapshot(t *testing.T) {
	t.Parallel()
	g := testGenesis(t, "sync")
	home := newHome(t, g)
	begin := func(keep int, pace string) (*Node, *producer) {
		c, err := config.Load(home, map[string]any{"snapshot.interval": 10, "snapshot.keep": 1, "prune.keep": keep, "block_time": pace})
		if err != nil {
			t.Fatal(err)
		}
		n, err := openConfig(t, c)
		if err != nil {
			t.Fatal(err)
		}
		return n, launch(t, n)
	}
	n, first := begin(20, "50ms")
	wait(t, "pruning behind a snapshot", func() bool { return n.chain.Base() > 5 })
	if err := first.end(); err != nil {
		t.Fatal(err)
	}
	// From here it forgets no more, and goes on slowly, so that whoever joins may
	// take the time that a busy machine takes.
	n, first = begin(100_000, "400ms")
	// Older than anything the joining node will fetch.
	b, err := n.chain.Stored(n.chain.Base() + 1)
	if err != nil {
		t.Fatal(err)
	}
	join := remote.Join{Genesis: g.Hash(), Anchor: &chain.Anchor{Height: b.Height, Hash: b.Hash}, Addrs: n.Addrs()}.String()

	other := emptyHome(t, g, func(c *config.Config) {
		c.Join, c.StateSync.Enable, c.BlockTime = []string{join}, true, 400*time.Millisecond
	})
	c, err := config.Load(other, nil)
	if err != nil {
		t.Fatal(err)
	}
	var told events
	m, err := Open(t.Context(), c, testLog(), event.NewWriter(&told, "joined"))
	if err != nil {
		t.Fatal(err)
	}
	joined := launch(t, m)
	wait(t, "second node that follows", func() bool {
		return m.chain.Head().Height > 0 && m.chain.Head().Height+3 >= n.chain.Head().Height && !m.chain.CatchingUp()
	})
	at := m.chain.Head().Height
	wait(t, "next blocks", func() bool { return m.chain.Head().Height >= at+3 })
	if base := m.chain.Base(); base < 10 {
		t.Errorf("the second node has blocks from %d on: it did not begin with a snapshot", base)
	}
	mine, err1 := m.chain.Stored(at + 1)
	theirs, err2 := n.chain.Stored(at + 1)
	if err1 != nil || err2 != nil || mine.Hash != theirs.Hash {
		t.Errorf("block %d: %v, %v", at+1, err1, err2)
	}
	if !strings.Contains(told.String(), `"restoring"`) {
		t.Error("nothing was told of the restore")
	}

	// The operator asks for one now, and it holds.
	a, err := m.operate(t.Context(), admin.Request{Do: "snapshot"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := store.OpenPath(a.Snapshot.File)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Verify(t.Context(), nil); err != nil || f.Manifest.Height != a.Snapshot.Height || a.Snapshot.Height < at {
		t.Errorf("%+v: %v", a.Snapshot, err)
	}
	if all, err := n.shelf.List(); err != nil || len(all) > 5 {
		t.Errorf("%d files are kept, want the newest and at most 4 that are fetched: %v", len(all), err)
	}
	if err := errors.Join(joined.end(), first.end()); err != nil {
		t.Fatal(err)
	}

	// The same home goes on from where it was, though state sync is still asked for.
	if m, err = Open(t.Context(), c, testLog(), event.NewWriter(io.Discard, "again")); err != nil {
		t.Fatal(err)
	}
	if got := m.chain.Head().Height; got < at {
		t.Errorf("it began anew at %d", got)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// A block that the network does not have is refused as the root of trust.
func TestJoinWithFalseTrust(t *testing.T) {
	t.Parallel()
	g := testGenesis(t, "trust")
	home := newHome(t, g)
	c, err := config.Load(home, map[string]any{"snapshot.interval": 5})
	if err != nil {
		t.Fatal(err)
	}
	n, err := openConfig(t, c)
	if err != nil {
		t.Fatal(err)
	}
	launch(t, n)
	wait(t, "blocks", func() bool { return n.chain.Head().Height > 8 })
	other := emptyHome(t, g, func(c *config.Config) {
		c.Join = []string{remote.Join{Genesis: g.Hash(), Addrs: n.Addrs()}.String()}
		c.StateSync = config.StateSync{Enable: true, Trust: "4:" + strings.Repeat("ab", 32)}
	})
	m, err := open(t, other)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	wantError(t, m.Run(ctx), chain.ErrVerify, "statesync.trust")
}
