//go:build !linux

package exec

import "os/exec"

// runs runs programs. Here nobody can tell what they leave behind.
type runs struct{}

func (*runs) run(cmd *exec.Cmd) error { return cmd.Run() }
