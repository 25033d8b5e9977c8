package command

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/dataset"
)

func datasetLs() *cobra.Command {
	var f openFlags
	var asJSON bool
	c := &cobra.Command{
		Use: "ls [FOLDER]", Short: "List the data sets in a folder",
		Long: `Reads every file of a folder that is a data set and lists it by its root: those of the node's
home unless FOLDER is given.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("%s takes one folder at most", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			var dirs []string
			if len(args) == 1 {
				dirs = args
			} else {
				home, err := f.node.dir()
				if err != nil {
					return err
				}
				f.node.home = home
				dirs = []string{filepath.Join(home, "datasets"), filepath.Join(home, "datasets", "fetched")}
			}
			sets := []*setShown{}
			for _, dir := range dirs {
				entries, err := os.ReadDir(dir)
				if err != nil {
					if len(args) == 0 && os.IsNotExist(err) {
						continue
					}
					return err
				}
				for _, e := range entries {
					file := filepath.Join(dir, e.Name())
					set, err := dataset.Load(file)
					if err != nil {
						continue // no set
					}
					if x := set.Sealed(); x != nil {
						if err := f.unlock(file, x); err != nil {
							fmt.Fprintf(c.ErrOrStderr(), "plexus: %s: %v\n", file, err)
						}
					}
					sets = append(sets, shownSet(file, set))
				}
			}
			if asJSON {
				return printJSON(c, sets)
			}
			if len(sets) == 0 {
				fmt.Fprintf(c.ErrOrStderr(), "no data sets in %s: make one with: plexus dataset build --from FILE\n", dirs[0])
				return nil
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "root\tformat\tslices\tat most\tbytes\twindows\tfile")
			for _, s := range sets {
				windows := ""
				if s.Sealed {
					windows = fmt.Sprintf("%d, keys of %d", s.Windows, s.Opened)
				}
				fmt.Fprintf(w, "%.16s\t%s\t%d\t%d\t%d\t%s\t%s\n", s.Root, s.Format, s.Slices, s.Slice, s.Bytes, windows, s.File)
			}
			return w.Flush()
		},
	}
	f.add(c)
	jsonFlag(c, &asJSON, []setShown{})
	return c
}

// sliceShown is what dataset show prints as JSON.
type sliceShown struct {
	setShown
	Index *uint64  `json:"index,omitempty"` // of the slice that is shown
	Text  string   `json:"text,omitempty"`  // of a slice that is text
	Hex   string   `json:"hex,omitempty"`   // of one that is not
	Proof []string `json:"proof,omitempty"` // as it stands in evidence
}

func datasetShow() *cobra.Command {
	var f openFlags
	var index int64
	var asJSON bool
	c := &cobra.Command{
		Use: "show FILE [--slice I]", Short: "Show a data set, or one of its slices with its proof", Args: oneArg("the file of a data set"),
		RunE: func(c *cobra.Command, args []string) error {
			set, err := f.load(args[0])
			if err != nil {
				return err
			}
			out := sliceShown{setShown: *shownSet(args[0], set)}
			if index >= 0 {
				i := uint64(index)
				b, proof, err := set.Slice(i)
				if err != nil {
					return err
				}
				out.Index = &i
				if utf8.Valid(b) {
					out.Text = string(b)
				} else {
					out.Hex = hex.EncodeToString(b)
				}
				for _, h := range proof {
					out.Proof = append(out.Proof, hex.EncodeToString(h[:]))
				}
			}
			if asJSON {
				return printJSON(c, out)
			}
			if out.Index == nil {
				out.print(c)
				return nil
			}
			fmt.Fprintln(c.OutOrStdout(), out.Text+out.Hex)
			return nil
		},
	}
	f.add(c)
	c.Flags().Int64Var(&index, "slice", -1, "number of a slice to show, from 0")
	jsonFlag(c, &asJSON, sliceShown{})
	return c
}

func datasetVerify() *cobra.Command {
	var f openFlags
	var root, netuid, join string
	var asJSON bool
	c := &cobra.Command{
		Use: "verify FILE [--root ROOT | --netuid N]", Short: "Check a data set, and whether it is the one that a subnet names",
		Long: `Computes the root of a file and compares it with --root, or with what the subnet names on
chain. Of a sealed set every window whose key is here is decrypted and checked. Exits with 1 if
it is another set, or not what it claims to be.`,
		Args: oneArg("the file of a data set"),
		RunE: func(c *cobra.Command, args []string) error {
			if root != "" && netuid != "" {
				return usage("--root and --netuid say the same thing twice: give one")
			}
			set, err := f.load(args[0])
			if err != nil {
				return err
			}
			named := set.Named()
			switch {
			case root != "":
				want, err := parseRoot(root)
				if err != nil {
					return err
				}
				named.Root = want
			case netuid != "":
				n, err := parseNetUID(netuid)
				if err != nil {
					return err
				}
				if err := look(c, join, func(v ledger.View) error {
					named, _, err = drawnBy(v, n)
					return err
				}); err != nil {
					return err
				}
			}
			s := shownSet(args[0], set)
			if !set.Is(named) {
				return foundFault("%s has root %s and %d slices of at most %d bytes; wanted is %x with %d of %d", s.File, s.Root, s.Slices, s.Slice, named.Root, named.Slices, named.Slice)
			}
			if x := set.Sealed(); x != nil {
				bar := progress.New(c.ErrOrStderr(), "windows")
				s.Opened, err = x.Verify(func(done, total uint64) { bar.Set(int64(done), int64(total)) })
				bar.Done()
				if err != nil {
					return foundFault("%s: %w", s.File, err)
				}
			}
			if asJSON {
				return printJSON(c, s)
			}
			s.print(c)
			fmt.Fprintln(c.OutOrStdout(), "equal")
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&root, "root", "", "root that it should have")
	c.Flags().StringVar(&netuid, "netuid", "", "subnet that should draw from it")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, setShown{})
	return c
}

func datasetGet() *cobra.Command {
	var root, netuid, join, out string
	var asJSON bool
	c := &cobra.Command{
		Use: "get (--netuid N | --root ROOT)", Short: "Fetch a data set from the network",
		Long: `Fetches a public or a sealed data set from whoever serves it and checks it against its root. What
an interrupted fetch left is in NAME.part; the same command goes on from there. Exits with 2 if
nobody has it: a set that is neither public nor sealed goes from its owner to the validators
by other ways.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (root == "") == (netuid == "") {
				return usage("give --netuid N, or --root ROOT")
			}
			r, err := dial(c.Context(), join)
			if err != nil {
				return err
			}
			defer r.Close()
			var id [32]byte
			if root != "" {
				id, err = parseRoot(root)
			} else {
				var n ledger.NetUID
				if n, err = parseNetUID(netuid); err != nil {
					return err
				}
				v, err := r.View(c.Context())
				if err != nil {
					return err
				}
				data, _, err := drawnBy(v, n)
				if err != nil {
					return err
				}
				if id = data.Root; data.Slices == 0 {
					return usage("netuid %d draws from no data", n)
				}
			}
			if err != nil {
				return err
			}
			if strings.HasSuffix(out, string(os.PathSeparator)) {
				if err := os.MkdirAll(out, 0o700); err != nil {
					return err
				}
			}
			if isDir(out) {
				out = filepath.Join(out, dataset.FileName(id))
			}
			bar := progress.New(c.ErrOrStderr(), "bytes")
			err = p2p.Fetch{ID: id, Peers: r.Net.Peers(), Max: dataset.MaxFile, Check: dataset.Check(id), Progress: bar.Set}.File(c.Context(), r.Net, out)
			bar.Done()
			if err != nil {
				return &coded{exitUnavailable, fmt.Errorf("the data set %x is not to be had: %w", id[:6], err)}
			}
			set, err := dataset.Load(out)
			if err != nil {
				return err
			}
			s := shownSet(out, set)
			if asJSON {
				return printJSON(c, s)
			}
			s.print(c)
			return nil
		},
	}
	c.Flags().StringVar(&netuid, "netuid", "", "subnet whose set to fetch")
	c.Flags().StringVar(&root, "root", "", "root of the set to fetch")
	c.Flags().StringVar(&out, "out", ".", "folder to write to, or name of the file")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, setShown{})
	return c
}
