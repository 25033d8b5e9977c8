// Command guest is a module for the tests of the loops: its parameters are a list
// of moods, of which each round's randomness picks one, well or badly behaved.
package main

import (
	"encoding/binary"
	"unsafe"

	"github.com/plexus-network/plexus/abi"
)

func main() {}

var room []byte

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
	var status uint32
	var out []byte
	switch abi.Op(op) {
	case abi.OpTask:
		out = task(in)
	case abi.OpScore:
		status, out = score(in)
	case abi.OpRank:
		out = rank(in)
	}
	room = append(binary.LittleEndian.AppendUint32(nil, status), out...)
	return uint64(uintptr(unsafe.Pointer(&room[0])))<<32 | uint64(len(room))
}

func task(in []byte) []byte {
	r, err := abi.DecodeTaskRequest(in)
	if err != nil {
		panic(err)
	}
	mood := r.Params[int(r.Beta[0])%len(r.Params)]
	t := abi.Task{Public: r.Beta[:], Private: []byte{mood}}
	switch mood {
	case 'l': // loops
		for {
		}
	case 'm': // is no task
		return []byte{0xff}
	case 'i': // asks for chain values
		t.Inputs = []abi.Input{{Height: 1, Key: "R"}}
	}
	return t.Append(nil)
}

func score(in []byte) (uint32, []byte) {
	r, err := abi.DecodeScoreRequest(in)
	if err != nil {
		panic(err)
	}
	s := make(abi.Scores, len(r.Payloads))
	for i := range s {
		s[i] = abi.One / 2
	}
	switch r.Private[0] {
	case 't': // traps
		panic("a bad day")
	case 'f': // refuses
		return 9, []byte("not today")
	case 'r': // is out of range
		s[0] = abi.One + 1
	case 'c': // gives one score too few
		s = s[1:]
	case 'u': // treats equal payloads unequally
		s[0] = abi.One
	}
	return 0, s.Append(nil)
}

func rank(in []byte) []byte {
	r, err := abi.DecodeRankRequest(in)
	if err != nil {
		panic(err)
	}
	k := make(abi.Ranks, len(r.Rows))
	for i, row := range r.Rows {
		for _, s := range row.Scores {
			k[i].Weight += s / uint64(len(row.Scores))
		}
	}
	return k.Append(nil)
}
