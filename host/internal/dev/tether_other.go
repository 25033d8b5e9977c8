//go:build !linux

package dev

import "os/exec"

// tether is detach: the child ends by itself some seconds later.
func tether(c *exec.Cmd) (release func()) {
	detach(c)
	return func() {}
}
