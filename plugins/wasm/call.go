package wasm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// envelopeHead is the length of the status in front of a reply.
const envelopeHead = 4

// Call runs one operation in a clean instance. The context is looked at before
// the call only: compiled code cannot be interrupted.
func (m *Module) Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (plugins.Reply, error) {
	if !m.manifest.Has(op) {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: %w", m.id, op, plugins.ErrNoOp)
	}
	if len(input) > abi.MaxMessage {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: input of %d bytes, over the limit of %d", m.id, op, len(input), abi.MaxMessage)
	}
	if err := ctx.Err(); err != nil {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: %w", m.id, op, err)
	}
	// A call runs to its end or to its fuel's, whatever becomes of the context:
	// a cancelled one must not look like a fault of the module.
	in, err := m.take()
	if err == nil {
		var r plugins.Reply
		if r, err = in.serve(op, input, seed); err == nil || errors.Is(err, plugins.ErrRefused) {
			m.give(in)
		} else {
			in.close()
		}
		if err == nil {
			return r, nil
		}
	}
	if f, ok := err.(*plugins.Fault); ok {
		own := *f // the fault of a failed start is shared by all calls
		own.Op = op
		return plugins.Reply{}, &own
	}
	return plugins.Reply{}, fmt.Errorf("module %s: %s: %w", m.id, op, err)
}

// serve makes the call in an instance in its first state.
func (in *instance) serve(op abi.Op, input []byte, seed [32]byte) (plugins.Reply, error) {
	if !in.m.manifest.Can(abi.CapRandom) {
		seed = [32]byte{}
	}
	in.env.begin(in.m.snap, in.m.id, in.m.fuel, seed)
	ptr, err := in.enter(abi.ExportAlloc, in.alloc, uint64(len(input)))
	if err != nil {
		return plugins.Reply{}, err
	}
	if !in.mem.Write(uint32(ptr), input) {
		return plugins.Reply{}, in.fault(plugins.ErrABI, "%s gave no room for %d bytes at %d", abi.ExportAlloc, len(input), uint32(ptr))
	}
	res, err := in.enter(abi.ExportCall, in.call, uint64(op), uint64(uint32(ptr)), uint64(len(input)))
	if err != nil {
		return plugins.Reply{}, err
	}
	body, err := in.envelope(uint32(res>>32), uint32(res))
	if err != nil {
		return plugins.Reply{}, err
	}
	return plugins.Reply{Body: body, Fuel: in.used(), Log: in.env.log}, nil
}

// envelope reads the reply at ptr.
func (in *instance) envelope(ptr, size uint32) ([]byte, error) {
	if size < envelopeHead || size > abi.MaxMessage+envelopeHead {
		return nil, in.fault(plugins.ErrABI, "reply of %d bytes, must be %d..%d", size, envelopeHead, abi.MaxMessage+envelopeHead)
	}
	view, ok := in.mem.Read(ptr, size)
	if !ok {
		return nil, in.fault(plugins.ErrABI, "reply of %d bytes at %d lies outside of the memory", size, ptr)
	}
	status := binary.LittleEndian.Uint32(view)
	body := append([]byte(nil), view[envelopeHead:]...)
	if status != 0 {
		f := in.fault(plugins.ErrRefused, "%s", clip(string(body[:min(len(body), abi.MaxStatusText)])))
		f.Status = status
		return nil, f
	}
	return body, nil
}

// clip makes text safe to keep: valid UTF-8 of bounded length.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > abi.MaxStatusText {
		s = strings.ToValidUTF8(s[:abi.MaxStatusText], "")
	}
	return s
}

// reason gives the first line of the engine's error: the rest is a stack of
// addresses that differ between engines.
func reason(err error) string {
	var exit exitError
	if errors.As(err, &exit) {
		return exit.Error()
	}
	s, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimSuffix(strings.TrimPrefix(s, "wasm error: "), " (recovered by wazero)")
}
