//go:build unix

package child

import (
	"net"
	"os"
	"syscall"
)

// newLink returns the host's end and the child's, which is to be closed here
// once the child runs.
func newLink() (*link, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	host, theirs := os.NewFile(uintptr(fds[0]), "link"), os.NewFile(uintptr(fds[1]), "link")
	defer host.Close()
	conn, err := net.FileConn(host)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return &link{conn: conn}, theirs, nil
}
