package wire

import (
	"bytes"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
)

func TestRequests(t *testing.T) {
	many := make([][]byte, MaxKeys+1)
	for i := range many {
		many[i] = []byte{1}
	}
	for name, r := range map[string]Request{
		"unknown kind":      {Kind: AskKinds},
		"too many keys":     {Kind: AskProofs, Height: 1, Keys: many},
		"empty key":         {Kind: AskProofs, Height: 1, Keys: [][]byte{{}}},
		"long key":          {Kind: AskProofs, Height: 1, Keys: [][]byte{make([]byte, store.MaxKey+1)}},
		"no keys":           {Kind: AskProofs, Height: 1},
		"keys for a header": {Kind: AskHeader, Height: 1, Keys: [][]byte{{1}}},
		"height for status": {Kind: AskStatus, Height: 1},
	} {
		if _, err := DecodeRequest(r.Encode()); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	largest := Request{Kind: AskProofs, Height: 1 << 62}
	for range MaxKeys {
		largest.Keys = append(largest.Keys, make([]byte, store.MaxKey))
	}
	if _, err := DecodeRequest(largest.Encode()); err != nil {
		t.Errorf("largest request: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(Request{Kind: AskProofs, Height: 7, Keys: [][]byte{[]byte("account/1"), {0}}}.Encode())
	f.Add(Request{Kind: AskStatus}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRequest(b); err == nil && !bytes.Equal(r.Encode(), b) {
			t.Fatalf("%x is not canonical", b)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	db, err := store.Open("", store.Config{InMemory: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	s, err := db.Stage(0, []ledger.Write{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b"), Value: []byte("2")}})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		f.Fatal(err)
	}
	v := db.Snapshot()
	var all []Proved
	for _, k := range []string{"a", "absent"} {
		value, _ := v.Get([]byte(k))
		p, err := v.Prove([]byte(k))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, Proved{value, p})
	}
	if err := v.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(Answer{Payload: EncodeProofs(all)}.Encode())
	f.Add(Answer{Payload: Status{5, [32]byte{1}}.Encode()}.Encode())
	f.Add(Answer{Code: 2, Detail: "not here"}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAnswer(b, 4)
		if err != nil {
			return
		}
		if !bytes.Equal(a.Encode(), b) {
			t.Fatalf("%x is not canonical", b)
		}
		if s, err := DecodeStatus(a.Payload); err == nil && !bytes.Equal(s.Encode(), a.Payload) {
			t.Fatalf("status %x is not canonical", a.Payload)
		}
		if all, err := DecodeProofs(a.Payload); err == nil && !bytes.Equal(EncodeProofs(all), a.Payload) {
			t.Fatalf("proofs %x are not canonical", a.Payload)
		}
	})
}

func FuzzOutcome(f *testing.F) {
	f.Add((&Outcome{Root: [32]byte{1}, Results: []ledger.TxResult{{}, {ID: [32]byte{2}, Code: 7, Detail: "x"}},
		Events:  []ledger.Event{{Kind: "transfer", Hotkey: key.ID{3}, Amount: 9, Entry: 1}},
		Changes: []ledger.BalanceChange{{Account: key.ID{3}, Before: 1, After: 10}}}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := DecodeOutcome(b); err == nil && !bytes.Equal(o.Encode(), b) {
			t.Errorf("%x", b)
		}
	})
}
