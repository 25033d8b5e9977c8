// Package apertium is the engine whose model is Apertium, the rule-based machine
// translation of Debian's packages, for the translate subnet:
//
//	apt-get install apertium apertium-eng-spa
//	plexus engine apertium --direction eng-spa
//
// Apertium's chain of programs is started once and asked sentence by sentence, each
// ended by a zero byte (its null-flush mode), since starting it anew takes the better
// part of a second. A chain that dies or hangs is started anew for the next sentence.
//
// Sentences for the language that a task makes up are nothing that Apertium can know:
// one whose words the task's examples show is translated by them instead, as the solver
// module of the subnet does it, and so is one of whose words Apertium knows fewer than
// half.
package apertium
