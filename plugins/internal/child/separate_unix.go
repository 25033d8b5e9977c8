//go:build unix && !linux

package child

import (
	"os/exec"
	"syscall"
)

// separate gives the child a process group of its own. There is no
// parent-death signal here: a Go child notices the closed standard input.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// awaitExit reports that it cannot wait without reaping.
func awaitExit(int) bool { return false }
