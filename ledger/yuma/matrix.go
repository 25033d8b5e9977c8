package yuma

import (
	"slices"

	"github.com/plexus-network/plexus/ledger/unit"
)

// matrix is sparse, by rows: those of row i are the entries start[i] up to
// start[i+1], their columns rising. The flat slices keep a pass over all
// entries a pass over memory in its order, and a matrix of 4,096 by 1,024 is
// 42 MB: methods change it in place where they say so.
type matrix struct {
	start []int
	col   []uint16
	val   []unit.I32F32
}

// newMatrix returns a matrix without rows and room for n rows and size entries.
func newMatrix(n, size int) matrix {
	return matrix{append(make([]int, 0, n+1), 0), make([]uint16, size), make([]unit.I32F32, size)}
}

// endRow ends a row before entry k, for those who fill the room themselves.
func (m *matrix) endRow(k int) { m.start = append(m.start, k) }

// cut gives up the room after the last row.
func (m *matrix) cut() matrix {
	k := m.start[len(m.start)-1]
	m.col, m.val = m.col[:k], m.val[:k]
	return *m
}

func (m *matrix) rows() int { return len(m.start) - 1 }

// row returns the columns and values of row i.
func (m *matrix) row(i int) ([]uint16, []unit.I32F32) {
	from, to := m.start[i], m.start[i+1]
	return m.col[from:to:to], m.val[from:to:to]
}

func (m *matrix) clone() matrix {
	return matrix{slices.Clone(m.start), slices.Clone(m.col), slices.Clone(m.val)}
}

// numbers widens rows to n rows of numbers, without entries beyond n and
// without second entries for a uid. mask says of each row what else falls out:
// entries toward a uid that did not register before a block, and the one toward
// the uid skip.
func numbers(rows []Row, n int, registered []uint64, mask func(i int) (before uint64, skip int)) matrix {
	rows = rows[:min(n, len(rows))]
	size := 0
	for _, r := range rows {
		size += min(len(r), n)
	}
	m := newMatrix(n, size)
	var sorted Row
	var seen []bool
	k := 0
	for i := range n {
		if i < len(rows) && len(rows[i]) > 0 {
			before, skip := mask(i)
			to, ok := m.fill(k, rows[i], registered, before, skip)
			if !ok {
				if seen == nil {
					sorted, seen = make(Row, n), make([]bool, n)
				}
				to, _ = m.fill(k, rise(rows[i], sorted, seen), registered, before, skip)
			}
			k = to
		}
		m.endRow(k)
	}
	return m.cut()
}

// fill writes a row from entry k on and returns the entry after it, and false
// if the row's uids do not rise.
func (m *matrix) fill(k int, r Row, registered []uint64, before uint64, skip int) (int, bool) {
	last := -1
	for _, e := range r {
		j := int(e.UID)
		if j >= len(registered) {
			continue
		}
		if j <= last {
			return 0, false
		}
		last = j
		if registered[j] < before && j != skip {
			m.col[k], m.val[k] = e.UID, unit.I32F32(e.Value)<<32
			k++
		}
	}
	return k, true
}

// rise returns the first entries of r for each uid below len(seen), which is
// false and is left so, in their order, in the room of sorted.
func rise(r, sorted Row, seen []bool) Row {
	for _, e := range r {
		if j := int(e.UID); j < len(seen) && !seen[j] {
			seen[j], sorted[j] = true, e
		}
	}
	k := 0
	for j, s := range seen {
		if s {
			sorted[k] = sorted[j]
			k++
		}
	}
	clear(seen)
	return sorted[:k]
}

func (m *matrix) rowSums() []unit.I32F32 {
	out := make([]unit.I32F32, m.rows())
	for i := range out {
		_, val := m.row(i)
		out[i] = wideSum(val)
	}
	return out
}

func (m *matrix) colSums(n int) []unit.I32F32 {
	wide := make([]uint64, n) // see wideSum
	val := m.val[:len(m.col)]
	for k, j := range m.col {
		wide[j] += uint64(val[k])
	}
	out := make([]unit.I32F32, n)
	for j, s := range wide {
		out[j] = unit.I32F32(min(s, uint64(unit.MaxI32F32)))
	}
	return out
}

// rowNormalize makes each row sum to 1 in place, but those that sum to 0.
func (m *matrix) rowNormalize() {
	for i := range m.rows() {
		_, val := m.row(i)
		if s := wideSum(val); s > 0 {
			for k, v := range val {
				val[k] = share(v, s)
			}
		}
	}
}

// scaleRows multiplies each row by its factor in place.
func (m *matrix) scaleRows(by []unit.I32F32) {
	for i, f := range by {
		_, val := m.row(i)
		for k, v := range val {
			val[k] = times(f, v)
		}
	}
}

// clip cuts each entry to its column's threshold in place; an entry above a
// threshold of 0 vanishes.
func (m *matrix) clip(threshold []unit.I32F32) {
	k, o := 0, 0
	for i := range m.rows() {
		for ; k < m.start[i+1]; k++ {
			j, v := m.col[k], m.val[k]
			t := threshold[j]
			m.col[o], m.val[o] = j, min(v, t)
			if t > 0 || v <= t { // in this order: which is larger nobody can predict
				o++
			}
		}
		m.start[i+1] = o
	}
	*m = m.cut()
}

