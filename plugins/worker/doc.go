// Package worker calls modules in child processes, so that whatever a module
// does to the engine (hours of fuel, a fault of the compiler, memory run away)
// ends with a process and not with the node.
//
// The host opens a Pool and loads modules through it; the same binary, started
// again with Config.Command, runs Serve:
//
//	pool, err := worker.Open(worker.Config{Command: []string{exe, "worker"}, CacheDir: dir})
//	module, err := pool.Load(ctx, bytes)
//	reply, err := module.Call(ctx, abi.OpScore, request.Append(nil), seed)
//
// A worker serves one call at a time and keeps what it has compiled. A call that
// outlives Config.Timeout ends with plugins.ErrDeadline, and a call whose context
// ends with the context's error; in both cases the worker is killed. A worker
// that dies in a call costs that call, which is tried once more in a fresh one;
// dying twice is ErrCrashed. Workers do not outlive the host, whatever ends it.
package worker
