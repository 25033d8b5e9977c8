package chain

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

// What subscribers are told can be read again, also after a restart, and whose
// balance changed is exact.
func TestStoredBlocks(t *testing.T) {
	t.Parallel()
	net, home := newTestnet(t, 1), t.TempDir()
	n := net.launch(t, home, 0)
	bob := key.ID{0xb0}
	id, err := n.Submit(transfer(alice, 0, bob, 5*unit.Coin))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "inclusion", func() bool { return n.TxStatus(id).State == Included })
	height := n.TxStatus(id).Height
	n.reach(t, height+1)
	if err := n.shut(t); err != nil {
		t.Fatal(err)
	}
	told := n.blocks
	n = net.launch(t, home, 0)
	for _, b := range told {
		got, err := n.Stored(b.Height)
		if err != nil {
			t.Fatal(err)
		}
		b.Applied = 0
		if !reflect.DeepEqual(got.Block, b) {
			t.Fatalf("block %d is %+v, told %+v", b.Height, got.Block, b)
		}
		if b.Height == height {
			if len(b.Events) != 1 || b.Events[0].Entry != 1 || len(got.Entries) != 2 {
				t.Fatalf("events %+v of %d entries", b.Events, len(got.Entries))
			}
			paid := map[key.ID]int64{}
			for _, c := range b.Changes {
				paid[c.Account] = int64(c.After) - int64(c.Before)
			}
			v := n.View()
			acc, err := ledger.LoadAccount(v, alice.Public())
			v.Close()
			if err != nil || paid[bob] != 5e9 || paid[alice.Public()] != int64(acc.Balance)-1000e9 {
				t.Fatalf("changes %v, balance %v, %v", paid, acc.Balance, err)
			}
		}
	}
	if _, err := n.Stored(n.Head().Height + 100); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("block to come: %v", err)
	}
	if err := n.At(n.Head().Height+100, func(*store.Snapshot) error { return nil }); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("state to come: %v", err)
	}
	if err := n.forget(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Stored(n.Base()); err != nil {
		t.Fatalf("a block that is stored was forgotten: %v", err)
	}
}
