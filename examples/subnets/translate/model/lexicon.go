package model

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plexus-network/plexus/examples/subnets/translate"
)

// example is a pair in words, with the links between them.
type example struct {
	source, target []string
	kinds          []kind // of the source
	link           []int  // of each target word: the source word it translates, or -1
}

// lexicon is what was learned from pairs.
type lexicon struct {
	examples []*example
	best     map[string][]option // what a source word may become, likeliest first
	count    map[string]int      // pairs with the source word
	id       map[string]int      // of the source words, from 1
}

type option struct {
	word  string
	score int // parts per thousand
}

type couple struct{ source, target string }

// newLexicon counts which words stand in the same pairs, and links the words of
// each pair one to one, the likeliest first (I. D. Melamed's competitive
// linking). The links are counted in turn: twice, so that a frequent word does
// not keep what another explains better.
func newLexicon(pairs []translate.Pair) *lexicon {
	l := &lexicon{count: map[string]int{}, best: map[string][]option{}, id: map[string]int{}}
	targets, together := map[string]int{}, map[couple]int{}
	for _, p := range pairs {
		e := &example{source: words(p.Source), target: words(p.Target)}
		if len(e.source) == 0 || len(e.target) == 0 {
			continue
		}
		l.examples = append(l.examples, e)
		t := unique(e.target)
		for _, w := range t {
			targets[w]++
		}
		for _, s := range unique(e.source) {
			l.count[s]++
			if l.id[s] == 0 {
				l.id[s] = len(l.id) + 1
			}
			for _, w := range t {
				together[couple{s, w}]++
			}
		}
	}
	score := map[couple]int{}
	for c, n := range together {
		score[c] = 2000 * n / (l.count[c.source] + targets[c.target])
	}
	for range 2 {
		links := map[couple]int{}
		for _, e := range l.examples {
			e.align(score)
			for i, s := range e.link {
				if s >= 0 {
					links[couple{e.source[s], e.target[i]}]++
				}
			}
		}
		clear(score)
		for c, n := range links {
			score[c] = 2000 * n / (l.count[c.source] + targets[c.target])
		}
	}
	for _, e := range l.examples {
		e.align(score)
		for _, w := range e.source {
			e.kinds = append(e.kinds, l.kind(w))
		}
	}
	for c, n := range score {
		l.best[c.source] = append(l.best[c.source], option{c.target, n})
	}
	for _, list := range l.best {
		slices.SortFunc(list, func(a, b option) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.word, b.word))
		})
	}
	return l
}

// align links the words of a pair by the scores, the highest first.
func (e *example) align(score map[couple]int) {
	type link struct{ score, far, s, t int }
	var all []link
	for s, a := range e.source {
		for t, b := range e.target {
			if n := score[couple{a, b}]; n > 0 {
				// How far apart they stand decides between equals.
				far := s*len(e.target) - t*len(e.source)
				all = append(all, link{n, max(far, -far), s, t})
			}
		}
	}
	slices.SortFunc(all, func(a, b link) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.far, b.far), cmp.Compare(a.s, b.s), cmp.Compare(a.t, b.t))
	})
	e.link = make([]int, len(e.target))
	for i := range e.link {
		e.link[i] = -1
	}
	taken := make([]bool, len(e.source))
	for _, k := range all {
		if !taken[k.s] && e.link[k.t] < 0 {
			taken[k.s], e.link[k.t] = true, k.s
		}
	}
}

// known is how many of the sentence's words the lexicon has, in thousandths.
func (l *lexicon) known(s string) int {
	list := words(s)
	n := 0
	for _, w := range list {
		if l.count[w] > 0 {
			n++
		}
	}
	return n * 1000 / max(1, len(list))
}

// byWord translates word by word; a word that the lexicon lacks stays.
func (l *lexicon) byWord(s string) string {
	var out []string
	for _, w := range words(s) {
		if list := l.best[w]; len(list) > 0 {
			w = list[0].word
		}
		out = append(out, w)
	}
	return join(out)
}

// words splits a text into words, punctuation at either end of a word apart.
func words(s string) (out []string) {
	for _, w := range strings.Fields(s) {
		var tail []string
		for {
			c, n := utf8.DecodeRuneInString(w)
			if n == len(w) || !unicode.IsPunct(c) {
				break
			}
			out, w = append(out, w[:n]), w[n:]
		}
		for {
			c, n := utf8.DecodeLastRuneInString(w)
			if n == len(w) || !unicode.IsPunct(c) {
				break
			}
			tail, w = append(tail, w[len(w)-n:]), w[:len(w)-n]
		}
		out = append(out, w)
		slices.Reverse(tail)
		out = append(out, tail...)
	}
	return out
}

// join puts words together again, with punctuation where it belongs.
func join(list []string) string {
	var b strings.Builder
	glue := true
	for _, w := range list {
		if !glue && !strings.Contains(",.;:!?)]»’…", w) {
			b.WriteByte(' ')
		}
		b.WriteString(w)
		glue = strings.Contains("([«¿¡‘", w)
	}
	return b.String()
}

func unique(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
