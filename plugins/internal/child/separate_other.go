//go:build !unix

package child

import "os/exec"

// separate does nothing here: there are no process groups, and a Go child
// notices the closed standard input.
func separate(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// awaitExit reports that it cannot wait without reaping.
func awaitExit(int) bool { return false }
