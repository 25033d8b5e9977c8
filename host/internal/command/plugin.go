package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

func pluginCommand() *cobra.Command {
	c := &cobra.Command{Use: "plugin", Short: "Write modules, and look after those that a node keeps", Args: subcommands, RunE: showHelp,
		Long: `Lists, checks, pins and collects the modules in a node's home. Which module a subnet runs,
which may run at all and under which limits stands in the section modules of the
configuration ('plexus config reference'); a running node reads it anew on SIGHUP.`}
	c.AddCommand(pluginBuildCommand(), pluginTestCommand(), pluginRunCommand(), pluginLintCommand(), pluginConformCommand(), pluginMeterCommand(),
		pluginProfileCommand(), pluginInspectCommand(), pluginSelftestCommand(),
		pluginList(), pluginInfo(), pluginVerify(), pluginPin(), pluginUnpin(), pluginCollect())
	return c
}

// storeOf opens the modules of the home.
func storeOf(f *nodeFlags) (*plugins.Store, error) {
	home, err := f.dir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(home, "modules")
	if _, err := os.Stat(dir); err != nil {
		return nil, usage("%s holds no modules: name the node's home with --home", home)
	}
	return plugins.OpenStore(dir)
}

// moduleIn finds the module whose hash begins with prefix.
func moduleIn(s *plugins.Store, prefix string) (plugins.ID, error) {
	all, err := s.List()
	if err != nil {
		return plugins.ID{}, err
	}
	var found []plugins.ID
	for _, e := range all {
		if strings.HasPrefix(e.ID.String(), strings.ToLower(prefix)) {
			found = append(found, e.ID)
		}
	}
	switch {
	case len(prefix) < 4:
		return plugins.ID{}, usage("module %q: give at least 4 digits of its hash", prefix)
	case len(found) == 0:
		return plugins.ID{}, fmt.Errorf("%w: %s: see 'plexus plugin ls'", plugins.ErrNotFound, prefix)
	case len(found) > 1:
		return plugins.ID{}, usage("module %q: %d modules begin with it: give more digits", prefix, len(found))
	}
	return found[0], nil
}

// pluginEntry is a module as `plugin ls` and `plugin gc` show it.
type pluginEntry struct {
	Module  string    `json:"module"`
	Name    string    `json:"name,omitempty"`
	Version string    `json:"version,omitempty"`
	Bytes   int64     `json:"bytes"`
	Used    time.Time `json:"used"`
	Pinned  bool      `json:"pinned"`
	Active  bool      `json:"active"`
	Error   string    `json:"error,omitempty"` // why its manifest cannot be read
}

func entryOf(s *plugins.Store, e plugins.Entry, read bool) pluginEntry {
	out := pluginEntry{Module: e.ID.String(), Bytes: e.Size, Used: e.Used.UTC(), Pinned: e.Pinned, Active: e.Active}
	if !read {
		return out
	}
	b, err := s.Read(e.ID)
	var m abi.Manifest
	if err == nil {
		m, err = plugins.ReadManifest(b)
	}
	out.Name, out.Version = m.Name, m.Version
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

func printEntries(c *cobra.Command, l []pluginEntry) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, e := range l {
		state := strings.TrimSpace(map[bool]string{true: "active "}[e.Active] + map[bool]string{true: "pinned"}[e.Pinned])
		name := strings.TrimSpace(e.Name + " " + e.Version)
		if e.Error != "" {
			name = e.Error
		}
		fmt.Fprintf(w, "%s\t%d bytes\t%s\t%s\t%s\n", e.Module[:16], e.Bytes, e.Used.Format(time.RFC3339), state, name)
	}
	return w.Flush()
}

func pluginList() *cobra.Command {
	var f nodeFlags
	var asJSON bool
	c := &cobra.Command{Use: "ls", Short: "List the modules in the node's store", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := storeOf(&f)
			if err != nil {
				return err
			}
			all, err := s.List()
			if err != nil {
				return err
			}
			l := []pluginEntry{}
			for _, e := range all {
				l = append(l, entryOf(s, e, true))
			}
			if asJSON {
				return printJSON(c, l)
			}
			if len(l) == 0 {
				fmt.Fprintln(c.ErrOrStderr(), "no modules: a node fetches those of the subnets that it validates")
			}
			return printEntries(c, l)
		}}
	f.add(c)
	jsonFlag(c, &asJSON, []pluginEntry{})
	return c
}

