// Package image is the logic of the image subnet: draw what a prompt says.
//
// A task holds prompts from a grammar, each harder than the one before: one
// object, several, two kinds with a relation, several kinds that must not be
// mixed up. An answer holds a PNG for each. The module decodes the pictures,
// assigns each pixel to a colour of a palette, finds the connected regions, tells
// their shapes by integer moments, and counts which of the prompt's predicates
// hold: colour, shape, number, which colour belongs to which shape, and where
// things are.
//
// Nothing is hidden: the prompt is the truth, and whoever satisfies it has earned
// the score. The subnet measures faithful composition, not beauty.
//
// The package is pure integer arithmetic; the folder module wraps it for Wasm,
// model holds ways of drawing, and solver wraps those for Wasm. The README has the
// formats for authors in other languages, measured scores, and how the subnet can
// be gamed.
package image
