// Package pocketsphinx is the engine whose model is PocketSphinx, the speech
// recogniser of Debian's packages, for the speech subnet:
//
//	apt-get install pocketsphinx pocketsphinx-en-us
//	plexus engine pocketsphinx
//
// Its batch program is run once for a task, with the task's clips as WAV files in a
// folder of their own that is gone afterwards, and a grammar: two to four of the
// synthesiser's words, or one of the miner's own, or none for free English.
package pocketsphinx
