package gallery

import (
	"flag"

	engine "github.com/plexus-network/plexus/examples/engines/learn"
	"github.com/plexus-network/plexus/examples/subnets/learn"
	text "github.com/plexus-network/plexus/examples/subnets/text"
)

func learnSubnet() Subnet {
	return Subnet{
		Name: "learn", Say: "updates to a shared model of text",
		Module: "github.com/plexus-network/plexus/examples/subnets/learn/module",
		Solver: "github.com/plexus-network/plexus/examples/subnets/learn/solver",
		Cut: func(string) (Data, error) {
			corpus, err := text.ReadCorpus("")
			if err != nil {
				return Data{}, err
			}
			public, hidden := text.Split(corpus)
			// A module is given the last 256 KiB of a file: with less than that it deals
			// the same shards as an engine that reads all of it.
			return Data{Hidden: hidden, Slice: learn.SliceLen, Public: public[:min(len(public), 240<<10)]}, nil
		},
		Tempo: 24, Rounds: []uint16{2, 7, 12}, DeadlineMS: 4000,
		Miners: []Miner{
			{Name: "good", Say: "SGD with error feedback, on a shard of its own", Engine: []string{"learn-good", "--train", "{public}", "--shard", "1/3"}},
			{Name: "baseline", Say: "one pass of SGD, on a shard of its own", Engine: []string{"wasm", "--module", "{solver}", "--param", "baseline 2/3", "--data", "{public}"}},
			{Name: "poisoner", Say: "the opposite of what SGD would do", Engine: []string{"wasm", "--module", "{solver}", "--param", "poisoner 3/3", "--data", "{public}"}},
			{Name: "lazy", Say: "no changes", Engine: []string{"wasm", "--module", "{solver}", "--param", "lazy"}},
			{Name: "copier", Say: "repeats updates found in published evidence", Engine: []string{"copy", "--evidence", "{study}"}},
		},
		Tasks:   18,
		Above:   [][2]string{{"good", "baseline"}, {"baseline", "lazy"}, {"baseline", "copier"}},
		Nothing: []string{"poisoner"},
	}
}

func runLearn(args []string) error {
	var o engine.Options
	f := flag.NewFlagSet("learn-good", flag.ContinueOnError)
	f.StringVar(&o.Train, "train", "", "text that is dealt into shards")
	f.StringVar(&o.Shard, "shard", "1/1", "the shard to learn from, K/N")
	if err := parse(f, args); err != nil {
		return err
	}
	return engine.Run(o)
}
