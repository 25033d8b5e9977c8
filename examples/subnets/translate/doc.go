// Package translate is the logic of the translate subnet: translate sentences
// whose translations are hidden.
//
// A task has two kinds of sentences. Some are drawn from the data slices of the
// round: by default names of languages, regions and scripts in English and
// Spanish, or sentence pairs of a file. The others are of a language that was
// made up for this task alone, lexicon and grammar, from the round's randomness;
// the task shows examples of it, and nobody can have learned it before.
//
// The score is the mean over the sentences of chrF++ against the hidden
// translation: shared runs of one to six characters and of one and two words,
// recall weighing twice as much as precision. What the field does badly weighs more.
//
// The package is pure integer arithmetic. The folder module wraps it for Wasm,
// model holds models, and solver is a module of them. The README has the formats
// for authors in other languages, measured scores, and what the rule can not
// tell apart.
package translate
