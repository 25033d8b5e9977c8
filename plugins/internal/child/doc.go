// Package child runs a program as a child process that answers calls and can
// be killed at any moment. It is what native models and the workers that run
// Wasm stand on: whatever happens inside a child (a hang, a crash, memory run
// away, a fault of the compiler) costs that child and one answer.
//
// # The promise
//
// A call ends when the child answers, when it dies, or when the caller's
// context ends. Kill returns only after the process and its whole process
// group are gone, and takes no longer for a child that hangs or is stopped.
// A child does not outlive its host: on Linux the kernel kills it
// (PR_SET_PDEATHSIG), and everywhere a Go child also ends when its standard
// input, a pipe that the host holds open, is closed.
//
// A child is not a sandbox. It has the rights of its user; it gets none of the
// host's environment but what Config.Env says, and nothing on standard input.
//
// # The protocol
//
// The transport is github.com/hashicorp/go-plugin: a handshake line on
// standard output, then gRPC over a Unix or loopback socket with mutual TLS
// from one-time certificates. One method carries everything; child.proto
// states it for authors of other languages. What a child prints besides goes
// to the log, cut to a bounded number of lines of a bounded length.
package child
