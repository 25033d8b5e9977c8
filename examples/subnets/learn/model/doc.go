// Package model holds learners that answer tasks of the learn subnet, as plain Go
// functions: they run natively and, those that remember nothing, in the solver
// module. They use integers alone.
package model
