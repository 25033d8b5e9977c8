package wasm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
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
	c := &call{m: m, op: op, env: newEnv(m, seed)}
	// A call runs to its end or to its fuel's, whatever becomes of the context:
	// a cancelled one must not look like a fault of the module.
	defer c.close(ctx)
	body, err := c.run(context.WithValue(context.WithoutCancel(ctx), envKey{}, c.env), input)
	if err != nil {
		return plugins.Reply{}, err
	}
	return plugins.Reply{Body: body, Fuel: c.used(), Log: c.env.log}, nil
}

// call is one call and the instance that serves it.
type call struct {
	m    *Module
	op   abi.Op
	env  *env
	inst api.Module
}

// used returns the fuel spent, at most the bound.
func (c *call) used() uint64 {
	if c.inst == nil {
		return 0
	}
	left := c.env.fuelLeft()
	if left < 0 {
		return c.m.fuel
	}
	return c.m.fuel - uint64(left)
}

func (c *call) close(ctx context.Context) {
	if c.inst != nil {
		c.inst.Close(ctx)
	}
}

func (c *call) fault(kind error, format string, args ...any) *plugins.Fault {
	return &plugins.Fault{Kind: kind, ID: c.m.id, Op: c.op, Detail: clip(fmt.Sprintf(format, args...)),
		Fuel: c.used(), Log: c.env.log}
}

func (c *call) run(ctx context.Context, input []byte) ([]byte, error) {
	cfg := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	inst, err := c.m.runtime.InstantiateModule(ctx, c.m.compiled, cfg)
	if err != nil {
		// Segments out of range: nothing of the module has run.
		return nil, c.fault(plugins.ErrTrap, "instantiate: %s", reason(err))
	}
	c.inst = inst
	c.env.attach(inst, c.m.fuel)
	if c.m.started {
		if _, err := c.enter(ctx, meter.ExportStart); err != nil {
			return nil, err
		}
	}
	if c.m.inits {
		if _, err := c.enter(ctx, abi.ExportInit); err != nil {
			return nil, err
		}
	}
	ptr, err := c.enter(ctx, abi.ExportAlloc, uint64(len(input)))
	if err != nil {
		return nil, err
	}
	if !inst.Memory().Write(uint32(ptr), input) {
		return nil, c.fault(plugins.ErrABI, "%s gave no room for %d bytes at %d", abi.ExportAlloc, len(input), uint32(ptr))
	}
	res, err := c.enter(ctx, abi.ExportCall, uint64(c.op), uint64(uint32(ptr)), uint64(len(input)))
	if err != nil {
		return nil, err
	}
	return c.envelope(uint32(res>>32), uint32(res))
}

// enter calls an export and sorts what went wrong. Only the lower half of an i32
// result means anything.
func (c *call) enter(ctx context.Context, name string, args ...uint64) (uint64, error) {
	c.env.resetDepth()
	res, err := c.inst.ExportedFunction(name).Call(ctx, args...)
	switch {
	case c.env.fuelLeft() < 0:
		return 0, c.fault(plugins.ErrFuel, "%s: bound of %d", name, c.m.fuel)
	case err == nil && len(res) > 0:
		return res[0], nil
	case err == nil:
		return 0, nil
	case c.env.depthLeft() < 0:
		return 0, c.fault(plugins.ErrTrap, "%s: more than %d calls inside each other", name, meter.MaxDepth)
	case c.env.full():
		return 0, c.fault(plugins.ErrMemory, "%s: memory could not grow further: %s", name, reason(err))
	}
	return 0, c.fault(plugins.ErrTrap, "%s: %s", name, reason(err))
}

// envelope reads the reply at ptr.
func (c *call) envelope(ptr, size uint32) ([]byte, error) {
	if size < envelopeHead || size > abi.MaxMessage+envelopeHead {
		return nil, c.fault(plugins.ErrABI, "reply of %d bytes, must be %d..%d", size, envelopeHead, abi.MaxMessage+envelopeHead)
	}
	view, ok := c.inst.Memory().Read(ptr, size)
	if !ok {
		return nil, c.fault(plugins.ErrABI, "reply of %d bytes at %d lies outside of the memory", size, ptr)
	}
	status := binary.LittleEndian.Uint32(view)
	body := append([]byte(nil), view[envelopeHead:]...)
	if status != 0 {
		f := c.fault(plugins.ErrRefused, "%s", clip(string(body[:min(len(body), abi.MaxStatusText)])))
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
