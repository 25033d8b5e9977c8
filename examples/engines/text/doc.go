// Package text holds miners' models for the text subnet, from good to useless,
// each a child process of its own:
//
//	text-mix       context mixing of orders 0 to 6 and words, trained on a text
//	text-order0    counts of the bytes in the context itself
//	text-constant  the same fixed distribution always
//	text-copy      repeats the best answer found in published evidence
//
// Run turns the process into one of them. The models are ordinary Go, floats
// included: only what scores an answer must be the same everywhere.
package text
