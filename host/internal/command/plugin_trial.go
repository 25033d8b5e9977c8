package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/plugins/conform"
	"github.com/plexus-network/plexus/plugins/trial"
)

// trialFlags are those of the commands that play a module.
type trialFlags struct {
	guestFlags
	tasks    int
	seed     uint64
	data     string
	params   string
	artifact string
	json     bool
}

func (f *trialFlags) add(c *cobra.Command) {
	f.guestFlags.add(c)
	c.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the first task")
	f.addSubnet(c)
}

// addSubnet adds the flags that say what a subnet hands to its module.
func (f *trialFlags) addSubnet(c *cobra.Command) {
	c.Flags().IntVar(&f.tasks, "tasks", 16, "tasks to play")
	c.Flags().StringVar(&f.data, "data", "", "file whose parts are the data slices (default: lines of a few words)")
	c.Flags().StringVar(&f.artifact, "artifact", "", "file of the subnet's artifact, handed to task and merge (default: none)")
	c.Flags().StringVar(&f.params, "params", "", "file of the subnet's parameters, handed to the module as they are")
}

func (f *trialFlags) options(bar *progress.Bar) (trial.Options, error) {
	opt := trial.Options{Tasks: f.tasks, Seed: f.seed, Progress: func(done, total int) { bar.Set(int64(done), int64(total)) }}
	if f.tasks < 1 || f.tasks > 100_000 {
		return opt, usage("--tasks %d: 1 to 100,000", f.tasks)
	}
	for _, file := range []struct {
		flag, name string
		to         *[]byte
	}{{"data", f.data, &opt.Data}, {"params", f.params, &opt.Params}, {"artifact", f.artifact, &opt.Artifact}} {
		if file.name == "" {
			continue
		}
		b, err := os.ReadFile(file.name)
		if err != nil {
			return opt, fmt.Errorf("--%s: %w", file.flag, err)
		}
		*file.to = b
	}
	return opt, nil
}

// played is what plugin test prints as JSON.
type played struct {
	trial.Report
	Golden string `json:"golden"` // "equal", "written", "none" or what differs
}

func pluginTestCommand() *cobra.Command {
	var f trialFlags
	var update bool
	c := &cobra.Command{
		Use:   "test DIR|FILE",
		Short: "Play a module against answers that nobody should be paid for",
		Long: `Draws tasks from seeds and scores a field on each: the module's own solver, the hidden
part of the task as the best leak, and adversaries that answer nothing, always the
same, what was right before, as much as they may, or rubbish. In a folder, tasks and
scores are held against testdata/golden.json, so that a change of a score is seen;
--update writes it. Ends with code 1 when they differ.`,
		Args: oneArg("a module's file, or the folder of its sources"),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := f.open(c, args[0])
			if err != nil {
				return err
			}
			defer g.close()
			if update && g.dir == "" {
				return usage("--update: %s is a file: give the folder of its sources, which keeps %s", args[0], trial.GoldenFile)
			}
			bar := progress.New(c.ErrOrStderr(), "tasks")
			opt, err := f.options(bar)
			if err != nil {
				return err
			}
			report, err := trial.Play(c.Context(), g.module, opt)
			bar.Done()
			if err != nil {
				return err
			}
			out := played{Report: *report, Golden: "none"}
			file := filepath.Join(g.dir, filepath.FromSlash(trial.GoldenFile))
			if g.dir != "" && update {
				text, err := trial.Golden(report)
				if err != nil {
					return err
				}
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(file, text, 0o644); err != nil {
					return err
				}
				out.Golden = "written"
			} else if g.dir != "" {
				err := trial.Compare(report, file)
				switch {
				case err == nil:
					out.Golden = "equal"
				case !errors.Is(err, fs.ErrNotExist):
					out.Golden = err.Error()
				}
			}
			if f.json {
				err = printJSON(c, out)
			} else {
				err = printTrial(c, &out, file)
			}
			if err == nil && out.Golden != "none" && out.Golden != "equal" && out.Golden != "written" {
				return foundFault("%s: %s; 'plexus plugin test --update %s' takes the new scores", file, out.Golden, args[0])
			}
			return err
		},
	}
	f.add(c)
	c.Flags().BoolVar(&update, "update", false, "write testdata/golden.json")
	jsonFlag(c, &f.json, played{})
	return c
}

