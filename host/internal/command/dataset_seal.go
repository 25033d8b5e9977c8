package command

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/dataset"
)

func datasetSeal() *cobra.Command {
	var f openFlags
	var out, netuid string
	var windows uint64
	var asJSON bool
	c := &cobra.Command{
		Use: "seal FILE --windows W", Short: "Encrypt a data set, window by window, for validators alone",
		Long: `Writes a sealed data set: a file that everybody may have, named by its root, and beside it the
secret that opens all of it. The slices are divided into --windows windows of equal size; each
epoch from the next one on uses one window, and a window that is over is dead, used or not.

Put both files into the folder datasets of your node's home (or give it as --out) and reload the
node: validators fetch the set by its root, and each permit holder gets the keys, encrypted to
its own key, from your node or from another holder. Whoever may open a slice can leak it: for
tasks where that is not tolerable, make the data from randomness alone.`,
		Example: "  plexus dataset seal 1f0c….set --windows 500 --out ~/.plexus/node/datasets --netuid 2",
		Args:    oneArg("the file of a data set"),
		RunE: func(c *cobra.Command, args []string) error {
			if windows == 0 {
				return usage("--windows W is needed: how many epochs the set is for")
			}
			set, err := f.load(args[0])
			if err != nil {
				return err
			}
			var secret key.Seed
			rand.Read(secret[:]) // crypto/rand never fails
			x, err := dataset.Seal(set, windows, secret)
			if err != nil {
				return usage("%s: %v", args[0], err)
			}
			file, err := keepSet(out, x.Set())
			if err != nil {
				return err
			}
			s := shownSet(file, x.Set())
			s.Secret = filepath.Join(filepath.Dir(file), dataset.SecretName(x.Root()))
			if err := keys.Save(s.Secret, secret); err != nil {
				return err
			}
			s.Next = s.named(netuid)
			if asJSON {
				return printJSON(c, s)
			}
			s.print(c)
			return nil
		},
	}
	c.Flags().IntVar(&f.slice, "slice-bytes", 0, "bytes of a slice, for a raw file that build did not write")
	c.Flags().Uint64Var(&windows, "windows", 0, "number of windows, one for each epoch")
	c.Flags().StringVar(&out, "out", "", "folder to write to, or name of the file (default: the current folder)")
	c.Flags().StringVar(&netuid, "netuid", "", "subnet that the set is for, in the command that is printed")
	jsonFlag(c, &asJSON, setShown{})
	return c
}

// grantShown is one grant that was made.
type grantShown struct {
	Hotkey  ledger.Hotkey `json:"hotkey"`
	UID     ledger.UID    `json:"uid"`
	First   uint64        `json:"first_window"`
	Windows int           `json:"windows"`
	File    string        `json:"file"`
}

func datasetShare() *cobra.Command {
	var f openFlags
	var subnet subnetFlag
	var join, out, to string
	var dry, asJSON bool
	c := &cobra.Command{
		Use: "share FILE --netuid N", Short: "Write the keys of a sealed set for each permit holder",
		Long: `Writes a grant for each permit holder of the subnet's running epoch: the keys of the windows
that are left and that you can open yourself, encrypted to the holder's key. Nodes do so by
themselves for who asks; this is for the case that no node with the keys can be reached. Hand
the files over in any way; the holder puts its own into the folder datasets of its home, and a
node that has them there serves them.`,
		Example: "  plexus dataset share sealed.set --netuid 2 --out grants/\n  plexus dataset share sealed.set --netuid 2 --to 5Grw… --home /srv/plexus",
		Args:    oneArg("the file of a sealed data set"),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			only, err := optionalHotkey(to)
			if err != nil {
				return err
			}
			set, err := f.load(args[0])
			if err != nil {
				return err
			}
			x := set.Sealed()
			if x == nil {
				return usage("%s is not sealed: everybody may read it", args[0])
			}
			var done []grantShown
			err = look(c, join, func(v ledger.View) error {
				done, err = writeGrants(v, n, x, only, out, dry)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, done)
			}
			for _, g := range done {
				fmt.Fprintf(c.OutOrStdout(), "uid %d %s: windows %d to %d in %s\n", g.UID, g.Hotkey, g.First, g.First+uint64(g.Windows)-1, g.File)
			}
			return nil
		},
	}
	f.add(c)
	subnet.add(c, "subnet that draws from the set")
	c.Flags().StringVar(&to, "to", "", "hotkey of one permit holder (default: all)")
	c.Flags().StringVar(&out, "out", ".", "folder to write to")
	c.Flags().BoolVar(&dry, "dry-run", false, "say for whom, and write nothing")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, []grantShown{})
	return c
}

func optionalHotkey(text string) (*ledger.Hotkey, error) {
	if text == "" {
		return nil, nil
	}
	h, err := key.Parse(text)
	if err != nil {
		return nil, usage("--to %q: %v", text, err)
	}
	return &h, nil
}

// writeGrants writes the grants of a set for the permit holders of the running epoch.
func writeGrants(v ledger.View, n ledger.NetUID, x *dataset.Sealed, only *ledger.Hotkey, out string, dry bool) ([]grantShown, error) {
	data, clock, err := drawnBy(v, n)
	if err != nil {
		return nil, err
	}
	if p, err := ledger.LoadPlanned(v, n); err == nil && p != nil && p.Data.Root == x.Root() {
		data = p.Data
	}
	if data.Root != x.Root() {
		return nil, usage("netuid %d does not draw from this set but from %x: name it with plexus subnet data first", n, data.Root[:6])
	}
	first := uint64(0)
	if clock.Epoch > data.From {
		first = clock.Epoch - data.From
	}
	if first >= x.Windows() {
		return nil, fmt.Errorf("netuid %d: the last window of the set is over: name another set with plexus subnet data", n)
	}
	g, err := x.Grant(first, x.Windows())
	if err != nil {
		return nil, err
	}
	roster, err := ledger.LoadRoster(v, n, clock.Epoch)
	if err != nil {
		return nil, err
	}
	var done []grantShown
	for i := range roster {
		m := &roster[i]
		if !m.Permit || only != nil && m.Hotkey != *only {
			continue
		}
		file := filepath.Join(out, dataset.GrantName(x.Root(), m.Work.Enc))
		done = append(done, grantShown{m.Hotkey, m.UID, g.First, len(g.Keys), file})
		if dry {
			continue
		}
		box, err := g.SealTo(m.Work.Enc)
		if err != nil {
			return nil, fmt.Errorf("uid %d: %w", m.UID, err)
		}
		if err := os.MkdirAll(out, 0o700); err != nil {
			return nil, err
		}
		if err := dataset.Save(file, box); err != nil {
			return nil, err
		}
	}
	if len(done) == 0 && only != nil {
		return nil, usage("--to %s: it has no permit on netuid %d in epoch %d", *only, n, clock.Epoch)
	}
	if len(done) == 0 {
		return nil, fmt.Errorf("netuid %d has no permit holder in epoch %d", n, clock.Epoch)
	}
	return done, nil
}

// parseRoot reads a root as the commands print it.
func parseRoot(text string) (root [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return root, usage("root %q: want 64 hexadecimal digits", text)
	}
	return [32]byte(b), nil
}
