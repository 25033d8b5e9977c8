// Package enginepb holds the messages of plugins/engine/engine.proto, generated
// from it. It is what goes over the wire to an engine; engine authors in Go take
// package plugins/engine, which hides it.
package enginepb

//go:generate protoc -I ../../engine --go_out=../../.. --go_opt=module=github.com/plexus-network/plexus engine.proto
