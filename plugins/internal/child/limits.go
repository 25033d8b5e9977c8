package child

import (
	"errors"
	"fmt"
	"time"
)

// Limits bound what a child may use, each 0 for no bound. They hold for each
// process that the child starts by itself. Linux alone has them, elsewhere Start
// returns ErrConfine.
type Limits struct {
	// CPU is the processor time of the whole life of the process, in whole seconds;
	// it is killed when it has used that.
	CPU time.Duration
	// Memory is the size of its address space in bytes. Programs reserve far more
	// than they use: Go some 1 GiB, Python with its libraries some more.
	Memory uint64
	// Files is how many files and sockets it may have open; gRPC needs a dozen.
	Files uint64
}

// ErrConfine: the child cannot be confined as configured, by this system or by
// this user. It is not started instead.
var ErrConfine = errors.New("child cannot be confined")

const minMemory, minFiles = 64 << 20, 16

func (l Limits) check() error {
	switch {
	case l.CPU < 0 || l.CPU > 0 && l.CPU < time.Second:
		return fmt.Errorf("%w: CPU %v: must be at least 1s", ErrConfine, l.CPU)
	case l.Memory > 0 && l.Memory < minMemory:
		return fmt.Errorf("%w: Memory %d: must be at least %d bytes", ErrConfine, l.Memory, minMemory)
	case l.Files > 0 && l.Files < minFiles:
		return fmt.Errorf("%w: Files %d: must be at least %d", ErrConfine, l.Files, minFiles)
	}
	return nil
}
