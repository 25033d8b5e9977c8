package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// A file with its proofs is checked when the network is gone, from the join
// string or from the hash of one block; what is not in it is named.
func TestBundleFileOffline(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	chain := network(t)
	b, _ := someBundle(t)
	b.ChainID, b.Epoch = chain.Gen.ChainID, 0
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	j, err := remote.ParseJoin(os.Getenv(joinEnv))
	if err != nil {
		t.Fatal(err)
	}
	r, err := remote.Open(t.Context(), remote.Config{Join: j})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir := t.TempDir()
	write := func(name string, read func(v ledger.View)) (string, *remote.Kept) {
		k := &remote.Kept{Code: []byte("no module")}
		k.Tape, err = r.Record(t.Context(), func(v ledger.View) error { read(v); return nil })
		if err != nil {
			t.Fatal(err)
		}
		whole, err := evidence.Attach(raw, k.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		return name, k
	}
	whole, kept := write("whole", func(v ledger.View) { evidence.Verify(context.Background(), v, b, nil) })
	less, _ := write("less", func(v ledger.View) { ledger.ChainID(v) })
	bare := filepath.Join(dir, "bare")
	if err := os.WriteFile(bare, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := kept.Tape.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	chain.Stop(t)
	joined := os.Getenv(joinEnv)
	trust := fmt.Sprintf("%d:%x", own.Height, own.Hash)
	for _, c := range []struct {
		name, join, args string
		code             int
		say              string
	}{
		{"from the join string", joined, "evidence verify " + whole, exitUnavailable, "1 of 1 bundles are not to be had"},
		{"from a block", "", "evidence verify " + whole + " --trust " + trust, exitUnavailable, "1 of 1 bundles are not to be had"},
		{"without trust", "", "evidence verify " + whole, exitUsage, "--trust " + trust},
		{"with another block", "", "replay --bundle " + whole + " --trust 1:" + strings.Repeat("0", 64), exitUsage, trust},
		{"with a block that is none", "", "replay --bundle " + whole + " --trust x", exitUsage, "--trust"},
		{"of another network", strings.Replace(joined, j.String()[9:11], "zz", 1), "replay --bundle " + whole, exitUsage, "join string"},
		{"of yet another network", "plexus://" + strings.Repeat("0", 64) + j.Addrs[0], "replay --bundle " + whole, exitDiffers, "another network"},
		{"without its module", joined, "replay --bundle " + whole, exitUnavailable, "lack the module"},
		{"without its values", joined, "replay --bundle " + less, exitUnavailable, "the proofs lack the state's"},
		{"bare", "", "replay --bundle " + bare, exitUnavailable, "no network is to be had"},
		{"bare with trust", "", "replay --bundle " + bare + " --trust " + trust, exitUsage, "holds no proofs"},
		{"trust without a file", "", "replay --trust " + trust, exitUsage, "--trust is for files"},
		{"trust without a file to verify", "", "evidence verify --trust " + trust, exitUsage, "--trust is for files"},
		{"trust without a file to show", "", "evidence show --trust " + trust, exitUsage, "--trust is for files"},
	} {
		t.Setenv(joinEnv, c.join)
		if _, code, err := run(t, strings.Fields(c.args)...); err == nil || code != c.code || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: code %d, %v", c.name, code, err)
		}
	}
	// What is kept stays with an altered copy.
	got, err := readBundle(whole)
	if err != nil || got.kept == nil {
		t.Fatal(got, err)
	}
	forged := filepath.Join(dir, "forged")
	_, miner, err := leafOf(b, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, "evidence", "alter", whole, "--round", "0", "--hotkey", miner.String(), "--score", "1", "--out", forged)
	if got, err := readBundle(forged); err != nil || got.kept == nil || got.bundle.Root() == b.Root() {
		t.Error(got, err)
	}
	damaged, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	damaged[len(damaged)-40] ^= 1
	if err := os.WriteFile(forged, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code, err := run(t, "replay", "--bundle", forged); err == nil || code != exitDiffers {
		t.Error(code, err)
	}
}
