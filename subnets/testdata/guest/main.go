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
	case abi.OpMerge:
		out = merge(in)
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
	case 'i': // asks for a chain value of before the round
		t.Inputs = []abi.Input{{Height: 1, Key: "R"}}
	case 'n': // asks for the price of a subnet that is not there
		t.Inputs, t.ScoreAt = []abi.Input{{Height: r.Height, Key: abi.PriceKey(77)}}, r.Height+1
	case 'e': // is scored too late
		t.ScoreAt = r.Last + 1
	case 'p': // is scored by what the chain will hold
		t.Inputs = []abi.Input{{Height: r.Height + 3, Key: abi.KeyRandomness}, {Height: r.Height + 1, Key: abi.PriceKey(1)},
			{Height: r.Height + 1, Key: abi.KeyRandomness}, {Height: r.Height + 3, Key: abi.KeyRandomness}}
		t.ScoreAt = r.Height + 3
	case 'a': // builds on the artifact
		t.Public = append(t.Public, r.Artifact...)
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
	case 'p':
		for i := range s {
			for _, v := range r.Inputs {
				for _, c := range v {
					s[i] = (s[i]*31 + uint64(c)) % abi.One
				}
			}
		}
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

// merge appends the answers to the artifact, when a mood of the subnet is to build
// one.
func merge(in []byte) []byte {
	r, err := abi.DecodeMergeRequest(in)
	if err != nil {
		panic(err)
	}
	var m abi.Merged
	for _, mood := range r.Params {
		if mood == 'a' {
			m.Artifact = append([]byte{}, r.Artifact...)
			for _, p := range r.Payloads {
				m.Artifact = append(m.Artifact, p...)
			}
			break
		}
	}
	return m.Append(nil)
}
