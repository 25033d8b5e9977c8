package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// process starts, kills and reaps the process for go-plugin, which would itself
// hand down the host's standard input, wait two seconds before it kills, kill
// the process without its group, and wait for ever for a pipe that a
// grandchild holds open.
type process struct {
	cmd                *exec.Cmd
	out                *output
	stdout, stderr     *os.File // reading ends
	childOut, childErr *os.File // the child's ends, closed here once it runs
	childIn, lifeline  *os.File // what the child reads and what the host holds open
	childLink          *os.File // the child's end of the link, nil without one
	limits             Limits
	done               chan struct{}
	status             string // how it ended; written before done is closed

	mu     sync.Mutex
	ran    bool // there is a process, perhaps ended
	reaped bool // its process id may belong to another by now
	doomed bool // it is to be killed, at once if it starts only later
}

func newProcess(cmd *exec.Cmd, out *output) (*process, error) {
	p := &process{cmd: cmd, out: out, done: make(chan struct{})}
	for _, ends := range [][2]**os.File{{&p.stdout, &p.childOut}, {&p.stderr, &p.childErr}, {&p.childIn, &p.lifeline}} {
		r, w, err := os.Pipe()
		if err != nil {
			p.closeAll()
			return nil, err
		}
		*ends[0], *ends[1] = r, w
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.childIn, p.childOut, p.childErr
	separate(cmd)
	return p, nil
}

func (p *process) closeAll() {
	for _, f := range []*os.File{p.stdout, p.childOut, p.stderr, p.childErr, p.childIn, p.lifeline, p.childLink} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// Start starts the process and the goroutine that reaps it.
func (p *process) Start(context.Context) error {
	started := make(chan error, 1)
	go p.live(started)
	return <-started
}

// live holds one thread from start to end, because Linux sends the
// parent-death signal when the starting thread ends, not the starting process.
func (p *process) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	if err == nil && p.limits != (Limits{}) {
		if err = p.limits.apply(p.cmd.Process.Pid); err != nil {
			killGroup(p.cmd)
			_ = p.cmd.Wait()
			p.cmd.Process = nil
		}
	}
	if err != nil {
		p.closeAll()
		close(p.done)
		started <- err
		return
	}
	_, _, _ = p.childOut.Close(), p.childErr.Close(), p.childIn.Close()
	if p.childLink != nil {
		_ = p.childLink.Close()
	}
	p.mu.Lock()
	p.ran = true
	if p.doomed {
		killGroup(p.cmd)
	}
	p.mu.Unlock()
	started <- nil

	ended := awaitExit(p.cmd.Process.Pid)
	if !ended {
		err = p.cmd.Wait()
	}
	p.mu.Lock()
	killGroup(p.cmd) // what the child started and left behind
	if ended {
		err = p.cmd.Wait()
	}
	p.reaped = true
	p.mu.Unlock()

	p.status = "exit status 0"
	if err != nil {
		p.status = err.Error()
	}
	_ = p.lifeline.Close()
	close(p.done)
	// A descendant that left the group may hold the pipes open.
	time.AfterFunc(500*time.Millisecond, func() { _, _ = p.stdout.Close(), p.stderr.Close() })
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doomed = true
	if p.ran && !p.reaped {
		killGroup(p.cmd)
	}
}

// discard frees the pipes of a process that was never started; a started one
// frees them itself.
func (p *process) discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ran {
		p.closeAll()
	}
}

// Wait waits until the process is gone.
func (p *process) Wait(context.Context) error {
	<-p.done
	return nil
}

// Kill kills the process and its group.
func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

func (p *process) Stdout() io.ReadCloser           { return &firstLine{ReadCloser: p.stdout, rest: p.out} }
func (p *process) Stderr() io.ReadCloser           { return p.stderr }
func (p *process) Name() string                    { return p.cmd.Path }
func (p *process) Diagnose(context.Context) string { return "" }

// ID is never empty: go-plugin takes an empty one for a child without anything
// to clean up.
func (p *process) ID() string { return strconv.Itoa(p.pid()) }

func (p *process) pid() int {
	if p.cmd.Process == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

var errAddress = errors.New("address is neither a unix socket nor on loopback")

// PluginToHost refuses an address that is not of this machine.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	switch network {
	case "unix":
		return network, address, nil
	case "tcp":
		if a, err := net.ResolveTCPAddr("tcp", address); err == nil && a.IP.IsLoopback() {
			return network, address, nil
		}
	}
	return "", "", fmt.Errorf("%w: %.100q %.100q", errAddress, network, address)
}

// HostToPlugin returns the address unchanged.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

var _ runner.Runner = (*process)(nil)
