package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// matrix is sparse, by rows: those of row i are the entries start[i] up to
// start[i+1], their columns rising. The flat slices keep a pass over all
// entries a pass over memory in its order. Matrices with the same entries may
// share start and col, which are never changed once made; val is changed in
// place by the methods that say so.
type matrix struct {
	start []int
	col   []uint16
	val   []unit.I32F32
}

// newMatrix returns a matrix without rows and room for n rows and size entries.
func newMatrix(n, size int) matrix {
	return matrix{append(make([]int, 0, n+1), 0), make([]uint16, 0, size), make([]unit.I32F32, 0, size)}
}

func (m *matrix) add(j uint16, v unit.I32F32) { m.col, m.val = append(m.col, j), append(m.val, v) }

func (m *matrix) endRow() { m.start = append(m.start, len(m.col)) }

func (m *matrix) rows() int { return len(m.start) - 1 }

// row returns the columns and values of row i.
func (m *matrix) row(i int) ([]uint16, []unit.I32F32) {
	from, to := m.start[i], m.start[i+1]
	return m.col[from:to:to], m.val[from:to:to]
}

// clone returns a copy whose values can be changed.
func (m *matrix) clone() matrix {
	return matrix{m.start, m.col, append([]unit.I32F32(nil), m.val...)}
}

// numbers widens rows to n rows of numbers: those entries that keep allows,
// without entries beyond n and without second entries for a uid.
func numbers(rows []Row, n int, keep func(i, j int) bool) matrix {
	rows = rows[:min(n, len(rows))]
	size := 0
	for _, r := range rows {
		size += min(len(r), n)
	}
	m := newMatrix(n, size)
	var sorted Row
	var seen []bool
	for i := range n {
		if i < len(rows) && len(rows[i]) > 0 {
			r := rows[i]
			if !rising(r) {
				if seen == nil {
					sorted, seen = make(Row, n), make([]bool, n)
				}
				r = rise(r, sorted, seen)
			}
			for _, e := range r {
				if j := int(e.UID); j < n && keep(i, j) {
					m.add(e.UID, unit.I32F32(e.Value)<<32)
				}
			}
		}
		m.endRow()
	}
	return m
}

func rising(r Row) bool {
	for k := 1; k < len(r); k++ {
		if r[k-1].UID >= r[k].UID {
			return false
		}
	}
	return true
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
		out[i] = sum(val)
	}
	return out
}

func (m *matrix) colSums(n int) []unit.I32F32 {
	out := make([]unit.I32F32, n)
	for k, j := range m.col {
		out[j] = out[j].Add(m.val[k])
	}
	return out
}

// rowNormalize makes each row sum to 1 in place, but those that sum to 0.
func (m *matrix) rowNormalize() {
	for i := range m.rows() {
		_, val := m.row(i)
		s := sum(val)
		for k, v := range val {
			val[k] = part(v, s)
		}
	}
}

// colNormalize makes each of n columns sum to 1 in place, but those that sum
// to 0.
func (m *matrix) colNormalize(n int) { m.colDivide(m.colSums(n)) }

// colMaxUpscale makes the largest entry of each of n columns 1 in place, but
// where that is 0.
func (m *matrix) colMaxUpscale(n int) {
	largest := make([]unit.I32F32, n)
	for k, j := range m.col {
		largest[j] = max(largest[j], m.val[k])
	}
	m.colDivide(largest)
}

func (m *matrix) colDivide(by []unit.I32F32) {
	val := m.val
	for k, j := range m.col {
		val[k] = part(val[k], by[j])
	}
}

// scaleRows multiplies each row by its factor in place.
func (m *matrix) scaleRows(by []unit.I32F32) {
	for i, f := range by {
		_, val := m.row(i)
		for k, v := range val {
			val[k] = f.Mul(v)
		}
	}
}

// clip returns m with each entry cut to its column's threshold; an entry above
// a threshold of 0 vanishes.
func (m *matrix) clip(threshold []unit.I32F32) matrix {
	out := newMatrix(m.rows(), len(m.col))
	for i := range m.rows() {
		col, val := m.row(i)
		for k, j := range col {
			if v, t := val[k], threshold[j]; v <= t || t > 0 {
				out.add(j, min(v, t))
			}
		}
		out.endRow()
	}
	return out
}

// colDot returns Σ_i v_i·m_ij for each of n columns.
func (m *matrix) colDot(v []unit.I32F32, n int) []unit.I32F32 {
	out := make([]unit.I32F32, n)
	for i, f := range v {
		col, val := m.row(i)
		for k, j := range col {
			out[j] = out[j].Add(f.Mul(val[k]))
		}
	}
	return out
}

// rowDot returns Σ_j v_j·m_ij for each row.
func (m *matrix) rowDot(v []unit.I32F32) []unit.I32F32 {
	out := make([]unit.I32F32, m.rows())
	for i := range out {
		col, val := m.row(i)
		for k, j := range col {
			out[i] = out[i].Add(v[j].Mul(val[k]))
		}
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
	return mix(a, b, n, func(_ int, _ uint16, x, y unit.I32F32) unit.I32F32 { return x.Add(ratio.Mul(y.Sub(x))) })
}

// average returns alpha·a + (1−alpha)·b, keeping what is above 0.
func average(a, b *matrix, n int, alpha unit.I32F32) matrix {
	rest := unit.OneI32F32.Sub(alpha)
	return mix(a, b, n, func(_ int, _ uint16, x, y unit.I32F32) unit.I32F32 { return alpha.Mul(x).Add(rest.Mul(y)) })
}

// mix combines two matrices of n columns entry by entry, a missing one being
// 0, and keeps what is above 0. f of two zeros must not be.
func mix(a, b *matrix, n int, f func(i int, j uint16, x, y unit.I32F32) unit.I32F32) matrix {
	size := 0
	for i := range a.rows() {
		size += min(n, a.start[i+1]-a.start[i]+b.start[i+1]-b.start[i])
	}
	out := newMatrix(a.rows(), size)
	for i := range a.rows() {
		ac, av := a.row(i)
		bc, bv := b.row(i)
		for len(ac) > 0 || len(bc) > 0 {
			var j uint16
			var x, y unit.I32F32
			switch {
			case len(bc) == 0 || len(ac) > 0 && ac[0] < bc[0]:
				j, x = ac[0], av[0]
				ac, av = ac[1:], av[1:]
			case len(ac) == 0 || bc[0] < ac[0]:
				j, y = bc[0], bv[0]
				bc, bv = bc[1:], bv[1:]
			default:
				j, x, y = ac[0], av[0], bv[0]
				ac, av, bc, bv = ac[1:], av[1:], bc[1:], bv[1:]
			}
			if v := f(i, j, x, y); v > 0 {
				out.add(j, v)
			}
		}
		out.endRow()
	}
	return out
}
