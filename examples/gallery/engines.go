package gallery

import (
	"flag"

	text "github.com/plexus-network/plexus/examples/engines/text"
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
	var all []Engine
	for _, name := range text.Names() {
		all = append(all, Engine{Name: name, Say: "for the text subnet", Run: func(args []string) error {
			var o text.Options
			f := flag.NewFlagSet(name, flag.ContinueOnError)
			f.StringVar(&o.Train, "train", "", "text that text-mix learns from")
			f.StringVar(&o.Evidence, "evidence", "", "folder of answers that text-copy repeats")
			if err := f.Parse(args); err != nil {
				return err
			}
			return text.Run(name, o)
		}})
	}
	return all
}
