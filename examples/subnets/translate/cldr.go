//go:build !wasip1

package translate

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// DefaultPairs returns the English and Spanish names of languages, regions and
// scripts in the Unicode consortium's CLDR, as golang.org/x/text has them, in
// the order of their codes. Names that both share are left out.
func DefaultPairs() []Pair {
	type namer func(code string) (english, spanish string)
	var out []Pair
	seen := map[string]bool{}
	add := func(english, spanish string) {
		p := Pair{clean(english), clean(spanish)}
		if !p.valid() || CheckLine(p.Target) != nil || seen[p.Source] || strings.EqualFold(p.Source, p.Target) {
			return
		}
		seen[p.Source] = true
		out = append(out, p)
	}
	named := func(name namer, codes []string) {
		for _, c := range codes {
			add(name(c))
		}
	}
	el, sl := display.Languages(language.English), display.Languages(language.Spanish)
	named(func(c string) (string, string) {
		b, err := language.ParseBase(c)
		if err != nil {
			return "", ""
		}
		return el.Name(b), sl.Name(b)
	}, append(codes("", 2), codes("", 3)...))
	er, sr := display.Regions(language.English), display.Regions(language.Spanish)
	named(func(c string) (string, string) {
		r, err := language.ParseRegion(strings.ToUpper(c))
		if err != nil {
			return "", ""
		}
		return er.Name(r), sr.Name(r)
	}, codes("", 2))
	es, ss := display.Scripts(language.English), display.Scripts(language.Spanish)
	named(func(c string) (string, string) {
		s, err := language.ParseScript(c)
		if err != nil {
			return "", ""
		}
		return es.Name(s), ss.Name(s)
	}, codes("", 4))
	return out
}

// codes lists the words of n letters.
func codes(prefix string, n int) []string {
	if n == 0 {
		return []string{prefix}
	}
	var out []string
	for c := 'a'; c <= 'z'; c++ {
		out = append(out, codes(prefix+string(c), n-1)...)
	}
	return out
}
