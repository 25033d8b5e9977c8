//go:build !linux

package wasm

// newLinear makes a memory that may grow to limit bytes.
func newLinear(limit uint64) linear { return newCopied(limit) }

// newImage keeps what the memory holds.
func newImage(_ linear, content []byte) (image, error) {
	return plainImage(append([]byte(nil), content...)), nil
}
