package command

import (
	"cmp"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// inspected is what plugin inspect prints as JSON.
type inspected struct {
	Module    string           `json:"module"`
	Bytes     int              `json:"bytes"`
	Name      string           `json:"name,omitempty"`    // from the manifest
	Version   string           `json:"version,omitempty"` // likewise
	Manifest  string           `json:"manifest"`          // "ok", or what is wrong with it
	Runs      string           `json:"runs"`              // "yes", or why no node runs it
	Metered   int              `json:"metered,omitempty"` // bytes that the compiler gets
	Sections  []inspectedPart  `json:"sections"`
	Imports   []inspectedEntry `json:"imports"`
	Exports   []inspectedEntry `json:"exports"`
	Types     int              `json:"types"`
	Tables    int              `json:"tables"`
	Globals   int              `json:"globals"`
	Segments  int              `json:"data_segments"`
	Memory    *inspectedMemory `json:"memory,omitempty"`
	Functions int              `json:"functions"`
	Largest   []inspectedFunc  `json:"largest"`
}

type inspectedPart struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

type inspectedEntry struct {
	Module string `json:"module,omitempty"`
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Type   string `json:"type,omitempty"`
}

type inspectedMemory struct {
	Min uint32 `json:"min"` // pages of 64 KiB
	Max uint32 `json:"max,omitempty"`
}

type inspectedFunc struct {
	Index int    `json:"index"`
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

func pluginInspectCommand() *cobra.Command {
	var asJSON bool
	top := 10
	c := &cobra.Command{
		Use:   "inspect DIR|FILE",
		Short: "Show what a module's file consists of",
		Long: `Shows sections, imports, exports, memory and the largest functions of a module, whether its
manifest is right, and whether a node would run it and why not.`,
		Args: oneArg("a module's file, or the folder of its sources"),
		RunE: func(c *cobra.Command, args []string) error {
			if top < 0 {
				return usage("--top %d: 0 or more", top)
			}
			code, _, err := guestCode(c.Context(), args[0], c.ErrOrStderr())
			if err != nil {
				return err
			}
			o, err := wasm.Inspect(code)
			if err != nil {
				return err
			}
			r := inspection(code, o, top)
			if asJSON {
				return printJSON(c, r)
			}
			return printInspection(c, r)
		},
	}
	c.Flags().IntVar(&top, "top", top, "how many of the largest functions to list")
	jsonFlag(c, &asJSON, inspected{})
	return c
}

func inspection(code []byte, o *wasm.Outline, top int) *inspected {
	r := &inspected{Module: plugins.Digest(code).String(), Bytes: len(code), Manifest: "ok", Runs: "yes",
		Sections: []inspectedPart{}, Imports: []inspectedEntry{}, Exports: []inspectedEntry{}, Largest: []inspectedFunc{},
		Types: o.Types, Tables: o.Tables, Globals: o.Globals, Segments: o.Segments, Functions: len(o.Functions)}
	lim := plugins.DefaultLimits()
	man, err := plugins.ReadManifest(code)
	if err != nil {
		r.Manifest, r.Runs = err.Error(), "its manifest is wrong"
	} else {
		r.Name, r.Version = man.Name, man.Version
		lim.Pages = uint32(min(man.Pages, uint64(lim.Pages)))
	}
	if metered, err := wasm.Instrument(code, lim); err != nil {
		r.Runs = err.Error()
	} else {
		r.Metered = len(metered)
	}
	for _, s := range o.Sections {
		r.Sections = append(r.Sections, inspectedPart{s.Name, s.Bytes})
	}
	for _, e := range o.Imports {
		r.Imports = append(r.Imports, inspectedEntry{e.Module, e.Name, e.Kind, e.Type})
	}
	for _, e := range o.Exports {
		r.Exports = append(r.Exports, inspectedEntry{"", e.Name, e.Kind, e.Type})
	}
	if o.Memory != nil {
		r.Memory = &inspectedMemory{Min: o.Memory.Min, Max: o.Memory.Max}
	}
	for _, f := range o.Functions {
		r.Largest = append(r.Largest, inspectedFunc{f.Index, f.Name, f.Bytes})
	}
	slices.SortStableFunc(r.Largest, func(a, b inspectedFunc) int { return cmp.Compare(b.Bytes, a.Bytes) })
	r.Largest = r.Largest[:min(top, len(r.Largest))]
	return r
}

func printInspection(c *cobra.Command, r *inspected) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "module\t%s\nbytes\t%d\n", r.Module, r.Bytes)
	if r.Manifest == "ok" {
		fmt.Fprintf(w, "manifest\t%s %s\n", r.Name, r.Version)
	} else {
		fmt.Fprintf(w, "manifest\t%s\n", r.Manifest)
	}
	if r.Runs == "yes" {
		fmt.Fprintf(w, "runs\tyes, metered to %d bytes\n", r.Metered)
	} else {
		fmt.Fprintf(w, "runs\tno: %s\n", r.Runs)
	}
	if m := r.Memory; m != nil {
		most := "as far as the host lets it"
		if m.Max > 0 {
			most = fmt.Sprintf("at most %d", m.Max)
		}
		fmt.Fprintf(w, "memory\t%d pages of 64 KiB, %s\n", m.Min, most)
	}
	fmt.Fprintf(w, "holds\t%d functions, %d types, %d tables, %d globals, %d data segments\n", r.Functions, r.Types, r.Tables, r.Globals, r.Segments)
	for _, s := range r.Sections {
		fmt.Fprintf(w, "section\t%s\t%d bytes\n", s.Name, s.Bytes)
	}
	for _, e := range r.Imports {
		fmt.Fprintf(w, "imports\t%s.%s\t%s %s\n", e.Module, e.Name, e.Kind, e.Type)
	}
	for _, e := range r.Exports {
		fmt.Fprintf(w, "exports\t%s\t%s %s\n", e.Name, e.Kind, e.Type)
	}
	for _, f := range r.Largest {
		fmt.Fprintf(w, "function %d\t%s\t%d bytes\n", f.Index, f.Name, f.Bytes)
	}
	return w.Flush()
}
