// Package text is the logic of the text subnet: predict the next byte at
// hidden places of a real text.
//
// A task shows 32 contexts of 512 bytes each. An answer gives, for each
// context, a probability distribution over the byte that follows. The score is
// how many of the 8 bits of each byte the answer saved:
//
//	max(0, 8 - mean bits) / 8
//
// where a distribution that gave the true byte the probability p costs
// -log2 p bits. Saying exactly what one believes is the best answer there is,
// because the logarithm is a strictly proper scoring rule.
//
// The places come from the round's randomness, and the bytes from data slices
// that the host opens for the round. The package is pure integer arithmetic;
// the folder module wraps it for Wasm, and the folder engines holds miners.
// The README has the formats for authors in other languages, measured scores,
// and what a miner who memorises the text can do.
package text
