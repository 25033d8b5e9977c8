package command

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/dataset"
)

func datasetCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "dataset", Short: "Make, seal, share and check the data that a subnet's tasks draw from", Args: subcommands, RunE: showHelp,
		Long: `A data set is slices under one root that the subnet names on chain. A round draws a few of them
by its randomness; each travels with a proof in the evidence. Where knowing the data gives the
answers away, seal the set: validators with a permit get its keys, one window an epoch is used.`,
		Example: `  plexus dataset build --from pairs.tsv
  plexus dataset seal 1f0c….set --windows 500
  plexus dataset status --netuid 2`,
	}
	c.AddCommand(datasetBuild(), datasetSeal(), datasetShare(), datasetStatus(), datasetGet(), datasetLs(), datasetShow(), datasetVerify())
	return c
}

// setShown is a data set's file, as the commands print it.
type setShown struct {
	File    string `json:"file"`
	Root    string `json:"root"`
	Format  string `json:"format"` // raw, lines, tsv, csv or files
	Slices  int    `json:"slices"`
	Slice   uint64 `json:"slice_bytes"` // the longest
	Bytes   int64  `json:"bytes"`       // of the file
	Records int    `json:"records,omitempty"`
	Sealed  bool   `json:"sealed"`
	Windows uint64 `json:"windows,omitempty"` // of a sealed set
	Window  uint64 `json:"window,omitempty"`  // slices of each
	Opened  uint64 `json:"opened,omitempty"`  // windows whose keys are here
	Secret  string `json:"secret,omitempty"`  // file of the secret that was made
	Next    string `json:"next,omitempty"`    // command that names the set on chain
}

func shownSet(file string, s *dataset.Set) *setShown {
	n := s.Named()
	out := &setShown{File: file, Root: hex.EncodeToString(n.Root[:]), Format: s.Format().String(), Slices: s.Len(), Slice: n.Slice, Bytes: int64(len(s.Encode(nil)))}
	if x := s.Sealed(); x != nil {
		out.Sealed, out.Windows, out.Window = true, x.Windows(), n.Window
		for w := range x.Windows() {
			if x.Has(w) {
				out.Opened++
			}
		}
	}
	return out
}

// named is the command that names a set on chain.
func (s *setShown) named(netuid string) string {
	if netuid == "" {
		netuid = "N"
	}
	return fmt.Sprintf("plexus subnet data --netuid %s %s --from KEY", netuid, s.File)
}

func (s *setShown) print(c *cobra.Command) {
	out := c.OutOrStdout()
	kind := s.Format
	if s.Sealed {
		kind += ", sealed"
	}
	fmt.Fprintf(out, "%s\n  root %s\n  %s, %d slices of at most %d bytes, %d bytes in all\n", s.File, s.Root, kind, s.Slices, s.Slice, s.Bytes)
	if s.Records > 0 {
		fmt.Fprintf(out, "  %d records\n", s.Records)
	}
	if s.Sealed {
		fmt.Fprintf(out, "  %d windows of %d slices, one for each epoch; keys of %d are here\n", s.Windows, s.Window, s.Opened)
	}
	if s.Secret != "" {
		fmt.Fprintf(out, "  its secret, which opens all of it, is in %s: keep it, and show it to nobody\n", s.Secret)
	}
	if s.Next != "" {
		fmt.Fprintf(out, "next: %s\n", s.Next)
	}
}

// keepSet writes the file of a set to out: a file, or a folder, in which it is
// called after its root; empty for the current one.
func keepSet(out string, s *dataset.Set) (string, error) {
	if out == "" {
		out = "."
	}
	if strings.HasSuffix(out, string(os.PathSeparator)) {
		if err := os.MkdirAll(out, 0o700); err != nil {
			return "", err
		}
	}
	if isDir(out) {
		out = filepath.Join(out, dataset.FileName(s.Named().Root))
	}
	return out, dataset.Save(out, s.Encode(nil))
}

