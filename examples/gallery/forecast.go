package gallery

import (
	"slices"

	"github.com/plexus-network/plexus/examples/subnets/forecast"
)

func forecastSubnet() Subnet {
	return Subnet{
		Name: "forecast", Say: "quantiles of the alpha prices to come",
		Module: "github.com/plexus-network/plexus/examples/subnets/forecast/module",
		Solver: "github.com/plexus-network/plexus/examples/subnets/forecast/solver",
		Flag:   "series", FlagSay: "one value a line, or columns of which the last is one",
		// Without a file there is no data: the tasks are about the chain's own prices.
		Cut: func(file string) (Data, error) {
			if file == "" {
				return Data{}, nil
			}
			values, err := forecast.ReadSeries(file)
			if err != nil {
				return Data{}, err
			}
			hidden, public := forecast.Cut(values)
			return Data{Hidden: hidden, Slice: forecast.SliceLen, Public: public}, nil
		},
		Params: func(netuids map[string]uint16) []byte {
			p := forecast.Params{Sigma: 5_000}
			for _, n := range netuids {
				p.NetUIDs = append(p.NetUIDs, n)
			}
			slices.Sort(p.NetUIDs)
			return p.Append(nil)
		},
		// The last round leaves 19 blocks to look ahead.
		Tempo: 30, Rounds: []uint16{1, 5, 9}, DeadlineMS: 3500,
		Miners: []Miner{
			{Name: "good", Say: "drift and volatility of late", Engine: []string{"wasm", "--module", "{solver}", "--param", "good", "--data", "{prices}"}},
			{Name: "baseline", Say: "a random walk", Engine: []string{"wasm", "--module", "{solver}", "--param", "baseline", "--data", "{prices}"}},
			{Name: "lazy", Say: "the same quantiles always", Engine: []string{"wasm", "--module", "{solver}", "--param", "lazy"}},
			{Name: "copier", Say: "repeats answers found in published evidence", Engine: []string{"copy", "--evidence", "{study}"}},
		},
		Tasks: 72,
		Above: [][2]string{{"good", "baseline"}, {"baseline", "lazy"}, {"baseline", "copier"}},
	}
}
