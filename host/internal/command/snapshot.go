package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/node"
	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/store"
)

// listedSnapshot is an entry of `plexus snapshot ls --json`.
type listedSnapshot struct {
	admin.Snapshot
	Size  int64  `json:"size"`            // bytes of the file
	Error string `json:"error,omitempty"` // of a file that cannot be used, whose other fields are empty
}

func snapshotCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Make, list and restore snapshots of the chain's state",
		Long: `A snapshot is a file with the whole state of one block, the modules that it names, and what
consensus needs to go on from there. A node makes them by itself (snapshot.interval) and
offers them to nodes that join (statesync.enable).`,
		Args: subcommands, RunE: showHelp,
	}
	c.AddCommand(snapshotCreate(), snapshotRestore("restore FILE|HEIGHT", "Begin an empty home with a snapshot"), snapshotList())
	return c
}

func snapshotCreate() *cobra.Command {
	var f nodeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "create",
		Short: "Write the newest state of a home as a snapshot",
		Long: `Writes a snapshot into the folder snapshots of the home. When the home's node runs, it is
asked to do so over its admin socket and goes on meanwhile.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			s, err := createSnapshot(c, cfg)
			if errors.Is(err, store.ErrLocked) {
				s, err = askSnapshot(c.Context(), cfg)
			}
			if err != nil {
				return err
			}
			return printSnapshot(c, s, asJSON)
		},
	}
	f.add(c)
	jsonFlag(c, &asJSON, admin.Snapshot{})
	return c
}

func printSnapshot(c *cobra.Command, s admin.Snapshot, asJSON bool) error {
	if asJSON {
		return printJSON(c, s)
	}
	fmt.Fprintf(c.OutOrStdout(), "block    %d\nroot     %s\nkeys     %d\nblobs    %d\nbytes    %d\nfile     %s\n", s.Height, s.Root, s.Keys, s.Blobs, s.Bytes, s.File)
	return nil
}

// askSnapshot has the home's running node make one.
func askSnapshot(ctx context.Context, cfg config.Config) (s admin.Snapshot, err error) {
	if cfg.Admin.Socket == "" {
		return s, fmt.Errorf("%w: the home's node runs and has no admin.socket: stop it first", store.ErrLocked)
	}
	a, err := admin.Ask(ctx, cfg.Path(cfg.Admin.Socket), admin.Request{Do: "snapshot"})
	if err != nil {
		return s, err
	}
	if a.Snapshot == nil {
		return s, fmt.Errorf("%w: the node says nothing of a snapshot: it is of another version", admin.ErrRefused)
	}
	return *a.Snapshot, nil
}

// stopped is the state of a home whose node does not run.
type stopped struct {
	db    *store.DB
	gen   *ledger.Genesis
	extra []byte // what consensus needs to go on
}

// openStopped opens the state of a stopped home, with the record of consensus.
func openStopped(cfg config.Config) (s *stopped, err error) {
	s = &stopped{}
	if s.gen, err = readGenesis(cfg); err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.Home, "chain")
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("%s has no chain yet: start its node first: %w", cfg.Home, err)
	}
	if s.db, err = store.Open(dir, store.Config{}); err != nil {
		return nil, err
	}
	if s.extra, err = chain.Record(s.db); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

func readGenesis(cfg config.Config) (*ledger.Genesis, error) {
	raw, err := os.ReadFile(cfg.Path(cfg.Genesis))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &coded{exitConfig, fmt.Errorf("%s has no genesis (%s): make a home with plexus init", cfg.Home, cfg.Genesis)}
	}
	if err != nil {
		return nil, err
	}
	g, err := ledger.DecodeGenesis(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: get the network's genesis again", cfg.Path(cfg.Genesis), err)
	}
	return g, nil
}

func createSnapshot(c *cobra.Command, cfg config.Config) (out admin.Snapshot, err error) {
	s, err := openStopped(cfg)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	files, err := store.OpenShelf(node.Snapshots(cfg.Home), cfg.Snapshot.Keep)
	if err != nil {
		return out, err
	}
	bar := progress.New(c.ErrOrStderr(), "keys")
	defer bar.Done()
	v := s.db.Snapshot()
	defer v.Close()
	m, err := files.Put(c.Context(), v, store.ExportOptions{Chain: s.gen.Hash(), Extra: s.extra, Progress: setBar(bar)})
	if err != nil {
		return out, err
	}
	return node.SnapshotOf(m, files.Path(m.Height)), nil
}

func setBar(b *progress.Bar) func(done, total uint64) {
	return func(done, total uint64) { b.Set(int64(done), int64(total)) }
}

func snapshotList() *cobra.Command {
	var f nodeFlags
	var asJSON, verify bool
	c := &cobra.Command{
		Use: "ls", Short: "List the snapshots of a home", Args: noArgs,
		Long: `Lists the files in the folder snapshots of the home. With --verify each is read as a whole
and compared with its hashes; a damaged one makes the exit code 1.`,
		RunE: func(c *cobra.Command, _ []string) error {
			home, err := f.dir()
			if err != nil {
				return err
			}
			// Not by OpenShelf: it clears away what a running node is writing.
			names, err := filepath.Glob(filepath.Join(node.Snapshots(home), "*.snapshot"))
			if err != nil {
				return err
			}
			all, bad := []listedSnapshot{}, 0
			for _, name := range names {
				l := listSnapshot(c, name, verify)
				if all = append(all, l); l.Error != "" {
					bad++
				}
			}
			if asJSON {
				err = printJSON(c, all)
			} else {
				if len(all) == 0 {
					fmt.Fprintf(c.ErrOrStderr(), "no snapshots in %s: make one with: plexus snapshot create --home %s\n", node.Snapshots(home), home)
				}
				for _, l := range all {
					if l.Error != "" {
						fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", l.File, l.Error)
						continue
					}
					fmt.Fprintf(c.OutOrStdout(), "block %d  %d keys  %d bytes  %s\n", l.Height, l.Keys, l.Size, l.File)
				}
			}
			if err == nil && bad > 0 {
				return fmt.Errorf("%d of %d snapshots cannot be used: remove them", bad, len(all))
			}
			return err
		},
	}
	f.add(c)
	c.Flags().BoolVar(&verify, "verify", false, "read each as a whole and check it")
	jsonFlag(c, &asJSON, []listedSnapshot{})
	return c
}

func listSnapshot(c *cobra.Command, name string, verify bool) (l listedSnapshot) {
	l.File = name
	info, err := os.Stat(name)
	if err == nil {
		l.Size = info.Size()
		var f *store.File
		if f, err = store.OpenPath(name); err == nil {
			defer f.Close()
			if verify {
				bar := progress.New(c.ErrOrStderr(), "chunks")
				err = f.Verify(c.Context(), setBar(bar))
				bar.Done()
			}
			if err == nil {
				l.Snapshot = node.SnapshotOf(f.Manifest, name)
			}
		}
	}
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

// snapshotRestore is both 'snapshot restore' and 'state import'.
func snapshotRestore(use, short string) *cobra.Command {
	var f nodeFlags
	var trust string
	var replace, asJSON bool
	c := &cobra.Command{
		Use: use, Short: short,
		Long: `Fills the home's chain with a file and lets its node go on from there. The values must have
the root that the file says, the file must be of the home's genesis, and the producers it
names must have signed its block. That these are the chain's own is known only with --trust;
without it the file is believed like a copy of one's own home.

The home must have no blocks. With --replace its chain is moved aside first, to the names
that end in .before; keys and the record of the last vote stay.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes one file", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			var anchor *chain.Anchor
			if trust != "" {
				if anchor, err = remote.ParseAnchor(trust); err != nil {
					return err
				}
			}
			name := args[0]
			if h, err := strconv.ParseUint(name, 10, 64); err == nil {
				name = filepath.Join(node.Snapshots(cfg.Home), strconv.FormatUint(h, 10)+".snapshot")
			}
			s, err := restoreSnapshot(c, cfg, name, anchor, replace)
			if err != nil {
				return err
			}
			return printSnapshot(c, s, asJSON)
		},
	}
	f.add(c)
	c.Flags().StringVar(&trust, "trust", "", "HEIGHT:HASH of the snapshot's block, from somebody you trust")
	c.Flags().BoolVar(&replace, "replace", false, "move the home's chain aside first")
	jsonFlag(c, &asJSON, admin.Snapshot{})
	return c
}

