package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/gallery"
	"github.com/plexus-network/plexus/host/internal/miners"
	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/plugins/engine"
	"github.com/plexus-network/plexus/plugins/trial"
)

func engineCheckCommand() *cobra.Command {
	var f trialFlags
	var module string
	var deadline, timeout, start time.Duration
	var netuid uint16
	c := &cobra.Command{
		Use:   "check --module DIR|FILE ENGINE [ARGUMENT...]",
		Short: "Try an engine on a module's tasks, before its owner pays for a registration",
		Long: `Starts an engine as a miner does and asks it tasks that the module draws, one after the
other: how long it takes against the deadline, whether the answers are well-formed, and
which score they would get, beside no answer at all and its own first answer repeated.
Then it asks what is no task: the engine may refuse or answer, but has to live. Ends with
code 1 when there is something that its owner should look at.

ENGINE is one of 'plexus engine ls' with its arguments, or a program of your own with its
arguments. Options of this command stand before it.

For a module of the examples, --data takes the file that 'plexus dev' takes for it (a text,
pairs, a series), and without it the default data is used; for any other module the file is
cut into its slices.`,
		Example: "  plexus engine check --module examples/subnets/text/module text-order0\n" +
			"  plexus engine check --module text.wasm --tasks 64 wasm --module solver.wasm --param good\n" +
			"  plexus engine check --module mine.wasm --data hidden.txt ./my-model --fast",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "" {
				return usage("%s takes an engine: one of %s, or a program", c.CommandPath(), engineList())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if module == "" {
				return usage("--module DIR|FILE is needed: the subnet's module, whose tasks are asked")
			}
			line, err := miners.Command(args)
			if err != nil {
				return err
			}
			g, err := f.open(c, module)
			if err != nil {
				return err
			}
			defer g.close()
			bar := progress.New(c.ErrOrStderr(), "tasks")
			data := f.data
			f.data = "" // read below
			opt, err := f.options(bar)
			if err != nil {
				return err
			}
			man := g.module.Manifest()
			if opt.Data, err = examData(&man, data); err != nil {
				return err
			}
			e, err := engine.Open(c.Context(), engine.Config{Command: line, Name: args[0], Timeout: timeout, StartTimeout: start})
			if err != nil {
				return err
			}
			defer e.Close()
			exam, err := trial.Examine(c.Context(), g.module, e, trial.ExamOptions{Options: opt, NetUID: netuid, Deadline: deadline})
			bar.Done()
			if err != nil {
				return err
			}
			exam.Engine = strings.Join(args, " ")
			if f.json {
				err = printJSON(c, exam)
			} else {
				err = printExam(c, man.Name, exam)
			}
			if err == nil && len(exam.Findings) > 0 {
				err = foundFault("%s: %d findings", args[0], len(exam.Findings))
			}
			return err
		},
	}
	c.Flags().SetInterspersed(false) // what follows the engine's name is its own
	f.add(c)
	c.Flags().StringVar(&module, "module", "", "the subnet's module: a file, or the folder of its sources")
	c.Flags().DurationVar(&deadline, "deadline", 3500*time.Millisecond, "what a round gives an answer; the subnet's parameters say it")
	c.Flags().DurationVar(&timeout, "timeout", 20*time.Second, "after which the engine is killed, as a miner does")
	c.Flags().DurationVar(&start, "start-timeout", time.Minute, "most time until the engine is ready")
	c.Flags().Uint16Var(&netuid, "netuid", 1, "subnet that the engine is told")
	jsonFlag(c, &f.json, trial.Exam{})
	return c
}

// examData is what the tasks of a module are drawn from: of an example's, its own
// data or a file in its form, else the bytes of the file.
func examData(man *abi.Manifest, file string) ([]byte, error) {
	for _, s := range gallery.Subnets() {
		if s.Name != man.Name || s.Cut == nil {
			continue
		}
		d, err := s.Cut(file)
		if err != nil {
			return nil, err
		}
		if uint64(d.Slice) == man.Slice {
			return d.Hidden, nil
		}
	}
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	switch {
	case err != nil:
		return nil, err
	case man.Slices == 0:
		return nil, usage("--data %s: the module draws its tasks without data", file)
	case uint64(len(b)) < man.Slice:
		return nil, fmt.Errorf("%s has %d bytes, one slice of the module has %d", filepath.Base(file), len(b), man.Slice)
	}
	return b, nil
}

func printExam(c *cobra.Command, module string, x *trial.Exam) error {
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%s, asked %d tasks of %s\n\n", x.Engine, x.Tasks, module)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "answered\t%d in time, %d late, %d without an answer, %d not well-formed; the longest has %d bytes\n", x.Answered, x.Late, x.Failed, x.Unfit, x.Bytes)
	fmt.Fprintf(w, "time\t%.0f ms for half of them, %.0f ms for 95 of 100, of %.0f ms; first bytes after %.0f ms\n", x.P50, x.P95, x.Deadline, x.First)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\npredicted score\tmean\tspread\tleast\tmost")
	for _, m := range x.Marks {
		what := map[string]string{trial.MarkEngine: "this engine", trial.MarkSolver: "the module's own solver", trial.MarkRepeated: "its first answer, repeated", trial.MarkEmpty: "no bytes"}[m.Name]
		fmt.Fprintf(w, "%s\t%.6s\t%.6s\t%.6s\t%.6s\n", what, trial.Decimal(m.Mean), trial.Decimal(m.Spread), trial.Decimal(m.Least), trial.Decimal(m.Most))
	}
	fmt.Fprintln(w, "\na task that is none\tthe engine")
	for _, o := range x.Oddities {
		fmt.Fprintf(w, "%s\t%s\n", o.Task, o.Outcome)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if len(x.Findings) == 0 {
		fmt.Fprintln(out, "nothing to look at: it is fit for a registration")
	}
	for _, s := range x.Findings {
		fmt.Fprintln(out, "!", s)
	}
	return nil
}
