package gallery

import "github.com/plexus-network/plexus/examples/subnets/translate"

func translateSubnet() Subnet {
	return Subnet{
		Name: "translate", Say: "translate names into Spanish and sentences into a language made up for the task",
		Module: "github.com/plexus-network/plexus/examples/subnets/translate/module",
		Solver: "github.com/plexus-network/plexus/examples/subnets/translate/solver",
		Flag:   "pairs", FlagSay: "lines of sentence, tab, translation",
		Cut: func(file string) (Data, error) {
			// Default names are short and few: half of a task is of made-up sentences.
			// Who brings pairs wants these translated, and nothing else.
			pairs, real, made := []translate.Pair(nil), 4, 0
			if file == "" {
				pairs, real, made = translate.DefaultPairs(), 2, 2
			} else {
				var err error
				if pairs, err = translate.ReadPairs(file); err != nil {
					return Data{}, err
				}
			}
			hidden, public, err := translate.Cut(pairs, real, made)
			if err != nil {
				return Data{}, err
			}
			return Data{Hidden: hidden, Slice: translate.SliceLen, Public: public}, nil
		},
		Tempo: 20, Rounds: []uint16{2, 7, 12}, DeadlineMS: 3500,
		Miners: []Miner{
			{Name: "good", Say: "by the most similar example", Engine: []string{"wasm", "--module", "{solver}", "--param", "good", "--data", "{public}"}},
			{Name: "baseline", Say: "word by word, by a dictionary learned from examples", Engine: []string{"wasm", "--module", "{solver}", "--param", "baseline", "--data", "{public}"}},
			{Name: "lazy", Say: "the sentence itself", Engine: []string{"wasm", "--module", "{solver}", "--param", "lazy"}},
			{Name: "copier", Say: "repeats answers found in published evidence", Engine: []string{"copy", "--evidence", "{study}"}},
		},
		Tasks: 8,
		Above: [][2]string{{"good", "baseline"}, {"baseline", "lazy"}, {"baseline", "copier"}},
	}
}
