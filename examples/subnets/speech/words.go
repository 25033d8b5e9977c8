package speech

// Words is the synthesiser's vocabulary: the ten digits, then ten commands.
var Words = []string{
	"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
	"yes", "no", "stop", "go", "left", "right", "up", "down", "on", "off",
}

// Digits is how many of Words are digits.
const Digits = 10

// said holds how each word is said, as names of phones.
var said = [...][]phone{
	{pz, pih, pr, pow1, pow2}, {pw, pah, pn}, {pt, puw}, {pth, pr, piy}, {pf, pao, pr},
	{pf, pay1, pay2, pv}, {ps, pih, pk, ps}, {ps, peh, pv, pah, pn}, {pey1, pey2, pt}, {pn, pay1, pay2, pn},
	{py, peh, ps}, {pn, pow1, pow2}, {ps, pt, paa, pp}, {pg, pow1, pow2}, {pl, peh, pf, pt},
	{pr, pay1, pay2, pt}, {pah, pp}, {pd, paw1, paw2, pn}, {paa, pn}, {pao, pf},
}

// phone is a unit of speech.
type phone uint8

// The phones that Words need. A diphthong has two.
const (
	piy phone = iota
	pih
	peh
	paa
	pao
	puw
	pah
	pow1
	pow2
	pay1
	pay2
	pey1
	pey2
	paw1
	paw2
	pr
	pl
	pw
	py
	pn
	pz
	pv
	ps
	pf
	pth
	pt
	pk
	pp
	pd
	pg
)

// target is what the synthesiser aims at while it says a phone.
type target struct {
	f      [3]int // formants in Hz of a man's tract
	ms     int    // duration
	voice  int    // amplitude of the vibrating folds, of 64
	hiss   int    // amplitude of noise made in the mouth, of 64
	center int    // where that noise is strongest, Hz
	stop   bool   // silence first, then a burst of 15 ms, and breath where there is no voice
}

// targets are textbook values, rounded.
var targets = [...]target{
	piy:  {f: [3]int{270, 2290, 3010}, ms: 140, voice: 56},
	pih:  {f: [3]int{390, 1990, 2550}, ms: 90, voice: 60},
	peh:  {f: [3]int{530, 1840, 2480}, ms: 110, voice: 62},
	paa:  {f: [3]int{730, 1090, 2440}, ms: 140, voice: 64},
	pao:  {f: [3]int{570, 840, 2410}, ms: 140, voice: 64},
	puw:  {f: [3]int{300, 870, 2240}, ms: 150, voice: 56},
	pah:  {f: [3]int{640, 1190, 2390}, ms: 100, voice: 62},
	pow1: {f: [3]int{540, 900, 2350}, ms: 80, voice: 62},
	pow2: {f: [3]int{380, 800, 2250}, ms: 80, voice: 54},
	pay1: {f: [3]int{720, 1150, 2430}, ms: 90, voice: 64},
	pay2: {f: [3]int{350, 2100, 2700}, ms: 80, voice: 56},
	pey1: {f: [3]int{500, 1850, 2500}, ms: 80, voice: 62},
	pey2: {f: [3]int{310, 2200, 2850}, ms: 80, voice: 56},
	paw1: {f: [3]int{720, 1200, 2430}, ms: 90, voice: 64},
	paw2: {f: [3]int{370, 900, 2250}, ms: 70, voice: 56},
	pr:   {f: [3]int{330, 1060, 1450}, ms: 70, voice: 50},
	pl:   {f: [3]int{360, 1100, 2600}, ms: 70, voice: 48},
	pw:   {f: [3]int{290, 610, 2150}, ms: 70, voice: 48},
	py:   {f: [3]int{260, 2200, 3020}, ms: 60, voice: 48},
	pn:   {f: [3]int{270, 1500, 2600}, ms: 80, voice: 34},
	pz:   {f: [3]int{280, 1650, 2600}, ms: 80, voice: 26, hiss: 26, center: 3600},
	pv:   {f: [3]int{260, 1100, 2300}, ms: 60, voice: 30, hiss: 8, center: 3000},
	ps:   {f: [3]int{320, 1650, 2600}, ms: 110, hiss: 40, center: 3700},
	pf:   {f: [3]int{340, 1100, 2300}, ms: 90, hiss: 13, center: 2800},
	pth:  {f: [3]int{320, 1400, 2500}, ms: 80, hiss: 9, center: 3400},
	pt:   {f: [3]int{320, 1700, 2600}, ms: 85, hiss: 44, center: 3500, stop: true},
	pk:   {f: [3]int{300, 1900, 2300}, ms: 85, hiss: 40, center: 1900, stop: true},
	pp:   {f: [3]int{320, 900, 2200}, ms: 85, hiss: 26, center: 900, stop: true},
	pd:   {f: [3]int{280, 1700, 2600}, ms: 60, voice: 24, hiss: 26, center: 3200, stop: true},
	pg:   {f: [3]int{260, 1900, 2300}, ms: 60, voice: 24, hiss: 26, center: 1800, stop: true},
}