// colDot returns Σ_i v_i·m_ij for each of n columns, of shares.
func (m *matrix) colDot(v []unit.I32F32, n int) []unit.I32F32 {
	out := make([]unit.I32F32, n)
	for i, f := range v {
		col, val := m.row(i)
		for k, j := range col {
			out[j] += times(f, val[k])
		}
	}
	return out
}

// divideDot divides each column by what is given for it in place, where that is
// not 0, and returns Σ_j v_j·m_ij for each row and the largest entry of each
// column thereafter, all in one pass.
func (m *matrix) divideDot(by, v []unit.I32F32) (dot, largest []unit.I32F32) {
	dot, largest = make([]unit.I32F32, m.rows()), make([]unit.I32F32, len(v))
	for i := range dot {
		col, val := m.row(i)
		var s unit.I32F32
		for k, j := range col {
			x := val[k]
			if of := by[j]; of > 0 {
				x = share(x, of)
				val[k] = x
			}
			largest[j] = max(largest[j], x)
			s += times(v[j], x)
		}
		dot[i] = s
	}
	return dot, largest
}

// shareDot returns Σ_j v_j·m_ij/Σ_i m_ij for each row and leaves m as it is.
func (m *matrix) shareDot(v []unit.I32F32) []unit.I32F32 {
	sums := m.colSums(len(v))
	out := make([]unit.I32F32, m.rows())
	for i := range out {
		col, val := m.row(i)
		var s unit.I32F32
		for k, j := range col {
			if of := sums[j]; of > 0 {
				s += times(v[j], share(val[k], of))
			}
		}
		out[i] = s
	}
	return out
}

// interpolate returns a + ratio·(b−a), keeping what is above 0. A ratio of 0 is
// a itself and one of 1 is b, explicit zeros included.
func interpolate(a, b *matrix, n int, ratio unit.I32F32) matrix {
	switch ratio {
	case 0:
		return *a
	case unit.OneI32F32:
		return *b
	}
	return mix(a, b, n, func(_ int, p pairsOf) {
		for k, x := range p.a {
			p.out[k] = x.Add(ratio.Mul(p.b[k].Sub(x)))
		}
	})
}

// average returns alpha·a + (1−alpha)·b, keeping what is above 0.
func average(a, b *matrix, n int, alpha unit.I32F32) matrix {
	rest := unit.OneI32F32.Sub(alpha)
	return mix(a, b, n, func(_ int, p pairsOf) {
		for k, x := range p.a {
			p.out[k] = alpha.Mul(x).Add(rest.Mul(p.b[k]))
		}
	})
}

// averageShares is average of both with their columns divided by their sums.
func averageShares(a, b *matrix, aSums, bSums []unit.I32F32, alpha unit.I32F32) matrix {
	rest := unit.OneI32F32.Sub(alpha)
	return mix(a, b, len(aSums), func(_ int, p pairsOf) {
		for k, j := range p.col {
			var x, y unit.I32F32
			if of := aSums[j]; of > 0 {
				x = share(p.a[k], of)
			}
			if of := bSums[j]; of > 0 {
				y = share(p.b[k], of)
			}
			if alpha < 0 || rest < 0 { // no sound parameter, and still a number
				p.out[k] = alpha.Mul(x).Add(rest.Mul(y))
			} else {
				p.out[k] = times(alpha, x) + times(rest, y)
			}
		}
	})
}

// pairsOf are the entries that either of two rows has, a missing one being 0,
// and what is made of them.
type pairsOf struct {
	col       []uint16
	a, b, out []unit.I32F32
}

// mix combines two matrices of n columns row by row and keeps what is above 0.
func mix(a, b *matrix, n int, f func(i int, p pairsOf)) matrix {
	size := 0
	for i := range a.rows() {
		size += min(n, a.start[i+1]-a.start[i]+b.start[i+1]-b.start[i])
	}
	out := newMatrix(a.rows(), size)
	room := pairsOf{make([]uint16, n), make([]unit.I32F32, n), make([]unit.I32F32, n), nil}
	o := 0
	for i := range a.rows() {
		p := union(a, b, i, &room)
		p.out = out.val[o : o+len(p.col)]
		f(i, p)
		for k, v := range p.out {
			out.col[o], out.val[o] = p.col[k], v
			if v > 0 {
				o++
			}
		}
		out.endRow(o)
	}
	return out.cut()
}

// union pairs the entries of both rows i: as they lie if their columns are the
// same, in room otherwise.
func union(a, b *matrix, i int, room *pairsOf) pairsOf {
	ac, av := a.row(i)
	bc, bv := b.row(i)
	if slices.Equal(ac, bc) {
		return pairsOf{col: ac, a: av, b: bv}
	}
	x, y, k := 0, 0, 0
	for x < len(ac) || y < len(bc) {
		room.a[k], room.b[k] = 0, 0
		var j uint16
		if y == len(bc) || x < len(ac) && ac[x] <= bc[y] {
			j = ac[x]
		} else {
			j = bc[y]
		}
		if x < len(ac) && ac[x] == j {
			room.a[k] = av[x]
			x++
		}
		if y < len(bc) && bc[y] == j {
			room.b[k] = bv[y]
			y++
		}
		room.col[k] = j
		k++
	}
	return pairsOf{col: room.col[:k], a: room.a[:k], b: room.b[:k]}
}
