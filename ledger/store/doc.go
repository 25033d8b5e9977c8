// Package store keeps the committed state of the chain: a flat key space in
// Pebble, a sparse Merkle tree over it whose root is the app hash, and plain
// namespaces beside it for the consensus engine's own stores.
//
// It promises:
//
//   - One block is one synced batch: values, tree, height and root move
//     together or not at all. After a crash the store is at the last height
//     whose Commit returned, or at the next.
//   - The root depends on the keys and values alone, not on their history.
//     Its hashing is that of ics23.SmtSpec, so its proofs can be checked by
//     verifiers that are not ours.
//   - Only the newest version is kept. A Snapshot reads the height at which it
//     was taken while later ones are committed.
//   - A damaged file is an error (ErrCorrupt), never a wrong value under a
//     checked root. A second process is told so (ErrLocked).
//
// Keys have 1 to MaxKey bytes and values 1 to MaxValue: ICS-23 verifiers refuse
// an empty value, so a flag is stored as one byte.
//
// Reads are safe for concurrent use. Stage and Commit belong to one goroutine
// at a time, that of the consensus engine.
//
//	db, err := store.Open(dir, store.Config{})
//	staged, err := db.Stage(height, writes)
//	appHash := staged.Root()
//	err = staged.Commit()
//
// No type of Pebble leaves this package.
package store
