package wasm

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// hostPage is what the kernel copies at least; on machines with larger pages it
// still divides a module's.
const hostPage = 1 << 12

// mapped is a memory whose address space is reserved at once and whose image is
// a private mapping of a file in memory: going back to it is one call to the
// kernel, which drops the pages that were written, and no copying.
type mapped struct {
	space   []byte // all that it may grow to
	open    uint64 // bytes that may be read and written so far
	img     *fileImage
	settles bool
}

// spareBytes beyond the image stay usable between calls: what a process may have
// writable is bounded, used or not.
const spareBytes = 8 << 20

type fileImage struct {
	fd   int
	n    uint64
	free func() error
}

func (f *fileImage) size() uint64 { return f.n }
func (f *fileImage) close() error { return f.free() }

// newLinear reserves a memory that may grow to limit bytes. Where the system
// refuses, it copies instead.
func newLinear(limit uint64) linear {
	space, err := unix.Mmap(-1, 0, int(max(limit, wasmPage)), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return newCopied(limit)
	}
	// Huge pages would be cleared whole for each few bytes written.
	_ = unix.Madvise(space, unix.MADV_NOHUGEPAGE)
	return &mapped{space: space[:limit]}
}

// newImage keeps what mem holds; mem may be of either kind.
func newImage(mem linear, content []byte) (image, error) {
	if _, ok := mem.(*mapped); !ok {
		return plainImage(append([]byte(nil), content...)), nil
	}
	fd, err := unix.MemfdCreate("plexus-module", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("wasm: image: %w", err)
	}
	img := &fileImage{fd: fd, n: uint64(len(content)), free: func() error { return unix.Close(fd) }}
	if err := unix.Ftruncate(fd, int64(len(content))); err != nil {
		_ = img.close()
		return nil, fmt.Errorf("wasm: image: %w", err)
	}
	for i := 0; i < len(content); i += hostPage { // pages of zeros stay holes
		page := content[i : i+hostPage]
		if zero(page) {
			continue
		}
		if _, err := unix.Pwrite(fd, page, int64(i)); err != nil {
			_ = img.close()
			return nil, fmt.Errorf("wasm: image: %w", err)
		}
	}
	return img, nil
}

func zero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

func (m *mapped) Reallocate(size uint64) []byte {
	if m.settles {
		m.settles = false
		return m.space[:m.img.n]
	}
	if size > uint64(len(m.space)) || !m.grant(size) {
		return nil
	}
	return m.space[:size]
}

func (m *mapped) settle() { m.settles = true }

// grant makes the first size bytes usable. Where they were before, they are zero
// again after a rewind.
func (m *mapped) grant(size uint64) bool {
	if size <= m.open {
		return true
	}
	if unix.Mprotect(m.space[m.open:size], unix.PROT_READ|unix.PROT_WRITE) != nil {
		return false
	}
	m.open = size
	return true
}

func (m *mapped) Free() {
	if m.space != nil {
		_ = unix.Munmap(m.space[:cap(m.space)])
		m.space = nil
	}
}

func (m *mapped) adopt(img image) error {
	f, ok := img.(*fileImage)
	if !ok {
		return fmt.Errorf("wasm: image of another kind of memory")
	}
	if !m.grant(f.n) {
		return unix.ENOMEM
	}
	m.img = f
	if f.n > 0 {
		if err := remap(m.space[:f.n], f.fd); err != nil {
			return fmt.Errorf("wasm: map image: %w", err)
		}
	}
	return m.rewind()
}

// remap lays a private mapping of the file over b.
func remap(b []byte, fd int) error {
	_, err := unix.MmapPtr(fd, 0, addressOf(b), uintptr(len(b)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	return err
}

func (m *mapped) rewind() error {
	if m.open == 0 {
		return nil
	}
	if err := unix.Madvise(m.space[:m.open], unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("wasm: reset memory: %w", err)
	}
	if keep := m.img.n + spareBytes; m.open > keep {
		if err := unix.Mprotect(m.space[keep:m.open], unix.PROT_NONE); err != nil {
			return fmt.Errorf("wasm: reset memory: %w", err)
		}
		m.open = keep
	}
	return nil
}

var _ linear = (*mapped)(nil)
