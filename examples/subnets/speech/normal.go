package speech

import "strings"

// Normalise brings a transcript to the words that are compared, and is part of the
// score: ASCII letters become small, each digit becomes its word, an apostrophe is
// left out, any other ASCII that is neither letter nor digit parts words. What is
// beyond ASCII stays as it is. "Don't stop at 42!" has the words dont, stop, at,
// four, two.
func Normalise(text string) []string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case c >= 'a' && c <= 'z' || c >= 0x80:
			b.WriteByte(c)
		case c >= '0' && c <= '9':
			b.WriteString(" " + Words[c-'0'] + " ")
		case c == '\'':
		default:
			b.WriteByte(' ')
		}
	}
	return fields(b.String())
}

// fields parts at spaces alone; what Unicode takes for a space is not of the ASCII
// that Normalise knows.
func fields(s string) []string {
	var out []string
	for w := range strings.SplitSeq(s, " ") {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