// pluginField is an element of a task or an answer.
type pluginField struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Unit string `json:"unit,omitempty"`
	Max  uint64 `json:"max,omitempty"`
}

// pluginManifest is what a module says of itself.
type pluginManifest struct {
	Module       string        `json:"module"`
	Bytes        int           `json:"bytes"`
	Name         string        `json:"name"`
	Version      string        `json:"version"`
	ABI          int           `json:"abi"`
	Meter        uint64        `json:"meter"`
	Ops          []string      `json:"ops"`
	Fuel         uint64        `json:"fuel"`
	Pages        uint64        `json:"pages"`
	Answer       uint64        `json:"answer"`
	Slices       uint64        `json:"slices"`
	Slice        uint64        `json:"slice"`
	Keep         bool          `json:"keep"`
	Licence      string        `json:"licence"`
	Capabilities []string      `json:"capabilities"`
	Input        []pluginField `json:"input"`
	Output       []pluginField `json:"output"`
}

// moduleBytes reads the module that an argument names: a file or, by the
// beginning of its hash, one in the store.
func moduleBytes(f *nodeFlags, arg string) ([]byte, error) {
	if strings.ContainsRune(arg, filepath.Separator) || strings.HasSuffix(arg, ".wasm") {
		return readModule(arg)
	}
	s, err := storeOf(f)
	if err != nil {
		return nil, err
	}
	id, err := moduleIn(s, arg)
	if err != nil {
		return nil, err
	}
	return s.Read(id)
}

// oneModule takes the one argument of a command.
func oneModule(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage("%s takes one module, by its file or the beginning of its hash: got %d arguments", c.CommandPath(), len(args))
	}
	return nil
}

