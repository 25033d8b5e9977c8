package gallery

import (
	"flag"
	"time"

	"github.com/plexus-network/plexus/examples/engines/pocketsphinx"
)

func pocketsphinxEngine() Engine {
	return Engine{Name: "pocketsphinx", Say: "PocketSphinx, for the speech subnet: --grammar FILE or --free", Run: func(args []string) error {
		var c pocketsphinx.Config
		f := flag.NewFlagSet("pocketsphinx", flag.ContinueOnError)
		f.StringVar(&c.Grammar, "grammar", "", "JSGF file of what may be said (default: two to four of the synthesiser's words)")
		f.BoolVar(&c.Free, "free", false, "any English, instead of a grammar")
		f.StringVar(&c.Model, "model", "", "folder of the English model (default: the package's)")
		f.DurationVar(&c.Timeout, "timeout", 10*time.Second, "most time for one task")
		if err := parse(f, args); err != nil {
			return err
		}
		return pocketsphinx.Run(c)
	}}
}
