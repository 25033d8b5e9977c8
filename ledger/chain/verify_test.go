package chain

import (
	"fmt"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

func signedBy(s key.Signer, nonce uint64) []byte {
	return ledger.Sign(s, "c", nonce, 9, &ledger.Transfer{To: key.ID{1}, Amount: 1})
}

func TestBlockOfSignatures(t *testing.T) {
	a, b, c := key.Seed{1}, key.Mini{2}, key.Seed{3}
	m, err := ledger.NewMultisig(2, a.Public(), b.Public(), c.Public())
	if err != nil {
		t.Fatal(err)
	}
	approved := func(account key.ID, spoil byte) []byte {
		u := ledger.Unsigned{ChainID: "c", Account: account, Expiry: 9, Payload: &ledger.Transfer{Amount: 1}}
		sig := b.Sign(ledger.TxTag, u.Body())
		sig[4] ^= spoil
		ap, err := m.Approve(map[key.ID]ledger.MemberSignature{
			a.Public(): {Scheme: a.Scheme(), Signature: a.Sign(ledger.TxTag, u.Body())}, b.Public(): {Scheme: b.Scheme(), Signature: sig}})
		if err != nil {
			t.Fatal(err)
		}
		return ledger.AttachApproval(u.Body(), ap)
	}
	bad := signedBy(a, 1)
	bad[len(bad)-3] ^= 1
	entries := [][]byte{{1}, signedBy(a, 0), bad, {9, 9}, signedBy(b, 0), approved(m.ID(), 0), approved(m.ID(), 1), approved(key.ID{7}, 0), signedBy(c, 5)}
	want := []bool{false, true, false, false, true, true, false, false, true}
	for i := range 700 { // more than one batch
		entries, want = append(entries, signedBy(a, uint64(10+i))), append(want, true)
	}
	var v verifier
	for _, round := range []string{"fresh", "remembered"} {
		got := v.block(entries)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: entry %d: %v", round, i, got[i])
			}
			if tx, err := ledger.DecodeTx(entries[i]); i > 0 && got[i] != (err == nil && tx.Verify() == nil) {
				t.Errorf("%s: entry %d: a batch and a single check disagree", round, i)
			}
		}
	}
	if len(v.young) != 704 {
		t.Errorf("%d transactions are remembered", len(v.young))
	}
	for i := range 2*remembered + 1 {
		v.add([32]byte{byte(i), byte(i >> 8), byte(i >> 16), 1})
	}
	if len(v.young)+len(v.aged) > 2*remembered {
		t.Error("the memory has no bound")
	}
	if v.know([32]byte{}) {
		t.Error("it knows what it never saw")
	}
}

// Rates of checking a block's signatures: one by one, and as a node does, in
// batches on all cores.
func BenchmarkSignatures(b *testing.B) {
	for _, s := range []key.Signer{key.Seed{1}, key.Mini{1}} {
		entries := [][]byte{{1}}
		for i := range 2048 {
			entries = append(entries, signedBy(s, uint64(i)))
		}
		report := func(b *testing.B) {
			b.ReportMetric(float64(b.N*2048)/b.Elapsed().Seconds(), "signatures/s")
		}
		b.Run(fmt.Sprintf("%s/one by one", s.Scheme()), func(b *testing.B) {
			for b.Loop() {
				for _, e := range entries[1:] {
					if tx, err := ledger.DecodeTx(e); err != nil || tx.Verify() != nil {
						b.Fatal("refused")
					}
				}
			}
			report(b)
		})
		b.Run(fmt.Sprintf("%s/blocks", s.Scheme()), func(b *testing.B) {
			for b.Loop() {
				var v verifier
				if !v.block(entries)[2048] {
					b.Fatal("refused")
				}
			}
			report(b)
		})
	}
}
