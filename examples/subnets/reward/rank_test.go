package reward

import (
	"bytes"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

func TestRank(t *testing.T) {
	const one = abi.One
	carry := func(v uint64) []byte { return appendCarry(nil, v) }
	for _, c := range []struct {
		name         string
		row          abi.Row
		weight, kept uint64
		forgets      bool
	}{
		{"new", abi.Row{Scores: []uint64{one / 2, one / 2}}, one / 4, one / 2, false},
		{"mean", abi.Row{Scores: []uint64{one, 0, one, 0}}, one / 4, one / 2, false},
		{"smoothed", abi.Row{Carry: carry(one), Scores: []uint64{one / 2}}, one / 16 * 9, one / 4 * 3, false},
		{"not asked", abi.Row{Carry: carry(one / 2)}, one / 4, one / 2, false},
		{"never asked", abi.Row{}, 0, 0, true},
		{"best", abi.Row{Carry: carry(one), Scores: []uint64{one, one}}, one, one, false},
		{"silent", abi.Row{Scores: []uint64{0, 0}}, 0, 0, false},
		{"broken carry", abi.Row{Carry: []byte("?"), Scores: []uint64{one / 2}}, one / 4, one / 2, false},
		{"carry above one", abi.Row{Carry: carry(one + 1), Scores: []uint64{one / 2}}, one / 4, one / 2, false},
	} {
		got, err := Rank(&abi.RankRequest{Rows: []abi.Row{c.row}})
		if err != nil {
			t.Fatal(err)
		}
		kept, ok := decodeCarry(got[0].Carry)
		if got[0].Weight != c.weight || kept != c.kept || ok == c.forgets {
			t.Errorf("%s: weight %d, kept %d %v", c.name, got[0].Weight, kept, ok)
		}
	}
}

func FuzzCarry(f *testing.F) {
	f.Add(appendCarry(nil, abi.One/3))
	f.Add([]byte{0x82, 1, 0x18, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok := decodeCarry(b)
		if ok && (v > abi.One || !bytes.Equal(appendCarry(nil, v), b)) {
			t.Fatal("carry is not canonical")
		}
	})
}
