package gallery

import text "github.com/plexus-network/plexus/examples/subnets/text"

// Subnets lists the example subnets, in the order of their netuids.
func Subnets() []Subnet {
	return []Subnet{
		textSubnet(),
		imageSubnet(),
		forecastSubnet(),
		translateSubnet(),
		speechSubnet(),
		learnSubnet(),
	}
}

func textSubnet() Subnet {
	return Subnet{
		Name: "text", Say: "predict the next byte of a text",
		Module: "github.com/plexus-network/plexus/examples/subnets/text/module",
		Flag:   "corpus", FlagSay: "text file",
		Cut: func(file string) (Data, error) {
			corpus, err := text.ReadCorpus(file)
			if err != nil {
				return Data{}, err
			}
			train, hidden := text.Split(corpus)
			return Data{Hidden: hidden, Slice: text.SliceLen, Public: train}, nil
		},
		Tempo: 20, Rounds: []uint16{2, 6, 10, 14}, DeadlineMS: 3500,
		Miners: []Miner{
			{Name: "mix", Say: "context mixing, trained on the published half", Engine: []string{"text-mix", "--train", "{public}"}},
			{Name: "order0", Say: "counts of the bytes shown", Engine: []string{"text-order0"}},
			{Name: "constant", Say: "the same distribution always", Engine: []string{"text-constant"}},
			{Name: "copy", Say: "repeats answers found in published evidence", Engine: []string{"text-copy", "--evidence", "{study}"}},
		},
		Tasks: 6,
		Above: [][2]string{{"mix", "order0"}, {"order0", "constant"}, {"order0", "copy"}},
	}
}
