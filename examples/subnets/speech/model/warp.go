package model

// distance is how different two frames sound, by cepstra and their change.
func distance(a, b *Frame) int32 {
	var sum int32
	for i := range 2 * cepstra {
		d := int32(a[i]) - int32(b[i])
		sum += max(d, -d)
	}
	return sum
}

const (
	far     = 1 << 30
	newWord = 150  // what beginning a word costs, to keep them few
	beam    = 2000 // what is dearer than the cheapest by this is given up
)

// node is a word that ended, with the one before.
type node struct {
	word   int // template, -1 for the beginning
	before int
}

// state is a place in a template: the least cost to be there, and the words before.
type state struct {
	cost   int32
	before int // node
}

// warp finds the words whose templates, warped in time and with silence between
// them, come nearest to the frames: dynamic programming over all templates at once.
func warp(frames []Frame, list []Template) []string {
	if len(frames) < 8 {
		return nil
	}
	quiet := silence(frames)
	at := make([][]state, len(list))
	for i := range at {
		at[i] = make([]state, len(list[i].Frames))
		for k := range at[i] {
			at[i][k].cost = far
		}
	}
	nodes := []node{{-1, -1}}
	pause := state{0, 0} // in silence
	gap := state{0, 0}   // between words: the cheapest of silence and the words that ended
	least := int32(0)
	for t := range frames {
		f := &frames[t]
		limit := least + beam
		least = far
		end, ended := state{far, 0}, -1
		for i, s := range at {
			tpl := list[i].Frames
			// From the last place to the first, as each looks at the two before it.
			for k := len(s) - 1; k >= 0; k-- {
				best := s[k]
				if k > 0 && s[k-1].cost < best.cost {
					best = s[k-1]
				}
				if k > 1 && s[k-2].cost < best.cost {
					best = s[k-2]
				}
				if k == 0 && gap.cost+newWord < best.cost {
					best = state{gap.cost + newWord, gap.before}
				}
				if best.cost < limit {
					best.cost += distance(f, &tpl[k])
					least = min(least, best.cost)
				} else {
					best.cost = far
				}
				s[k] = best
			}
			if last := s[len(s)-1]; last.cost < end.cost {
				end, ended = last, i
			}
		}
		if gap.cost < pause.cost {
			pause = gap
		}
		pause.cost += distance(f, &quiet)
		least = min(least, pause.cost)
		gap = pause
		if end.cost < gap.cost {
			nodes = append(nodes, node{ended, end.before})
			gap = state{end.cost, len(nodes) - 1}
		}
	}
	var words []string
	for n := gap.before; n > 0; n = nodes[n].before {
		words = append([]string{list[nodes[n].word].Word}, words...)
	}
	return words
}

// silence returns the mean of the first frames, in which nobody speaks yet.
func silence(frames []Frame) (out Frame) {
	n := min(len(frames), 4)
	for q := range out {
		sum := 0
		for i := range n {
			sum += int(frames[i][q])
		}
		out[q] = int8(sum / n)
	}
	return out
}
