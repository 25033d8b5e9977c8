// Package gallery lists the example subnets that a development network runs, and
// the models that answer them: what to build, what data to cut, how to run the
// rounds, which model should earn more than which, and from how many tasks on.
//
// An example is what an outsider can write, so nothing here knows a node. Who
// starts a network takes from Subnets what it needs.
package gallery

// Subnet is one example subnet.
type Subnet struct {
	Name string // also its folder in examples/subnets, and the value of --subnets
	Say  string // what its miners do, one line

	Module string // import path of the module, a main package for GOOS=wasip1
	Solver string // import path of the solver module, a main package too; empty for none

	// Flag names the option that replaces the data ("corpus"), FlagSay says of
	// what kind the file is. Both are empty for a subnet without data of its own.
	Flag, FlagSay string
	// Cut reads a file, or the default data when the name is empty, and cuts it.
	// Nil for a subnet whose tasks come from randomness or the chain alone. Errors
	// name the file and say what to give instead.
	Cut func(file string) (Data, error)
	// Params are the module's parameters, as they stand on chain, of a network in
	// which the example subnets named have these netuids. Nil for none.
	Params func(netuids map[string]uint16) []byte

	Tempo      uint16   // blocks of an epoch
	Rounds     []uint16 // the block of the epoch in which each round starts
	DeadlineMS uint32   // for an answer

	// Miners are the models, each of which a network gives an identity.
	Miners []Miner
	// Tasks is from how many tasks a miner on every pair of Above comes out right in 100 of
	// 100 simulated seeds, by a margin; tests of the subnet hold it.
	Tasks int
	// Above are the pairs, better first, whose summed scores must stand in this
	// order once both have had Tasks tasks.
	Above [][2]string
	// Nothing are the miners that must earn nothing, a poisoner for one.
	Nothing []string
}

// Data is what a subnet's tasks are drawn from.
type Data struct {
	Hidden []byte // what the chain names, cut into slices of Slice bytes; nobody trains on it
	Slice  int
	Public []byte // what models may learn from; empty for none
}

// Miner is one model with an identity.
type Miner struct {
	Name string // unique in its subnet: "good", "baseline", "lazy", "copier", or a better word
	Say  string // how it answers, one line
	// Engine is the model's command after `plexus engine`. The placeholders stand
	// for files: {solver} the solver module, {public} Data.Public, {study} a folder
	// of answers found in published evidence, {prices} the prices of the pools, one
	// "height,netuid,price" a line, oldest first, appended to as blocks come.
	Engine []string
}
