// Package study is a folder of answers that were found in published evidence:
// how a miner writes them down, and how a model that learns from others reads
// them. It holds one such model, for any subnet: the copier, which repeats the
// best-scored answer word for word.
//
// An answer is a file of its own, NAME.answer, with the canonical CBOR array
// [1, score, payload]: the score in Q32.32 that a validator gave it, and the bytes
// that the miner sent. Files appear whole or not at all. Other files are passed
// over.
package study
