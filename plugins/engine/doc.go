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
// A child in another language implements the service of child.proto in
// plugins/internal/child. It is called with one method, "answer", whose request
// is the canonical CBOR array [1, netuid, public] and whose reply is the answer
// itself: the payload that the subnet's module will score.
//
// A model is not sandboxed: run only what you trust with your user's rights.
package engine
