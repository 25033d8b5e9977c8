package chain

import (
	"bytes"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
)

func TestConsensusPrefix(t *testing.T) {
	// The same string is held by a test of package p2p.
	if got := consensusPrefix([32]byte{0x01, 0xab, 0xff}); got != "/plexus/01abff0000000000/consensus/" {
		t.Fatal(got)
	}
}

func TestRequests(t *testing.T) {
	many := make([][]byte, MaxKeys+1)
	for i := range many {
		many[i] = []byte{1}
	}
	for name, r := range map[string]request{
		"unknown kind":      {kind: askKinds},
		"too many keys":     {kind: askProofs, height: 1, keys: many},
		"empty key":         {kind: askProofs, height: 1, keys: [][]byte{{}}},
		"long key":          {kind: askProofs, height: 1, keys: [][]byte{make([]byte, store.MaxKey+1)}},
		"no keys":           {kind: askProofs, height: 1},
		"keys for a header": {kind: askHeader, height: 1, keys: [][]byte{{1}}},
		"height for status": {kind: askStatus, height: 1},
	} {
		if _, err := decodeRequest(r.encode()); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	largest := request{kind: askProofs, height: 1 << 62}
	for range MaxKeys {
		largest.keys = append(largest.keys, make([]byte, store.MaxKey))
	}
	if _, err := decodeRequest(largest.encode()); err != nil {
		t.Errorf("largest request: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	for _, e := range []error{ErrRequest, ErrUnavailable, ErrTooLarge} {
		if _, err := decodeAnswer(encodeAnswer([]byte("x"), e)); !errors.Is(err, e) {
			t.Errorf("%v came back as %v", e, err)
		}
	}
	if b, err := decodeAnswer(encodeAnswer([]byte("x"), nil)); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := decodeAnswer(encodeAnswer(nil, errors.Join(ErrUnavailable, errors.New(string(bytes.Repeat([]byte("ü"), 500)))))); !errors.Is(err, ErrUnavailable) {
		t.Errorf("long detail: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(request{kind: askProofs, height: 7, keys: [][]byte{[]byte("account/1"), {0}}}.encode())
	f.Add(request{kind: askStatus}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRequest(b); err == nil && !bytes.Equal(r.encode(), b) {
			t.Fatalf("%x is not canonical", b)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	db := memory(f)
	s, err := db.Stage(0, []ledger.Write{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b"), Value: []byte("2")}})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		f.Fatal(err)
	}
	v := db.Snapshot()
	f.Cleanup(func() { v.Close() })
	var all []proved
	for _, k := range []string{"a", "absent"} {
		value, _ := v.Get([]byte(k))
		p, err := v.Prove([]byte(k))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, proved{value, p})
	}
	f.Add(encodeAnswer(encodeProofs(all), nil))
	f.Add(encodeAnswer(status{5, [32]byte{1}}.encode(), nil))
	f.Add(encodeAnswer(nil, ErrUnavailable))
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := decodeAnswer(b)
		if err != nil {
			return
		}
		if !bytes.Equal(encodeAnswer(payload, nil), b) && payload != nil && !bytes.HasPrefix(b, []byte{0x84, 1, 0}) {
			t.Fatalf("%x is not canonical", b)
		}
		if s, err := decodeStatus(payload); err == nil && !bytes.Equal(s.encode(), payload) {
			t.Fatalf("status %x is not canonical", payload)
		}
		if all, err := decodeProofs(payload); err == nil && !bytes.Equal(encodeProofs(all), payload) {
			t.Fatalf("proofs %x are not canonical", payload)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte{0x0a, 0x02, 0x0a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := decodeHeader(b, "test"); err != nil && !errors.Is(err, ErrVerify) {
			t.Fatal(err)
		}
	})
}
