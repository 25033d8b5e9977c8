package proof

import "encoding/binary"

// ICS23 returns the proof about key, whose value is value when it is present, as
// the protobuf of an ICS-23 CommitmentProof under ics23.SmtSpec, for verifiers
// that know that format alone. The side of each step, which Proof leaves out, is
// written down.
func (p Proof) ICS23(key, value []byte) []byte {
	if !p.Absent {
		return field(nil, 1, existence(key, value, p.Path))
	}
	n := field(nil, 1, key)
	if p.Left != nil {
		n = field(n, 2, existence(p.Left.Key, p.Left.Value, p.Left.Path))
	}
	if p.Right != nil {
		n = field(n, 3, existence(p.Right.Key, p.Right.Value, p.Right.Path))
	}
	return field(nil, 2, n)
}

const sha256Op = 1 // HashOp of SHA-256

// smtLeaf is ics23.SmtSpec's leaf: SHA-256 of a zero byte, of the key's and of
// the value's SHA-256, without lengths.
var smtLeaf = field([]byte{1 << 3, sha256Op, 2 << 3, sha256Op, 3 << 3, sha256Op}, 5, []byte{0})

func existence(key, value []byte, path [][32]byte) []byte {
	b := field(field(field(nil, 1, key), 2, value), 3, smtLeaf)
	h := hashKey(key)
	for i, s := range path {
		op := []byte{1 << 3, sha256Op}
		if bit(&h, len(path)-1-i) == 0 {
			op = field(field(op, 2, []byte{1}), 3, s[:])
		} else {
			op = field(op, 2, append([]byte{1}, s[:]...))
		}
		b = field(b, 4, op)
	}
	return b
}

// field appends a length-delimited field of protobuf.
func field(b []byte, number byte, v []byte) []byte {
	b = binary.AppendUvarint(append(b, number<<3|2), uint64(len(v)))
	return append(b, v...)
}
