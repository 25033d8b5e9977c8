package text

import (
	"math"
	"slices"
	"sync"

	"github.com/plexus-network/plexus/examples/subnets/text"
)

// MaxTrain is the longest training text in bytes; Mix learns about half a
// megabyte per second.
const MaxTrain = 16 << 20

const (
	orders   = 8 // contexts of 0 to 6 bytes, and the current word with the one before
	inputs   = 2*orders + 1
	countMax = 250
	slotMask = 1<<24 - 1 // of Mix.at
)

// tableBits gives the slots of each order's table: short contexts are few. All
// tables together take 22 MB.
var tableBits = [orders]uint{16, 16, 18, 20, 20, 20, 20, 20}

// slot estimates the probability of one bit in one context.
type slot struct {
	p     uint16 // of a one, in 1/65536
	check uint8  // part of the context's hash, to tell strangers apart
	n     uint8  // how often seen, up to countMax
}

// Mix predicts bytes bit by bit. For each order it keeps adaptive estimates in
// a hashed table, and a small logistic network, chosen by the longest context
// known and the bit's place, weighs them against each other. Before it answers
// it reads the context as if it went on training, and afterwards forgets that
// again, so that its answer depends on the training text and the context alone.
//
// It is safe for concurrent use; answers are computed one at a time.
type Mix struct {
	mu      sync.Mutex
	tables  [orders][]slot
	weights [orders * 8][inputs]float32
	rate    float32

	journal []change // of slots, while reading a context
	keep    bool     // write the journal

	// The bit at hand.
	hash  [orders]uint32
	at    [orders]uint32 // slot of each order, and its check in the upper 8 bits
	known [orders]bool
	in    [inputs]float32
	set   int
	out   float32 // probability of a one
}

// change is a slot's value before it was changed.
type change struct {
	order uint8
	at    uint32
	old   slot
}

// NewMix trains a model on a text.
func NewMix(train []byte) *Mix {
	m := &Mix{}
	for i := range m.tables {
		m.tables[i] = make([]slot, 1<<tableBits[i])
	}
	for i := range m.weights {
		for j := range orders {
			m.weights[i][2*j] = 0.3
		}
	}
	for i := range train {
		m.rate = max(0.002, 0.02/(1+float32(i)/20000))
		m.read(train[:i], train[i])
	}
	m.rate = 0.003
	return m
}

// Answer predicts the byte after each context.
func (m *Mix) Answer(contexts [][]byte) text.Answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := make(text.Answer, len(contexts))
	for i, c := range contexts {
		weights := m.weights
		m.keep = true
		for j := range c {
			m.read(c[:j], c[j])
		}
		m.keep = false
		p := m.distribution(c)
		a[i] = Quantise(&p)
		for j := len(m.journal) - 1; j >= 0; j-- {
			ch := m.journal[j]
			m.tables[ch.order][ch.at] = ch.old
		}
		m.journal, m.weights = m.journal[:0], weights
	}
	return a
}

// read learns that c follows before.
func (m *Mix) read(before []byte, c byte) {
	m.enter(before)
	node := uint32(1)
	for i := 7; i >= 0; i-- {
		bit := c >> i & 1
		m.predict(node, 7-i)
		m.learn(bit)
		node = node<<1 | uint32(bit)
	}
}

// enter hashes the contexts that before ends in.
func (m *Mix) enter(before []byte) {
	h := uint32(0)
	m.hash[0] = 0
	for k := 1; k <= 6; k++ {
		var c byte
		if k <= len(before) {
			c = before[len(before)-k]
		}
		h = (h + uint32(c) + 1) * 0x2c1b3c6d
		h ^= h >> 15
		m.hash[k] = h + uint32(k)*0x9e3779b9
	}
	h = 0x51ed270b
	words := 0
	for i := len(before) - 1; i >= 0 && i > len(before)-40; i-- {
		c := before[i]
		if c|32 >= 'a' && c|32 <= 'z' {
			h = (h + uint32(c|32)) * 0x297a2d39
			h ^= h >> 14
			continue
		}
		if words++; words == 2 {
			break
		}
		h += 0x3c6ef372
	}
	m.hash[7] = h
}

