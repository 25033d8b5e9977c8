package child

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// identity is the user that a child runs as; nil is the host's own.
type identity struct{ uid, gid int }

// lookup finds a user by name, UID or UID:GID.
func lookup(s string) (*identity, error) {
	if s == "" {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: only root may run it as user %q: run plexus as root, or leave the user out", ErrConfine, s)
	}
	name, group, hasGroup := strings.Cut(s, ":")
	var u *user.User
	var err error
	if _, number := strconv.ParseUint(name, 10, 31); number == nil {
		u, err = user.LookupId(name)
		if err != nil && hasGroup { // a user without an entry, as containers have them
			u, err = &user.User{Uid: name, Gid: group}, nil
		}
	} else {
		u, err = user.Lookup(name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: user %q: %w: give a name, UID or UID:GID", ErrConfine, s, err)
	}
	id, err := strconv.ParseUint(u.Uid, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%w: user %q: %w", ErrConfine, s, err)
	}
	if !hasGroup {
		group = u.Gid
	}
	gid, err := strconv.ParseUint(group, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%w: user %q: group %q is no number", ErrConfine, s, group)
	}
	return &identity{int(id), int(gid)}, nil
}

// own gives the child's user a file or folder.
func (i *identity) own(name string) error {
	if i == nil || name == "" {
		return nil
	}
	return os.Chown(name, i.uid, i.gid)
}

// confine notes what holds for the process once it is started.
func (p *process) confine(who *identity, l Limits) error {
	if err := l.check(); err != nil {
		return err
	}
	if who != nil {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(who.uid), Gid: uint32(who.gid)}
	}
	p.limits = l
	p.cmd.SysProcAttr.Ptrace = l != (Limits{}) // see apply
	return nil
}

// apply sets the limits of a process that stands still before its first
// instruction, as a traced one does, and lets it go. So it can neither use more
// before nor start a child that the limits do not reach. The caller's thread is the
// one that started it.
func (l Limits) apply(pid int) error {
	var ws syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &ws, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || !ws.Stopped() {
			return fmt.Errorf("%w: it cannot be traced: %v (status %#x)", ErrConfine, err, uint32(ws))
		}
		break
	}
	for _, set := range []struct {
		resource int
		value    uint64
		more     uint64 // of the hard limit
	}{
		// At the soft limit there is a signal that may be caught, at the hard one
		// there is not.
		{unix.RLIMIT_CPU, uint64((l.CPU + time.Second - 1) / time.Second), 1},
		{unix.RLIMIT_AS, l.Memory, 0}, {unix.RLIMIT_NOFILE, l.Files, 0},
	} {
		if set.value == 0 {
			continue
		}
		r := unix.Rlimit{Cur: set.value, Max: set.value + set.more}
		if err := unix.Prlimit(pid, set.resource, &r, nil); err != nil {
			return fmt.Errorf("%w: limit %d to %d: %w", ErrConfine, set.resource, set.value, err)
		}
	}
	if err := syscall.PtraceDetach(pid); err != nil {
		return fmt.Errorf("%w: %w", ErrConfine, err)
	}
	return nil
}
