package evidence

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/internal/merkle"
)

// Finished is a round that is over, as a validator keeps it until its epoch is
// closed. What closing needs of it stands ready; the rest is compressed as it
// will stand in the file. So closing an epoch hashes nodes and copies bytes, and
// the work of a round is done while the epoch runs.
type Finished struct {
	Round   uint16
	Skipped bool
	Node    [32]byte // the round's node under the root
	Leaves  []Leaf
	Frame   []byte // one zstd frame
}

// Finish compresses a round that is over.
func Finish(r *Round) (*Finished, error) {
	w, err := zstdWriter()
	if err != nil {
		return nil, err
	}
	return &Finished{Round: r.Round, Skipped: r.Skipped, Node: r.hash(), Leaves: r.Leaves(), Frame: w.EncodeAll(r.append(nil), nil)}, nil
}

// zstdWriter is used for frames only, which is safe from several goroutines.
var zstdWriter = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true)) // 16 MiB instead of 32
})

// Append appends [1, round, skipped, node, [leaf, …], frame].
func (f *Finished) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 1)
	b = cbor.AppendBool(cbor.AppendUint(b, uint64(f.Round)), f.Skipped)
	b = cbor.AppendArray(cbor.AppendBytes(b, f.Node[:]), len(f.Leaves))
	for i := range f.Leaves {
		b = f.Leaves[i].Append(b)
	}
	return cbor.AppendBytes(b, f.Frame)
}

// DecodeFinished reads what Append wrote. The frame aliases b, and is not looked
// into.
func DecodeFinished(b []byte) (*Finished, error) {
	d := cbor.NewDecoder(b)
	d.Version(6, 1)
	f := &Finished{Round: uint16(d.UintMax(65535)), Skipped: d.Bool(), Node: d.Hash()}
	f.Leaves = make([]Leaf, d.ArrayMax(ledger.MaxRoster))
	for i := range f.Leaves {
		f.Leaves[i].decode(d)
	}
	f.Frame = d.Bytes(MaxBundle)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: finished round: %v", ErrBundle, err)
	}
	return f, nil
}

// Open unpacks the round.
func (f *Finished) Open() (*Round, error) {
	raw, err := unzip(f.Frame, MaxBundle)
	if err != nil {
		return nil, err
	}
	r, err := DecodeRound(raw)
	if err != nil {
		return nil, err
	}
	if r.hash() != f.Node {
		return nil, fmt.Errorf("%w: round %d is not the one that was finished", ErrBundle, f.Round)
	}
	return r, nil
}

// Close writes the file of a bundle whose count rounds are finished ones, which
// it asks for one at a time, and returns the bundle's root. b.Rounds is not
// looked at. The file is the one that Encode would make of the same rounds: a
// frame for what stands before the rounds, one for each round, one for the rest.
func (b *Bundle) Close(w io.Writer, count int, finished func(i int) (*Finished, error)) (root [32]byte, err error) {
	z, err := zstdWriter()
	if err != nil {
		return root, err
	}
	head, tail := b.appendHead(nil, count), b.appendTail(nil)
	total := uint64(len(head) + len(tail))
	if _, err := w.Write(z.EncodeAll(head, nil)); err != nil {
		return root, err
	}
	nodes := make([][32]byte, count)
	for i := range nodes {
		f, err := finished(i)
		if err != nil {
			return root, err
		}
		nodes[i] = f.Node
		var h zstd.Header
		if err := h.Decode(f.Frame); err != nil {
			return root, fmt.Errorf("%w: round %d: %v", ErrBundle, i, err)
		}
		// A frame of less than 256 bytes does not tell its length.
		if total += max(h.FrameContentSize, 256); total > MaxBundle {
			return root, fmt.Errorf("%w: more than %d bytes with round %d of %d: ask fewer miners, or run fewer rounds an epoch", ErrLarge, MaxBundle, i, count)
		}
		if _, err := w.Write(f.Frame); err != nil {
			return root, err
		}
	}
	_, err = w.Write(z.EncodeAll(tail, nil))
	return b.root(nodes), err
}

// Root is the evidence root that goes on chain.
func (b *Bundle) Root() [32]byte {
	nodes := make([][32]byte, len(b.Rounds))
	for i := range b.Rounds {
		nodes[i] = b.Rounds[i].hash()
	}
	return b.root(nodes)
}

// root is the root over the nodes of the rounds.
func (b *Bundle) root(nodes [][32]byte) [32]byte {
	return rootHash(b.appendTop(nil, b.mergeHash()), uint64(len(nodes)), merkle.Root(nodes), b.opening().Append(nil))
}

func rootHash(head []byte, rounds uint64, top [32]byte, opening []byte) [32]byte {
	return key.Hash("evidence", head, cbor.AppendUint(nil, rounds), top[:], opening)
}

// Encode returns the compressed file, from the rounds in b.Rounds.
func (b *Bundle) Encode() ([]byte, error) {
	var out bytes.Buffer
	_, err := b.Close(&out, len(b.Rounds), func(i int) (*Finished, error) { return Finish(&b.Rounds[i]) })
	return out.Bytes(), err
}

// unzip unpacks frames, at most max bytes in all.
func unzip(file []byte, max uint64) ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(max))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := r.DecodeAll(file, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBundle, err)
	}
	return raw, nil
}