// predict computes the probability that the next bit is a one, after the bits
// of node of which there are place.
func (m *Mix) predict(node uint32, place int) {
	longest := 0
	for k := range orders {
		h := (m.hash[k] ^ node*0x85ebca6b) * 0xc2b2ae35
		h ^= h >> 13
		h *= 0x27d4eb2f
		at, check := h>>(32-tableBits[k]), uint8(h)
		m.at[k] = at | uint32(check)<<24
		s := &m.tables[k][at]
		m.known[k] = s.n > 0 && s.check == check
		if !m.known[k] {
			m.in[2*k], m.in[2*k+1] = 0, 0
			continue
		}
		if k < 7 {
			longest = k
		}
		m.in[2*k] = stretch[s.p>>4]
		m.in[2*k+1] = (float32(s.p)/65536 - 0.5) * 4 * sure[s.n]
	}
	m.in[2*orders] = 0.3
	m.set = longest*8 + place
	var sum float32
	for i, w := range &m.weights[m.set] {
		sum += w * m.in[i]
	}
	m.out = squash(sum)
}

// learn moves the estimates and weights of the bit at hand.
func (m *Mix) learn(bit byte) {
	miss := float32(bit) - m.out
	w := &m.weights[m.set]
	for i := range w {
		w[i] += m.rate * 6 * miss * m.in[i]
	}
	for k := range orders {
		at, check := m.at[k]&slotMask, uint8(m.at[k]>>24)
		s := &m.tables[k][at]
		if m.keep {
			m.journal = append(m.journal, change{uint8(k), at, *s})
		}
		if !m.known[k] {
			if s.n > 2 && s.check != check {
				s.n /= 2 // a well-known stranger: it must be met again to be replaced
				continue
			}
			*s = slot{p: 1 << 15, check: check}
		}
		target := float32(0)
		if bit == 1 {
			target = 65535
		}
		s.p += uint16(int32((target - float32(s.p)) / (float32(s.n) + 1.6)))
		if s.n < countMax {
			s.n++
		}
	}
}

// distribution walks the tree of bits and returns each byte's probability.
func (m *Mix) distribution(before []byte) (p [256]float64) {
	m.enter(before)
	var branch [256]float64
	branch[1] = 1
	for node := 1; node < 256; node++ {
		m.predict(uint32(node), bitsBefore(node))
		one := float64(m.out)
		for bit, q := range [2]float64{1 - one, one} {
			if next := node<<1 | bit; next < 256 {
				branch[next] = branch[node] * q
			} else {
				p[next-256] = branch[node] * q
			}
		}
	}
	return p
}

func bitsBefore(node int) int {
	n := -1
	for ; node > 0; node >>= 1 {
		n++
	}
	return n
}

// stretch is ln(p/(1-p)) by p in 1/4096, and sure how far an estimate seen n
// times is believed.
var (
	stretch = func() (t [4096]float32) {
		for i := range t {
			p := (float64(i) + 0.5) / float64(len(t))
			t[i] = float32(math.Log(p / (1 - p)))
		}
		return t
	}()
	sure = func() (t [256]float32) {
		for n := range t {
			t[n] = 1 - 1/float32(n+1)
		}
		return t
	}()
)

func squash(x float32) float32 {
	return min(max(1/(1+float32(math.Exp(-float64(x)))), 1e-5), 1-1e-5)
}

// Quantise turns probabilities, which add up to about one, into a distribution
// of the subnet: the most probable bytes by name, the rest as escape, which is
// never 0.
func Quantise(p *[256]float64) text.Distribution {
	order := make([]int, 256)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] > p[b]:
			return -1
		case p[a] < p[b]:
			return 1
		}
		return 0
	})
	top := order[:text.MaxNamed]
	slices.Sort(top)
	d := text.Distribution{Escape: text.Total}
	const floor = 16 // of the escape, so that a surprise costs at most 20 bits
	for _, c := range top {
		mass := uint32(min(max(p[c], 0), 1) * (text.Total - 4*floor))
		mass = min(mass, 1<<16-1, d.Escape-floor)
		if mass == 0 {
			continue
		}
		d.Symbols, d.Masses = append(d.Symbols, byte(c)), append(d.Masses, uint16(mass))
		d.Escape -= mass
	}
	return d
}

var _ Model = (*Mix)(nil)
