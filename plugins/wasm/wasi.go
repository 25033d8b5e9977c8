package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// Fuel that a host function costs, besides the call: about what it takes of the
// processor. Part of the meter version.
const (
	hostCall    = 400 // each call
	hostByte    = 1   // each byte of random numbers or output
	hostScatter = 50  // each buffer of fd_write and each subscription of poll_oneoff
)

// Clock shown to modules, in nanoseconds: it starts here in each instance and
// moves only when the module sleeps.
const clockStart = 1_000_000_000 * 1_000_000_000

// Numbers of WASI.
const (
	errnoSuccess = 0
	errnoBadf    = 8
	errnoFault   = 21
	errnoInval   = 28

	maxScatter  = 1024 // buffers of one fd_write, subscriptions of one poll_oneoff
	sizeSub     = 48   // bytes of a subscription
	sizeEvent   = 32   // bytes of an event
	eventClock  = 0
	clockAbs    = 1 // flag: the timeout is a time, not a duration
	clockReal   = 0
	clockMono   = 1
	maxSleep    = 1 << 62
	stdout      = 1
	stderr      = 2
	wasiVersion = "wasi_snapshot_preview1"
)

// exitError is the trap of a module that called proc_exit.
type exitError uint32

func (e exitError) Error() string { return fmt.Sprintf("module exited with code %d", uint32(e)) }

// errFuel is the trap of a host function that the fuel does not pay for.
var errFuel = fmt.Errorf("host function: out of fuel")

// env is what one instance sees of the world. It is used by one goroutine.
type env struct {
	random      *rand.ChaCha8 // made when it is first asked for
	randomSeed  func() [32]byte
	clock       uint64
	log         []byte
	logMax      int
	fuel, depth api.MutableGlobal
	fullGlobal  api.MutableGlobal
}

type envKey struct{}

// seed sets where random numbers come from: the module and the seed, under a
// name of their own.
func (e *env) seed(id plugins.ID, name string, seed [32]byte) {
	e.random = nil
	e.randomSeed = func() [32]byte {
		b := cbor.AppendArray(nil, 3)
		b = cbor.AppendText(b, name)
		b = cbor.AppendBytes(b, id[:])
		return sha256.Sum256(cbor.AppendBytes(b, seed[:]))
	}
}

func (e *env) read(buf []byte) {
	if e.random == nil {
		e.random = rand.NewChaCha8(e.randomSeed())
	}
	e.random.Read(buf)
}

func (e *env) attach(inst api.Module) {
	e.fuel = inst.ExportedGlobal(meter.ExportFuel).(api.MutableGlobal)
	e.depth = inst.ExportedGlobal(meter.ExportDepth).(api.MutableGlobal)
	e.fullGlobal = inst.ExportedGlobal(meter.ExportFull).(api.MutableGlobal)
}

// begin sets the world to how a call finds it. The fuel that the start took is
// paid by each call, whether it ran again or not.
func (e *env) begin(s *snapshot, id plugins.ID, fuel uint64, seed [32]byte) {
	e.seed(id, "plexus/module-random/v1", seed)
	e.clock = s.clock
	e.log = append([]byte(nil), s.log...)
	e.fuel.Set(fuel - s.fuel)
}

func (e *env) resetDepth()      { e.depth.Set(api.EncodeI32(meter.MaxDepth)) }
func (e *env) fuelLeft() int64  { return int64(e.fuel.Get()) }
func (e *env) depthLeft() int32 { return api.DecodeI32(e.depth.Get()) }
func (e *env) full() bool       { return uint32(e.fullGlobal.Get()) != 0 }

// pay takes fuel and traps when there is not enough.
func (e *env) pay(n uint64) {
	left := e.fuelLeft() - int64(n)
	e.fuel.Set(uint64(left))
	if left < 0 {
		panic(errFuel)
	}
}

func (e *env) write(b []byte) {
	if room := e.logMax - len(e.log); room > 0 {
		e.log = append(e.log, b[:min(len(b), room)]...)
	}
}

// hostFunc is a WASI function; stack holds its parameters and takes its result.
type hostFunc func(e *env, mem api.Memory, stack []uint64) (errno uint32)

