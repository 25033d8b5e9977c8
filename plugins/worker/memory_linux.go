package worker

import "golang.org/x/sys/unix"

// memorySlack is writable memory that Go maps ahead of use.
const memorySlack = 512 << 20

// limitMemory has the kernel refuse this process more writable memory than that.
// Go's own limit, GOMEMLIMIT, makes the collector work harder but never refuses.
func limitMemory(bytes uint64) error {
	if bytes == 0 {
		return nil
	}
	lim := unix.Rlimit{Cur: bytes + memorySlack, Max: bytes + memorySlack}
	return unix.Setrlimit(unix.RLIMIT_DATA, &lim)
}
