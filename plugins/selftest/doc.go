// Package selftest checks that this machine, this build and this version of the
// engine give the outcomes that all nodes must agree on: built-in modules are run
// in the compiler and in the interpreter, and each reply, fault and fuel value is
// held against what is recorded here.
//
// Every numeric instruction is applied to operands from the edges of its type, all
// pairs of them; what traps is tried alone, and so are memory, tables, calls and
// branches.
package selftest
