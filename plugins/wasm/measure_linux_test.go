package wasm

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// measure notes what the process uses from its start on.
type measure struct {
	wall   time.Time
	cpu    time.Duration
	memory int64
}

func startMeasure() measure {
	debug.FreeOSMemory()
	// From here on the kernel counts the peak anew.
	if os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) != nil {
		return measure{wall: time.Now(), cpu: cpuTime(), memory: -1}
	}
	return measure{time.Now(), cpuTime(), status("VmRSS:")}
}

// stop returns the time that passed, of the clock or of the processors, whichever
// is less, and the growth of the process's memory at its peak.
func (m measure) stop() (time.Duration, int64) {
	took := min(time.Since(m.wall), cpuTime()-m.cpu)
	if m.memory < 0 {
		return took, 0
	}
	return took, status("VmHWM:") - m.memory
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// status reads a line of the process's status, in bytes.
func status(name string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
