// Package speech is the logic of the speech subnet: write down what is said.
//
// A task holds short clips of speech, at 8 kHz. An answer holds the words of each.
// The score is the mean over the clips of
//
//	max(0, 1 - word error rate)
//
// after a normaliser that is pinned here, in which a clip weighs more the worse the
// field hears it. The clips are
// spoken by a formant synthesiser, in a voice, at a speed, and with noise that the
// round's randomness draws, or are recordings that the subnet's data set brings.
//
// The package is pure integer arithmetic; the folder module wraps it for Wasm,
// model holds ways of recognising, and solver wraps those for Wasm. The README has
// the formats for authors in other languages, measured scores, and how the subnet
// can be gamed.
package speech
