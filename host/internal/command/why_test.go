package command

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// A miner that has just registered is explained alike by the light client and by a
// node's API: it has a place, and nothing has been asked of it.
func TestWhy(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	c := network(t)
	url := apiOf(t, c)
	hot := key.Seed{0x51}
	work, proof := hot.Work(true)
	_, at := c.Include(t, ledger.Sign(solo.Alice, c.Gen.ChainID, 0, c.Head().Height+100, &ledger.Register{NetUID: 1, Hotkey: hot.Public(), MaxPrice: 500 * unit.Coin, Work: work, Proof: proof}))
	c.Reach(t, at+2)
	name := hot.Public().String()
	for _, from := range [][]string{nil, {"--node", url}} {
		out := mustRun(t, append([]string{"why", name, "--json"}, from...)...)
		wantSchema(t, "why", out)
		var x api.Why
		if err := json.Unmarshal([]byte(out), &x); err != nil {
			t.Fatal(err)
		}
		if string(x.Hotkey) != name || x.UID == nil || *x.UID != 0 || !x.Serves || x.Registered != at || x.Place == nil || x.Place.Rank != 1 || x.Place.Recent != 1 || len(x.Epochs) == 0 || x.Epochs[0].State != "running" {
			t.Errorf("%v: %s", from, out)
		}
		out = mustRun(t, append([]string{"why", name}, from...)...)
		for _, want := range []string{"uid 0, registered at block", "rank 1 of 1", "is never replaced: it is the subnet owner's", "running; what it scores is published after its end"} {
			if !strings.Contains(out, want) {
				t.Errorf("%v: %q is not in\n%s", from, want, out)
			}
		}
		if out := mustRun(t, append([]string{"why", alice}, from...)...); !strings.Contains(out, "has no place in the subnet") {
			t.Errorf("%v: %s", from, out)
		}
		for args, want := range map[string]string{"why " + name + " --netuid 9": "no subnet has netuid 9", "why x": "not an address", "why": "one hotkey", "why " + name + " --epochs 17": "1 to 16"} {
			if _, code, err := run(t, append(strings.Fields(args), from...)...); code == 0 || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %v: %d, %v", args, from, code, err)
			}
		}
	}
	// A name that is none is refused by the API too.
	client, err := api.NewClient(url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Why(t.Context(), 1, "x", 1); err == nil || !strings.Contains(err.Error(), "not an address") {
		t.Error(err)
	}
	if _, err := client.Why(t.Context(), 1, name, 99); err == nil {
		t.Error("99 epochs")
	}
}
