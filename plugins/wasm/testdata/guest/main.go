// Command guest is a module for the tests of the host: the first byte of an
// input says what to do, well or badly.
package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"unsafe"
)

func main() {}

var (
	room  []byte
	calls int
	keep  [][]byte
)

//go:wasmexport plexus_abi_v1
func marker() {}

//go:wasmexport plexus_alloc
func alloc(n uint32) uint32 {
	room = make([]byte, max(n, 1))
	return uint32(uintptr(unsafe.Pointer(&room[0])))
}

//go:wasmexport plexus_call
func call(op, ptr, n uint32) uint64 {
	in := unsafe.Slice((*byte)(unsafe.Pointer(uintptr(ptr))), n)
	calls++
	status, out := do(in)
	room = append(binary.LittleEndian.AppendUint32(nil, status), out...)
	return uint64(uintptr(unsafe.Pointer(&room[0])))<<32 | uint64(len(room))
}

func do(in []byte) (status uint32, out []byte) {
	if len(in) == 0 {
		return 0, nil
	}
	arg := in[1:]
	switch in[0] {
	case 'e': // echo
		return 0, arg
	case 's': // refuse
		return 7, []byte("no: " + string(arg))
	case 'p': // panic
		panic(string(arg))
	case 'l': // loop for ever
		for {
		}
	case 'x': // exit
		exit(3)
	case 'k': // recur for ever
		return 0, strconv.AppendInt(nil, int64(deep(1)), 10)
	case 'm': // eat memory
		for {
			keep = append(keep, make([]byte, 1<<20))
		}
	case 'c': // count calls of this instance
		return 0, strconv.AppendInt(nil, int64(calls), 10)
	case 'r': // everything that chance touches
		m := map[int]bool{}
		for i := range 64 {
			m[i] = true
		}
		for k := range m {
			out = append(out, byte(k))
		}
		out = binary.LittleEndian.AppendUint64(out, rand.Uint64())
		var drawn [8]byte
		randomGet(&drawn, 8)
		out = append(out, drawn[:]...)
		return 0, strconv.AppendUint(out, now(), 10)
	case 'g': // garbage
		sum := 0
		for i := range 20000 {
			b := make([]byte, 1024+i%512)
			b[i%1024] = byte(i)
			sum += len(b) + int(b[i%1024])
		}
		return 0, strconv.AppendInt(nil, int64(sum), 10)
	case 'G': // grow by a little more than the heap begins with
		b := make([]byte, 6<<20)
		b[len(b)-1] = 1
		return 0, strconv.AppendInt(nil, int64(b[len(b)-1]), 10)
	case 'w': // sleep for a day
		start := now()
		sleep(24 * 3600e9)
		return 0, strconv.AppendUint(nil, now()-start, 10)
	case 'n': // show the bits of not-a-number
		zero := float64(len(arg) - len(in) + 1)
		nan := zero / zero
		small := float32(nan)
		neg := math.Sqrt(zero - 1)
		for _, v := range []float64{nan, neg, math.Inf(1) - math.Inf(1), float64(small), min(nan, 1)} {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
		return 0, binary.LittleEndian.AppendUint32(out, math.Float32bits(small*small))
	case 'o': // output
		for range 1000 {
			println(string(arg))
		}
	}
	return 0, nil
}

//go:wasmimport wasi_snapshot_preview1 proc_exit
func exit(code uint32)

//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(to *[8]byte, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 clock_time_get
func clockTimeGet(id uint32, precision uint64, out *uint64) uint32

//go:wasmimport wasi_snapshot_preview1 poll_oneoff
func pollOneoff(in, out *[64]byte, count uint32, events *uint32) uint32

func now() (t uint64) {
	clockTimeGet(1, 0, &t)
	return t
}

func sleep(ns uint64) {
	var in, out [64]byte
	var n uint32
	in[16] = 1 // the monotonic clock
	binary.LittleEndian.PutUint64(in[24:], ns)
	if e := pollOneoff(&in, &out, 1, &n); e != 0 || n != 1 {
		panic("poll_oneoff " + strconv.Itoa(int(e)))
	}
}

func deep(n int) int {
	if n == -1 {
		return 0
	}
	return deep(n+1) + 1
}
