// Package dataset holds the data that a subnet's tasks draw from: slices under
// one Merkle root that the subnet names on chain. A round opens a few slices;
// each travels with its proof, so that a stranger needs the root alone.
//
// There are three kinds of sets. A raw one is any file, cut into slices of equal
// size (New). One of records has a slice for each line, row or file of its source,
// or for as many as fit (Read, ReadFolder); Encode writes its file. A sealed one
// (Seal) is either, encrypted window by window: each epoch uses one window, whose
// key the permit holders have, and opens from it what the round draws.
//
// # File of a set
//
// All numbers are big-endian. The file is content-addressed by the root that it
// gives, which Decode computes; there is nothing in it that could contradict that.
//
//	"PLXDATA" 0x01               8 bytes: magic and version
//	length of the header         4 bytes
//	header                       canonical array [1, format, slices, bytes of a slice at most]
//	length of each slice         4 bytes each; none for format raw
//	the slices                   end to end; for format raw what remains at the end is left out
//
// # File of a sealed set
//
//	"PLXSEAL" 0x01               8 bytes: magic and version
//	length of the header         4 bytes
//	header                       canonical array [1, format, slices, bytes of a slice at most, slices of a window]
//	leaf of each slice           32 bytes each: H("sealed-slice", i, salt, data)
//	for each window              32 bytes: H("window-key", window, key); 4 bytes: length of the ciphertext
//	the ciphertexts              end to end: ChaCha20-Poly1305 under the window's key
//
// The root on chain is H("sealed-set", Merkle root over the leaves, SHA-256 of the
// whole file), so that what is fetched can be verified by everybody, and what is
// decrypted by who has the key. The salt of slice i is H("slice-salt", window key,
// i): a leaf that a neighbour's proof shows tells nothing of a slice that could be
// guessed. A window holds, encrypted, the length of each of its slices in 4 bytes,
// then the slices end to end.
//
// # Grant
//
// Window keys travel to one reader as a grant: an anonymous NaCl box to its
// encryption key around the canonical array [1, root, first window, keys].
package dataset
