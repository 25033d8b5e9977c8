package wasm

import (
	"bytes"

	"github.com/tetratelabs/wazero/experimental"
)

// wasmPage is the unit in which a module's memory grows, in bytes.
const wasmPage = 1 << 16

// linear is the memory of one instance. Besides growing it can be put back to
// an image, which also shrinks it. One goroutine uses it at a time.
type linear interface {
	experimental.LinearMemory
	// adopt puts the image into a memory of at least its size; from then on rewind
	// goes back to it. It may keep the image, not change it.
	adopt(img image) error
	// rewind undoes all that was written since.
	rewind() error
	// settle has the next Reallocate return the image's size whatever it is asked
	// for: the only way in which an engine can learn that a memory shrank.
	settle()
}

// image is what a module's memory holds once it is initialised. It is shared by
// all instances and closed with the module.
type image interface {
	size() uint64
	close() error
}

// copied is a memory that keeps its image by copying: the way of systems without
// copy-on-write mappings.
type copied struct {
	buf     []byte
	limit   uint64 // what it may grow to
	img     plainImage
	settles bool
}

type plainImage []byte

func (p plainImage) size() uint64 { return uint64(len(p)) }
func (plainImage) close() error   { return nil }

func newCopied(limit uint64) linear { return &copied{limit: limit} }

func (c *copied) Reallocate(size uint64) []byte {
	if c.settles {
		c.settles = false
		c.buf = c.buf[:len(c.img)]
		return c.buf
	}
	switch {
	case size > c.limit:
		return nil
	case size <= uint64(cap(c.buf)):
		c.buf = c.buf[:size] // what lies beyond is zero: rewind clears it
	default:
		next := make([]byte, size, min(c.limit, size+size/4))
		copy(next, c.buf)
		c.buf = next
	}
	return c.buf
}

func (c *copied) Free()   { c.buf = nil }
func (c *copied) settle() { c.settles = true }

func (c *copied) adopt(img image) error {
	c.img = img.(plainImage)
	return c.rewind()
}

// rewind compares before it copies: most pages have not been touched, and
// reading is cheaper than writing.
func (c *copied) rewind() error {
	const step = 1 << 12
	clear(c.buf[len(c.img):])
	for i := 0; i < len(c.img); i += step {
		end := min(i+step, len(c.img))
		if !bytes.Equal(c.buf[i:end], c.img[i:end]) {
			copy(c.buf[i:end], c.img[i:end])
		}
	}
	return nil
}

var _ linear = (*copied)(nil)
