package command

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

func TestLightGet(t *testing.T) {
	user := t.TempDir()
	t.Setenv("HOME", user)
	c := network(t)
	bob := key.ID{0xb0}
	c.Include(t, c.Transfer(0, bob, 5*unit.Coin/2))
	c.Reach(t, c.Head().Height+2)

	get := func(args ...string) (a lightAnswer) {
		t.Helper()
		out := mustRun(t, append(append([]string{"light", "get"}, args...), "--json")...)
		wantSchema(t, "light get "+args[0], out)
		if err := json.Unmarshal([]byte(out), &a); err != nil || !a.Proved || a.Height < 3 || a.Header == (api.Hash{}) {
			t.Fatalf("%s: %v", out, err)
		}
		return a
	}
	if a := get("account", bob.String()); a.Account.Balance != 5*api.Amount(unit.Coin)/2 || a.Account.Proof.Header != a.Header {
		t.Errorf("%+v", a.Account)
	}
	// The header that a value was proved against is the chain's own.
	a := get("head")
	v := c.View()
	if own, ok, err := ledger.BlockHash(v, a.Height); err != nil || !ok || own != a.Header {
		t.Errorf("header %s, the chain has %x, %v", a.Header, own, err)
	}
	v.Close()
	if a := get("metagraph", "1"); a.Metagraph.NetUID != 1 || a.Metagraph.Height != a.Height {
		t.Errorf("%+v", a.Metagraph)
	}
	// The proof that is printed holds by itself; so does one of absence.
	for _, key := range []string{hex.EncodeToString(append([]byte("account/"), bob[:]...)), "ffff"} {
		s := get("state", key).State
		proof, err := store.DecodeProof(s.Proof)
		if err != nil {
			t.Fatal(err)
		}
		var value []byte
		if s.Value != nil {
			value = *s.Value
		}
		if err := store.Verify(s.Root, s.Key, value, proof); err != nil || (value == nil) != (key == "ffff") {
			t.Errorf("%s: %x, %v", key, value, err)
		}
		if err := store.Verify(s.Root, s.Key, append(value, 1), proof); err == nil {
			t.Errorf("%s: another value has the same proof", key)
		}
	}
	if out := mustRun(t, "light", "get", "account", bob.String()); !strings.Contains(out, "2.5 TAO, nonce 0\nproved at height") {
		t.Error(out)
	}
	for args, want := range map[string]string{"account x": "not an address", "account": "one argument, ADDRESS", "state xyz": "hexadecimal", "state": "KEY", "head 3": "no arguments",
		"metagraph 70000": "65535", "metagraph 9": "no subnet has netuid 9", "hed": `did you mean "head"`} {
		if _, code, err := run(t, append([]string{"light", "get"}, strings.Fields(args)...)...); code != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d, %v", args, code, err)
		}
	}

	// What was verified is kept, and is no less checked than an answer.
	hash := c.Gen.Hash()
	file := filepath.Join(user, ".plexus", "light", fmt.Sprintf("%x.header", hash[:8]))
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, "light", "get", "head"); !errors.Is(err, chain.ErrVerify) || !strings.Contains(err.Error(), file) {
		t.Errorf("a damaged header: %v", err)
	}
}

// Commands that read once keep what they verified, so that the join string stays
// good, and do without where they may not write.
func TestHeaderIsKept(t *testing.T) {
	user := t.TempDir()
	t.Setenv("HOME", user)
	c := network(t)
	c.Reach(t, 3)
	hash := c.Gen.Hash()
	file := filepath.Join(user, ".plexus", "light", fmt.Sprintf("%x.header", hash[:8]))
	mustRun(t, "metagraph")
	first, err := os.ReadFile(file)
	if err != nil || len(first) == 0 {
		t.Fatal(err)
	}
	c.Reach(t, c.Head().Height+2)
	mustRun(t, "metagraph")
	if later, err := os.ReadFile(file); err != nil || string(later) == string(first) {
		t.Errorf("the header kept is not the newest: %v", err)
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, "metagraph"); !errors.Is(err, chain.ErrVerify) || !strings.Contains(err.Error(), file) {
		t.Errorf("a damaged header: %v", err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Dir(file)), os.WriteFile(filepath.Dir(file), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "metagraph")
}

// A light client serves the read routes of a node, follows the chain, and
// answers nothing once no node does.
func TestLight(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	c := network(t)
	bob := key.ID{0xb0}
	c.Include(t, c.Transfer(0, bob, unit.Coin))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, done := &lines{}, make(chan error, 1)
	root := newRoot()
	root.SetOut(out)
	root.SetErr(&lines{})
	root.SetArgs([]string{"light", "--listen", "127.0.0.1:0"})
	go func() { done <- root.ExecuteContext(ctx) }()
	solo.Eventually(t, "two blocks", func() bool { return strings.Count(out.String(), " verified, ") >= 2 })
	url := regexp.MustCompile(`http://[0-9.]+:[0-9]+`).FindString(out.String())

	printed := mustRun(t, "status", "--node", url, "--account", bob.String(), "--json")
	wantSchema(t, "status", printed)
	var s statusReport
	if err := json.Unmarshal([]byte(printed), &s); err != nil || !s.Light || s.Height == 0 || s.Account.Balance != api.Amount(unit.Coin) || s.Account.Proof == nil {
		t.Errorf("%v %s", err, printed)
	}
	if printed := mustRun(t, "status", "--node", url); !strings.Contains(printed, "every answer proved") {
		t.Error(printed)
	}
	client, err := api.NewClient(url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.History(ctx, bob.String(), "", 10); err == nil {
		t.Error("a light client has a history")
	}
	// Two clients of one network do not share a port.
	if _, code, err := run(t, "light", "--listen", strings.TrimPrefix(url, "http://")); code != exitInUse {
		t.Error(code, err)
	}

	c.Stop(t)
	if _, code, err := run(t, "light", "get", "head"); code != exitNetwork {
		t.Errorf("no node: %d, %v", code, err)
	}
	if _, err := client.Status(ctx); err == nil {
		t.Error("an answer that no node gave")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLightSaysEachHead(t *testing.T) {
	out := &lines{}
	sayHead(out, chain.Head{Height: 7, Time: 1_000}, true)
	var e event.Event
	if err := json.Unmarshal([]byte(out.String()), &e); err != nil || e.Height != 7 || e.Kind != "block" {
		t.Error(out.String(), err)
	}
}
