package model

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byExample translates by the example that is most like the sentence: what both
// share stays as it is in the example's translation, and each word in which they
// differ is replaced there, in the form that its place asks for.
func (l *lexicon) byExample(s string) string {
	list := words(s)
	kinds := make([]kind, len(list))
	for i, w := range list {
		kinds[i] = l.kind(w)
	}
	var best *match
	for _, e := range l.examples {
		// More words than half again as many share no pattern.
		if len(e.source)*2 > len(list)*3+2 || len(list)*2 > len(e.source)*3+2 {
			continue
		}
		if m := compare(list, kinds, e); best == nil || m.score > best.score {
			best = m
		}
	}
	if best == nil || best.score <= 0 {
		var out []string
		for _, w := range list {
			out = append(out, l.form(w, "", ""))
		}
		return join(out)
	}
	return join(best.fill(l))
}

// match is an alignment of a sentence with an example's source.
type match struct {
	e     *example
	list  []string
	at    []int // of each word of the sentence: the example's word in its place, or -1
	score int
}

// What each step of an alignment is worth.
const (
	same    = 6
	swapped = 3  // one word of content for another
	clash   = -3 // a word of grammar against another word
	gap     = -4
)

// compare aligns a sentence with an example so that the steps are worth most
// (S. Needleman and C. Wunsch).
func compare(list []string, kinds []kind, e *example) *match {
	n, m := len(list), len(e.source)
	best := make([]int, (n+1)*(m+1))
	at := func(i, j int) *int { return &best[i*(m+1)+j] }
	for i := 0; i <= n; i++ {
		for j := 0; j <= m; j++ {
			switch {
			case i == 0:
				*at(i, j) = j * gap
			case j == 0:
				*at(i, j) = i * gap
			default:
				*at(i, j) = max(*at(i-1, j-1)+kinds[i-1].step(e.kinds[j-1]), *at(i-1, j)+gap, *at(i, j-1)+gap)
			}
		}
	}
	out := &match{e: e, list: list, at: make([]int, n), score: *at(n, m)}
	for i, j := n, m; i > 0; {
		switch {
		case j > 0 && *at(i, j) == *at(i-1, j-1)+kinds[i-1].step(e.kinds[j-1]):
			i, j = i-1, j-1
			out.at[i] = j
		case j > 0 && *at(i, j) == *at(i, j-1)+gap:
			j--
		default:
			i--
			out.at[i] = -1
		}
	}
	return out
}

// kind is what comparing needs to know of a word.
type kind struct {
	id              int // 0 for a word that the lexicon lacks
	grammar, plural bool
}

func (l *lexicon) kind(w string) kind {
	return kind{l.id[w], l.grammar(w), strings.HasSuffix(w, "s")}
}

// step is what it is worth to put one word in another's place.
func (a kind) step(b kind) int {
	switch {
	case a.id == b.id && a.id != 0:
		return same
	case a.grammar || b.grammar:
		return clash
	case a.plural == b.plural:
		return swapped
	}
	return swapped - 2
}

// grammar reports whether a word stands in so many examples that it must be one
// of grammar.
func (l *lexicon) grammar(w string) bool { return l.count[w]*8 > 3*len(l.examples) }

// fill makes the translation from the example's.
func (m *match) fill(l *lexicon) []string {
	of := make([]int, len(m.e.source)) // of each word of the example: the sentence's, or -1
	for j := range of {
		of[j] = -1
	}
	for i, j := range m.at {
		if j >= 0 {
			of[j] = i
		}
	}
	var out []string
	var from []int // of each word of out: the sentence's word, or -1
	for t, w := range m.e.target {
		s := m.e.link[t]
		switch {
		case s < 0: // a word of grammar that no single word calls for
			out, from = append(out, w), append(from, -1)
		case of[s] < 0: // the sentence lacks the word that this one translates
		case m.list[of[s]] == m.e.source[s]:
			out, from = append(out, w), append(from, of[s])
		default:
			out, from = append(out, l.form(m.list[of[s]], m.e.source[s], w)), append(from, of[s])
		}
	}
	// Words of content that the example lacks stand beside their neighbour.
	for i := len(m.list) - 1; i >= 0; i-- {
		if m.at[i] >= 0 || l.grammar(m.list[i]) {
			continue
		}
		at := len(out)
		if k := slices.Index(from, i+1); k >= 0 && i+1 < len(m.list) {
			at = k
			if l.follows(m.list[i]) {
				at++
			}
		} else if k := slices.Index(from, i-1); k >= 0 && i > 0 {
			at = k + 1
		}
		out, from = slices.Insert(out, at, l.form(m.list[i], "", "")), slices.Insert(from, at, i)
	}
	return out
}

// follows reports whether the translation of a word stands behind that of the
// word after it, in most examples.
func (l *lexicon) follows(word string) bool {
	votes := 0
	for _, e := range l.examples {
		s := slices.Index(e.source, word)
		if s < 0 {
			continue
		}
		a, b := slices.Index(e.link, s), slices.Index(e.link, s+1)
		switch {
		case a < 0 || b < 0:
		case a > b:
			votes++
		default:
			votes--
		}
	}
	return votes > 0
}

