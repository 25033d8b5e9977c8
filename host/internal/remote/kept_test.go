package remote

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger/chain"
)

func TestKeptModule(t *testing.T) {
	k := &Kept{Tape: &chain.Tape{}, Code: []byte("code")}
	back, err := DecodeKept(k.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := back.Module(t.Context(), sha256.Sum256(k.Code), nil); err != nil || !bytes.Equal(got, k.Code) {
		t.Error(got, err)
	}
	if _, err := back.Module(t.Context(), [32]byte{1}, nil); !errors.Is(err, chain.ErrLacks) {
		t.Error(err)
	}
	if _, err := back.Fresh(t.Context()); !errors.Is(err, chain.ErrLacks) {
		t.Error(err)
	}
}

func FuzzDecodeKept(f *testing.F) {
	f.Add((&Kept{Tape: &chain.Tape{}, Code: []byte("code")}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := DecodeKept(b); err == nil && !bytes.Equal(k.Append(nil), b) {
			t.Fatalf("%x re-encodes differently", b)
		}
	})
}
