package yuma

import (
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// By hand: validators 0, 1 and 2 with half, three and two tenths of the stake; 3 and
// 4 mine. Toward 3 they say 1/2, 1/2 and 1, toward 4 1/2, 1/2 and nothing. With
// κ = 1/2 the largest weight that half of the stake backs is 1/2 for both, so that
// validator 2 loses half of its row, and the others nothing.
func TestExplain(t *testing.T) {
	in := Input{N: 5, Stake: []uint64{50, 30, 20, 0, 0}, LastUpdate: []uint64{100, 100, 100, 0, 0}, Registered: make([]uint64, 5), Permit: []bool{true, true, true, false, false},
		Weights: []Row{{{3, 65535}, {4, 65535}}, {{3, 65535}, {4, 65535}}, {{3, 65535}}, nil, nil}, Bonds: make([]Row, 5), Now: 100, Tempo: 10, ActivityCutoff: 50,
		Kappa: 32767, MaxValidators: 3, Owner: -1, BondsMovingAverage: 900_000, BondsPenalty: 65535}
	out, x := Explain(in)
	about := func(v unit.I32F32, want float64) bool {
		got := float64(v) / (1 << 32)
		return got > want-1e-4 && got < want+1e-4
	}
	for name, c := range map[string]struct {
		got  []Share
		want []float64
	}{"weights of 0": {x.Weights[0], []float64{.5, .5}}, "weights of 2": {x.Weights[2], []float64{1}}, "clipped of 0": {x.Clipped[0], []float64{.5, .5}}, "clipped of 2": {x.Clipped[2], []float64{.5}}, "weights of a miner": {x.Weights[3], nil}} {
		if len(c.got) != len(c.want) {
			t.Errorf("%s: %v", name, c.got)
			continue
		}
		for i := range c.want {
			if !about(c.got[i].Value, c.want[i]) || c.got[i].UID != uint16(3+i) {
				t.Errorf("%s: %v", name, c.got)
			}
		}
	}
	if !about(out.Trust[2], .5) || !about(out.Trust[0], 1) || !about(out.Incentive[3], .5/.9) {
		t.Errorf("trust %v, incentive %v", out.Trust, out.Incentive)
	}
	if same := Epoch(in); same.Incentive[3] != out.Incentive[3] {
		t.Error("explaining changes the epoch")
	}
}
