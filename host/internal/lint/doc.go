// Package lint holds the rules that the source of Plexus keeps, as ordinary
// tests: who may import whom, what a signature may show, how pure the ledger is,
// and what every file owes its reader. Each failure names the file and what to
// do instead. Each rule is also tried on source that breaks it, so that a rule
// which no longer finds anything fails too.
//
// The package has no code outside its tests. Its folder cases holds the program
// by which CI counts test cases.
package lint
