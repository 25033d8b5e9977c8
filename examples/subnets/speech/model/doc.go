// Package model recognises words for the speech subnet, by templates: one way warps
// time and compares mel-frequency cepstra, another cuts at silence and compares
// loudness in four bands, a third does not listen. They run natively, for tests and
// simulations, and in the solver module, and use integers alone.
package model
