// Package wasm runs a subnet's modules in this process, on wazero. It gates and
// meters a module (Instrument), compiles it once for all processes that share a
// cache folder (Engine.Load), and makes each call in a clean instance
// (Module.Call).
//
//	engine, err := wasm.NewEngine(wasm.Config{CacheDir: dir, Limits: plugins.DefaultLimits()})
//	module, err := engine.Load(ctx, bytes)
//	reply, err := module.Call(ctx, abi.OpTask, request.Append(nil), seed)
//
// # What a call sees
//
// The module as its start function and _initialize left it: that state is taken
// once and each call begins from it (on Linux a copy-on-write mapping, so that
// only the pages which a call wrote are put back). Behind the ten WASI functions
// there is no machine: arguments and environment are empty, the clock stands
// still except when the module sleeps, random numbers are a stream from the seed
// (while the module starts, from its name alone), output goes to a bounded log.
// So reply, fuel and log depend on the module, the operation, the input and the
// seed alone, and are the same in the compiler and in the interpreter, which is
// the referee. The fuel of the start is part of every call's.
//
// An instance that trapped is thrown away. A module that writes to tables, drops
// segments or keeps references in globals is initialised anew for each call,
// which costs some milliseconds for a large one.
//
// # What bounds a call
//
// Fuel bounds all of it, instance start included; it is a count, not a time: the
// interpreter takes twenty to sixty times as long for a unit as compiled code.
// Compiled code cannot be preempted: while it runs the context is not looked at,
// and it holds up the garbage collector of its process. Calls with more than
// some tens of millions of units belong into plugins/worker, where a wall clock
// kills the process.
//
// A cache folder holds native code that will be run: only its owner may be able
// to write there.
package wasm