// instantiateWASI defines the ten functions in a runtime.
func instantiateWASI(ctx context.Context, r wazero.Runtime) error {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	b := r.NewHostModuleBuilder(wasiVersion)
	add := func(name string, f hostFunc, params ...api.ValueType) {
		results := []api.ValueType{i32}
		if name == "proc_exit" {
			results = nil
		}
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
			e := ctx.Value(envKey{}).(*env)
			e.pay(hostCall)
			errno := f(e, mod.Memory(), stack)
			if len(results) > 0 {
				stack[0] = uint64(errno)
			}
		}), params, results).Export(name)
	}
	add("sched_yield", func(*env, api.Memory, []uint64) uint32 { return errnoSuccess })
	add("proc_exit", func(_ *env, _ api.Memory, stack []uint64) uint32 { panic(exitError(uint32(stack[0]))) }, i32)
	add("args_get", nothing, i32, i32)
	add("args_sizes_get", twoZeros, i32, i32)
	add("environ_get", nothing, i32, i32)
	add("environ_sizes_get", twoZeros, i32, i32)
	add("clock_time_get", clockTimeGet, i32, i64, i32)
	add("random_get", randomGet, i32, i32)
	add("fd_write", fdWrite, i32, i32, i32, i32)
	add("poll_oneoff", pollOneoff, i32, i32, i32, i32)
	_, err := b.Instantiate(ctx)
	return err
}

func nothing(*env, api.Memory, []uint64) uint32 { return errnoSuccess }

func twoZeros(_ *env, mem api.Memory, stack []uint64) uint32 {
	if !mem.WriteUint32Le(uint32(stack[0]), 0) || !mem.WriteUint32Le(uint32(stack[1]), 0) {
		return errnoFault
	}
	return errnoSuccess
}

func clockTimeGet(e *env, mem api.Memory, stack []uint64) uint32 {
	if id := uint32(stack[0]); id != clockReal && id != clockMono {
		return errnoInval
	}
	if !mem.WriteUint64Le(uint32(stack[2]), e.clock) {
		return errnoFault
	}
	return errnoSuccess
}

func randomGet(e *env, mem api.Memory, stack []uint64) uint32 {
	n := uint32(stack[1])
	e.pay(uint64(n) * hostByte)
	buf, ok := mem.Read(uint32(stack[0]), n)
	if !ok {
		return errnoFault
	}
	e.read(buf)
	return errnoSuccess
}

func fdWrite(e *env, mem api.Memory, stack []uint64) uint32 {
	fd, iovs, count, out := uint32(stack[0]), uint32(stack[1]), uint32(stack[2]), uint32(stack[3])
	if fd != stdout && fd != stderr {
		return errnoBadf
	}
	if count > maxScatter {
		return errnoInval
	}
	e.pay(uint64(count) * hostScatter)
	list, ok := mem.Read(iovs, count*8)
	if !ok {
		return errnoFault
	}
	var written uint32
	for ; len(list) > 0; list = list[8:] {
		ptr, size := binary.LittleEndian.Uint32(list), binary.LittleEndian.Uint32(list[4:])
		e.pay(uint64(size) * hostByte)
		buf, ok := mem.Read(ptr, size)
		if !ok {
			return errnoFault
		}
		e.write(buf)
		written += size
	}
	if !mem.WriteUint32Le(out, written) {
		return errnoFault
	}
	return errnoSuccess
}

// pollOneoff returns at once: the clock jumps to the earliest timeout, whose
// event alone is reported, as if the time had passed.
func pollOneoff(e *env, mem api.Memory, stack []uint64) uint32 {
	in, out, count, num := uint32(stack[0]), uint32(stack[1]), uint32(stack[2]), uint32(stack[3])
	if count == 0 || count > maxScatter {
		return errnoInval
	}
	e.pay(uint64(count) * hostScatter)
	subs, ok := mem.Read(in, count*sizeSub)
	if !ok {
		return errnoFault
	}
	var user, wake uint64 = 0, maxSleep
	found := false
	for ; len(subs) > 0; subs = subs[sizeSub:] {
		if subs[8] != eventClock {
			continue
		}
		at := binary.LittleEndian.Uint64(subs[24:])
		if binary.LittleEndian.Uint16(subs[40:])&clockAbs == 0 {
			at = e.clock + min(at, maxSleep-e.clock)
		}
		if !found || at < wake {
			user, wake, found = binary.LittleEndian.Uint64(subs), min(at, maxSleep), true
		}
	}
	if !found {
		return errnoInval // nothing but time ever happens here
	}
	e.clock = max(e.clock, wake)
	event := make([]byte, sizeEvent)
	binary.LittleEndian.PutUint64(event, user)
	event[10] = eventClock
	if !mem.Write(out, event) || !mem.WriteUint32Le(num, 1) {
		return errnoFault
	}
	return errnoSuccess
}
