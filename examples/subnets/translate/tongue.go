package translate

import (
	"slices"
	"strings"

	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// The words that sentences to translate are made of. Nouns take a regular
// plural; a verb has its base form and its past.
var (
	nouns = []string{"dog", "cat", "bird", "horse", "farmer", "king", "river", "tree", "house", "boat", "stone", "girl",
		"boy", "teacher", "garden", "bridge", "doctor", "lamp", "spider", "tower", "sailor", "cloud", "apple", "window"}
	adjectives = []string{"red", "small", "old", "green", "tired", "loud", "young", "bright", "heavy", "quiet", "round",
		"cold", "happy", "narrow", "clever", "broken"}
	verbs = [][2]string{{"see", "saw"}, {"follow", "followed"}, {"find", "found"}, {"carry", "carried"}, {"paint", "painted"},
		{"hear", "heard"}, {"help", "helped"}, {"draw", "drew"}, {"forget", "forgot"}, {"visit", "visited"}, {"hide", "hid"}, {"watch", "watched"}}
	places = []string{"near", "behind", "under", "above", "beside", "before"}
)

// tongue is a made-up language: a lexicon and a grammar, both drawn.
type tongue struct {
	noun, adjective, verb, place map[string]string

	order     [3]byte // of 's', 'v' and 'o'
	adjAfter  bool    // the adjective follows its noun
	article   int     // one of article…
	the, some string
	plural    int // one of plural…
	many      string
	object    int // one of object…
	mark      string
	tense     int // one of tense…
	past      string
	future    string
	after     bool // the word of place follows its phrase
	first     bool // the phrase of place opens the sentence
}

// How a language says that a noun is known or not.
const (
	articleNone = iota
	articleBefore
	articleAfter
	articleSuffix
	articles
)

// How it says that there are many.
const (
	pluralSuffix = iota
	pluralPrefix
	pluralTwice // the first syllable is said twice
	plurals
)

// How it marks what something is done to.
const (
	objectPlain = iota
	objectSuffix
	objectBefore
	objects
)

// Where it says when something is done.
const (
	tenseSuffix = iota
	tenseBefore
	tenseEnd
	tenses
)

var orders = [][3]byte{{'s', 'v', 'o'}, {'s', 'o', 'v'}, {'v', 's', 'o'}, {'v', 'o', 's'}, {'o', 'v', 's'}}

// words draws made-up words, none twice.
type words struct {
	rnd        *sdk.Rand
	consonants []string
	vowels     []string
	used       []string
}

func newWords(rnd *sdk.Rand) *words {
	w := &words{rnd: rnd, consonants: strings.Split("p t k b d g m n l r s v h f z w", " "), vowels: strings.Split("a e i o u", " ")}
	shuffle(rnd, w.consonants)
	shuffle(rnd, w.vowels)
	w.consonants, w.vowels = w.consonants[:10], w.vowels[:4]
	return w
}

func shuffle[T any](rnd *sdk.Rand, list []T) {
	rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// draw returns a new word of the given number of syllables.
func (w *words) draw(syllables int) string {
	for {
		var b []byte
		for i := range syllables {
			b = append(b, w.consonants[w.rnd.Intn(len(w.consonants))]...)
			b = append(b, w.vowels[w.rnd.Intn(len(w.vowels))]...)
			if i == syllables-1 && w.rnd.Intn(3) == 0 {
				b = append(b, w.consonants[w.rnd.Intn(len(w.consonants))]...)
			}
		}
		if s := string(b); !slices.Contains(w.used, s) {
			w.used = append(w.used, s)
			return s
		}
	}
}

// deck deals cards in random order and starts anew when none is left, so that
// each is seen about as often as the others.
type deck[T any] struct {
	rnd   *sdk.Rand
	cards []T
	next  int
}

func newDeck[T any](rnd *sdk.Rand, cards []T) *deck[T] {
	return &deck[T]{rnd: rnd, cards: cards, next: len(cards)}
}

func (d *deck[T]) deal() T {
	if d.next == len(d.cards) {
		shuffle(d.rnd, d.cards)
		d.next = 0
	}
	d.next++
	return d.cards[d.next-1]
}

// vocabulary is what one task's sentences are made of.
type vocabulary struct {
	nouns, adjectives, places *deck[string]
	verbs                     *deck[[2]string]
	rnd                       *sdk.Rand
}

// some returns n of the list in random order.
func some[T any](rnd *sdk.Rand, list []T, n int) []T {
	list = slices.Clone(list)
	shuffle(rnd, list)
	return list[:n]
}

// invent makes up a language and returns examples of it and n sentences to
// translate. How many examples there are, and so how hard the task is, is drawn
// too: 20 to 48.
func invent(beta [32]byte, n int) (examples, sentences []Pair) {
	rnd := sdk.NewRand(beta, streamLanguage)
	w := newWords(rnd)
	l := &tongue{noun: map[string]string{}, adjective: map[string]string{}, verb: map[string]string{}, place: map[string]string{}}
	v := &vocabulary{rnd: sdk.NewRand(beta, streamSentence)}
	pick := some(rnd, nouns, 8)
	for _, s := range pick {
		l.noun[s] = w.draw(2)
	}
	v.nouns = newDeck(v.rnd, pick)
	pick = some(rnd, adjectives, 5)
	for _, s := range pick {
		l.adjective[s] = w.draw(2)
	}
	v.adjectives = newDeck(v.rnd, pick)
	act := some(rnd, verbs, 5)
	for _, s := range act {
		l.verb[s[0]] = w.draw(2)
	}
	v.verbs = newDeck(v.rnd, act)
	pick = some(rnd, places, 3)
	for _, s := range pick {
		l.place[s] = w.draw(2)
	}
	v.places = newDeck(v.rnd, pick)

	l.order = orders[rnd.Intn(len(orders))]
	l.adjAfter = rnd.Intn(2) == 0
	l.article, l.the, l.some = rnd.Intn(articles), w.draw(1), w.draw(1)
	l.plural, l.many = rnd.Intn(plurals), w.draw(1)
	l.object, l.mark = rnd.Intn(objects), w.draw(1)
	l.tense, l.past, l.future = rnd.Intn(tenses), w.draw(1), w.draw(1)
	l.after, l.first = rnd.Intn(2) == 0, rnd.Intn(2) == 0

	for range 20 + rnd.Intn(29) {
		examples = append(examples, l.sentence(v))
	}
	for range n {
		sentences = append(sentences, l.sentence(v))
	}
	return examples, sentences
}

// sentence draws a sentence: someone did or will do something to something,
// perhaps somewhere.
func (l *tongue) sentence(v *vocabulary) Pair {
	subject, s := l.phrase(v, false)
	object, o := l.phrase(v, true)
	verb := v.verbs.deal()
	said, target := verb[1], l.verb[verb[0]]
	particle := l.past
	if v.rnd.Intn(3) == 0 {
		said, particle = "will "+verb[0], l.future
	}
	switch l.tense {
	case tenseSuffix:
		target += particle
	case tenseBefore:
		target = particle + " " + target
	}
	source := subject + " " + said + " " + object
	parts := map[byte]string{'s': s, 'v': target, 'o': o}
	var out []string
	for _, c := range l.order {
		out = append(out, parts[c])
	}
	if v.rnd.Intn(3) == 0 {
		place := v.places.deal()
		where, p := l.phrase(v, false)
		source += " " + place + " " + where
		if l.after {
			p += " " + l.place[place]
		} else {
			p = l.place[place] + " " + p
		}
		if l.first {
			out = append([]string{p}, out...)
		} else {
			out = append(out, p)
		}
	}
	if l.tense == tenseEnd {
		out = append(out, particle)
	}
	return Pair{source, strings.Join(out, " ")}
}

// phrase draws a noun with an article, perhaps an adjective, one or many.
func (l *tongue) phrase(v *vocabulary, object bool) (source, target string) {
	noun := v.nouns.deal()
	said, word := noun, l.noun[noun]
	many, the := v.rnd.Intn(3) == 0, v.rnd.Intn(2) == 0
	article, small := l.some, "a "
	if many {
		said, small = said+"s", "some "
		switch l.plural {
		case pluralSuffix:
			word += l.many
		case pluralPrefix:
			word = l.many + word
		case pluralTwice:
			word = word[:2] + word
		}
	}
	if the {
		article, small = l.the, "the "
	}
	if object && l.object == objectSuffix {
		word += l.mark
	}
	if l.article == articleSuffix {
		word += article
	}
	if v.rnd.Intn(2) == 0 {
		a := v.adjectives.deal()
		said = a + " " + said
		if l.adjAfter {
			word += " " + l.adjective[a]
		} else {
			word = l.adjective[a] + " " + word
		}
	}
	switch l.article {
	case articleBefore:
		word = article + " " + word
	case articleAfter:
		word += " " + article
	}
	if object && l.object == objectBefore {
		word = l.mark + " " + word
	}
	if !the && !many && strings.IndexByte("aeiou", said[0]) >= 0 {
		small = "an "
	}
	return small + said, word
}
