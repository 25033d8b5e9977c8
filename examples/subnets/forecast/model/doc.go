// Package model holds models that answer tasks of the forecast subnet, as plain Go
// functions: they run natively and in the solver module.
//
// They use integers alone, so that both give the same bytes on every machine.
package model
