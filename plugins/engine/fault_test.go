package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	"github.com/plexus-network/plexus/plugins/internal/enginepb"
)

func stream(ctx context.Context, t Task, w io.Writer) error {
	switch string(t.Public) {
	case "slow":
		for i := range 5 {
			fmt.Fprintf(w, "part %d ", i)
			time.Sleep(50 * time.Millisecond)
		}
	case "beyond":
		for {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return fmt.Errorf("my writer says: %w", err)
			}
		}
	case "broken":
		fmt.Fprint(w, "a promising beginning")
		return errors.New("the muse left")
	case "all":
		_, err := w.Write(bytes.Repeat([]byte{'a'}, t.MaxAnswer))
		return err
	case "abandoned": // until nobody waits
		for ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
	default:
		fmt.Fprintf(w, "%d:%s", t.NetUID, t.Public)
	}
	return nil
}

func TestStream(t *testing.T) {
	c := config("stream")
	c.MaxAnswer = 100_000
	e := open(t, c)
	works(t, e)
	ask := func(task string) (seen []string, answer []byte, err error) {
		answer, err = e.AnswerTo(t.Context(), 7, []byte(task), func(b []byte) { seen = append(seen, string(b)) })
		return seen, answer, err
	}
	seen, got, err := ask("slow")
	if want := "part 0 part 1 part 2 part 3 part 4 "; err != nil || string(got) != want || len(seen) != 5 || strings.Join(seen, "") != want {
		t.Errorf("%q, %q, %v", seen, got, err)
	}
	if seen, got, err = ask("all"); err != nil || len(got) != c.MaxAnswer || len(seen) != 2 {
		t.Errorf("%d parts, %d bytes, %v", len(seen), len(got), err)
	}
	if _, got, err = ask("beyond"); got != nil || !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "100000") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// What was seen of an answer that failed is no answer.
	if seen, got, err = ask("broken"); got != nil || len(seen) != 1 || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "muse") {
		t.Errorf("%q, %q, %v", seen, got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	n, over := 0, false
	_, err = e.AnswerTo(ctx, 7, []byte("slow"), func([]byte) {
		mu.Lock()
		defer mu.Unlock()
		if n++; over {
			t.Error("a part for a caller that is gone")
		}
		cancel()
	})
	mu.Lock()
	over = true
	if !errors.Is(err, context.Canceled) || n == 0 || n == 5 {
		t.Errorf("%d parts, %v", n, err)
	}
	mu.Unlock()
	works(t, e) // after the abandoned one, which was left to finish
	if h := e.Health(); h.Restarts != 0 {
		t.Errorf("health %+v", h)
	}
}

// serveRogue serves without any bound of this package.
func serveRogue() error {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "PLEXUS_CHILD", MagicCookieValue: os.Getenv("PLEXUS_CHILD")},
		Plugins:         plugin.PluginSet{"child": rogue{}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxSendMsgSize(math.MaxInt), grpc.ForceServerCodecV2(rogueCodec{encoding.GetCodecV2("proto")}))...)
		},
	})
	return nil
}

type rogue struct{ plugin.NetRPCUnsupportedPlugin }

func (rogue) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.ErrUnsupported
}

func (rogue) GRPCServer(_ *plugin.GRPCBroker, srv *grpc.Server) error {
	srv.RegisterService(&grpc.ServiceDesc{ServiceName: serviceName, HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Answer", ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			in := new(enginepb.Task)
			if err := s.RecvMsg(in); err != nil {
				return err
			}
			switch string(in.Public) {
			case "giant": // 1 GiB in one part
				return s.SendMsg(giant(1 << 30))
			case "flood": // 1 GiB in many
				for range 1 << 10 {
					if err := s.SendMsg(giant(1 << 20)); err != nil {
						return err
					}
				}
			case "drip": // 1 GiB in crumbs, if anyone has the patience
				for range 1 << 28 {
					if err := s.SendMsg(giant(4)); err != nil {
						return err
					}
				}
			}
			return s.SendMsg(&enginepb.Part{Data: fmt.Appendf(nil, "%d:%s", in.Netuid, in.Public)})
		}}}}, struct{}{})
	return nil
}

// giant is a part of that many bytes, which its codec makes out of one mebibyte.
type giant int

type rogueCodec struct{ encoding.CodecV2 }

