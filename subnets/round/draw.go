package round

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Alpha is the VRF's input for a round: H(S, netuid, round).
func Alpha(seed [32]byte, n ledger.NetUID, round uint16) []byte {
	a := key.Hash("round", seed[:], binary.BigEndian.AppendUint16(nil, uint16(n)), binary.BigEndian.AppendUint16(nil, round))
	return a[:]
}

// stream draws numbers below a bound from a 32-byte seed: SHA-256 in counter
// mode, with rejection so that every value is equally likely.
type stream struct {
	seed [32]byte
	n    uint64
	buf  []byte
}

func newStream(name string, seed [32]byte) *stream {
	return &stream{seed: key.Hash("draw-"+name, seed[:])}
}

func (s *stream) next() uint64 {
	if len(s.buf) == 0 {
		h := key.Hash("stream", s.seed[:], binary.BigEndian.AppendUint64(nil, s.n))
		s.n++
		s.buf = h[:]
	}
	v := binary.BigEndian.Uint64(s.buf)
	s.buf = s.buf[8:]
	return v
}

func (s *stream) below(n uint64) uint64 {
	limit := -n % n // 2^64 mod n: values below it would be too likely
	for {
		if v := s.next(); v >= limit {
			return v % n
		}
	}
}

// Asked draws the roster indices that a validator asks in a round, in the order
// drawn: members that serve, itself excepted, at most count of them.
func Asked(beta [32]byte, roster ledger.Roster, self ledger.Hotkey, count int) []int {
	var pool []int
	for i := range roster {
		if roster[i].Serves() && roster[i].Hotkey != self {
			pool = append(pool, i)
		}
	}
	s := newStream("asked", beta)
	count = min(count, len(pool))
	for i := range count {
		j := i + int(s.below(uint64(len(pool)-i)))
		pool[i], pool[j] = pool[j], pool[i]
	}
	return pool[:count]
}

// Slices draws the data slices that a round opens: count distinct indices below
// total, in the order drawn. There are fewer when total is smaller.
func Slices(beta [32]byte, total uint64, count int) []uint64 {
	s := newStream("slices", beta)
	count = int(min(uint64(count), total))
	seen := make(map[uint64]bool, count)
	out := make([]uint64, 0, count)
	for len(out) < count {
		if v := s.below(total); !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

// Shuffle is the order in which the rows of an epoch's ranking stand: a
// permutation of n drawn from the epoch's seed.
func Shuffle(seed [32]byte, n int) []int {
	s := newStream("shuffle", seed)
	p := make([]int, n)
	for i := range p {
		j := int(s.below(uint64(i + 1)))
		p[i], p[j] = p[j], i
	}
	return p
}
