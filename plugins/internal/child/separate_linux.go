package child

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// separate gives the child a process group of its own, so that all of it can
// be killed and a Ctrl-C in the terminal reaches only the host, and has the
// kernel kill it when the host ends in whatever way.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// awaitExit blocks until pid has ended and leaves it unreaped, so that its
// group can still be addressed without hitting a stranger's. It reports
// whether it did.
func awaitExit(pid int) bool {
	for {
		switch unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) {
		case nil:
			return true
		case unix.EINTR:
		default:
			return false
		}
	}
}
