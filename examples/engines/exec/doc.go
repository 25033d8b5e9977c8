// Package exec is the engine for people who want neither Go nor gRPC: any program
// that reads a request on standard input and writes an answer.
//
//	plexus engine exec --timeout 3s -- ./answer.py --fast
//
// # What the program sees
//
// It is started anew for each task. Standard input is the module's public task, its
// bytes as they are, and then the end of the file. What it writes to standard
// output is the answer, again its bytes as they are, and is on its way to the miner
// while the program still writes. It says that the answer is complete by ending with
// code 0; with any other code there is no answer. What it writes to standard error
// goes to the log, a bounded part of it, and its last words into the error.
//
// Its environment is PLEXUS_NETUID, PLEXUS_MAX_ANSWER (bytes), PLEXUS_TIMEOUT_MS,
// a PATH, and what --env adds.
//
// # What ends it
//
// A program that takes longer than --timeout, or writes more than the answer may
// have, is killed. On Linux so is whatever it started and left behind, also when it
// ended well: nothing outlives its task.
package exec
