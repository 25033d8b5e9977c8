package node

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
)

type silent struct{ plugins.Caller }

func (silent) Manifest() abi.Manifest      { return abi.Manifest{Name: "next"} }
func (silent) Close(context.Context) error { return nil }

// A module that the chain announces is loaded once, before anybody calls it; one
// that cannot be had is left alone for a while and holds up no other.
func TestAnnouncedModulesAreWarm(t *testing.T) {
	store, err := plugins.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := store.Put([]byte("a module"))
	if err != nil {
		t.Fatal(err)
	}
	loads := make(chan string, 8)
	r, err := plugins.NewRegistry(plugins.RegistryConfig{Store: store,
		Load: func(_ context.Context, module []byte, _ plugins.Limits) (plugins.Caller, error) {
			loads <- string(module)
			return silent{}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	blocks := make(chan ledger.Height)
	asked, ended := 0, make(chan struct{})
	go func() {
		defer close(ended)
		(&modules{registry: r}).warm(ctx, blocks, func() ([]announced, error) {
			asked++
			return []announced{{netuid: 3, module: plugins.ID{1}, from: 9}, {netuid: 7, module: id, from: 9}}, nil
		}, slog.New(slog.DiscardHandler))
	}()
	for h := range ledger.Height(4) {
		blocks <- h
	}
	select {
	case got := <-loads:
		if got != "a module" {
			t.Errorf("loaded %q", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was loaded")
	}
	cancel()
	<-ended
	if len(loads) != 0 || asked != 4 {
		t.Errorf("loaded %d times more, asked %d times", len(loads), asked)
	}
}
