package wasm

import "unsafe"

// addressOf returns where b lies, for the kernel to map over it. b is memory of
// the kernel's, not of Go's heap, so nothing moves or frees it meanwhile.
func addressOf(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
