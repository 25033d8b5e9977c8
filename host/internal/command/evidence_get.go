package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/remote"
)

// evidenceFile is one file of `plexus evidence get`.
type evidenceFile struct {
	Netuid    uint16 `json:"netuid"`
	Epoch     uint64 `json:"epoch"`
	Validator string `json:"validator"`
	Root      string `json:"root"`
	File      string `json:"file,omitempty"`
	Bytes     int64  `json:"bytes,omitempty"`
	Resumed   int64  `json:"resumed_bytes,omitempty"` // that an earlier try had left
	Error     string `json:"error,omitempty"`
	Trust     string `json:"trust,omitempty"` // HEIGHT:HASH of the block that the proofs in the file end in
	Bare      string `json:"bare,omitempty"`  // why the file holds the bundle alone
}

func evidenceGet() *cobra.Command {
	var f epochFlags
	var out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "get",
		Short: "Fetch bundles to files",
		Long: `Fetches the bundles of an epoch from whoever has them and checks each against the root that
its validator committed. To each it adds what is needed to replay it without a network: the
module, the values of the chain that it depends on with their proofs, and the headers from the
join string's block, or the genesis, to the block that proves them. That block is printed: who
knows its hash can check the file at any time with --trust. What an interrupted fetch left is in NAME.part; the same command goes
on from there. Exit code 2 when a bundle is not to be had.`,
		Example: "  plexus evidence get --netuid 1 --epoch 7 --out bundles/",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := dial(c.Context(), f.join)
			if err != nil {
				return err
			}
			defer r.Close()
			files, err := getEvidence(c.Context(), r, &f, out)
			if err != nil {
				return err
			}
			missing := 0
			for _, x := range files {
				if x.Error != "" {
					missing++
					fmt.Fprintf(c.ErrOrStderr(), "plexus: epoch %d of %s: %s\n", x.Epoch, x.Validator, x.Error)
				} else if !asJSON {
					proofs := "proofs to block " + x.Trust
					if x.Bare != "" {
						proofs = "without proofs"
						fmt.Fprintf(c.ErrOrStderr(), "plexus: %s: replaying it needs the network: %s\n", x.File, x.Bare)
					}
					fmt.Fprintf(c.OutOrStdout(), "%s\t%d bytes\tepoch %d of %s\t%s\n", x.File, x.Bytes, x.Epoch, x.Validator, proofs)
				}
			}
			if asJSON {
				if err := printJSON(c, files); err != nil {
					return err
				}
			}
			if missing > 0 {
				return &coded{exitUnavailable, fmt.Errorf("%d of %d bundles are not to be had: the same command goes on where it stopped", missing, len(files))}
			}
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&out, "out", ".", "folder to write to, or with one bundle the file")
	jsonFlag(c, &asJSON, []evidenceFile{})
	return c
}

func getEvidence(ctx context.Context, r *remote.Remote, f *epochFlags, out string) ([]evidenceFile, error) {
	v, err := r.View(ctx)
	if err != nil {
		return nil, err
	}
	all, err := f.find(v)
	if err != nil {
		return nil, err
	}
	if !isDir(out) && len(all) > 1 {
		return nil, usage("--out %s: %d bundles need a folder, which has to end in %q unless it is there", out, len(all), string(os.PathSeparator))
	}
	var files []evidenceFile
	for i := range all {
		p := &all[i]
		name := out
		if isDir(out) {
			name = filepath.Join(out, p.name())
			if err := os.MkdirAll(out, 0o755); err != nil {
				return nil, err
			}
		}
		x := evidenceFile{Netuid: f.netuid, Epoch: p.epoch, Validator: p.validator.Hotkey.String(), Root: fmt.Sprintf("%x", p.committed.Evidence), File: name}
		if info, err := os.Stat(name + ".part"); err == nil {
			x.Resumed = info.Size()
		}
		err := p.tries(ctx, func(bar func(done, total int64)) error {
			return r.BundleFile(ctx, p.committed.Evidence, name, bar, p.validator.Work.Peer)
		})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			if own, kerr := keepProofs(ctx, r, p, name); kerr != nil {
				x.Bare = kerr.Error()
			} else {
				x.Trust = fmt.Sprintf("%d:%x", own.Height, own.Hash)
			}
		}
		if info, serr := os.Stat(name); err == nil && serr == nil {
			x.Bytes = info.Size()
		}
		var disk *fs.PathError
		if errors.As(err, &disk) {
			return nil, err
		}
		if err != nil {
			// An empty beginning is nothing to go on from.
			if info, serr := os.Stat(name + ".part"); serr == nil && info.Size() == 0 {
				os.Remove(name + ".part")
			}
			x.File, x.Error = "", err.Error()
		}
		files = append(files, x)
	}
	return files, nil
}
