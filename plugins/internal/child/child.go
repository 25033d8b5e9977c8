package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Errors of Start and Call, wrapped with the child's name and its last words.
// A call whose context ended wraps the context's error instead.
var (
	// ErrHandshake: the program ran but did not become a child in time: it is
	// not one, speaks another version, or printed something first.
	ErrHandshake = errors.New("no handshake from child")
	// ErrDied: the process ended, or its connection broke, before the answer.
	ErrDied = errors.New("child died")
	// ErrTooLarge: the request or the reply is above Config.MaxMessage.
	ErrTooLarge = errors.New("message too large for child")
	// ErrRefused: the child's handler returned an error, whose text follows.
	ErrRefused = errors.New("child refused")
)

// Config says what to start and how far to trust it.
type Config struct {
	// Command is the program and its arguments. A program without a slash is
	// looked up in the host's PATH.
	Command []string
	// Env is the child's whole environment besides the handshake's variables.
	Env []string
	// Dir is the child's working directory; empty for the host's.
	Dir string
	// Name stands in logs and errors; empty for the program's base name.
	Name string
	// MaxMessage bounds request and reply, in bytes; 0 for 32 MiB, at most 1 GiB.
	MaxMessage int
	// Link gives the child a faster way for calls beside gRPC, where the system
	// has one. Its handler must not keep the body beyond its return.
	Link bool
	// User runs the child as another user: a name, UID or UID:GID, without further
	// groups; empty for the host's own. It needs Linux and root.
	User string
	// Limits bound what the child may use; see there.
	Limits Limits
	// StartTimeout bounds the time to the handshake; 0 for 10 s.
	StartTimeout time.Duration
	// Log gets what the child prints, at most 100 lines per 10 s and 1 KiB per
	// line; nil drops it.
	Log *slog.Logger
	// Stderr additionally gets everything the child prints, unbounded; nil for
	// nobody. For tests and for a child in the foreground.
	Stderr io.Writer
}

// Process is a running child. Its methods are safe for concurrent use. Kill
// must be called once it is no longer needed, also when it has died by itself.
type Process struct {
	name   string
	max    int
	proc   *process
	link   *link // nil without one
	client *plugin.Client
	conn   *grpc.ClientConn
	once   sync.Once
}

// Start starts a child and waits for its handshake. When ctx ends before, the
// child is killed; afterwards ctx has no more to say.
func Start(ctx context.Context, c Config) (*Process, error) {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return nil, errors.New("child: Command is empty")
	}
	if c.Name == "" {
		c.Name = filepath.Base(c.Command[0])
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = 32 << 20
	}
	if err := checkMax(c.MaxMessage); err != nil {
		return nil, err
	}
	if c.StartTimeout <= 0 {
		c.StartTimeout = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	who, err := lookup(c.User)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	p := &Process{name: c.Name, max: c.MaxMessage}
	out := &output{log: c.Log.With("child", c.Name), raw: c.Stderr}
	ctx, cancel := context.WithTimeout(ctx, c.StartTimeout)
	defer cancel()
	if err := p.start(ctx, c, who, out); err != nil {
		p.Kill()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ErrHandshake, ctx.Err())
		}
		return nil, fmt.Errorf("start %s: %w%s", c.Name, err, p.epitaph())
	}
	return p, nil
}

func (p *Process) start(ctx context.Context, c Config, who *identity, out *output) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := exec.Command(c.Command[0], c.Command[1:]...)
	cmd.Dir = c.Dir
	proc, err := newProcess(cmd, out)
	if err != nil {
		return err
	}
	p.proc = proc
	if err := proc.confine(who, c.Limits); err != nil {
		return err
	}
	if c.Link {
		// Without a link all goes by gRPC.
		if l, theirs, err := newLink(); err == nil && l != nil {
			p.link, proc.childLink = l, theirs
			cmd.ExtraFiles = []*os.File{theirs}
		}
	}
	var sockets string
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          plugin.PluginSet{pluginName: &service{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     c.StartTimeout,
		Logger:           hclog.NewNullLogger(),
		Stderr:           out,
		SyncStdout:       out,
		SyncStderr:       out,
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(p.max+overhead), grpc.MaxCallSendMsgSize(p.max+overhead)),
			grpc.WithMaxHeaderListSize(16 << 10),
			grpc.WithIdleTimeout(0),
		},
		RunnerFunc: func(_ hclog.Logger, spec *exec.Cmd, dir string) (runner.Runner, error) {
			sockets = dir
			if err := who.own(dir); err != nil {
				return nil, err
			}
			cmd.Env = append(append([]string{}, c.Env...), spec.Env...)
			cmd.Env = append(cmd.Env, envMax+"="+strconv.Itoa(p.max), envLifeline+"=1")
			if p.link != nil {
				cmd.Env = append(cmd.Env, envLink+"=1")
			}
			return proc, nil
		},
	})
	// Whatever go-plugin is waiting for, the end of the process ends it.
	stop := context.AfterFunc(ctx, proc.kill)
	defer stop()
	if _, err := p.client.Start(); err != nil {
		if proc.pid() == 0 {
			return err // never ran: the file is missing or not executable
		}
		return fmt.Errorf("%w: %s", ErrHandshake, oneLine(err.Error()))
	}
	rpc, err := p.client.Client()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	conn, err := rpc.Dispense(pluginName)
	if err != nil {
		return err
	}
	p.conn = conn.(*grpc.ClientConn)
	if err := p.Probe(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	// The one connection stands. Without its name nobody else can try the
	// socket, and a host that is killed leaves no directory behind.
	_ = os.RemoveAll(sockets)
	return nil
}

