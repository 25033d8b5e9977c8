package gallery

func imageSubnet() Subnet {
	return Subnet{
		Name: "image", Say: "draw what a prompt says",
		Module: "github.com/plexus-network/plexus/examples/subnets/image/module",
		Solver: "github.com/plexus-network/plexus/examples/subnets/image/solver",
		Tempo:  20, Rounds: []uint16{3, 10}, DeadlineMS: 5000,
		Miners: []Miner{
			{Name: "good", Say: "a constraint solver that places the objects", Engine: []string{"wasm", "--module", "{solver}", "--param", "good"}},
			{Name: "baseline", Say: "the right objects in random places", Engine: []string{"wasm", "--module", "{solver}", "--param", "baseline"}},
			{Name: "lazy", Say: "the same red circle always", Engine: []string{"wasm", "--module", "{solver}", "--param", "lazy"}},
			{Name: "copier", Say: "repeats answers found in published evidence", Engine: []string{"copy", "--evidence", "{study}"}},
		},
		Tasks: 4,
		Above: [][2]string{{"good", "baseline"}, {"baseline", "lazy"}, {"baseline", "copier"}},
	}
}
