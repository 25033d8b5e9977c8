package store

import "errors"

// Errors of this package, to be tested with errors.Is. ErrCorrupt and ErrFormat
// are wrapped with what was found, ErrLocked with the directory.
var (
	// ErrLocked: another process, or this one, has the directory open.
	ErrLocked = errors.New("in use by another process")
	// ErrCorrupt: a file or record is damaged. The node must stop; a restore
	// from a peer or a copy is the way back.
	ErrCorrupt = errors.New("store is damaged")
	// ErrFormat: the directory was written by another version of the format,
	// or is not a store.
	ErrFormat = errors.New("unknown store format")
	// ErrHeight: a height other than the next was staged, or another commit
	// came between Stage and Commit.
	ErrHeight = errors.New("height is not the next")
	// ErrBounds: a key or value is empty or longer than allowed.
	ErrBounds = errors.New("key or value out of bounds")
	// ErrSnapshot: a snapshot, or a chunk of one, is damaged, cut off or false.
	// Nothing of it was taken.
	ErrSnapshot = errors.New("snapshot does not hold")
	// ErrNotEmpty: a snapshot would be restored over a chain that has blocks.
	ErrNotEmpty = errors.New("store is not empty")
	// ErrDiscarded: a Staged, Batch or Snapshot was used after its end.
	ErrDiscarded = errors.New("used after its end")
)
