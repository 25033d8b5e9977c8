//go:build unix

package dev

import (
	"os/exec"
	"syscall"
)

// detach puts a child into a process group of its own, so that an interrupt at
// the terminal reaches this process alone, which then ends its children in
// order.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
