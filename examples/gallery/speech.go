package gallery

import (
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/speech/model"
)

func speechSubnet() Subnet {
	return Subnet{
		Name: "speech", Say: "write down what is said",
		Module: "github.com/plexus-network/plexus/examples/subnets/speech/module",
		Solver: "github.com/plexus-network/plexus/examples/subnets/speech/solver",
		Flag:   "recordings", FlagSay: "folder of NAME.wav and NAME.txt, or lines of WAV file, tab, transcript",
		Cut: func(file string) (Data, error) {
			if file == "" {
				return Data{Hidden: speech.Recipes(), Slice: speech.RecipeLen, Public: model.AppendTemplates(nil, model.Synthesised())}, nil
			}
			all, err := speech.ReadRecordings(file)
			if err != nil {
				return Data{}, err
			}
			public, hidden := speech.Split(all)
			// The provided models know words alone: they learn from recordings of one.
			templates := model.Recorded(public)
			if len(templates) == 0 {
				templates = model.Synthesised()
			}
			return Data{Hidden: hidden, Slice: speech.SliceLen, Public: model.AppendTemplates(nil, templates)}, nil
		},
		Tempo: 20, Rounds: []uint16{2, 9}, DeadlineMS: 5000,
		Miners: []Miner{
			{Name: "good", Say: "by mel-frequency cepstra and warping of time", Engine: []string{"wasm", "--module", "{solver}", "--param", "good", "--data", "{public}"}},
			{Name: "baseline", Say: "by loudness, cut at silence", Engine: []string{"wasm", "--module", "{solver}", "--param", "baseline", "--data", "{public}"}},
			{Name: "lazy", Say: "the same words always", Engine: []string{"wasm", "--module", "{solver}", "--param", "lazy"}},
			{Name: "copier", Say: "repeats answers found in published evidence", Engine: []string{"copy", "--evidence", "{study}"}},
		},
		Tasks: 8,
		Above: [][2]string{{"good", "baseline"}, {"baseline", "lazy"}, {"baseline", "copier"}},
	}
}
