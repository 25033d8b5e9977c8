package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/store"
)

// run runs a command line in an empty home and returns what it printed, its
// error and its exit code.
func run(t *testing.T, args ...string) (out string, code int, err error) {
	t.Helper()
	root := newRoot()
	var b bytes.Buffer
	root.SetOut(&b)
	root.SetErr(&b)
	root.SetArgs(args)
	if err = root.ExecuteContext(t.Context()); err != nil {
		code = exitCode(err)
	}
	return b.String(), code, err
}

const alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

func TestUsage(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv(joinEnv, "")
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		say  string // in the error
	}{
		{"nonsense", 64, `unknown command "nonsense"`},
		{"replai", 64, `did you mean "replay"`},
		{"help nonsense", 64, `unknown command "nonsense"`},
		{"help evidence nonsense", 64, "plexus evidence --help"},
		{"replay --nonsense", 64, "plexus replay --help"},
		{"replay --engine fast", 64, "interpreter, compiler or both"},
		{"replay extra", 64, "takes no arguments"},
		{"replay", 64, "start one with 'plexus dev'"},
		{"replay --join garbage", 64, "plexus://<genesis hash"},
		{"replay --netuid 70000", 64, "netuid"},
		{"metagraph", 64, "start one with 'plexus dev'"},
		{"metagraph --join plexus://zz", 64, "plexus://<genesis hash"},
		{"send", 64, "an amount and an address"},
		{"send 1", 64, "an amount and an address"},
		{"send 1 2 3", 64, "an amount and an address"},
		{"send x " + alice, 64, "not an amount"},
		{"send -- -1 " + alice, 64, "not an amount"},
		{"send 1.0000000001 " + alice, 64, "1.0000000001"},
		{"send 99999999999999 " + alice, 64, "99999999999999"},
		{"send 1 nobody", 64, "not an address"},
		{"send 1 " + alice[:47] + "Z", 64, "checksum"},
		{"send 1 " + alice, 64, "--from KEY is needed"},
		{"send 1 " + alice + " --from nobody", exitKey, "plexus key new nobody"},
		{"register", 64, "--hotkey KEY is needed"},
		{"register --hotkey //a --max-price cheap", 64, "not an amount"},
		{"miner", 64, "--hotkey KEY and a model are needed"},
		{"key new", 64, "takes one name"},
		{"key new ../../etc/passwd --no-password", exitUsage, "use letters"},
		{"key list extra", 64, "takes no arguments"},
		{"dev --plain --json", 64, "exclude each other"},
		{"dev --keep " + file, exitIO, file},
		{"node", 64, "--home DIR is needed"},
		{"engine", 64, "text-mix"},
		{"engine nonsense", 64, "nonsense"},
	} {
		_, code, err := run(t, strings.Fields(c.args)...)
		if err == nil || code != c.code || !strings.Contains(err.Error(), c.say) {
			t.Errorf("plexus %s: code %d, want %d; error %v, want one with %q", c.args, code, c.code, err, c.say)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		errors.New("any"): 1, &coded{exitUnavailable, errors.New("x")}: 2, fmt.Errorf("a: %w", store.ErrLocked): 73, kv.ErrLocked: 73,
		chain.ErrBroken: 70, ledger.ErrBroken: 70, store.ErrCorrupt: 70, kv.ErrCorrupt: 70, chain.ErrOtherGenesis: 78, config.ErrConfig: 78, fmt.Errorf("x: %w", &fs.PathError{Op: "open", Path: "f", Err: fs.ErrNotExist}): 74,
		&fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}: 28, fmt.Errorf("x: %w", os.NewSyscallError("bind", syscall.EADDRINUSE)): 71, remote.ErrNoNode: 69, remote.ErrJoin: 64,
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	out, _, err := run(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range newRoot().Commands() {
		if !c.Hidden && !strings.Contains(out, c.Name()) {
			t.Errorf("help does not name %q", c.Name())
		}
		if c.Short == "" {
			t.Errorf("%s says nothing of itself", c.Name())
		}
	}
}