// Call sends one request and waits for its answer. A child that does not
// answer before ctx ends goes on computing unless the caller kills it.
func (p *Process) Call(ctx context.Context, method string, body []byte) ([]byte, error) {
	if !validMethod(method) {
		return nil, fmt.Errorf("%s: method %.80q: want 1 to %d of a-z 0-9 . - _", p.name, method, maxMethod)
	}
	if len(body) > p.max {
		return nil, fmt.Errorf("%s: %s: request of %d bytes: %w (at most %d)", p.name, method, len(body), ErrTooLarge, p.max)
	}
	if err := p.End(); err != nil {
		return nil, err
	}
	if out, ok, err := p.link.call(ctx, p.max, method, body); ok {
		switch {
		case errors.Is(err, errLinkBroken):
			err = p.mourn()
		case err == nil:
			return out, nil
		}
		return nil, fmt.Errorf("%s: %s: %w", p.name, method, err)
	}
	out := new(wrapperspb.BytesValue)
	err := p.conn.Invoke(metadata.AppendToOutgoingContext(ctx, methodKey, method), callPath, wrapperspb.Bytes(body), out)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", p.name, method, p.reason(ctx, err))
	}
	if len(out.GetValue()) > p.max {
		return nil, fmt.Errorf("%s: %s: reply of %d bytes: %w (at most %d)", p.name, method, len(out.GetValue()), ErrTooLarge, p.max)
	}
	return out.GetValue(), nil
}

// Probe asks the child whether it is well and waits for its word until ctx ends.
func (p *Process) Probe(ctx context.Context) error {
	health, err := grpc_health_v1.NewHealthClient(p.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	if err != nil {
		return fmt.Errorf("health: %s", oneLine(err.Error()))
	}
	if health.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("health: %s", health.Status)
	}
	return nil
}

// Stream calls a method of the child's own service, named by its path
// "/service/method", whose reply is a stream of messages. Each is read into out,
// and then each is called; an error of it ends the call and is returned as it is.
func (p *Process) Stream(ctx context.Context, path string, in, out proto.Message, each func() error) error {
	if err := p.End(); err != nil {
		return err
	}
	call, cancel := context.WithCancel(ctx) // ends the stream in whatever way this returns
	defer cancel()
	s, err := p.conn.NewStream(call, &grpc.StreamDesc{ServerStreams: true}, path)
	if err == nil {
		err = s.SendMsg(in)
	}
	if err == nil {
		err = s.CloseSend()
	}
	if err == io.EOF { // the reason stands in the reply
		err = nil
	}
	for err == nil {
		if err = s.RecvMsg(out); err != nil {
			break
		}
		if err := each(); err != nil {
			return err
		}
	}
	if err == io.EOF {
		return nil
	}
	if status.Code(err) == codes.Unimplemented {
		return fmt.Errorf("%s: %w: it does not offer %s", p.name, ErrHandshake, path)
	}
	return fmt.Errorf("%s: %s: %w", p.name, path[strings.LastIndexByte(path, '/')+1:], p.reason(ctx, err))
}

// reason turns what gRPC says into what happened.
func (p *Process) reason(ctx context.Context, err error) error {
	st := status.Convert(err)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch st.Code() {
	case codes.DeadlineExceeded: // gRPC's own timer was a moment earlier
		return context.DeadlineExceeded
	case codes.ResourceExhausted:
		return fmt.Errorf("%w: %s", ErrTooLarge, oneLine(st.Message()))
	case codes.Aborted:
		return fmt.Errorf("%w: %s", ErrRefused, cut(st.Message(), maxRefusal))
	case codes.Unavailable, codes.Canceled:
		return p.mourn()
	}
	return fmt.Errorf("%w: %s: %s", ErrRefused, st.Code(), oneLine(st.Message()))
}

// mourn waits for the end of a process whose connection broke, which is noticed
// before the process is reaped. One that lives on is of no more use.
func (p *Process) mourn() error {
	select {
	case <-p.proc.done:
	case <-time.After(time.Second):
		p.proc.kill()
	}
	return fmt.Errorf("%w%s", ErrDied, p.epitaph())
}

// epitaph tells how the process ended and what it said last, if it has ended.
func (p *Process) epitaph() string {
	if p.proc == nil {
		return ""
	}
	select {
	case <-p.proc.done:
	default:
		return ""
	}
	if p.proc.status == "" {
		return "" // never ran
	}
	s := ": " + p.proc.status
	if last := p.proc.out.last(); last != "" {
		s += ", last output " + last
	}
	return s
}

// Alive reports whether the process runs.
func (p *Process) Alive() bool {
	select {
	case <-p.proc.done:
		return false
	default:
		return true
	}
}

// PID returns the process id, also after the end.
func (p *Process) PID() int { return p.proc.pid() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.proc.done }

// End returns ErrDied with how the child ended and what it said last, or nil
// while it runs.
func (p *Process) End() error {
	if p.Alive() {
		return nil
	}
	return fmt.Errorf("%s: %w%s", p.name, ErrDied, p.epitaph())
}

// Kill kills the child with everything in its process group, waits until they
// are gone and frees what belongs to them. It may be called many times.
func (p *Process) Kill() {
	p.once.Do(func() {
		if p.proc == nil {
			return
		}
		p.proc.kill()
		if p.client != nil {
			p.client.Kill()
		}
		p.proc.discard()
		p.link.close()
	})
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return cut(strings.ToValidUTF8(s, "?"), 300)
}