func datasetBuild() *cobra.Command {
	var from, out, format, netuid string
	var src dataset.Source
	var asJSON bool
	c := &cobra.Command{
		Use: "build --from FILE", Short: "Cut a file or a folder into the slices of a data set",
		Long: `Makes a data set of a file's lines, of the rows of a TSV or CSV file, or of the files of a folder,
and writes it to a file named by its root. One record makes a slice; with --slice as many go
into one as fit, a line feed between them. A row of CSV becomes one with tabs. A file of a
folder becomes its path, a line feed and its bytes. With --format raw the file is cut into
slices of exactly --slice bytes, and what remains at its end is left out.

Nothing is guessed: an empty line, one that is too long, that is not UTF-8 or that has another
number of columns is an error that names it.`,
		Example: `  plexus dataset build --from sentences.txt
  plexus dataset build --from pairs.csv --header --columns 2 --out sets/
  plexus dataset build --from corpus.txt --format raw --slice 256`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if from == "" {
				return usage("--from FILE is needed: a file of lines or rows, or a folder")
			}
			info, err := os.Stat(from)
			if err != nil {
				return err
			}
			if src.Format, err = formatOf(format, from, info.IsDir()); err != nil {
				return err
			}
			if src.Format == dataset.Raw && src.Slice <= 0 {
				return usage("--format raw needs --slice BYTES: 1 to %d", dataset.MaxSlice)
			}
			bar := progress.New(c.ErrOrStderr(), "bytes")
			total := info.Size()
			if info.IsDir() {
				total = 0
			}
			src.Progress = func(done int64) { bar.Set(done, total) }
			set, records, err := dataset.ReadFile(from, src)
			bar.Done()
			if err != nil {
				return err
			}
			if out, err = keepSet(out, set); err != nil {
				return err
			}
			s := shownSet(out, set)
			s.Records = records
			s.Next = s.named(netuid)
			if asJSON {
				return printJSON(c, s)
			}
			s.print(c)
			return nil
		},
	}
	c.Flags().StringVar(&from, "from", "", "file or folder to read")
	c.Flags().StringVar(&format, "format", "", "lines, tsv, csv, files or raw (default: by the name's ending, .txt, .tsv, .csv; a folder: files)")
	c.Flags().IntVar(&src.Slice, "slice", 0, "bytes of a slice; 0 for one record a slice")
	c.Flags().IntVar(&src.Columns, "columns", 0, "columns that each row must have; 0 for as many as the first one has")
	c.Flags().BoolVar(&src.Header, "header", false, "leave out the first row, which names the columns")
	c.Flags().BoolVar(&src.Blank, "skip-empty", false, "leave empty lines out")
	c.Flags().StringVar(&out, "out", "", "file to write, or folder for a file named by the root (default: the current one)")
	c.Flags().StringVar(&netuid, "netuid", "", "subnet that the set is for, in the command that is printed")
	jsonFlag(c, &asJSON, setShown{})
	return c
}

// formatOf is the format that a flag names, or a file's name says.
func formatOf(flag, file string, folder bool) (dataset.Format, error) {
	if flag != "" {
		f, err := dataset.ParseFormat(flag)
		if err != nil {
			return 0, usage("--format: %v", err)
		}
		return f, nil
	}
	if folder {
		return dataset.Files, nil
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".txt":
		return dataset.Lines, nil
	case ".tsv":
		return dataset.TSV, nil
	case ".csv":
		return dataset.CSV, nil
	}
	return 0, usage("%s: its name does not tell what it holds: say --format lines, tsv, csv or raw", file)
}

// openFlags say how the file of a set is opened by a person.
type openFlags struct {
	slice  int
	secret string
	node   nodeFlags
}

func (f *openFlags) add(c *cobra.Command) {
	c.Flags().IntVar(&f.slice, "slice-bytes", 0, "bytes of a slice, for a raw file that build did not write")
	c.Flags().StringVar(&f.secret, "secret", "", "file of a sealed set's secret (default: the one beside the set)")
	c.Flags().StringVar(&f.node.home, "home", "", "node's directory, whose hotkey and grants open a sealed set")
}

// load opens a set, and of a sealed one the windows whose keys are to be had.
func (f *openFlags) load(file string) (*dataset.Set, error) {
	set, err := dataset.Load(file)
	if err != nil && f.slice > 0 {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return dataset.New(b, f.slice)
	}
	if err != nil {
		return nil, err
	}
	if x := set.Sealed(); x != nil {
		return set, f.unlock(file, x)
	}
	return set, nil
}

// unlock takes the keys that the flags name, or that lie beside the set.
func (f *openFlags) unlock(file string, x *dataset.Sealed) error {
	secret := f.secret
	if secret == "" {
		if beside := filepath.Join(filepath.Dir(file), dataset.SecretName(x.Root())); isFile(beside) {
			secret = beside
		}
	}
	if secret != "" {
		s, err := keys.Load(secret)
		if err != nil {
			return err
		}
		return x.UnlockAll(s)
	}
	if f.node.home == "" {
		return nil
	}
	cfg, err := config.Load(f.node.home, nil)
	if err != nil {
		return err
	}
	if cfg.Hotkey == "" {
		return usage("--home %s: the node has no hotkey", f.node.home)
	}
	hot, err := keys.Load(cfg.Path(cfg.Hotkey))
	if err != nil {
		return err
	}
	w, _ := hot.Work(false)
	for _, dir := range []string{cfg.Path("datasets"), cfg.Path("datasets/fetched")} {
		b, err := os.ReadFile(filepath.Join(dir, dataset.GrantName(x.Root(), w.Enc)))
		if err != nil {
			continue
		}
		g, err := dataset.OpenGrant(hot, b)
		if err != nil {
			return err
		}
		return x.Unlock(g)
	}
	return nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// drawnBy is the set that a subnet draws from, and the epoch that runs.
func drawnBy(v ledger.View, n ledger.NetUID) (ledger.DataSet, *ledger.Clock, error) {
	sub, err := ownedSubnet(v, n)
	if err != nil {
		return ledger.DataSet{}, nil, err
	}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return ledger.DataSet{}, nil, err
	}
	if clock == nil {
		return ledger.DataSet{}, nil, fmt.Errorf("netuid %d: its clock is missing: %w", n, ledger.ErrBroken)
	}
	return sub.Data, clock, nil
}
