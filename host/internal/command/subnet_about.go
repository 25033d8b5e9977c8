package command

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/dataset"
)

func subnetIdentity() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	var who ledger.Identity
	var clear bool
	c := &cobra.Command{
		Use:   "identity --netuid N --name NAME… --from KEY",
		Short: "Say who is behind a subnet, or with --netuid 0 behind your account",
		Long: `Writes an identity on the chain, for people; nothing checks it. What is not given stays as it is.
With --netuid 0 it is that of the paying account. --clear removes it.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			account, err := f.acting()
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				now, err := ledger.LoadAccountIdentity(v, account)
				what := "the identity of " + account.String()
				if n != 0 {
					what = fmt.Sprintf("the identity of netuid %d", n)
					now, err = ledger.LoadIdentity(v, n)
				}
				if err != nil {
					return nil, nil, err
				}
				next := ledger.Identity{}
				if now != nil && !clear {
					next = *now
				}
				for flag, field := range map[string][2]*string{"name": {&who.Name, &next.Name}, "url": {&who.URL, &next.URL}, "source": {&who.Source, &next.Source},
					"contact": {&who.Contact, &next.Contact}, "description": {&who.Description, &next.Description}} {
					if c.Flags().Changed(flag) {
						*field[1] = *field[0]
					}
				}
				return &payment{what: what, done: "set " + what}, &ledger.SetIdentity{NetUID: n, Identity: next}, nil
			})
		},
	}
	f.add(c)
	subnet.add(c, "subnet; 0 for your account")
	c.Flags().StringVar(&who.Name, "name", "", "what it is called")
	c.Flags().StringVar(&who.URL, "url", "", "where to read about it")
	c.Flags().StringVar(&who.Source, "source", "", "where its code is")
	c.Flags().StringVar(&who.Contact, "contact", "", "how to reach whoever answers for it")
	c.Flags().StringVar(&who.Description, "description", "", "what it is for, at most 1,024 bytes")
	c.Flags().BoolVar(&clear, "clear", false, "remove it first")
	return c
}

func subnetData() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	var slice int
	var window uint64
	var root string
	var slices uint64
	c := &cobra.Command{
		Use:   "data --netuid N [FILE] --from KEY",
		Short: "Name the data that a subnet's tasks draw from",
		Long: `Names a data set on the chain, from the next epoch on: one that 'plexus dataset build' or 'seal'
wrote, or any other file, which is cut into slices of --slice bytes, and what remains at its end
is left out. The file itself goes to the validators, not on the chain. With --window each epoch
uses that many slices, once each; without it every epoch may draw all of them. A sealed set has
its windows already. --root, --slices and --slice name a set whose file is elsewhere.`,
		Example: "  plexus subnet data --netuid 2 1f0c….set --from cold\n  plexus subnet data --netuid 2 hidden.txt --slice 256 --window 1000 --from cold",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && root != "" || len(args) == 0 && root == "" {
				return usage("%s takes one file, or --root and --slices", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			if slice <= 0 && root != "" {
				return usage("--slice BYTES is needed: 1 to %d", dataset.MaxSlice)
			}
			set := ledger.DataSet{Slices: slices, Slice: uint64(slice)}
			if len(args) == 1 {
				if set, err = readData(args[0], slice); err != nil {
					return err
				}
				if set.Window > 0 && c.Flags().Changed("window") && window != set.Window {
					return usage("--window %d: %s is sealed in windows of %d slices", window, args[0], set.Window)
				}
				window = max(window, set.Window)
			} else if b, err := hex.DecodeString(root); err != nil || len(b) != 32 {
				return usage("--root %q: want 64 hexadecimal digits", root)
			} else {
				copy(set.Root[:], b)
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				_, err := ownedSubnet(v, n)
				return &payment{what: fmt.Sprintf("%d data slices of netuid %d", set.Slices, n),
						done: fmt.Sprintf("named %d data slices of %d bytes, root %x, for netuid %d", set.Slices, set.Slice, set.Root, n)},
					&ledger.SetData{NetUID: n, Root: set.Root, Slices: set.Slices, Slice: set.Slice, Window: window}, err
			})
		},
	}
	f.add(c)
	subnet.add(c, "subnet whose data it is")
	c.Flags().IntVar(&slice, "slice", 0, "bytes of a slice, for a file that 'plexus dataset' did not write")
	c.Flags().Uint64Var(&window, "window", 0, "slices of one epoch, each used once; 0 for all in every epoch")
	c.Flags().StringVar(&root, "root", "", "root of a set whose file is elsewhere")
	c.Flags().Uint64Var(&slices, "slices", 0, "with --root: number of slices")
	return c
}

// readData makes the name of a file's data set.
func readData(file string, slice int) (ledger.DataSet, error) {
	f := openFlags{slice: slice}
	set, err := f.load(file)
	switch {
	case errors.Is(err, dataset.ErrFormat) && slice <= 0:
		return ledger.DataSet{}, usage("%s was not written by 'plexus dataset': say with --slice BYTES how it is cut, or build a set of it", file)
	case errors.Is(err, dataset.ErrTooShort):
		return ledger.DataSet{}, usage("%s: %v", file, err)
	case err != nil:
		return ledger.DataSet{}, err
	}
	return set.Named(), nil
}
