package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// ResetBonds returns the bonds without those toward a uid: what a commitment
// that asks for it does to its neuron where the subnet allows it. bonds itself
// is not changed; rows that lose nothing are shared.
func ResetBonds(bonds []Row, uid uint16) []Row {
	out := make([]Row, len(bonds))
	for i, row := range bonds {
		out[i] = row
		for k, e := range row {
			if e.UID != uid {
				continue
			}
			out[i] = append(Row(nil), row[:k]...)
			for _, e := range row[k+1:] {
				if e.UID != uid {
					out[i] = append(out[i], e)
				}
			}
			break
		}
	}
	return out
}

// classicBonds are shares of a column: what a validator holds of a miner. It
// returns them and the largest of each column, and changes forBonds.
func (o *Output) classicBonds(forBonds, bonds matrix, active []unit.I32F32, alpha unit.I32F32, t *trace) (ema matrix, largest []unit.I32F32) {
	n := len(active)
	delta := forBonds
	delta.scaleRows(active)
	held, won := bonds.colSums(n), delta.colSums(n)
	t.matrix("bonds_delta", delta)
	t.divided("bonds_col_normalized_before", bonds, held)
	t.divided("bonds_delta_normalized", delta, won)
	ema = averageShares(&delta, &bonds, won, held, alpha)
	dividends, largest := ema.divideDot(ema.colSums(n), o.Incentive)
	o.Dividends = normalize(dividends)
	t.matrix("ema_bonds_normalized", ema)
	t.divided("ema_bonds_max_upscaled", ema, largest)
	return ema, largest
}

// yuma3Bonds follow each validator's own weights, from 0 to 1, whatever the
// others hold; stake counts in the dividends. It changes bonds.
func (o *Output) yuma3Bonds(forBonds, bonds matrix, active []unit.I32F32, alpha unit.I32F32, l *liquid) matrix {
	n := len(active)
	for k, b := range bonds.val {
		bonds.val[k] = b / 65535 // a stored share, exactly
	}
	var ema matrix
	if l != nil && !isZero(o.Consensus) {
		ema = averageBy(&forBonds, &bonds, n, func(_ int, j uint16, w, b unit.I32F32) unit.I32F32 {
			return l.alpha(w, b, o.Consensus[j])
		})
	} else {
		ema = average(&forBonds, &bonds, n, alpha)
	}
	dividends := ema.shareDot(o.Incentive)
	for i, s := range active {
		dividends[i] = dividends[i].Mul(s)
	}
	o.Dividends = normalize(dividends)
	return ema
}

// store writes the bonds of those who keep or get a permit, divided by what is
// given for their column, or as they are when nothing is.
func (o *Output) store(bonds *matrix, by []unit.I32F32) {
	o.Bonds = make([]Row, len(o.Permit))
	size := 0
	for i, p := range o.Permit {
		if p {
			size += bonds.start[i+1] - bonds.start[i]
		}
	}
	room := make(Row, size)
	for i, p := range o.Permit {
		col, val := bonds.row(i)
		if !p || len(col) == 0 {
			continue
		}
		row := room[:len(col):len(col)]
		room = room[len(col):]
		for k, j := range col {
			v := val[k]
			if by != nil && by[j] > 0 {
				v = share(v, by[j])
			}
			row[k] = Entry{j, times(v, 65535<<32).U16()}
		}
		o.Bonds[i] = row
	}
}
