package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/solo"
)

// started runs the node of a home and returns what it prints, and how to stop it.
func started(t *testing.T, home string) (out *lines, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, done := &lines{}, make(chan error, 1)
	root := newRoot()
	root.SetOut(out)
	root.SetErr(&lines{})
	root.SetArgs([]string{"start", "--home", home, "--set", "log.level=error", "--set", "admin.socket=a.sock"})
	go func() { done <- root.ExecuteContext(ctx) }()
	return out, func() error { cancel(); return <-done }
}

func snapshotOf(t *testing.T, printed string) (s admin.Snapshot) {
	t.Helper()
	if err := json.Unmarshal([]byte(printed), &s); err != nil || s.Height == 0 || s.Keys == 0 || len(s.Root) != 64 {
		t.Fatal(printed, err)
	}
	return s
}

// TestSnapshots makes snapshots of a running and a stopped node, restores them,
// and does what can go wrong with the files.
func TestSnapshots(t *testing.T) {
	home, made := one(t)
	out, stop := started(t, home)
	solo.Eventually(t, "a block", func() bool { return strings.Contains(out.String(), "block 4") })
	running := snapshotOf(t, mustRun(t, "snapshot", "create", "--home", home, "--set", "admin.socket=a.sock", "--json"))
	if _, code, err := run(t, "state", "export", filepath.Join(t.TempDir(), "f"), "--home", home); code != exitLocked || !strings.Contains(err.Error(), "snapshot create") {
		t.Error("of a running node:", code, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	printed := mustRun(t, "snapshot", "create", "--home", home, "--json")
	wantSchema(t, "snapshot create", printed)
	s := snapshotOf(t, printed)
	if s.Height < running.Height || s.Genesis != made.Genesis {
		t.Errorf("%+v after %+v", s, running)
	}
	printed = mustRun(t, "snapshot", "ls", "--home", home, "--verify", "--json")
	wantSchema(t, "snapshot ls", printed)
	if !strings.Contains(printed, s.Hash) || !strings.Contains(printed, running.Hash) {
		t.Error(printed)
	}
	file := filepath.Join(t.TempDir(), "state.plx")
	printed = mustRun(t, "state", "export", file, "--home", home, "--json")
	wantSchema(t, "state export", printed)
	if got := snapshotOf(t, printed); got.Hash != s.Hash || got.Root != s.Root {
		t.Errorf("exported %+v, the snapshot is %+v", got, s)
	}
	if _, code, err := run(t, "state", "export", file, "--home", home); code != exitUsage || !strings.Contains(err.Error(), "exists") {
		t.Error("over an existing file:", code, err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if piped := mustRun(t, "state", "export", "-", "--home", home); piped != string(whole) {
		t.Errorf("%d bytes to standard output, %d to the file", len(piped), len(whole))
	}

	other := filepath.Join(t.TempDir(), "other")
	mustRun(t, "init", "--home", other, "--genesis", filepath.Join(home, genesisFile), "--set", "api.listen=", "--set", "admin.socket=")
	if _, code, err := run(t, "state", "export", file+"2", "--home", other); code != exitIO || !strings.Contains(err.Error(), "start its node first") {
		t.Error("of a home without a chain:", code, err)
	}
	flip := func(at int) []byte { b := bytes.Clone(whole); b[at] ^= 4; return b }
	for name, c := range map[string]struct {
		b   []byte
		say string
	}{
		"cut":            {whole[:len(whole)-100], "cut off"},
		"empty":          {nil, "cut off"},
		"a value":        {flip(200), "chunk 0 of"},
		"the manifest":   {flip(len(whole) - 200), "has other bytes"},
		"the end":        {flip(len(whole) - 1), "cut off"},
		"later version":  {flip(len("plexus state\r\n\x1a")), "version 5"},
		"something else": {bytes.Repeat([]byte("no snapshot "), 100), "does not begin like a snapshot"},
		"longer":         {append(bytes.Clone(whole), 0), "cut off"},
	} {
		bad := filepath.Join(t.TempDir(), "bad.plx")
		if err := os.WriteFile(bad, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, code, err := run(t, "state", "import", bad, "--home", other); code != exitDiffers || !strings.Contains(err.Error(), c.say) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %d, %v; want %q", name, code, err, c.say)
		}
	}
	if _, code, err := run(t, "state", "import", file, "--home", other, "--trust", fmt.Sprintf("%d:%064x", s.Height, 7)); code != exitDiffers || !strings.Contains(err.Error(), "trusted is") {
		t.Error("another block is trusted:", code, err)
	}
	if _, code, err := run(t, "state", "import", file, "--home", other, "--trust", "7"); code != exitUsage {
		t.Error(code, err)
	}
	printed = mustRun(t, "state", "import", file, "--home", other, "--json")
	wantSchema(t, "state import", printed)
	if got := snapshotOf(t, printed); got.Root != s.Root || got.Height != s.Height {
		t.Errorf("imported %+v, exported %+v", got, s)
	}
	if again := snapshotOf(t, mustRun(t, "snapshot", "create", "--home", other, "--json")); again.Hash != s.Hash {
		t.Errorf("the imported state gives the snapshot %s, want %s", again.Hash, s.Hash)
	}
	if _, code, err := run(t, "state", "import", file, "--home", other); code != exitDiffers || !strings.Contains(err.Error(), "--replace") {
		t.Error("over a chain:", code, err)
	}

	// The producer's own home, put back to its last block, goes on from there.
	mustRun(t, "snapshot", "restore", fmt.Sprint(s.Height), "--home", home, "--replace")
	if _, code, err := run(t, "snapshot", "restore", fmt.Sprint(s.Height), "--home", home, "--replace"); code != exitDiffers || !strings.Contains(err.Error(), ".before is there") {
		t.Error("twice:", code, err)
	}
	out, stop = started(t, home)
	solo.Eventually(t, "a block more", func() bool { return strings.Contains(out.String(), fmt.Sprintf("block %d,", s.Height+2)) })
	if strings.Contains(out.String(), fmt.Sprintf("block %d,", s.Height)) {
		t.Error("it did not begin behind the snapshot:", out)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	// A damaged file is named, and one of another network refused.
	if err := os.WriteFile(s.File, flip(200), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code, err := run(t, "snapshot", "ls", "--home", home, "--verify"); code != exitDiffers || !strings.Contains(out, "chunk 0 of") || !strings.Contains(err.Error(), "1 of ") {
		t.Error(out, code, err)
	}
	foreign, _ := one(t)
	if _, code, err := run(t, "state", "import", file, "--home", foreign); code != exitConfig || !strings.Contains(err.Error(), "genesis") {
		t.Error("of another network:", code, err)
	}
}
