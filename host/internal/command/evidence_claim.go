package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/miners"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// claimed is what receipts say of one validator's bundle.
type claimed struct {
	File      string   `json:"file,omitempty"`
	Netuid    uint16   `json:"netuid"`
	Epoch     uint64   `json:"epoch"`
	Validator string   `json:"validator"`
	Root      string   `json:"root"`
	Verdict   string   `json:"verdict"` // shown, denied, no receipts, or unavailable
	Receipts  int      `json:"receipts"`
	Denied    []string `json:"denied,omitempty"` // what is hidden or altered, one a receipt
	Error     string   `json:"error,omitempty"`

	against []*round.Held // the receipts that are denied
}

type claimFlags struct {
	epochFlags
	trust    trustFlag
	receipts string
	hotkey   string
	out      string
	json     bool
}

func evidenceClaim() *cobra.Command {
	var f claimFlags
	c := &cobra.Command{
		Use:   "claim (--hotkey ADDRESS | --receipts PATH) [FILE...]",
		Short: "Hold a miner's receipts against bundles: what a validator dropped or altered",
		Long: `A validator signs a receipt for each answer before it gets the answer itself, and the miner
keeps it for as long as evidence is served. This compares the receipts of --hotkey, of this
machine's miner, or of --receipts, a file or folder of them, with the bundles that the validators
committed: those in the files, else those of an epoch, which are fetched. An answer that a bundle
hides or shows otherwise is named, with the validator and the round. --out writes the receipts
that say so: with them and the bundle, anyone gets the same verdict.

Exit codes: 0 everything receipted is shown, 1 something is denied, 2 a bundle, or any receipt
for one, is not to be had.`,
		Example: "  plexus evidence claim --hotkey 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty --epoch 7\n  plexus evidence claim --receipts denied.receipts netuid1-epoch7-5GrwvaEF.bundle",
		RunE:    func(c *cobra.Command, args []string) error { return claim(c, &f, args) },
	}
	f.add(c)
	f.trust.add(c)
	c.Flags().StringVar(&f.hotkey, "hotkey", "", "address of a miner that ran on this machine, in its usual home")
	c.Flags().StringVar(&f.receipts, "receipts", "", "file of receipts, or folder of them ('receipts' in the miner's --home)")
	c.Flags().StringVar(&f.out, "out", "", "write the receipts that contradict a bundle to this file")
	jsonFlag(c, &f.json, []claimed{})
	return c
}

// path is where the receipts are.
func (f *claimFlags) path() (string, error) {
	if (f.receipts == "") == (f.hotkey == "") {
		return "", usage("either --hotkey ADDRESS or --receipts PATH is needed")
	}
	if f.receipts != "" {
		_, err := os.Stat(f.receipts)
		return f.receipts, err
	}
	hot, err := key.Parse(f.hotkey)
	if err != nil {
		return "", err
	}
	text, err := joinString(f.join)
	if err != nil {
		return "", err
	}
	j, err := remote.ParseJoin(text)
	if err != nil {
		return "", err
	}
	home, err := minerHome(j, hot)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(miners.ReceiptsIn(home)); err != nil {
		return "", &coded{exitUnavailable, fmt.Errorf("no receipts of %s in this network are in %s: give the folder in the miner's --home as --receipts", hot, miners.ReceiptsIn(home))}
	}
	return miners.ReceiptsIn(home), nil
}

func claim(c *cobra.Command, f *claimFlags, names []string) error {
	path, err := f.path()
	if err != nil {
		return err
	}
	var out []claimed
	if len(names) > 0 {
		out, err = f.files(c.Context(), path, names)
	} else if err = f.trust.unused(); err == nil {
		out, err = f.fetched(c.Context(), path)
	}
	if err != nil {
		return err
	}
	if err := writeReceipts(f.out, out); err != nil {
		return err
	}
	return reportClaims(c, out, f.json)
}

