// Package host is where the parts of Plexus become a program: configuration,
// keys, wiring, commands and the development network. The package itself holds
// no code.
//
//	host/cmd/plexus         the binary
//	host/keys               secrets in files
//	host/internal/command   the command line, one file a command
//	host/internal/node      a node from one configuration: store, consensus, p2p, workers, validators' loops
//	host/internal/miners    miners without a node
//	host/internal/remote    a connection without a node, which proves every value
//	host/internal/dev       four producers and four miners on one machine, and the check of what they did
//	host/internal/kv        the node's second database, so that evidence never stalls consensus
//	host/internal/event     what a process tells the one that started it
//	host/internal/lint      the rules of the source, as tests
//
// host may import everything; nothing imports host. There are no rules of the
// chain, of a subnet or of a module here: a decision found in this folder that
// two nodes must take alike is in the wrong place.
package host
