package command

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// checkedEvidence is the outcome of checking one bundle without its module.
type checkedEvidence struct {
	File       string `json:"file,omitempty"`
	Netuid     uint16 `json:"netuid"`
	Epoch      uint64 `json:"epoch"`
	Validator  string `json:"validator"`
	Root       string `json:"root"`
	Verdict    string `json:"verdict"` // good, bad, or unavailable
	Rounds     int    `json:"rounds"`
	Leaves     int    `json:"leaves"`
	Difference string `json:"difference,omitempty"`
	Error      string `json:"error,omitempty"`
}

func evidenceVerify() *cobra.Command {
	var f epochFlags
	var asJSON bool
	var proof string
	var trust trustFlag
	c := &cobra.Command{
		Use:   "verify [FILE...]",
		Short: "Check bundles without running their module",
		Long: `Checks that a bundle is the one whose root its validator committed, that what was revealed
is what was committed, and every proof, asked set, data slice and signature in it, against values
proved by the light client. Tasks, scores and weights are taken as published: 'plexus replay'
recomputes them. Without a file it fetches the bundles of an epoch. A file that 'plexus evidence
get' wrote holds those values with their proofs and is checked without any network.

With --proof it checks an inclusion proof that 'plexus evidence show --proof' wrote: that one
leaf stands under the root which the validator committed.

Exit codes: 0 good, 1 bad, 2 not to be had.`,
		RunE: func(c *cobra.Command, args []string) error {
			if proof != "" {
				if err := trust.unused(); err != nil {
					return err
				}
				if len(args) > 0 {
					return usage("either --proof or bundles, not both")
				}
				return verifyProof(c, &f, proof, asJSON)
			}
			var out []checkedEvidence
			var err error
			if len(args) > 0 {
				out, err = verifyFiles(c, &f, &trust, args)
			} else if err = trust.unused(); err == nil {
				out, err = verifyEpoch(c, &f)
			}
			if err != nil {
				return err
			}
			return reportChecked(c, out, asJSON)
		},
	}
	f.add(c)
	trust.add(c)
	c.Flags().StringVar(&proof, "proof", "", "check this inclusion proof of one leaf")
	jsonFlag(c, &asJSON, []checkedEvidence{})
	return c
}

// verifyFiles checks files, each against what it holds.
func verifyFiles(c *cobra.Command, f *epochFlags, trust *trustFlag, names []string) (out []checkedEvidence, err error) {
	files := make([]*bundleFile, len(names))
	for i, name := range names { // before a network is asked: a wrong name is said at once
		if files[i], err = readBundle(name); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		src, done, err := trust.of(c.Context(), file, f.join)
		if err != nil {
			return nil, err
		}
		x := checked(file.bundle)
		x.File = file.name
		v, err := src.Fresh(c.Context())
		if err == nil {
			err = x.check(c, v, file.bundle)
		}
		done()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// verifyEpoch fetches the bundles of an epoch and checks them.
func verifyEpoch(c *cobra.Command, f *epochFlags) (out []checkedEvidence, err error) {
	err = f.each(c.Context(), func(v ledger.View, p *published, b *evidence.Bundle, missing error) error {
		x := checkedEvidence{Netuid: f.netuid, Epoch: p.epoch, Validator: p.validator.Hotkey.String(), Root: fmt.Sprintf("%x", p.committed.Evidence), Verdict: "unavailable"}
		var err error
		if missing != nil {
			x.Error = missing.Error()
		} else {
			x = checked(b)
			err = x.check(c, v, b)
		}
		out = append(out, x)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func checked(b *evidence.Bundle) checkedEvidence {
	return checkedEvidence{Netuid: uint16(b.NetUID), Epoch: b.Epoch, Validator: b.Validator.String(), Root: fmt.Sprintf("%x", b.Root()), Verdict: "good"}
}

func (x *checkedEvidence) check(c *cobra.Command, v ledger.View, b *evidence.Bundle) error {
	bar := progress.New(os.Stderr, "rounds of "+b.Validator.Short())
	defer bar.Done()
	rep, err := evidence.Verify(c.Context(), v, b, func(done, total int) { bar.Set(int64(done), int64(total)) })
	switch {
	case errors.Is(err, evidence.ErrNoReveal), errors.Is(err, evidence.ErrNoRecord):
		x.Verdict, x.Error = "unavailable", err.Error()
		return nil
	case err != nil:
		return err
	}
	x.Rounds, x.Leaves = rep.Rounds, rep.Leaves
	if rep.Diff != nil {
		x.Verdict, x.Difference = "bad", rep.Diff.String()
	}
	return nil
}

func reportChecked(c *cobra.Command, out []checkedEvidence, asJSON bool) error {
	if asJSON {
		if err := printJSON(c, out); err != nil {
			return err
		}
	}
	bad, missing := 0, 0
	for _, x := range out {
		line := fmt.Sprintf("netuid %d epoch %d validator %s: %s", x.Netuid, x.Epoch, x.Validator, x.Verdict)
		switch x.Verdict {
		case "bad":
			bad++
			line += ": " + x.Difference
		case "unavailable":
			missing++
			line += ": " + x.Error
		default:
			line += fmt.Sprintf(" (%d rounds, %d responses; scores not recomputed)", x.Rounds, x.Leaves)
		}
		if !asJSON {
			fmt.Fprintln(c.OutOrStdout(), line)
		}
	}
	switch {
	case bad > 0:
		return &coded{exitDiffers, fmt.Errorf("%d of %d bundles are bad", bad, len(out))}
	case missing > 0:
		return &coded{exitUnavailable, fmt.Errorf("%d of %d bundles are not to be had", missing, len(out))}
	}
	return nil
}

// verifyProof checks an inclusion proof against the root on the chain. Its
// answer is one checkedEvidence of one leaf.
func verifyProof(c *cobra.Command, f *epochFlags, name string, asJSON bool) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	p, err := evidence.DecodeProof(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r, err := dial(c.Context(), f.join)
	if err != nil {
		return err
	}
	defer r.Close()
	v, err := r.View(c.Context())
	if err != nil {
		return err
	}
	x := checkedEvidence{File: name, Netuid: uint16(p.NetUID), Epoch: p.Epoch, Validator: p.Validator.String(), Verdict: "good", Rounds: 1, Leaves: 1}
	com, err := ledger.LoadCommitted(v, p.NetUID, p.Epoch, p.Validator)
	if err != nil {
		return err
	}
	if com == nil {
		return &coded{exitUnavailable, fmt.Errorf("the chain has no commitment of %s for epoch %d of netuid %d: it made none, or one older than what the chain keeps", p.Validator, p.Epoch, p.NetUID)}
	}
	x.Root = fmt.Sprintf("%x", com.Evidence)
	if err := p.Verify(com.Evidence); err != nil {
		x.Verdict, x.Difference = "bad", err.Error()
	}
	if x.Verdict == "good" && !asJSON {
		miner := fmt.Sprintf("roster index %d", p.Leaf.Index)
		if roster, err := ledger.LoadRoster(v, p.NetUID, p.Epoch); err == nil && int(p.Leaf.Index) < len(roster) {
			miner = roster[p.Leaf.Index].Hotkey.String()
		}
		fmt.Fprintf(c.OutOrStdout(), "netuid %d epoch %d: validator %s committed to round %d miner %s: %s, score %s, answer's hash %x\n",
			x.Netuid, x.Epoch, x.Validator, p.Leaf.Round, miner, p.Leaf.Status, evidence.Decimal(p.Leaf.Score), p.Leaf.Hash)
		return nil
	}
	return reportChecked(c, []checkedEvidence{x}, asJSON)
}
