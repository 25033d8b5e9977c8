// Package engine runs a miner's native model as a child process: any program,
// in any language, that answers tasks. The model may crash, hang, print, eat
// memory or answer nonsense; the miner's process goes on, restarts it and says
// by name what happened.
//
// The host's side:
//
//	e, err := engine.Open(ctx, engine.Config{Command: []string{"./model", "--fast"}})
//	answer, err := e.Answer(ctx, netuid, public)
//	e.Close()
//
// The child's side, in Go:
//
//	func main() { log.Fatal(engine.Serve(func(ctx context.Context, t engine.Task) ([]byte, error) { … })) }
//
// A model that makes its answer bit by bit serves with ServeStream, and who wants to
// see it on the way asks with AnswerTo. A child in another language implements the
// service of engine.proto, which states all that there is to know.
//
// A model is not sandboxed: run only what you trust with your user's rights, or, on
// Linux and as root, with those of another user and under limits (Config.User,
// Config.Limits). A model that needs no more than WebAssembly gives is better run
// by the engine of examples/engines/wasm.
package engine
