package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/node"
	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/ledger/store"
)

func stateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "state",
		Short: "Export and import the whole state of a stopped home",
		Args:  subcommands, RunE: showHelp,
	}
	c.AddCommand(stateExport(), snapshotRestore("import FILE", "Fill a home without blocks with an exported state"))
	return c
}

func stateExport() *cobra.Command {
	var f nodeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write the whole state to a file, or to standard output with -",
		Long: `Writes the newest state of a stopped home: every key and value, the modules that it names,
and what consensus needs to go on. 'plexus state import' gives the same root. An existing
file is not replaced, and one that could not be finished is removed.`,
		Example: "  plexus state export state.plx\n  plexus state export - | zstd > state.plx.zst",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes one file", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) (err error) {
			if args[0] == "-" && asJSON {
				return usage("--json excludes writing the state to standard output")
			}
			cfg, err := f.load()
			if err != nil {
				return err
			}
			s, err := openStopped(cfg)
			if errors.Is(err, store.ErrLocked) {
				return fmt.Errorf("%w, or use 'plexus snapshot create', which a running node can do", err)
			}
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.db.Close()) }()
			v := s.db.Snapshot()
			defer v.Close()
			bar := progress.New(c.ErrOrStderr(), "keys")
			defer bar.Done()
			var m store.Manifest
			write := func(w io.Writer) (err error) {
				m, err = v.Export(c.Context(), w, store.ExportOptions{Chain: s.gen.Hash(), Extra: s.extra, Progress: setBar(bar)})
				return err
			}
			if args[0] == "-" {
				return write(c.OutOrStdout())
			}
			if err := writeNew(args[0], write); err != nil {
				return err
			}
			bar.Done()
			return printSnapshot(c, node.SnapshotOf(m, args[0]), asJSON)
		},
	}
	f.add(c)
	jsonFlag(c, &asJSON, admin.Snapshot{})
	return c
}

// writeNew makes a file that is there as a whole or not at all, and never takes
// the place of another.
func writeNew(name string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(name); err == nil {
		return usage("%s exists: choose another name, or remove it", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".export-*") // mode 0600
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
