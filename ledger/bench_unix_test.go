//go:build unix

package ledger

import (
	"syscall"
	"time"
)

// processorTime is what this process has used of all cores, its garbage
// collection included: a rate over it says the same on a busy machine.
func processorTime() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