func pluginInfo() *cobra.Command {
	var f nodeFlags
	var asJSON bool
	c := &cobra.Command{Use: "info MODULE", Short: "Show what a module says of itself", Args: oneModule,
		RunE: func(c *cobra.Command, args []string) error {
			b, err := moduleBytes(&f, args[0])
			if err != nil {
				return err
			}
			m, err := plugins.ReadManifest(b)
			if err != nil {
				return err
			}
			out := pluginManifest{Module: plugins.Digest(b).String(), Bytes: len(b), Name: m.Name, Version: m.Version, ABI: abi.Version, Meter: m.Meter,
				Fuel: m.Fuel, Pages: m.Pages, Answer: m.Answer, Slices: m.Slices, Slice: m.Slice, Keep: m.Keep, Licence: m.Licence,
				Ops: []string{}, Capabilities: append([]string{}, m.Capabilities...), Input: fieldsOf(m.Input), Output: fieldsOf(m.Output)}
			for _, op := range m.Ops {
				out.Ops = append(out.Ops, op.String())
			}
			if asJSON {
				return printJSON(c, out)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			shared := "divide their score"
			if m.Keep {
				shared = "keep their score each"
			}
			for _, l := range [][2]string{{"module", out.Module}, {"name", m.Name + " " + m.Version}, {"licence", m.Licence},
				{"written for", fmt.Sprintf("abi %d, meter %d", abi.Version, m.Meter)}, {"operations", strings.Join(out.Ops, " ")},
				{"fuel", fmt.Sprintf("%d a call", m.Fuel)}, {"memory", fmt.Sprintf("%d pages of 64 KiB", m.Pages)},
				{"answer", fmt.Sprintf("at most %d bytes", m.Answer)}, {"data", fmt.Sprintf("%d slices of %d bytes a task", m.Slices, m.Slice)},
				{"equal answers", shared}, {"asks for", strings.Join(m.Capabilities, " ")}} {
				fmt.Fprintf(w, "%s\t%s\n", l[0], l[1])
			}
			for _, l := range []struct {
				name   string
				fields []pluginField
			}{{"task", out.Input}, {"answer", out.Output}} {
				for _, x := range l.fields {
					fmt.Fprintf(w, "%s field\t%s %s %s\n", l.name, x.Name, x.Kind, x.Unit)
				}
			}
			return w.Flush()
		}}
	f.add(c)
	jsonFlag(c, &asJSON, pluginManifest{})
	return c
}

func fieldsOf(l []abi.Field) []pluginField {
	out := []pluginField{}
	for _, f := range l {
		out = append(out, pluginField{f.Name, f.Kind, f.Unit, f.Max})
	}
	return out
}

// pluginVerdict is what `plugin verify` found.
type pluginVerdict struct {
	Module string `json:"module"`
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
}

func pluginVerify() *cobra.Command {
	var f nodeFlags
	var asJSON bool
	c := &cobra.Command{Use: "verify [MODULE...]", Short: "Check that modules are whole and that this node would run them",
		Long: `Reads each module, or all in the store, compares it with its hash, and puts it through the
gate, the meter and the compiler, as a node does before the first call.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				s, err := storeOf(&f)
				if err != nil {
					return err
				}
				all, err := s.List()
				if err != nil {
					return err
				}
				for _, e := range all {
					args = append(args, e.ID.String())
				}
			}
			list := []pluginVerdict{}
			bad := 0
			for _, a := range args {
				v := pluginVerdict{Module: a, OK: true}
				b, err := moduleBytes(&f, a)
				if c := (*coded)(nil); errors.As(err, &c) {
					return err // of the command line, not of the module
				}
				if err == nil {
					v.Module = plugins.Digest(b).String()
					err = tryModule(c.Context(), b)
				}
				if err != nil {
					v.OK, v.Error = false, err.Error()
					bad++
				}
				list = append(list, v)
				if !asJSON {
					fmt.Fprintln(c.OutOrStdout(), strings.TrimSpace(v.Module+" "+map[bool]string{true: "ok"}[v.OK]+v.Error))
				}
			}
			if asJSON {
				if err := printJSON(c, list); err != nil {
					return err
				}
			}
			if bad > 0 {
				return fmt.Errorf("%d of %d modules would not run", bad, len(list))
			}
			return nil
		}}
	f.add(c)
	jsonFlag(c, &asJSON, []pluginVerdict{})
	return c
}

func tryModule(ctx context.Context, b []byte) error {
	e, err := wasm.NewEngine(wasm.Config{})
	if err != nil {
		return err
	}
	m, err := e.Load(ctx, b)
	if err != nil {
		return err
	}
	return m.Close(ctx)
}

func pluginPin() *cobra.Command {
	return pinning("pin MODULE", "Keep a module from being collected", (*plugins.Store).Pin)
}

func pluginUnpin() *cobra.Command {
	return pinning("unpin MODULE", "Let a module be collected again", (*plugins.Store).Unpin)
}

func pinning(use, short string, do func(*plugins.Store, plugins.ID) error) *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{Use: use, Short: short, Args: oneModule,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := storeOf(&f)
			if err != nil {
				return err
			}
			id, err := moduleIn(s, args[0])
			if err != nil {
				return err
			}
			return do(s, id)
		}}
	f.add(c)
	return c
}

func pluginCollect() *cobra.Command {
	var f nodeFlags
	var asJSON, dry bool
	var quota int64
	c := &cobra.Command{Use: "gc", Short: "Remove modules that are neither in use nor pinned",
		Long: `Removes modules from the node's store, those unused for longest first, until at most --quota
bytes are left. Pinned modules stay, and so do those that the node said it runs.`, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := storeOf(&f)
			if err != nil {
				return err
			}
			if quota < 0 {
				return usage("--quota %d: must be 0 or more bytes", quota)
			}
			gone, err := s.Collect(nil, quota, dry)
			l := []pluginEntry{}
			for _, e := range gone {
				l = append(l, entryOf(s, e, false))
			}
			if asJSON {
				if e := printJSON(c, l); e != nil {
					return e
				}
			} else if e := printEntries(c, l); e != nil {
				return e
			}
			return err
		}}
	f.add(c)
	c.Flags().Int64Var(&quota, "quota", 0, "bytes that may stay")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be removed")
	jsonFlag(c, &asJSON, []pluginEntry{})
	return c
}