func (f *claimFlags) files(ctx context.Context, path string, names []string) (out []claimed, err error) {
	for _, name := range names {
		file, err := readBundle(name)
		if err != nil {
			return nil, err
		}
		src, done, err := f.trust.of(ctx, file, f.join)
		if err != nil {
			return nil, err
		}
		v, err := src.Fresh(ctx)
		if err == nil {
			var x claimed
			if x, err = hold(v, file.bundle, path); err == nil {
				x.File = name
				out = append(out, x)
			}
		}
		done()
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (f *claimFlags) fetched(ctx context.Context, path string) (out []claimed, err error) {
	err = f.each(ctx, func(v ledger.View, p *published, b *evidence.Bundle, missing error) error {
		x := claimed{Netuid: f.netuid, Epoch: p.epoch, Validator: p.validator.Hotkey.String(), Root: fmt.Sprintf("%x", p.committed.Evidence), Verdict: "unavailable"}
		var err error
		if missing != nil {
			x.Error = missing.Error()
		} else {
			x, err = hold(v, b, path)
		}
		out = append(out, x)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// hold compares the receipts at path with a bundle, which must be the one that
// its validator committed: another one proves nothing against it.
func hold(v ledger.View, b *evidence.Bundle, path string) (claimed, error) {
	x := claimed{Netuid: uint16(b.NetUID), Epoch: b.Epoch, Validator: b.Validator.String(), Root: fmt.Sprintf("%x", b.Root())}
	com, err := ledger.LoadCommitted(v, b.NetUID, b.Epoch, b.Validator)
	if err != nil {
		return x, err
	}
	if com == nil || com.Evidence != b.Root() {
		x.Verdict, x.Error = "unavailable", "this is not a bundle that the validator committed"
		return x, nil
	}
	held, err := miners.ReadReceipts(path, b.NetUID, b.Epoch)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return x, err
	}
	x.judge(b, held)
	return x, nil
}

// judge compares those receipts with a bundle that are of its validator and epoch.
func (x *claimed) judge(b *evidence.Bundle, held []*round.Held) {
	for _, h := range held {
		err := b.Shows(h)
		switch {
		case errors.Is(err, evidence.ErrDenied):
			x.Denied, x.against = append(x.Denied, err.Error()), append(x.against, h)
		case err != nil:
			continue // of another validator or epoch, or no receipt at all
		}
		x.Receipts++
	}
	switch {
	case len(x.Denied) > 0:
		x.Verdict = "denied"
	case x.Receipts > 0:
		x.Verdict = "shown"
	default:
		x.Verdict, x.Error = "no receipts", "no receipt of this validator for this epoch"
	}
}

// writeReceipts writes the receipts that contradict bundles, if there are any.
func writeReceipts(name string, all []claimed) error {
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	for i := range all {
		for _, h := range all[i].against {
			if _, err := miners.AppendReceipt(f, h); err != nil {
				return errors.Join(err, f.Close())
			}
		}
	}
	return f.Close()
}

func reportClaims(c *cobra.Command, out []claimed, asJSON bool) error {
	denied, missing := 0, 0
	for i := range out {
		x := &out[i]
		line := fmt.Sprintf("netuid %d epoch %d validator %s: %s", x.Netuid, x.Epoch, x.Validator, x.Verdict)
		switch x.Verdict {
		case "denied":
			denied++
			for _, d := range x.Denied {
				line += "\n  " + d
			}
		case "shown":
			line += fmt.Sprintf(" (%d receipts)", x.Receipts)
		default:
			missing++
			line += ": " + x.Error
		}
		if !asJSON {
			fmt.Fprintln(c.OutOrStdout(), line)
		}
	}
	if asJSON {
		if err := printJSON(c, out); err != nil {
			return err
		}
	}
	switch {
	case denied > 0:
		return &coded{exitDiffers, fmt.Errorf("%d of %d bundles deny an answer that its validator has receipted", denied, len(out))}
	case missing > 0:
		return &coded{exitUnavailable, fmt.Errorf("%d of %d bundles could not be held against receipts", missing, len(out))}
	}
	return nil
}
