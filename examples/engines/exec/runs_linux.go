package exec

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runs are the programs that run now. They stay in the process group of the engine,
// so that whoever kills it kills them; the engine itself takes in the orphans that
// they leave, to end them.
type runs struct {
	once sync.Once
	mu   sync.Mutex
	now  map[int]bool // by process id
}

// run runs a program to its end, and ends what it leaves behind.
func (r *runs) run(cmd *exec.Cmd) error {
	r.once.Do(func() {
		r.now = map[int]bool{}
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	})
	defer r.sweep()
	r.mu.Lock()
	err := cmd.Start()
	if err == nil {
		r.now[cmd.Process.Pid] = true
	}
	r.mu.Unlock()
	if err != nil {
		return err
	}
	err = cmd.Wait()
	r.mu.Lock()
	delete(r.now, cmd.Process.Pid)
	r.mu.Unlock()
	return err
}

// sweep kills and reaps the children of this process that it did not start: they
// are orphans. One that was killed may leave orphans of its own, so it looks again
// until there are none, or for a second.
func (r *runs) sweep() {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if errors.Is(unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil), unix.ECHILD) {
			return
		}
		if r.orphans() == 0 {
			return
		}
	}
}

func (r *runs) orphans() (n int) {
	r.mu.Lock() // no program may start between the look and the kill
	defer r.mu.Unlock()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	self := os.Getpid()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || r.now[pid] || parent(pid) != self {
			continue
		}
		n++
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	}
	return n
}

// parent reads the parent's id of a process, 0 when it is gone.
func parent(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// The name, in parentheses, may hold anything.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(string(f[1]))
	return ppid
}
