// Package plugins is the life of a subnet's Wasm module outside the engine: its
// identity, the manifest it carries, how it is built from Go, where it is kept,
// what a call returns and whose fault a failure is.
//
// A module is named by the SHA-256 of its bytes as published (ID). What the host
// makes of them (metered and compiled code) has no name of its own. The package
// runs nothing: plugins/wasm calls modules in this process, plugins/worker in
// child processes, and both are a Caller:
//
//	reply, err := caller.Call(ctx, abi.OpScore, request.Append(nil), seed)
//	switch {
//	case errors.Is(err, plugins.ErrFuel): // the module asked for too much
//	case plugins.IsGuest(err):            // any other fault of the module
//	case err != nil:                      // ours, or the context's end
//	}
package plugins
