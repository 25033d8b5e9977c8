// Package forecast is the logic of the forecast subnet: say where prices will be.
//
// A task names subnets and several heights to come. An answer states, for each of
// them, nine quantiles of the subnet's alpha price, and at which of the heights the
// quantiles are held against the price is drawn by the chain's randomness after all
// answers are in. There is no oracle: the prices are the chain's own, and whoever
// replays the scoring reads them from it.
//
// The score is one half for what a random walk from the present price with a fixed
// spread would have scored, more for a smaller pinball loss and less for a greater
// one. Saying the quantiles that one believes in is the best answer there is.
//
// The same module works on series from a file: a subnet with data gives the
// beginning of each slice and hides its end.
//
// The package is pure integer arithmetic. The folder module wraps it for Wasm, model
// holds models, solver is a module of them, and schedule makes the prices move in a
// network of one machine.
package forecast
