package ledger

import (
	"math/rand"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// TestRandomBlocksConserve plays random transactions, sensible and not, and
// random reveals; town.apply sums the whole state afresh after every block, and
// Apply itself checks what each block changed.
func TestRandomBlocksConserve(t *testing.T) {
	blocks := 400
	if testing.Short() {
		blocks = 100
	}
	r := rand.New(rand.NewSource(7))
	w := newTown(t)
	amount := func() unit.TAO {
		switch r.Intn(4) {
		case 0:
			return unit.TAO(r.Uint64())
		case 1:
			return unit.TAO(r.Intn(100))
		}
		return unit.TAO(r.Int63n(50 * unit.Coin))
	}
	var pending map[int]Opening
	pendingEpoch := Epoch(0)
	seen := map[Code]int{}
	for range blocks {
		var txs [][]byte
		used := map[int]bool{}
		for range r.Intn(4) {
			i := r.Intn(len(w.cold))
			if used[i] { // one nonce an account and block keeps the test simple
				continue
			}
			used[i] = true
			hot := w.hot[r.Intn(len(w.hot))].Public()
			switch r.Intn(4) {
			case 0:
				txs = append(txs, w.sign(w.cold[i], &Transfer{To: w.cold[r.Intn(len(w.cold))].Public(), Amount: amount()}))
			case 1:
				txs = append(txs, w.register(i))
			default:
				txs = append(txs, w.sign(w.cold[i], &Stake{NetUID: NetUID(r.Intn(3)), Hotkey: hot, Amount: amount(), Least: unit.Alpha(r.Intn(2))}))
			}
		}
		c := w.clock()
		if c.Epoch > 0 {
			e := c.Epoch - 1
			roster, err := LoadRoster(w.v, net, e)
			if err != nil {
				t.Fatal(err)
			}
			switch next := w.height + 1; {
			case next == c.First+1:
				pending, pendingEpoch = map[int]Opening{}, e
				for i := range w.hot {
					if m := roster.Index(w.hot[i].Public()); m < 0 || !roster[m].Permit || r.Intn(4) == 0 {
						continue
					}
					dense := make([]uint64, len(roster))
					for j := range dense {
						dense[j] = uint64(r.Intn(5))
					}
					carry, _ := LoadCarry(w.v, net, e, w.hot[i].Public())
					pending[i] = Opening{Row: NewRow(dense), CarryIn: carry, CarryOut: [32]byte{byte(r.Intn(256)), 1}, Salt: [32]byte{byte(i)}}
					txs = append(txs, w.commit(i, e, pending[i]))
				}
			case next == c.First+6 && pendingEpoch == e:
				for i := range w.hot {
					o, ok := pending[i]
					if !ok {
						continue
					}
					if r.Intn(5) == 0 {
						o.Salt[1] ^= 1 // opens nothing
					}
					txs = append(txs, w.reveal(i, e, o))
				}
			}
		}
		picked := Select(w.v, w.height+1, txs, 1<<20)
		for _, res := range w.block(picked...).Txs[1:] {
			seen[res.Code]++
		}
	}
	for _, c := range []Code{OK, CodeLowBalance, CodeRegistered, CodeNetUID, CodeCommitment} {
		if seen[c] == 0 {
			t.Errorf("no transaction ended with %q: the test has lost its reach: %v", c, seen)
		}
	}
	m, _ := LoadMarket(w.v, net)
	if m.Staked == 0 || m.Burned == 0 || m.Protocol == 0 {
		t.Errorf("a part of the market was never used: %+v", m)
	}
}
