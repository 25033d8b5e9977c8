package dev

import (
	"os/exec"
	"runtime"
	"syscall"
)

// tether has the kernel kill a child that reads no standard input when this
// process ends, however it does. The kernel watches the thread that starts the
// child, so the caller's goroutine keeps it until release, after the child's end.
func tether(c *exec.Cmd) (release func()) {
	detach(c)
	c.SysProcAttr.Pdeathsig = syscall.SIGKILL
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}
