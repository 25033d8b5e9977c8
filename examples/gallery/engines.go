package gallery

import (
	"flag"
	"fmt"
	"time"

	"github.com/plexus-network/plexus/examples/engines/exec"
	"github.com/plexus-network/plexus/examples/engines/study"
	text "github.com/plexus-network/plexus/examples/engines/text"
	"github.com/plexus-network/plexus/examples/engines/wasm"
)

// Engine is a model that `plexus engine NAME ARGUMENT...` becomes.
type Engine struct {
	Name string
	Say  string // one line
	// Run parses the arguments and answers tasks until the host ends the process.
	// It returns only an error.
	Run func(args []string) error
}

// Engines lists the models, in the order to show them in.
func Engines() []Engine {
	all := []Engine{
		{Name: "wasm", Say: "a solver module, in the sandbox: --module FILE --param TEXT --data FILE", Run: runWasm},
		{Name: "copy", Say: "repeats the best answer found in published evidence: --evidence DIR", Run: func(args []string) error {
			f := flag.NewFlagSet("copy", flag.ContinueOnError)
			evidence := f.String("evidence", "", "folder of answers to repeat")
			if err := parse(f, args); err != nil {
				return err
			}
			return study.RunCopier(*evidence)
		}},
		{Name: "exec", Say: "any program that reads a task and writes an answer: --timeout 3s -- PROGRAM ARGUMENT...", Run: runExec},
		openaiEngine(),
		{Name: "learn-good", Say: "for the learn subnet: SGD with error feedback: --train FILE --shard K/N", Run: runLearn},
		apertiumEngine(),
		pocketsphinxEngine(),
	}
	for _, name := range text.Names() {
		all = append(all, Engine{Name: name, Say: "for the text subnet", Run: func(args []string) error {
			var o text.Options
			f := flag.NewFlagSet(name, flag.ContinueOnError)
			f.StringVar(&o.Train, "train", "", "text that text-mix learns from")
			f.StringVar(&o.Evidence, "evidence", "", "folder of answers that text-copy repeats")
			if err := parse(f, args); err != nil {
				return err
			}
			return text.Run(name, o)
		}})
	}
	return all
}

func runWasm(args []string) error {
	var c wasm.Config
	f := flag.NewFlagSet("wasm", flag.ContinueOnError)
	f.StringVar(&c.Module, "module", "", "file of the solver module")
	f.StringVar(&c.Param, "param", "", "text that the module is given with each task, such as the name of a mode")
	f.StringVar(&c.Data, "data", "", "file that is given after it, read for each task; of a long one the last 256 KiB")
	f.StringVar(&c.Cache, "cache", wasm.DefaultCache(), "folder of compiled modules")
	f.Uint64Var(&c.Fuel, "fuel", 0, "most fuel for one answer (default: the sandbox's)")
	wall := f.Duration("timeout", 15*time.Second, "most time for one answer; then the process ends")
	if err := parse(f, args); err != nil {
		return err
	}
	return wasm.Run(c, *wall)
}

func runExec(args []string) error {
	var c exec.Config
	f := flag.NewFlagSet("exec", flag.ContinueOnError)
	f.DurationVar(&c.Timeout, "timeout", 10*time.Second, "most time for one run; then the program is killed")
	f.IntVar(&c.MaxAnswer, "max", 0, "most bytes of an answer (default: what the miner takes)")
	f.StringVar(&c.Dir, "dir", "", "the program's working directory")
	f.Func("env", "variable NAME=VALUE for the program, as often as needed", func(v string) error {
		c.Env = append(c.Env, v)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return err
	}
	c.Command = f.Args()
	return exec.Run(c)
}

// parse refuses what is left beside the options: an option's value that a space
// cut off would otherwise be passed over in silence.
func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("engine %s: %q is no option", f.Name(), f.Arg(0))
	}
	return nil
}
