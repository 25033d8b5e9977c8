package merkle

import (
	"slices"
	"testing"
)

func TestProofs(t *testing.T) {
	for n := 1; n <= 40; n++ {
		leaves := make([][32]byte, n)
		for i := range leaves {
			leaves[i] = [32]byte{byte(n), byte(i)}
		}
		root := Root(leaves)
		tree := NewTree(leaves)
		if tree.Root() != root {
			t.Fatalf("%d leaves: the tree has another root", n)
		}
		for i := range leaves {
			p := Proof(leaves, i)
			if !slices.Equal(tree.Proof(i), p) {
				t.Fatalf("leaf %d of %d: the tree proves it otherwise", i, n)
			}
			if !Verify(root, uint64(n), uint64(i), leaves[i], p) {
				t.Fatalf("leaf %d of %d: own proof refused", i, n)
			}
			if n == 1 {
				continue
			}
			for j := range leaves {
				if j != i && Verify(root, uint64(n), uint64(j), leaves[i], p) {
					t.Fatalf("leaf %d of %d proved at place %d", i, n, j)
				}
			}
			bad := append([][32]byte(nil), p...)
			bad[len(bad)/2][3] ^= 1
			if Verify(root, uint64(n), uint64(i), leaves[i], bad) || Verify(root, uint64(n), uint64(i), leaves[i], p[1:]) ||
				Verify(root, uint64(n), uint64(i), [32]byte{9, 9, 9}, p) {
				t.Fatalf("leaf %d of %d: a wrong proof was accepted", i, n)
			}
		}
	}
	if NewTree(nil).Root() != ([32]byte{}) {
		t.Error("no leaves have a root")
	}
	if Verify([32]byte{}, 0, 0, [32]byte{}, nil) {
		t.Fatal("a leaf was proved in no leaves")
	}
}
