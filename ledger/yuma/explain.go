package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// Share is a weight toward a uid, as a part of its row.
type Share struct {
	UID   uint16
	Value unit.I32F32
}

// Explained are numbers in between of an epoch, by the uid that set them.
type Explained struct {
	Weights [][]Share // each row divided by its sum, without what does not count
	Clipped [][]Share // the same after clipping to the consensus, without what became 0
}

// Explain is Epoch with the numbers in between, for showing people why.
func Explain(in Input) (Output, Explained) {
	t := &trace{matrices: map[string]matrix{}, vectors: map[string][]unit.I32F32{}}
	out := epoch(in, t)
	return out, Explained{Weights: shares(t.matrices["weights_row_normalized"]), Clipped: shares(t.matrices["weights_clipped"])}
}

func shares(m matrix) [][]Share {
	out := make([][]Share, m.rows())
	for i := range out {
		uids, values := m.row(i)
		for k, v := range values {
			if v != 0 {
				out[i] = append(out[i], Share{uids[k], v})
			}
		}
	}
	return out
}
