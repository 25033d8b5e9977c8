package gallery

import (
	"flag"
	"time"

	"github.com/plexus-network/plexus/examples/engines/apertium"
)

func apertiumEngine() Engine {
	return Engine{Name: "apertium", Say: "Apertium, for the translate subnet: --direction eng-spa --data PAIRS", Run: func(args []string) error {
		f := flag.NewFlagSet("apertium", flag.ContinueOnError)
		direction := f.String("direction", "eng-spa", "from which language to which, as 'apertium -l' lists them")
		data := f.String("data", "", "file of published pairs, for what Apertium cannot read")
		timeout := f.Duration("timeout", 10*time.Second, "most time for one task")
		if err := parse(f, args); err != nil {
			return err
		}
		return apertium.Run(*direction, *data, *timeout)
	}}
}
