package command

import (
	"os"
	"syscall"
	"testing"
)

func TestPasswordDescriptor(t *testing.T) {
	r, err := os.Open(secretFile(t, "from a descriptor\r\nmore"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := syscall.Dup(int(r.Fd())) // the command closes its own
	if err != nil {
		t.Fatal(err)
	}
	f := passwordFlags{fd: fd}
	if p, err := f.ask(newRoot(), "", false)(); err != nil || string(p) != "from a descriptor" {
		t.Errorf("%q, %v", p, err)
	}
}
