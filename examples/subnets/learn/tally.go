package learn

import "slices"

// cell are all bits of a text that the same weights predict: how many are set and how
// many are not. A text repeats itself, so it has far fewer cells than bits.
type cell struct {
	at         [orders]uint16
	set, clear uint32
}

// tally counts the bits.
func tally(bits []Bit) (out []cell) {
	keys := make([]uint64, len(bits))
	for i, b := range bits {
		keys[i] = uint64(b.At[0])<<(2*weightBits+1) | uint64(b.At[1])<<(weightBits+1) | uint64(b.At[2])<<1
		if b.Set {
			keys[i] |= 1
		}
	}
	slices.Sort(keys)
	last := uint64(0)
	for i, k := range keys {
		if i == 0 || k>>1 != last {
			last = k >> 1
			out = append(out, cell{at: [orders]uint16{uint16(last >> (2 * weightBits)), uint16(last >> weightBits & (Weights - 1)), uint16(last & (Weights - 1))}})
		}
		if k&1 == 1 {
			out[len(out)-1].set++
		} else {
			out[len(out)-1].clear++
		}
	}
	return out
}

// loss is Loss of the bits that were counted.
func (m Model) loss(cells []cell) (sum uint64) {
	w := (*[Weights]int16)(m)
	for i := range cells {
		c := &cells[i]
		x := int(w[c.at[0]&(Weights-1)]) + int(w[c.at[1]&(Weights-1)]) + int(w[c.at[2]&(Weights-1)])
		k := uint(min(max(x, -reach), reach-1)+reach) >> 2
		sum += uint64(c.set)*uint64(cost[k&(steps-1)]) + uint64(c.clear)*uint64(cost[(steps-1-k)&(steps-1)])
	}
	return sum
}
