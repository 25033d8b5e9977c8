package subnets_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestBetaDecides: a hundred values of β give the real module's subnet a hundred
// tasks, asked sets and draws of slices, and each value gives the same again.
func TestBetaDecides(t *testing.T) {
	t.Parallel()
	m, set := textModule(t), corpus(t)
	roster := make(ledger.Roster, 100)
	for i := range roster {
		roster[i] = ledger.Member{Hotkey: key.ID{byte(i), 1}, Work: key.Work{Peer: key.ID{1}}}
	}
	draw := func(beta [32]byte) (abi.Task, string, string) {
		var data [][]byte
		slices := round.Slices(beta, set.Named().Slices, int(m.Manifest().Slices))
		for _, i := range slices {
			b, _, _ := set.Slice(i)
			data = append(data, b)
		}
		task, _, err := round.Task(t.Context(), m, beta, round.Terms{Slices: data})
		if err != nil {
			t.Fatal(err)
		}
		return task, fmt.Sprint(round.Asked(beta, roster, key.ID{}, 20)), fmt.Sprint(slices)
	}
	const betas = 100
	tasks, asked, slices := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range betas {
		_, beta := seed("vrf", i%3).VRF().Prove(round.Alpha([32]byte{byte(i / 9)}, netuid, uint16(i%9)))
		if i%9 >= 3 { // nearly the same randomness: one bit apart
			beta = [32]byte{}
			beta[i/8] = 1 << (i % 8)
		}
		task, a, s := draw(beta)
		tasks[string(task.Public)], asked[a], slices[s] = true, true, true
		if i%10 == 0 {
			again, a2, s2 := draw(beta)
			if !bytes.Equal(task.Append(nil), again.Append(nil)) || a != a2 || s != s2 {
				t.Errorf("β %x draws two things", beta)
			}
		}
	}
	if len(tasks) != betas || len(asked) != betas || len(slices) != betas {
		t.Errorf("of %d β: %d tasks, %d asked sets, %d draws of slices", betas, len(tasks), len(asked), len(slices))
	}
}
