package miners

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/round"
)

func receipt(n ledger.NetUID, e ledger.Epoch, i byte) *round.Held {
	caller, callee := key.Seed{1}, key.Seed{2}
	req := round.SignRequest(caller, &round.Request{ChainID: "test-1", NetUID: n, Epoch: e, Caller: caller.Public(), Callee: callee.Public(), DeadlineMS: 1000, ID: [16]byte{i}})
	a := round.SignAnswer(callee, round.Answer{Request: round.RequestHash(req.Body), Hash: [32]byte{i}})
	return &round.Held{Request: req, Answer: a, Receipt: round.SignReceipt(caller, a)}
}

// Receipts outlive the miner and one cut off at the end, are read while it runs,
// and are forgotten when no evidence is left that they could be held against.
func TestReceipts(t *testing.T) {
	dir := ReceiptsIn(t.TempDir())
	r, err := OpenReceipts(dir)
	if err != nil {
		t.Fatal(err)
	}
	add := func(n ledger.NetUID, e ledger.Epoch, i byte) {
		t.Helper()
		if err := r.Add(n, e, receipt(n, e, i)); err != nil {
			t.Fatal(err)
		}
	}
	count := func(n ledger.NetUID, e ledger.Epoch, want int) {
		t.Helper()
		all, err := ReadReceipts(dir, n, e)
		if want == 0 {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("netuid %d epoch %d: %v", n, e, err)
			}
			return
		}
		if err != nil || len(all) != want {
			t.Fatalf("netuid %d epoch %d: %d receipts, %v", n, e, len(all), err)
		}
		for i, h := range all {
			if req, _, err := h.Open(); err != nil || req.Epoch != e || req.ID[0] != byte(i) {
				t.Error(req, err)
			}
		}
	}
	add(1, 3, 0)
	add(1, 3, 1)
	add(2, 3, 0)
	count(1, 3, 2)
	if r, err = OpenReceipts(dir); err != nil { // a new process
		t.Fatal(err)
	}
	add(1, 3, 2)
	add(1, 3+receiptEpochs, 0)
	count(1, 3, 3)
	name := filepath.Join(dir, receiptsName(1, 3))
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	third := len(raw) / 3
	for _, cut := range []int{1, 2*third + 1, 2*third + 5, len(raw) - 1} {
		if err := os.WriteFile(name, raw[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := ReadReceipts(name, 0, 0); err != nil || len(all) != cut/third {
			t.Errorf("cut at %d: %d receipts, %v", cut, len(all), err)
		}
	}
	for _, at := range []int{3, 5} { // a length, the content
		bad := bytes.Clone(raw)
		bad[at] ^= 0x80
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReceipts(name, 0, 0); !errors.Is(err, round.ErrReceipt) {
			t.Errorf("damaged at %d: %v", at, err)
		}
	}
	add(1, 4+receiptEpochs, 0)
	count(1, 3, 0)
	count(2, 3, 1) // of another subnet, with epochs of its own
	count(1, 3+receiptEpochs, 1)
	// A flood of receipts ends at a bound.
	if err := os.Truncate(filepath.Join(dir, receiptsName(2, 3)), maxReceipts-10); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(2, 3, receipt(2, 3, 9)); !errors.Is(err, ErrReceipts) {
		t.Error(err)
	}
	if _, err := ReadReceipts(filepath.Join(dir, "none"), 0, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, bad := range []string{"", "netuid1.receipts", "netuidx-epoch1.receipts", "netuid1-epochx.receipts", "netuid1-epoch1", "1-epoch1.receipts"} {
		if _, _, ok := parseReceipts(bad); ok {
			t.Errorf("%q is a file of receipts", bad)
		}
	}
}
