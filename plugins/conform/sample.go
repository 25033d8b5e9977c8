package conform

import (
	"bytes"
	"math/rand/v2"
	"sort"

	"github.com/plexus-network/plexus/abi"
)

// sample is one call.
type sample struct {
	op   abi.Op
	body []byte
}

// source draws the inputs of one seed.
type source struct {
	*rand.Rand
	m *abi.Manifest
	o *Options
}

func (s *source) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.Uint32())
	}
	return b
}

// Heights of the tasks that are drawn: those of a round in the middle of an epoch
// of the usual 360 blocks.
const taskHeight, taskLast = 1000, 1180

// task is a request as a node makes it: the slices have the manifest's size.
func (s *source) task() sample {
	r := abi.TaskRequest{Params: s.o.Params, Artifact: s.o.Artifact, Slices: [][]byte{}}
	copy(r.Beta[:], s.bytes(32))
	r.Height, r.Last = taskHeight, taskLast
	for range s.m.Slices {
		r.Slices = append(r.Slices, s.o.slice(s, int(s.m.Slice)))
	}
	return sample{abi.OpTask, r.Append(nil)}
}

// answers are payloads of many shapes, in the order of their hashes as far as a
// module can tell: none, empty, short, the longest allowed, random, equal ones.
func (s *source) answers(more [][]byte) [][]byte {
	long := int(s.m.Answer)
	all := [][]byte{nil, {0}, []byte("answer"), bytes.Repeat([]byte{0xff}, long), bytes.Repeat([]byte{' '}, long), s.bytes(long), s.bytes(min(long, 33))}
	all = append(all, more...)
	all = append(all, all[2], all[5]) // equal payloads
	sort.Slice(all, func(i, j int) bool { return bytes.Compare(all[i], all[j]) < 0 })
	return all
}

func (s *source) score(t abi.Task, payloads [][]byte) sample {
	r := abi.ScoreRequest{Params: s.o.Params, Public: t.Public, Private: t.Private, Payloads: payloads, Inputs: [][]byte{}}
	for _, in := range t.Inputs {
		r.Inputs = append(r.Inputs, s.bytes(abi.ValueSize(in.Key)))
	}
	return sample{abi.OpScore, r.Append(nil)}
}

// rank is a request with every shape of row: no scores, many, none above 0, and
// the carries that the module gave before.
func (s *source) rank(carries [][]byte) sample {
	r := abi.RankRequest{Params: s.o.Params, Rows: []abi.Row{}}
	for i := range 12 {
		row := abi.Row{Carry: []byte{}, Scores: []uint64{}}
		if i < len(carries) {
			row.Carry = carries[i]
		}
		for range i % 5 * 3 {
			row.Scores = append(row.Scores, s.Uint64N(abi.One+1)*uint64(i%3)/2)
		}
		r.Rows = append(r.Rows, row)
	}
	return sample{abi.OpRank, r.Append(nil)}
}

// merge is a request with answers of every shape, distinct as a node makes them,
// and the artifact that the module gave before.
func (s *source) merge(artifact []byte) sample {
	r := abi.MergeRequest{Params: s.o.Params, Artifact: artifact, Slices: [][]byte{}, Payloads: [][]byte{}}
	for range s.m.Slices {
		r.Slices = append(r.Slices, s.o.slice(s, int(s.m.Slice)))
	}
	all := s.answers(nil)
	for i, p := range all {
		if i == 0 || !bytes.Equal(p, all[i-1]) {
			r.Payloads = append(r.Payloads, p)
		}
	}
	return sample{abi.OpMerge, r.Append(nil)}
}

// rubbish is what is not the operation's message, made from one that is.
func (s *source) rubbish(good sample) []sample {
	b := good.body
	all := []sample{{good.op, nil}, {good.op, []byte{0}}, {good.op, []byte{0xff}}, {good.op, s.bytes(3)}, {good.op, s.bytes(200)},
		{good.op, append(bytes.Clone(b), 0)}}
	if len(b) > 2 {
		all = append(all, sample{good.op, b[:1]}, sample{good.op, b[:len(b)/2]}, sample{good.op, b[:len(b)-1]})
		version := bytes.Clone(b)
		version[1] = 2 // every message begins with an array's head and version 1
		all = append(all, sample{good.op, version})
	}
	return all
}
