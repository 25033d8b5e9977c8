// Package learn is the logic of the learn subnet: models that learn from each other.
//
// The subnet has one shared model, its artifact: 16,384 integer weights that predict
// a text bit by bit. Each miner holds a shard of text that the others do not have,
// and answers a task with a bounded sparse update to the model, whose hash it names
// before anybody sees any of them. The score of an update is the loss that it removes
// on a held-out piece of text, beyond what the others' updates remove without it. At
// the epoch's end the updates are merged, and the result becomes the subnet's model
// if it is better on text held out by the validators that hold most of the stake.
//
// The package is pure integer arithmetic. The folder module wraps it for Wasm, model
// holds learners, and solver is a module of them.
package learn
