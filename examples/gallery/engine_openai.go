package gallery

import (
	"flag"
	"strings"
	"time"

	"github.com/plexus-network/plexus/examples/engines/openai"
)

func openaiEngine() Engine {
	return Engine{Name: "openai", Run: runOpenAI,
		Say: "a server with OpenAI's interface: --base-url URL --model NAME --key-file FILE --for " + strings.Join(openai.Forms(), "|")}
}

func runOpenAI(args []string) error {
	var c openai.Config
	var o openai.Options
	f := flag.NewFlagSet("openai", flag.ContinueOnError)
	f.StringVar(&c.BaseURL, "base-url", "http://127.0.0.1:8080/v1", "the server, up to and with the version")
	f.StringVar(&c.Model, "model", "", "name of the model; some servers need none")
	keyFile := f.String("key-file", "", "file with the key, of mode 0600 (default: no key)")
	f.BoolVar(&c.Insecure, "insecure", false, "let the key go over plain HTTP to another machine")
	f.DurationVar(&c.Timeout, "timeout", 15*time.Second, "most time for one task, repetitions included")
	f.DurationVar(&c.Stall, "stall", 10*time.Second, "most time without a byte of a reply")
	f.IntVar(&c.Retries, "retries", 3, "repetitions of a request that may succeed later")
	name := f.String("for", "plain", "what the tasks are: "+strings.Join(openai.Forms(), ", "))
	f.StringVar(&o.System, "system", "", "what the model is told before the task, or how pictures look, or which words to expect")
	f.IntVar(&o.Tokens, "tokens", 0, "most tokens of one reply (default: the server's bound)")
	f.IntVar(&o.Parallel, "parallel", 4, "requests at once, for tasks that take several")
	if err := parse(f, args); err != nil {
		return err
	}
	if *keyFile != "" {
		var err error
		if c.Key, err = openai.ReadKey(*keyFile); err != nil {
			return err
		}
	}
	return openai.Run(c, *name, o)
}
