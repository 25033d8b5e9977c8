package chain

import (
	"crypto/sha256"
	"runtime"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// verifier checks the signatures of whole blocks, in batches and on all cores,
// and remembers which transactions hold: one that came as gossip is not checked
// again when a block brings it, nor when the block is executed. mu guards the
// memory.
type verifier struct {
	mu          sync.Mutex
	young, aged map[[32]byte]struct{} // by the hash of the wire form
}

// remembered bounds each of the two generations of a verifier's memory: more
// than a pool and the largest block hold.
const remembered = 1 << 15

// batched is how many signatures make a batch: beyond it a batch saves little,
// and one that does not hold costs much.
const batched = 256

func (v *verifier) know(id [32]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.young[id]; ok {
		return true
	}
	_, ok := v.aged[id]
	return ok
}

// add remembers a transaction whose signatures hold.
func (v *verifier) add(id [32]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.young == nil || len(v.young) >= remembered {
		v.young, v.aged = map[[32]byte]struct{}{}, v.young
	}
	v.young[id] = struct{}{}
}

// block returns Block.Verified for entries. It leaves out what does not decode
// or does not hold: ledger.Admit and ledger.Apply then say what is wrong.
func (v *verifier) block(entries [][]byte) []bool {
	out := make([]bool, len(entries))
	ids := make([][32]byte, len(entries))
	var todo []int
	for i := 1; i < len(entries); i++ {
		ids[i] = sha256.Sum256(entries[i])
		if out[i] = v.know(ids[i]); !out[i] {
			todo = append(todo, i)
		}
	}
	parts := max(1, min(runtime.GOMAXPROCS(0), (len(todo)+batched-1)/batched))
	var wg sync.WaitGroup
	for p := range parts {
		mine := todo[len(todo)*p/parts : len(todo)*(p+1)/parts]
		wg.Go(func() {
			for len(mine) > 0 {
				n := min(batched, len(mine))
				checkBatch(entries, mine[:n], out)
				mine = mine[n:]
			}
		})
	}
	wg.Wait()
	for _, i := range todo {
		if out[i] {
			v.add(ids[i])
		}
	}
	return out
}

// checkBatch sets out[i] for each i of at whose transaction holds.
func checkBatch(entries [][]byte, at []int, out []bool) {
	var batch key.Batch
	counts := make([]int, len(at)) // signatures of each, -1 for one that cannot hold
	for j, i := range at {
		counts[j] = -1
		t, err := ledger.DecodeTx(entries[i])
		if err != nil {
			continue
		}
		sigs, ok := t.Signatures()
		if !ok {
			continue
		}
		counts[j] = len(sigs)
		for _, s := range sigs {
			batch.Add(s.By, s.Scheme, ledger.TxTag, s.Body, s.Value)
		}
	}
	held := batch.Verify()
	for j, i := range at {
		if counts[j] < 0 {
			continue
		}
		out[i] = true
		for _, ok := range held[:counts[j]] {
			out[i] = out[i] && ok
		}
		held = held[counts[j]:]
	}
}
