package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// cell is an entry of a sparse row.
type cell struct {
	j int
	v unit.I32F32
}

// matrix is sparse, by rows; the order within a row is kept and never matters.
type matrix [][]cell

// numbers widens rows to n rows of numbers, without entries beyond n and
// without second entries for a uid.
func numbers(rows []Row, n int) matrix {
	m := make(matrix, n)
	seen := make([]int, n) // row+1 in which a column was seen last
	for i := range m {
		if i >= len(rows) {
			break
		}
		for _, e := range rows[i] {
			if j := int(e.UID); j < n && seen[j] != i+1 {
				seen[j] = i + 1
				m[i] = append(m[i], cell{j, unit.I32F32From(uint64(e.Value))})
			}
		}
	}
	return m
}

// filter returns m without the cells for which keep is false.
func (m matrix) filter(keep func(i, j int) bool) matrix {
	out := make(matrix, len(m))
	for i, row := range m {
		for _, c := range row {
			if keep(i, c.j) {
				out[i] = append(out[i], c)
			}
		}
	}
	return out
}

// mapCells returns m with each value replaced.
func (m matrix) mapCells(f func(i int, c cell) unit.I32F32) matrix {
	out := make(matrix, len(m))
	for i, row := range m {
		out[i] = make([]cell, len(row))
		for k, c := range row {
			out[i][k] = cell{c.j, f(i, c)}
		}
	}
	return out
}

func (m matrix) rowSums() []unit.I32F32 {
	out := make([]unit.I32F32, len(m))
	for i, row := range m {
		for _, c := range row {
			out[i] = out[i].Add(c.v)
		}
	}
	return out
}

func (m matrix) colSums(n int) []unit.I32F32 {
	out := make([]unit.I32F32, n)
	for _, row := range m {
		for _, c := range row {
			out[c.j] = out[c.j].Add(c.v)
		}
	}
	return out
}

// rowNormalize makes each row sum to 1, but those that sum to 0.
func (m matrix) rowNormalize() matrix {
	sums := m.rowSums()
	return m.mapCells(func(i int, c cell) unit.I32F32 { return part(c.v, sums[i]) })
}

// colNormalize makes each of n columns sum to 1, but those that sum to 0.
func (m matrix) colNormalize(n int) matrix {
	sums := m.colSums(n)
	return m.mapCells(func(_ int, c cell) unit.I32F32 { return part(c.v, sums[c.j]) })
}

// colMaxUpscale makes the largest entry of each of n columns 1, but where that
// is 0.
func (m matrix) colMaxUpscale(n int) matrix {
	largest := make([]unit.I32F32, n)
	for _, row := range m {
		for _, c := range row {
			largest[c.j] = max(largest[c.j], c.v)
		}
	}
	return m.mapCells(func(_ int, c cell) unit.I32F32 { return part(c.v, largest[c.j]) })
}

func part(v, of unit.I32F32) unit.I32F32 {
	if of == 0 {
		return v
	}
	return v.Div(of)
}

// scaleRows multiplies each row by its factor.
func (m matrix) scaleRows(by []unit.I32F32) matrix {
	return m.mapCells(func(i int, c cell) unit.I32F32 { return by[i].Mul(c.v) })
}

// clip cuts each entry to its column's threshold; an entry above a threshold
// of 0 vanishes.
func (m matrix) clip(threshold []unit.I32F32) matrix {
	out := make(matrix, len(m))
	for i, row := range m {
		for _, c := range row {
			switch t := threshold[c.j]; {
			case c.v <= t:
				out[i] = append(out[i], c)
			case t > 0:
				out[i] = append(out[i], cell{c.j, t})
			}
		}
	}
	return out
}

// colDot returns Σ_i v_i·m_ij for each of n columns.
func (m matrix) colDot(v []unit.I32F32, n int) []unit.I32F32 {
	out := make([]unit.I32F32, n)
	for i, row := range m {
		for _, c := range row {
			out[c.j] = out[c.j].Add(v[i].Mul(c.v))
		}
	}
	return out
}

// rowDot returns Σ_j v_j·m_ij for each row.
func (m matrix) rowDot(v []unit.I32F32) []unit.I32F32 {
	out := make([]unit.I32F32, len(m))
	for i, row := range m {
		for _, c := range row {
			out[i] = out[i].Add(v[c.j].Mul(c.v))
		}
	}
	return out
}

// interpolate returns a + ratio·(b−a), keeping what is above 0. A ratio of 0 is
// a itself and one of 1 is b, explicit zeros included.
func interpolate(a, b matrix, n int, ratio unit.I32F32) matrix {
	switch ratio {
	case 0:
		return a
	case unit.OneI32F32:
		return b
	}
	return mix(a, b, n, func(x, y unit.I32F32) unit.I32F32 { return x.Add(ratio.Mul(y.Sub(x))) })
}

// average returns alpha·a + (1−alpha)·b, keeping what is above 0.
func average(a, b matrix, n int, alpha unit.I32F32) matrix {
	rest := unit.OneI32F32.Sub(alpha)
	return mix(a, b, n, func(x, y unit.I32F32) unit.I32F32 { return alpha.Mul(x).Add(rest.Mul(y)) })
}

// mix combines two matrices of n columns entry by entry, a missing one being
// 0, and keeps what is above 0, in the order of columns.
func mix(a, b matrix, n int, f func(x, y unit.I32F32) unit.I32F32) matrix {
	out := make(matrix, len(a))
	x, y := make([]unit.I32F32, n), make([]unit.I32F32, n)
	for i := range a {
		clear(x)
		clear(y)
		for _, c := range a[i] {
			x[c.j] = c.v
		}
		for _, c := range b[i] {
			y[c.j] = c.v
		}
		for j := range x {
			if v := f(x[j], y[j]); v > 0 {
				out[i] = append(out[i], cell{j, v})
			}
		}
	}
	return out
}

func sum(v []unit.I32F32) (s unit.I32F32) {
	for _, x := range v {
		s = s.Add(x)
	}
	return s
}

// normalize returns v divided by its sum, or v itself when that is 0.
func normalize(v []unit.I32F32) []unit.I32F32 { return normalizeBy(v, sum(v)) }

func normalizeBy(v []unit.I32F32, by unit.I32F32) []unit.I32F32 {
	out := make([]unit.I32F32, len(v))
	for i, x := range v {
		out[i] = part(x, by)
	}
	return out
}

func isZero(v []unit.I32F32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}
