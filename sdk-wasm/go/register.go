package sdk

// registered is the one module of this program; a Wasm instance runs one
// thread and one call at a time.
//
//lint:ignore U1000 the exports read it, and only a Wasm build has them
var registered Module

// Register names the program's module. Call it once, from an init function.
func Register(m Module) { registered = m }
