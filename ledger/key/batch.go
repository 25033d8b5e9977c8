package key

import (
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"
)

// Batch checks many signatures at once, which costs about half of checking
// them one by one. Its answer for each is that of VerifyScheme: the equation of
// a batch is cofactored like that of a single check, and a batch that does not
// hold is checked again one by one. The zero value is an empty batch.
type Batch struct {
	ed         *ed25519.BatchVerifier
	sr         *sr25519.BatchVerifier
	edAt, srAt []int // index in the order of Add
	n          int
}

// Add puts a signature into the batch; its index is the number of those added
// before it.
func (b *Batch) Add(k ID, s Scheme, name string, msg []byte, sig Signature) {
	i := b.n
	b.n++
	switch s {
	case ED25519:
		if b.ed == nil {
			b.ed = ed25519.NewBatchVerifier()
		}
		b.ed.AddWithOptions(k[:], tagged(name, msg), sig[:], options)
		b.edAt = append(b.edAt, i)
	case SR25519:
		pub, parsed, err := k.parseSR25519(sig)
		if err != nil {
			return
		}
		if b.sr == nil {
			b.sr = sr25519.NewBatchVerifier()
		}
		b.sr.Add(pub, context.NewTranscriptBytes(tagged(name, msg)), parsed)
		b.srAt = append(b.srAt, i)
	}
}

// Len is the number of signatures added.
func (b *Batch) Len() int { return b.n }

// Verify says of each signature whether it holds.
func (b *Batch) Verify() []bool {
	out := make([]bool, b.n)
	if b.ed != nil {
		_, ok := b.ed.Verify(nil)
		for j, i := range b.edAt {
			out[i] = ok[j]
		}
	}
	if b.sr != nil {
		_, ok := b.sr.Verify(nil)
		for j, i := range b.srAt {
			out[i] = ok[j]
		}
	}
	return out
}
