package store

import (
	"fmt"
	"testing"

	ics23 "github.com/cosmos/ics23/go"

	"github.com/plexus-network/plexus/ledger"
)

// The protobuf that leaves this package is read and verified by the verifier of
// ICS-23, for keys that are there and for keys that are not.
func TestICS23Bytes(t *testing.T) {
	db := mem(t)
	var w []ledger.Write
	for i := range 200 {
		w = append(w, ledger.Write{Key: fmt.Appendf(nil, "key%03d", i), Value: fmt.Appendf(nil, "value%d", i)})
	}
	st, err := db.Stage(0, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Commit(); err != nil {
		t.Fatal(err)
	}
	s := db.Snapshot()
	defer s.Close()
	root := db.Root()
	for i := range 400 {
		k := fmt.Appendf(nil, "key%03d", i)
		v, err := s.Get(k)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Prove(k)
		if err != nil {
			t.Fatal(err)
		}
		var c ics23.CommitmentProof
		if err := c.Unmarshal(p.ICS23(k, v)); err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		if v != nil && !ics23.VerifyMembership(ics23.SmtSpec, root[:], &c, k, v) {
			t.Fatalf("%s is there: refused", k)
		}
		if v == nil && !ics23.VerifyNonMembership(ics23.SmtSpec, root[:], &c, k) {
			t.Fatalf("%s is absent: refused", k)
		}
		if v != nil && ics23.VerifyMembership(ics23.SmtSpec, root[:], &c, k, append(v, 0)) {
			t.Fatalf("%s with another value: taken", k)
		}
	}
}