func restoreSnapshot(c *cobra.Command, cfg config.Config, name string, a *chain.Anchor, replace bool) (out admin.Snapshot, err error) {
	gen, err := readGenesis(cfg)
	if err != nil {
		return out, err
	}
	f, err := store.OpenPath(name)
	if err != nil {
		return out, err
	}
	defer f.Close()
	// The whole file is checked before anything of the home changes.
	bar := progress.New(c.ErrOrStderr(), "chunks checked")
	err = f.Verify(c.Context(), setBar(bar))
	bar.Done()
	if err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	if replace {
		if err := moveAside(cfg.Home); err != nil {
			return out, err
		}
	}
	db, err := store.Open(filepath.Join(cfg.Home, "chain"), store.Config{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	bars := map[string]*progress.Bar{"reading": progress.New(c.ErrOrStderr(), "chunks read"), "hashing": progress.New(c.ErrOrStderr(), "keys hashed")}
	err = chain.RestoreSnapshot(c.Context(), db, gen, f, a, func(what string, done, total uint64) {
		bars[what].Set(int64(done), int64(total))
		if done == total {
			bars[what].Done()
		}
	})
	if errors.Is(err, store.ErrNotEmpty) {
		err = fmt.Errorf("%w: give --replace to move it aside, or choose another home", err)
	}
	if err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	return node.SnapshotOf(f.Manifest, name), nil
}

// moveAside gives the chain of a stopped home, and the log of consensus, other
// names. The record of the last vote stays: without it a key could vote twice.
func moveAside(home string) error {
	// A store that is damaged may be replaced, one that is in use may not.
	db, err := store.Open(filepath.Join(home, "chain"), store.Config{})
	switch {
	case err == nil:
		if err := db.Close(); err != nil {
			return err
		}
	case errors.Is(err, store.ErrLocked):
		return err
	}
	for _, name := range []string{"chain", filepath.Join("consensus", "wal")} {
		from := filepath.Join(home, name)
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := os.Lstat(from + ".before"); err == nil {
			return fmt.Errorf("%s.before is there from an earlier time: move it away first", from)
		}
		if err := os.Rename(from, from+".before"); err != nil {
			return err
		}
	}
	return nil
}
