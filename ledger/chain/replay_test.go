package chain

import (
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

// BenchmarkReplay applies a recorded chain again, as a node does that joins from
// the genesis: the signatures of each block are checked, it is applied by the
// ledger's rules, its state hashed and committed to a store on disk, one synced
// batch a block. Blocks carry ten transfers; consensus and network are left out.
// blocks/s is what it is about.
func BenchmarkReplay(b *testing.B) {
	const transfers = 10
	hot, cold := key.Seed(key.Hash("test-hot")), key.Seed(key.Hash("test-cold"))
	p := ledger.NewGenesisProducer(hot, cold.Public(), key.Seed(key.Hash("test-consensus")), 1000*unit.Coin)
	gen := &ledger.Genesis{ChainID: "replay", Time: 1, Params: ledger.DefaultParams(), Producers: []ledger.GenesisProducer{p},
		Accounts: []ledger.Allocation{{Account: cold.Public(), Balance: 100_000 * unit.Coin}}}
	open := func() *store.DB {
		db, err := store.Open(b.TempDir(), store.Config{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		ws, err := gen.Writes()
		if err != nil {
			b.Fatal(err)
		}
		landed(b, db, 0, ws)
		return db
	}
	// play applies one block and returns the root after it.
	play := func(db *store.DB, block ledger.Block) [32]byte {
		v := db.Snapshot()
		defer v.Close()
		block.Verified = new(verifier).block(block.Entries)
		res, err := ledger.Apply(v, block)
		if err != nil {
			b.Fatal(err)
		}
		return landed(b, db, block.Height, res.Writes)
	}
	recorded := make([]ledger.Block, b.N)
	from, to := open(), open()
	var root [32]byte
	for i := range recorded {
		h := uint64(i + 1)
		v := from.Snapshot()
		entry, err := ledger.SealEntry(hot.VRF(), v, h)
		v.Close()
		if err != nil {
			b.Fatal(err)
		}
		block := ledger.Block{Height: h, Time: int64(h), Proposer: p.Address(), Hash: key.Hash("test-block", entry), Entries: [][]byte{entry}}
		for k := range uint64(transfers) {
			block.Entries = append(block.Entries, ledger.Sign(cold, gen.ChainID, (h-1)*transfers+k, h+10,
				&ledger.Transfer{To: key.Hash("test-to", []byte{byte(k), byte(h)}), Amount: 1000}))
		}
		recorded[i], root = block, play(from, block)
	}
	b.ResetTimer()
	var again [32]byte
	for _, block := range recorded {
		again = play(to, block)
	}
	b.StopTimer()
	if again != root {
		b.Fatal("the replayed chain has another state")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
}

func landed(b *testing.B, db *store.DB, h uint64, ws []ledger.Write) [32]byte {
	s, err := db.Stage(h, ws)
	if err != nil {
		b.Fatal(err)
	}
	root := s.Root()
	if err := s.Commit(); err != nil {
		b.Fatal(err)
	}
	return root
}
