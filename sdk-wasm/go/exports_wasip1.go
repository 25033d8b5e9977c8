package sdk

import (
	"unsafe"

	"github.com/plexus-network/plexus/abi"
)

// Both are reachable from here for as long as the host may use them, so that
// the collector leaves them in place.
var input, output []byte

//go:wasmexport plexus_abi_v1
func marker() {}

//go:wasmexport plexus_alloc
func alloc(n uint32) uint32 {
	input = make([]byte, max(n, 1))
	return address(input)
}

//go:wasmexport plexus_call
func call(op, ptr, n uint32) uint64 {
	status, body := uint32(StatusInput), []byte("input is not where plexus_alloc put it")
	if len(input) > 0 && ptr == address(input) && n <= uint32(len(input)) {
		status, body = registered.call(abi.Op(op), input[:n])
	}
	output = append([]byte{byte(status), byte(status >> 8), byte(status >> 16), byte(status >> 24)}, body...)
	return uint64(address(output))<<32 | uint64(len(output))
}

func address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(&b[0]))) }
