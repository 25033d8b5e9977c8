//go:build !linux

package worker

// limitMemory does nothing here: GOMEMLIMIT alone bounds what Go keeps.
func limitMemory(uint64) error { return nil }