// form translates one word so that it fits where the example has target for
// source: with the ending and the beginning that others have there.
func (l *lexicon) form(word, source, target string) string {
	options := l.best[word]
	if len(options) == 0 {
		return l.guess(word, source, target)
	}
	if source == "" {
		return options[0].word
	}
	top := options[0].score
	best, most := options[0].word, -1
	for _, o := range options {
		if o.score*4 < top {
			break
		}
		if n := 2*min(2, shared(o.word, target, true)) + 4*o.score/max(1, top); n > most {
			best, most = o.word, n
		}
	}
	// The ending of this place, as far as others of the source word's forms show
	// it to be one.
	if stem := l.stem(source); stem != "" && strings.HasPrefix(target, stem) {
		if own := l.stem(word); own != "" && strings.HasPrefix(best, own) {
			return own + target[len(stem):]
		}
	}
	return best
}

// stem is what the likely forms of a word begin with in common: "" unless there
// are two forms and the stem is longer than half of the shorter one.
func (l *lexicon) stem(word string) string {
	options := l.best[word]
	if len(options) < 2 {
		return ""
	}
	stem, forms := options[0].word, 1
	for _, o := range options[1:] {
		if n := shared(stem, o.word, false); n >= 3 && 2*n > min(utf8.RuneCountInString(o.word), utf8.RuneCountInString(stem)) {
			stem = string([]rune(stem)[:n])
			forms++
		}
	}
	if forms < 2 {
		return ""
	}
	return stem
}

// guess translates a word that no pair has: by another form of it if there is
// one, or by the word that ends most like it, whose translation lends its own
// ending.
func (l *lexicon) guess(word, source, target string) string {
	if w, ok := strings.CutSuffix(word, "s"); ok && len(l.best[w]) > 0 {
		return l.inflect(w, true)
	}
	if len(l.best[word+"s"]) > 0 {
		return l.inflect(word+"s", false)
	}
	known := make([]string, 0, len(l.best))
	for w := range l.best {
		known = append(known, w) // sorted below
	}
	slices.Sort(known)
	like, most := "", 2
	for _, w := range known {
		if n := shared(w, word, true); n > most {
			like, most = w, n
		}
	}
	out := word
	if like != "" {
		// Of the two words' common ending, and of what the translation makes of it.
		to := l.best[like][0].word
		head := shared(strings.ToLower(like), strings.ToLower(to), false)
		from, into := []rune(like), []rune(to)
		if own := []rune(word); len(from)-head < len(own) && len(from)-head <= most {
			out = string(own[:len(own)-(len(from)-head)]) + string(into[head:])
		}
	}
	lower := l.lower(target)
	if c, n := utf8.DecodeRuneInString(out); lower && unicode.IsUpper(c) {
		out = string(unicode.ToLower(c)) + out[n:]
	}
	return out
}

// lower reports whether names are not capitals here: in the example's place, or
// without one in most translations.
func (l *lexicon) lower(target string) bool {
	if target != "" {
		c, _ := utf8.DecodeRuneInString(target)
		return unicode.IsLower(c)
	}
	n := 0
	for _, e := range l.examples {
		if c, _ := utf8.DecodeRuneInString(e.target[0]); unicode.IsLower(c) {
			n++
		}
	}
	return 2*n > len(l.examples)
}

// inflect makes the other number of a known word by what most known words do:
// add an ending, put something before, or say the beginning twice.
func (l *lexicon) inflect(known string, plural bool) string {
	type change struct {
		before, after string
		twice         bool
	}
	votes := map[change]int{}
	for w, list := range l.best {
		many := l.best[w+"s"]
		if len(many) == 0 {
			continue
		}
		a, b := list[0].word, many[0].word
		switch {
		case strings.HasPrefix(b, a) && a != b:
			votes[change{after: b[len(a):]}]++
		case strings.HasSuffix(b, a) && a != b:
			c := change{before: b[:len(b)-len(a)]}
			if strings.HasPrefix(a, c.before) {
				votes[change{twice: true}]++
			}
			votes[c]++
		}
	}
	all := make([]change, 0, len(votes))
	for c := range votes {
		all = append(all, c) // sorted below
	}
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(a.before, b.before), cmp.Compare(a.after, b.after))
	})
	w := l.best[known][0].word
	if len(all) == 0 {
		return w
	}
	switch c := all[0]; {
	case c.twice && plural && len(w) > 2:
		return w[:2] + w
	case c.twice && len(w) > 4:
		return w[2:]
	case plural:
		return c.before + w + c.after
	default:
		return strings.TrimSuffix(strings.TrimPrefix(w, c.before), c.after)
	}
}

// shared counts the characters that two words begin with in common, or end with.
func shared(a, b string, end bool) (n int) {
	x, y := []rune(a), []rune(b)
	if end {
		slices.Reverse(x)
		slices.Reverse(y)
	}
	for n < min(len(x), len(y)) && x[n] == y[n] {
		n++
	}
	return n
}
