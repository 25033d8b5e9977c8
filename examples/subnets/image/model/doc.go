// Package model draws answers for the image subnet: a constraint solver, one that
// puts the right objects anywhere, and one that ignores the prompt. They run
// natively, for tests and simulations, and in the solver module.
package model
