package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins/internal/child"
	"github.com/plexus-network/plexus/plugins/internal/enginepb"
)

const (
	serviceName  = "plexus.engine.v1.Engine"
	methodAnswer = "/" + serviceName + "/Answer"
	taskOverhead = 64       // bytes a task's encoding adds to its public part
	maxPart      = 64 << 10 // bytes of a part that this package sends
	maxRefusal   = 1 << 10  // bytes of a refusal's text
)

// Task is what a model is asked.
type Task struct {
	NetUID    uint16 // the subnet that asks
	Public    []byte // the module's public task, at most abi.MaxPayload bytes
	MaxAnswer int    // bytes of the longest answer that is taken
}

// Serve is the child's side: it answers tasks with handle until the host ends
// the process. Train or load before it, and do not print to standard output
// before. It returns only when the program was not started as an engine.
//
// handle may be called by several goroutines when Config.Parallel allows it;
// its context ends when nobody waits for the answer any more.
func Serve(handle func(context.Context, Task) ([]byte, error)) error {
	return ServeStream(func(ctx context.Context, t Task, w io.Writer) error {
		b, err := handle(ctx, t)
		if err != nil {
			return err
		}
		// Said before anything is sent, instead of after most of it.
		if len(b) > t.MaxAnswer {
			return tooLarge(len(b), t.MaxAnswer)
		}
		_, err = w.Write(b)
		return err
	})
}

// ServeStream is Serve for a model that makes its answer bit by bit: what it
// writes is on its way at once, and is the answer when handle returns nil. A write
// beyond Task.MaxAnswer, or after the host has given up, fails.
func ServeStream(handle func(ctx context.Context, t Task, w io.Writer) error) error {
	return child.ServeService(&grpc.ServiceDesc{
		ServiceName: serviceName,
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Answer", ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			in := new(enginepb.Task)
			if err := s.RecvMsg(in); err != nil {
				return err
			}
			t, err := takeTask(in)
			if err != nil {
				return status.Error(codes.InvalidArgument, err.Error())
			}
			if err := handle(s.Context(), t, &parts{stream: s, left: t.MaxAnswer, most: t.MaxAnswer}); err != nil {
				if status.Code(err) == codes.ResourceExhausted {
					return err
				}
				return status.Error(codes.Aborted, cut(err.Error()))
			}
			return nil
		}}},
		Metadata: "engine.proto",
	}, struct{}{})
}

// takeTask checks what a host sent.
func takeTask(in *enginepb.Task) (Task, error) {
	switch {
	case in.Netuid > 1<<16-1:
		return Task{}, fmt.Errorf("netuid %d: must be at most 65535", in.Netuid)
	case len(in.Public) > abi.MaxPayload:
		return Task{}, fmt.Errorf("task of %d bytes: must be at most %d", len(in.Public), abi.MaxPayload)
	}
	return Task{NetUID: uint16(in.Netuid), Public: in.Public, MaxAnswer: int(min(in.MaxAnswer, abi.MaxPayload))}, nil
}

// parts sends what is written.
type parts struct {
	stream     grpc.ServerStream
	left, most int
}

func (p *parts) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		k := min(len(b), maxPart)
		if p.left -= k; p.left < 0 {
			return n, tooLarge(p.most-p.left, p.most)
		}
		if err := p.stream.SendMsg(&enginepb.Part{Data: b[:k]}); err != nil {
			return n, errors.New("nobody waits for the answer any more")
		}
		n, b = n+k, b[k:]
	}
	return n, nil
}

func tooLarge(n, most int) error {
	return status.Errorf(codes.ResourceExhausted, "answer of %d bytes or more, at most %d are taken", n, most)
}

// cut makes a refusal's text valid and short enough to be sent.
func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxRefusal)], "?") }
