package prooftest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/plexus-network/plexus/ledger/proof"
)

// Every key of states of many sizes is proved, and nothing else is.
func TestProve(t *testing.T) {
	state := map[string][]byte{}
	for n := range 60 {
		state[fmt.Sprint("key", n)] = []byte(fmt.Sprint("value", n))
		tree := New(state)
		for k, v := range state {
			p, err := tree.Prove([]byte(k))
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.Verify(tree.Root(), []byte(k), v, p); err != nil {
				t.Fatalf("%d keys: %s: %v", n+1, k, err)
			}
			if err := proof.Verify(tree.Root(), []byte(k), []byte("other"), p); !errors.Is(err, proof.ErrProof) {
				t.Fatalf("%d keys: another value of %s: %v", n+1, k, err)
			}
		}
		if _, err := tree.Prove([]byte("absent")); err == nil {
			t.Fatal("an absent key was proved")
		}
	}
	if New(nil).Root() != ([32]byte{}) {
		t.Error("root of nothing")
	}
}
