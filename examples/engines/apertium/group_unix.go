//go:build unix

package apertium

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the chain a process group: it is a shell with a dozen programs.
// When the engine itself is killed they end as their input does.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