func (c rogueCodec) Marshal(v any) (mem.BufferSlice, error) {
	n, ok := v.(giant)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	head := []byte{0x0a} // field 1, bytes
	for x := uint(n); ; x >>= 7 {
		if x < 0x80 {
			head = append(head, byte(x))
			break
		}
		head = append(head, byte(x)|0x80)
	}
	out := mem.BufferSlice{mem.SliceBuffer(head)}
	chunk := make([]byte, min(int(n), 1<<20))
	for left := int(n); left > 0; left -= len(chunk) {
		out = append(out, mem.SliceBuffer(chunk[:min(left, len(chunk))]))
	}
	return out, nil
}

// A gibibyte is refused where the bound is crossed: the host neither keeps nor
// reads it.
func TestGibibyte(t *testing.T) {
	c := config("rogue")
	c.Timeout, c.MaxAnswer = 20*time.Second, 1<<20
	e := open(t, c)
	works(t, e)
	for _, task := range []string{"giant", "flood", "drip"} {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		_, err := e.Answer(t.Context(), 7, []byte(task))
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", task, err)
		}
		// Many small parts leave garbage behind, but never more than the bound at once.
		grown := int64(after.Sys) - int64(before.Sys)
		t.Logf("%s: refused after %v, the host's memory grew by %d KiB: %v", task, took.Round(time.Millisecond), grown>>10, err)
		if grown > 32<<20 {
			t.Errorf("%s: the host's memory grew by %d bytes", task, grown)
		}
		works(t, e)
	}
	if h := e.Health(); h.Restarts != 0 {
		t.Errorf("health %+v", h)
	}
}

// A model that is stopped in the middle of an answer is killed at the timeout, and
// one that is stopped while it has nothing to do before a task is lost to it.
func TestStopped(t *testing.T) {
	c := config("good")
	c.Timeout = time.Second
	e := open(t, c)
	works(t, e)
	pid := e.Health().PID
	if _, err := e.Answer(t.Context(), 7, []byte("stop")); !errors.Is(err, ErrHung) {
		t.Error(err)
	}
	if !gone(pid) {
		t.Error("the stopped model lives on")
	}
	works(t, e)

	c.Probe, c.Timeout = 200*time.Millisecond, 20*time.Second
	e = open(t, c)
	works(t, e)
	for range 3 { // answers longer than the probe do not look like illness
		if _, err := e.Answer(t.Context(), 7, []byte("slow")); err != nil {
			t.Error(err)
		}
	}
	pid = e.Health().PID
	if h := e.Health(); h.Restarts != 0 {
		t.Errorf("health %+v", h)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); e.Health().Restarts == 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if h := e.Health(); h.Restarts != 1 || !errors.Is(h.LastErr, ErrHung) || !gone(pid) {
		t.Errorf("health %+v", h)
	}
	works(t, e)
}

// Rubbish on standard output spoils neither the answer nor the log.
func TestPrints(t *testing.T) {
	var log bytes.Buffer
	c := config("good")
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	c.Timeout = 20 * time.Second
	e := open(t, c)
	if got, err := e.Answer(t.Context(), 7, []byte("print")); err != nil || string(got) != "7:print" {
		t.Errorf("%q, %v", got, err)
	}
	works(t, e)
	e.Close()
	if n := strings.Count(log.String(), "rubbish "); n == 0 || n > 20*300 {
		t.Errorf("%d words of rubbish in the log", n)
	}
}

// shell is a model that says something and is none.
func shell(script string) Config {
	return Config{Command: []string{"/bin/sh", "-c", script}, Name: "shell", StartTimeout: 5 * time.Second}
}

func TestWrongHandshake(t *testing.T) {
	for _, c := range []struct{ script, text string }{
		{"echo '1|9|unix|/nowhere|grpc|'; exec sleep 60", "version"},
		{"echo '9|1|unix|/nowhere|grpc|'; exec sleep 60", "version"},
		{"echo '1|1|tcp|192.0.2.1:80|grpc|'; exec sleep 60", "loopback"},
		{"head -c 100000 /dev/zero; exec sleep 60", ""},
		{"exit 0", "exit status 0"},
	} {
		begin := time.Now()
		e, err := Open(t.Context(), shell(c.script))
		if err == nil {
			e.Close()
		}
		if !errors.Is(err, ErrHandshake) || !strings.Contains(strings.ToLower(err.Error()), c.text) {
			t.Errorf("%s: %v", c.script, err)
		}
		if d := time.Since(begin); d > 30*time.Second {
			t.Errorf("%s: took %v", c.script, d)
		}
	}
}

