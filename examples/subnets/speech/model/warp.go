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
	newWord = 150 // what beginning a word costs, to keep them few
	beam    = 700 // what is dearer than the cheapest by this is given up
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

// path is a template with its states, of which those from first to last may be of
// use, and none when last is below first.
type path struct {
	frames      []Frame
	at          []state
	first, last int
}

// warp finds the words whose templates, warped in time and with silence between
// them, come nearest to the frames: dynamic programming over all templates at once,
// without what is far behind.
func warp(frames []Frame, list []Template) []string {
	if len(frames) < 8 {
		return nil
	}
	quiet := silence(frames)
	paths := make([]path, len(list))
	for i := range paths {
		paths[i] = path{frames: list[i].Frames, at: make([]state, len(list[i].Frames)), last: -1}
		for k := range paths[i].at {
			paths[i].at[k].cost = far
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
		for i := range paths {
			p := &paths[i]
			if low := p.step(f, state{gap.cost + newWord, gap.before}, limit); low < least {
				least = low
			}
			if last := p.at[len(p.at)-1]; last.cost < end.cost {
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

// step moves on by a frame: each place is reached from itself, or from one or two
// places before it, and the first also from the gap between words. It gives up what
// costs the limit or more, and returns the least cost.
func (p *path) step(f *Frame, gap state, limit int32) (least int32) {
	least = far
	first, last := max(p.first, 0), min(p.last+2, len(p.at)-1)
	if gap.cost < limit {
		first, last = 0, max(last, 0)
	}
	p.first, p.last = len(p.at), -1
	// From the last place to the first, as each looks at the two before it.
	for k := last; k >= first; k-- {
		best := p.at[k]
		if k > 0 && p.at[k-1].cost < best.cost {
			best = p.at[k-1]
		}
		if k > 1 && p.at[k-2].cost < best.cost {
			best = p.at[k-2]
		}
		if k == 0 && gap.cost < best.cost {
			best = gap
		}
		if best.cost >= limit {
			p.at[k].cost = far
			continue
		}
		best.cost += distance(f, &p.frames[k])
		least = min(least, best.cost)
		p.at[k] = best
		p.first, p.last = k, max(p.last, k)
	}
	return least
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
