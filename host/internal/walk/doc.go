// Package walk has tests of the built binary as people use it: the README's
// walk-through, a network of several machines, and what goes wrong on a machine.
// It has nothing to import.
package walk
