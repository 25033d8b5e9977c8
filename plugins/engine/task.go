package engine

import (
	"context"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/plugins/internal/child"
)

const (
	methodAnswer = "answer"
	taskVersion  = 1
	taskOverhead = 16 // bytes a task's encoding adds to its public part
)

// Task is what a model is asked.
type Task struct {
	NetUID uint16 // the subnet that asks
	Public []byte // the module's public task, at most abi.MaxPayload bytes
}

func (t *Task) append(b []byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, taskVersion)
	b = cbor.AppendUint(b, uint64(t.NetUID))
	return cbor.AppendBytes(b, t.Public)
}

func decodeTask(b []byte) (t Task, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, taskVersion)
	t.NetUID = uint16(d.UintMax(1<<16 - 1))
	t.Public = d.Bytes(abi.MaxPayload)
	return t, d.End()
}

// Serve is the child's side: it answers tasks with handle until the host ends
// the process. Train or load before it, and do not print to standard output
// before. It returns only when the program was not started as an engine.
//
// handle may be called by several goroutines when Config.Parallel allows it;
// its context ends when nobody waits for the answer any more.
func Serve(handle func(context.Context, Task) ([]byte, error)) error {
	return child.Serve(func(ctx context.Context, method string, body []byte) ([]byte, error) {
		if method != methodAnswer {
			return nil, fmt.Errorf("unknown method %q, this engine knows %q", method, methodAnswer)
		}
		t, err := decodeTask(body)
		if err != nil {
			return nil, fmt.Errorf("decode task: %w", err)
		}
		return handle(ctx, t)
	})
}