func printTrial(c *cobra.Command, r *played, file string) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "player\ttasks\tmean\tleast\tmost\tanswers")
	for _, x := range r.Results {
		fmt.Fprintf(w, "%s\t%d\t%.6s\t%.6s\t%.6s\t%s\n", x.Player, x.Tasks, trial.Decimal(x.Mean), trial.Decimal(x.Least), trial.Decimal(x.Most), x.What)
	}
	fmt.Fprintln(w, "\noperation\tcalls\tmean fuel\tmost fuel")
	for _, x := range r.Costs {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", x.Op, x.Calls, x.Mean, x.Most)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch r.Golden {
	case "none":
		fmt.Fprintln(c.OutOrStdout(), "\nno golden file: --update writes one in the folder of the sources")
	case "equal", "written":
		fmt.Fprintf(c.OutOrStdout(), "\n%s: %s\n", file, r.Golden)
	}
	return nil
}

// linted is what plugin lint prints as JSON.
type linted struct {
	Contract *conform.Report `json:"contract"`
	Warnings []trial.Warning `json:"warnings"`
}

func pluginLintCommand() *cobra.Command {
	var f trialFlags
	c := &cobra.Command{
		Use:   "lint DIR|FILE",
		Short: "Look for what makes a module unfair, undetermined or dear",
		Long: `Checks the contract as 'plexus plugin conform' does (determinism among it), and looks for
what makes a subnet easy to game: scores that depend on the order of the answers, equal
answers with other scores, copies that pay, tasks that repeat or show their own truth,
cheap answers that earn, and a fullest round that takes too much fuel. Ends with code 1
when it finds something. A module without warnings can still be unfair.`,
		Args: oneArg("a module's file, or the folder of its sources"),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := f.open(c, args[0])
			if err != nil {
				return err
			}
			defer g.close()
			bar := progress.New(c.ErrOrStderr(), "tasks")
			opt, err := f.options(bar)
			if err != nil {
				return err
			}
			out := linted{Warnings: []trial.Warning{}}
			if out.Contract, err = conform.Check(c.Context(), g.code, conform.Options{Params: opt.Params, Data: opt.Data, Artifact: opt.Artifact, CacheDir: f.cache, Seeds: min(f.tasks, 4)}); err != nil {
				return err
			}
			if out.Contract.OK() {
				found, err := trial.Lint(c.Context(), g.module, opt)
				if err != nil {
					return err
				}
				out.Warnings = append(out.Warnings, found...)
			}
			bar.Done()
			if f.json {
				err = printJSON(c, out)
			} else {
				for _, x := range out.Contract.Findings {
					if x.Verdict == conform.Failed {
						fmt.Fprintf(c.OutOrStdout(), "contract: %s: %s\n", x.Check, x.Detail)
					}
				}
				for _, w := range out.Warnings {
					fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", w.Rule, w.Detail)
				}
			}
			if err == nil && (!out.Contract.OK() || len(out.Warnings) > 0) {
				return foundFault("%s breaks the contract or has %d warnings", args[0], len(out.Warnings))
			}
			if err == nil && !f.json {
				fmt.Fprintln(c.OutOrStdout(), "nothing found")
			}
			return err
		},
	}
	f.add(c)
	jsonFlag(c, &f.json, linted{})
	return c
}

func pluginConformCommand() *cobra.Command {
	var f trialFlags
	c := &cobra.Command{
		Use:   "conform DIR|FILE",
		Short: "Check that a module keeps the contract",
		Long: `Loads a module as a node does and calls it with good, odd and broken inputs in the
compiler and the interpreter: what must be exported is, replies lie in memory and are
canonical, rubbish is refused and never traps, equal answers score alike, and repeated
calls give the same reply for the same fuel. Ends with code 1 when a check fails.`,
		Args: oneArg("a module's file, or the folder of its sources"),
		RunE: func(c *cobra.Command, args []string) error {
			bar := progress.New(c.ErrOrStderr(), "checks")
			opt, err := f.options(bar)
			if err != nil {
				return err
			}
			code, _, err := guestCode(c.Context(), args[0], c.ErrOrStderr())
			if err != nil {
				return err
			}
			report, err := conform.Check(c.Context(), code, conform.Options{Params: opt.Params, Data: opt.Data, Artifact: opt.Artifact,
				CacheDir: f.cache, Seeds: f.tasks, Progress: opt.Progress})
			bar.Done()
			if err != nil {
				return err
			}
			if f.json {
				err = printJSON(c, report)
			} else {
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, x := range report.Findings {
					fmt.Fprintf(w, "%s\t%s\t%s\n", x.Check, x.Verdict, x.Detail)
				}
				err = w.Flush()
			}
			if err == nil && !report.OK() {
				return foundFault("%s breaks the contract", args[0])
			}
			return err
		},
	}
	f.addCache(c)
	f.addSubnet(c)
	jsonFlag(c, &f.json, conform.Report{})
	return c
}
