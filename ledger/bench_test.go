package ledger

import (
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Transfers through Apply on a state in memory, signatures and tree apart.
func BenchmarkApplyTransfers(b *testing.B) {
	const n = 10_000
	w := newTown(&testing.T{})
	accounts := make([]key.ID, n)
	for i := range accounts {
		accounts[i] = key.Hash("rich", be64(uint64(i)))
		w.v[string(accountKey(accounts[i]))] = (&Account{Balance: unit.Coin}).append(nil)
	}
	t, _ := LoadTotals(w.v)
	t.Free, t.Issued = t.Free+n*unit.Coin, t.Issued+n*unit.Coin
	w.v[prefixTotals] = t.append(nil)
	block := w.propose()
	block.Verified = []bool{false}
	for i := range accounts {
		u := Unsigned{ChainID: w.gen.ChainID, Account: accounts[i], Expiry: 99, Payload: &Transfer{To: accounts[(i*7+1)%n], Amount: 5}}
		block.Entries, block.Verified = append(block.Entries, Attach(u.Body(), key.ED25519, key.Signature{})), append(block.Verified, true)
	}
	began, measured := processorTime()
	for b.Loop() {
		res, err := Apply(w.v, block)
		if err != nil || res.Txs[n].Code != OK {
			b.Fatal(err, res)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "transfers/s")
	if ended, ok := processorTime(); ok && measured {
		b.ReportMetric(float64(b.N*n)/(ended-began).Seconds(), "transfers/core-s")
	}
	b.ReportAllocs()
}
