package command

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/trial"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// profiled is what plugin profile prints as JSON.
type profiled struct {
	Seed      uint64        `json:"seed"`
	Ops       []profiledOp  `json:"ops"`
	Functions []profiledFun `json:"functions"` // the dearest first
	File      string        `json:"file,omitempty"`
}

// profiledOp is an operation, or "start" for what comes before the first call.
type profiledOp struct {
	Op   string `json:"op"`
	Fuel uint64 `json:"fuel"`
	Time string `json:"time"`
}

type profiledFun struct {
	Name  string `json:"name"`
	Calls uint64 `json:"calls"`
	Fuel  uint64 `json:"fuel"`  // without what it called
	Total uint64 `json:"total"` // with it
	Time  string `json:"time"`  // without what it called, with the profiler's own
}

func pluginProfileCommand() *cobra.Command {
	var f trialFlags
	var opNames, answers []string
	var out string
	top := 20
	c := &cobra.Command{
		Use:   "profile DIR|FILE --op OP",
		Short: "Show which functions of a module use its fuel and its time",
		Long: `Calls operations and shows where their fuel went: exactly, by function and by stack of
calls. -o writes a profile for 'go tool pprof' (values fuel, calls and time; -http :0 shows
flames). A folder is built with the names of its functions; a file has them only when its
maker left them in. Requests are made as 'plexus plugin run' makes them; score gets the
module's own answer and an empty one where no --answer is given.`,
		Example: "  plexus plugin profile demo --op score --seed 7 -o score.pb.gz\n  go tool pprof -top score.pb.gz",
		Args:    oneArg("a module's file, or the folder of its sources"),
		RunE: func(c *cobra.Command, args []string) error {
			opt, err := f.options(nil)
			if err != nil {
				return err
			}
			if top < 1 {
				return usage("--top %d: at least 1", top)
			}
			code, err := namedCode(c, args[0])
			if err != nil {
				return err
			}
			engine, err := f.engine(code)
			if err != nil {
				return err
			}
			m, err := engine.Load(c.Context(), code)
			if err != nil {
				return err
			}
			defer m.Close(c.Context())
			var payloads [][]byte
			for _, a := range answers {
				b, err := readAnswer(a)
				if err != nil {
					return err
				}
				payloads = append(payloads, b)
			}
			if len(payloads) == 0 {
				payloads = [][]byte{{}}
				if man := m.Manifest(); man.Has(abi.OpSolve) {
					in, err := trial.Request(c.Context(), m, opt, abi.OpSolve, nil)
					if err != nil {
						return err
					}
					solved, err := m.Call(c.Context(), abi.OpSolve, in, [32]byte{})
					if err != nil {
						return err
					}
					payloads = append(payloads, solved.Body)
				}
			}
			var calls []wasm.Request
			for _, name := range opNames {
				op, err := parseOp(name)
				if err != nil {
					return err
				}
				if err := offers(m.Manifest(), op); err != nil {
					return err
				}
				in, err := trial.Request(c.Context(), m, opt, op, payloads)
				if err != nil {
					return err
				}
				calls = append(calls, wasm.Request{Op: op, Input: in})
			}
			p, _, err := engine.Profile(c.Context(), code, calls)
			if err != nil {
				return err
			}
			r := summary(p)
			r.Seed, r.File = f.seed, out
			if out != "" {
				if err := writeProfile(p, out); err != nil {
					return err
				}
			}
			if f.json {
				return printJSON(c, r)
			}
			return printProfile(c, r, top)
		},
	}
	f.add(c)
	c.Flags().Lookup("tasks").Hidden = true
	c.Flags().StringSliceVar(&opNames, "op", []string{"score"}, "operations, separated by commas: describe, task, score, rank, check, solve, render, parse, merge")
	c.Flags().StringArrayVar(&answers, "answer", nil, "an answer to score: text, 0x and hexadecimal, or @FILE; again for more")
	c.Flags().StringVarP(&out, "output", "o", "", "file to write for pprof")
	c.Flags().IntVar(&top, "top", top, "functions to list")
	jsonFlag(c, &f.json, profiled{})
	return c
}

// namedCode reads the module in a file, or builds the one in a folder with the
// names of its functions.
func namedCode(c *cobra.Command, target string) ([]byte, error) {
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		return plugins.BuildNamed(c.Context(), target, c.ErrOrStderr())
	}
	code, _, err := guestCode(c.Context(), target, c.ErrOrStderr())
	return code, err
}

func writeProfile(p *wasm.Profile, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := p.WriteTo(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// summary adds a profile up by operation and by function.
func summary(p *wasm.Profile) *profiled {
	type sum struct {
		calls, fuel, total uint64
		time               time.Duration
	}
	ops, functions := map[string]*sum{}, map[string]*sum{}
	at := func(m map[string]*sum, name string) *sum {
		if m[name] == nil {
			m[name] = &sum{}
		}
		return m[name]
	}
	var order []string
	for _, s := range p.Samples {
		root := s.Stack[len(s.Stack)-1]
		if ops[root] == nil {
			order = append(order, root)
		}
		o := at(ops, root)
		o.fuel += s.Fuel
		o.time += s.Time
		f := at(functions, s.Stack[0])
		f.calls += s.Calls
		f.fuel += s.Fuel
		f.time += s.Time
		seen := map[string]bool{} // a function that calls itself counts once
		for _, name := range s.Stack[:len(s.Stack)-1] {
			if !seen[name] {
				seen[name] = true
				at(functions, name).total += s.Fuel
			}
		}
	}
	r := &profiled{Ops: []profiledOp{}, Functions: []profiledFun{}}
	for _, name := range order {
		r.Ops = append(r.Ops, profiledOp{name, ops[name].fuel, ops[name].time.String()})
	}
	for name, s := range functions {
		r.Functions = append(r.Functions, profiledFun{name, s.calls, s.fuel, s.total, s.time.String()})
	}
	slices.SortFunc(r.Functions, func(a, b profiledFun) int {
		return cmp.Or(cmp.Compare(b.Fuel, a.Fuel), cmp.Compare(b.Total, a.Total), strings.Compare(a.Name, b.Name))
	})
	return r
}

func printProfile(c *cobra.Command, r *profiled, top int) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	var all uint64
	for _, o := range r.Ops {
		all += o.Fuel
	}
	part := func(n uint64) string { return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(max(all, 1))) }
	fmt.Fprintln(w, "operation\tfuel\t\ttime")
	for _, o := range r.Ops {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", o.Op, o.Fuel, part(o.Fuel), o.Time)
	}
	fmt.Fprintln(w, "\nfunction\tfuel\t\twith callees\t\tcalls\ttime")
	for i, f := range r.Functions {
		if i == top {
			break
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%d\t%s\n", f.Name, f.Fuel, part(f.Fuel), f.Total, part(f.Total), f.Calls, f.Time)
	}
	return w.Flush()
}
