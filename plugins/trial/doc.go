// Package trial plays a module against answers that nobody should be paid for,
// before its author opens a subnet with it.
//
// Play draws tasks and scores a field of players on each: the module's own
// solver if it has one, the hidden part itself as the best answer that can be
// leaked, and adversaries who answer nothing, always the same, what another said
// last time, as much as they may, or rubbish. Lint looks for properties that a
// fair scoring has. Golden compares tasks and scores with those of before, so that
// a change of a score is seen.
package trial