func TestLimits(t *testing.T) {
	if runtime.GOOS != "linux" {
		c := shell("exit 0")
		c.Limits.Files = 100
		if _, err := Open(t.Context(), c); !errors.Is(err, ErrConfine) {
			t.Error(err)
		}
		return
	}
	c := shell("{ ulimit -t; ulimit -v; ulimit -n; } >&2; sleep 0.2; exit 3")
	c.Limits = Limits{CPU: 7 * time.Second, Memory: 1 << 30, Files: 40}
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), `"7\n1048576\n40"`) {
		t.Error(err)
	}
	// A model that burns its processor time is killed, and another one starts.
	c = config("good")
	c.Limits = Limits{CPU: time.Second, Files: 100}
	c.Timeout = 20 * time.Second
	e := open(t, c)
	works(t, e)
	if _, err := e.Answer(t.Context(), 7, []byte("burn")); !errors.Is(err, ErrDied) {
		t.Error(err)
	}
	works(t, e)
	for _, l := range []Limits{{CPU: time.Millisecond}, {CPU: -time.Second}, {Memory: 1}, {Files: 1}} {
		c.Limits = l
		if _, err := Open(t.Context(), c); !errors.Is(err, ErrConfine) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

func TestOtherUser(t *testing.T) {
	c := config("good")
	c.User = "nobody"
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		if _, err := Open(t.Context(), c); !errors.Is(err, ErrConfine) {
			t.Error(err)
		}
		return
	}
	out, err := exec.Command("id", "-u", "nobody").Output()
	if err != nil {
		t.Fatal(err)
	}
	uid := strings.TrimSpace(string(out))
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	// The test binary lies in a folder of root's; the pinned copy does not.
	c.SHA256 = sha256.Sum256(program)
	for _, user := range []string{"nobody", uid, uid + ":54321"} {
		c.User = user
		e := open(t, c)
		group := uid
		if _, g, ok := strings.Cut(user, ":"); ok {
			group = g
		} else if out, err := exec.Command("id", "-g", "nobody").Output(); err == nil {
			group = strings.TrimSpace(string(out))
		}
		if got, err := e.Answer(t.Context(), 7, []byte("who")); err != nil || string(got) != uid+":"+group+" []" {
			t.Errorf("as %s: %q, %v", user, got, err)
		}
		// Whoever is not root cannot make one of its children another user.
		if _, err := e.Answer(t.Context(), 7, []byte("other user")); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "run plexus as root") {
			t.Error(err)
		}
		e.Close()
	}
	for _, user := range []string{"no-such-user", "nobody:users", "-1", "4294967295", ":1"} {
		c.User = user
		if e, err := Open(t.Context(), c); !errors.Is(err, ErrConfine) {
			t.Errorf("%s: %v", user, err)
			if err == nil {
				e.Close()
			}
		}
	}
}

// The text for authors and what Go was generated from are one.
func TestProtocolIsStated(t *testing.T) {
	b, err := os.ReadFile("engine.proto")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	fields := 0
	messages := enginepb.File_engine_proto.Messages()
	for i := range messages.Len() {
		m := messages.Get(i)
		if !strings.Contains(text, fmt.Sprintf("message %s {", m.Name())) {
			t.Errorf("no message %s", m.Name())
		}
		for j := range m.Fields().Len() {
			f := m.Fields().Get(j)
			fields++
			if want := fmt.Sprintf("  %s %s = %d;\n", f.Kind(), f.Name(), f.Number()); !strings.Contains(text, want) {
				t.Errorf("no field %q", want)
			}
		}
	}
	if n := strings.Count(text, ";\n  //") + strings.Count(text, ";\n}"); n != fields+1 { // and the service's method
		t.Errorf("%d fields and methods stated, %d known", n, fields+1)
	}
	for _, want := range []string{"package plexus.engine.v1;", "service Engine {", "rpc Answer(Task) returns (stream Part);", "6b1e6ac8f0d34f5f8a7be0a1a4a1d7c2"} {
		if !strings.Contains(text, want) {
			t.Errorf("does not state %q", want)
		}
	}
}
