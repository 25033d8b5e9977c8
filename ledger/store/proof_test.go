package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"github.com/celestiaorg/smt"
	ics23 "github.com/cosmos/ics23/go"

	"github.com/plexus-network/plexus/ledger"
)

// toICS23 is the only translation between our proofs and those of ICS-23: the
// side of each step comes from the key, the rest is copied.
func toICS23(key, value []byte, p Proof) *ics23.CommitmentProof {
	exist := func(key, value []byte, path [][32]byte) *ics23.ExistenceProof {
		e := &ics23.ExistenceProof{Key: key, Value: value, Leaf: ics23.SmtSpec.LeafSpec}
		h := hashKey(key)
		for i, s := range path {
			op := &ics23.InnerOp{Hash: ics23.HashOp_SHA256, Prefix: []byte{1}}
			if bit(&h, len(path)-1-i) == 0 {
				op.Suffix = s[:]
			} else {
				op.Prefix = append(op.Prefix, s[:]...)
			}
			e.Path = append(e.Path, op)
		}
		return e
	}
	if !p.Absent {
		return &ics23.CommitmentProof{Proof: &ics23.CommitmentProof_Exist{Exist: exist(key, value, p.Path)}}
	}
	n := &ics23.NonExistenceProof{Key: key}
	if p.Left != nil {
		n.Left = exist(p.Left.Key, p.Left.Value, p.Left.Path)
	}
	if p.Right != nil {
		n.Right = exist(p.Right.Key, p.Right.Value, p.Right.Path)
	}
	return &ics23.CommitmentProof{Proof: &ics23.CommitmentProof_Nonexist{Nonexist: n}}
}

// TestAgainstCelestiaAndICS23 applies random writes to this tree and to
// celestiaorg/smt, compares the roots after every block, and has each key's
// proof, present or absent, checked by our verifier and by cosmos/ics23.
func TestAgainstCelestiaAndICS23(t *testing.T) {
	proofs, absent := 0, 0
	for seed := int64(0); seed < 12; seed++ {
		r := rand.New(rand.NewSource(seed))
		db := mem(t)
		oracle := smt.NewSparseMerkleTree(smt.NewSimpleMap(), smt.NewSimpleMap(), sha256.New())
		have := map[string]string{}
		keys := 3 + r.Intn(300)
		for block := uint64(0); block < 20; block++ {
			var w []ledger.Write
			for i := r.Intn(60); i >= 0; i-- {
				k := fmt.Sprint("key", r.Intn(keys))
				if _, ok := have[k]; ok && r.Intn(2) == 0 {
					w = append(w, del(k))
					delete(have, k)
					if _, err := oracle.Delete([]byte(k)); err != nil {
						t.Fatal(err)
					}
					continue
				}
				v := fmt.Sprint("value", r.Int())
				w = append(w, put(k, v))
				have[k] = v
				if _, err := oracle.Update([]byte(k), []byte(v)); err != nil {
					t.Fatal(err)
				}
			}
			root := commit(t, db, block, w...)
			if got, want := fmt.Sprintf("%x", root), fmt.Sprintf("%x", oracle.Root()); got != want {
				t.Fatalf("seed %d block %d, %d keys: %s, want %s", seed, block, len(have), got, want)
			}
			s := db.Snapshot()
			if block%5 == 4 {
				if err := s.Verify(); err != nil {
					t.Fatal(err)
				}
			}
			for range 12 {
				k := fmt.Sprint("key", r.Intn(keys+5))
				p, err := s.Prove([]byte(k))
				if err != nil {
					t.Fatal(err)
				}
				v, ok := have[k]
				var value []byte
				if ok {
					value = []byte(v)
				}
				if err := Verify(root, []byte(k), value, p); err != nil {
					t.Fatalf("seed %d block %d %s: %v", seed, block, k, err)
				}
				proofs++
				other := toICS23([]byte(k), value, p)
				switch {
				case ok:
					if !ics23.VerifyMembership(ics23.SmtSpec, root[:], other, []byte(k), value) {
						t.Fatalf("seed %d block %d: ics23 refuses %s", seed, block, k)
					}
				case len(have) > 0: // ICS-23 has no proof about an empty tree
					absent++
					if !ics23.VerifyNonMembership(ics23.SmtSpec, root[:], other, []byte(k)) {
						t.Fatalf("seed %d block %d: ics23 refuses the absence of %s", seed, block, k)
					}
				}
				again, err := DecodeProof(p.Append(nil))
				if err != nil || fmt.Sprint(again) != fmt.Sprint(p) && p.Left == nil && p.Right == nil {
					t.Fatalf("decoded %v, %v, want %v", again, err, p)
				}
				if err := Verify(root, []byte(k), value, again); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
		}
	}
	if proofs < 1000 || absent < 200 {
		t.Fatalf("only %d proofs, %d of absence", proofs, absent)
	}
}

// TestFalseProofs alters true proofs and claims in every field.
func TestFalseProofs(t *testing.T) {
	db := mem(t)
	var w []ledger.Write
	for i := range 200 {
		w = append(w, put(fmt.Sprint("k", i), fmt.Sprint("v", i)))
	}
	root := commit(t, db, 0, w...)
	s := db.Snapshot()
	defer s.Close()
	prove := func(k string) Proof {
		p, err := s.Prove([]byte(k))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	refuse := func(what, k string, v []byte, p Proof) {
		t.Helper()
		if err := Verify(root, []byte(k), v, p); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", what, err)
		}
	}
	present := prove("k7")
	refuse("another value", "k7", []byte("v8"), present)
	refuse("another key", "k8", []byte("v7"), present)
	refuse("an empty value", "k7", []byte{}, present)
	refuse("absence by a proof of presence", "k7", nil, present)
	refuse("an empty key", "", []byte("v7"), present)
	for i := range present.Path {
		p := Proof{Path: append([][32]byte(nil), present.Path...)}
		p.Path[i][5] ^= 1
		refuse(fmt.Sprint("step ", i), "k7", []byte("v7"), p)
	}
	refuse("a step less", "k7", []byte("v7"), Proof{Path: present.Path[1:]})
	refuse("a step more", "k7", []byte("v7"), Proof{Path: append([][32]byte{{}}, present.Path...)})
	refuse("too many steps", "k7", []byte("v7"), Proof{Path: make([][32]byte, MaxPath+1)})

	gone := prove("none")
	if gone.Left == nil || gone.Right == nil {
		t.Fatal("choose another absent key")
	}
	refuse("a value by a proof of absence", "none", []byte("x"), gone)
	refuse("absence without proof", "none", nil, Proof{Absent: true})
	refuse("absence, nothing said", "none", nil, Proof{})
	refuse("one neighbour", "none", nil, Proof{Absent: true, Left: gone.Left})
	refuse("the other neighbour", "none", nil, Proof{Absent: true, Right: gone.Right})
	refuse("neighbours swapped", "none", nil, Proof{Absent: true, Left: gone.Right, Right: gone.Left})
	// True leaves on the right sides, yet not next to the key.
	target, tried := hashKey([]byte("none")), 0
	for i := range 200 {
		k := fmt.Sprint("k", i)
		far := &Neighbour{Key: []byte(k), Value: []byte(fmt.Sprint("v", i)), Path: prove(k).Path}
		h := hashKey([]byte(k))
		p := gone
		if string(h[:]) < string(target[:]) {
			p.Left = far
		} else {
			p.Right = far
		}
		if string(far.Key) == string(gone.Left.Key) || string(far.Key) == string(gone.Right.Key) {
			continue
		}
		tried++
		refuse("a far neighbour "+k, "none", nil, p)
		// The absence of a key that is there: its own neighbours hide it.
		if below, above, ok := around(t, s, w, i); ok {
			refuse("hiding "+k, k, nil, Proof{Absent: true, Left: below, Right: above})
		}
	}
	if tried < 150 {
		t.Fatal(tried)
	}
}

// around returns the leaves before and after key i in the order of hashes.
func around(t *testing.T, s *Snapshot, w []ledger.Write, i int) (l, r *Neighbour, ok bool) {
	h := hashKey(w[i].Key)
	best := func(less bool) *Neighbour {
		var found *ledger.Write
		var fh [32]byte
		for j := range w {
			g := hashKey(w[j].Key)
			side := string(g[:]) < string(h[:])
			if j == i || side != less {
				continue
			}
			if found == nil || (string(g[:]) > string(fh[:])) == less {
				found, fh = &w[j], g
			}
		}
		if found == nil {
			return nil
		}
		p, err := s.Prove(found.Key)
		if err != nil {
			t.Fatal(err)
		}
		return &Neighbour{Key: found.Key, Value: found.Value, Path: p.Path}
	}
	l, r = best(true), best(false)
	return l, r, l != nil && r != nil
}

func TestProveBounds(t *testing.T) {
	db := mem(t)
	s := db.Snapshot()
	defer s.Close()
	p, err := s.Prove([]byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify([32]byte{}, []byte("k"), nil, p); err != nil {
		t.Fatalf("empty tree: %v", err)
	}
	if err := Verify([32]byte{1}, []byte("k"), nil, p); !errors.Is(err, ErrProof) {
		t.Fatalf("empty proof for a full tree: %v", err)
	}
	if _, err := s.Prove(nil); !errors.Is(err, ErrBounds) {
		t.Fatal(err)
	}
	if _, err := DecodeProof(make([]byte, MaxProof+1)); !errors.Is(err, ErrProof) {
		t.Fatal(err)
	}
}

func FuzzDecodeProof(f *testing.F) {
	db, err := Open("", Config{InMemory: true})
	if err != nil {
		f.Fatal(err)
	}
	defer db.Close()
	var w []ledger.Write
	for i := range 40 {
		w = append(w, put(fmt.Sprint(i), fmt.Sprint(i)))
	}
	commit(f, db, 0, w...)
	s := db.Snapshot()
	defer s.Close()
	for _, k := range []string{"1", "none", "x", "17", "zz"} {
		p, err := s.Prove([]byte(k))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Append(nil))
	}
	f.Add(Proof{Absent: true}.Append(nil))
	root := s.Root()
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeProof(b)
		if err != nil {
			if !errors.Is(err, ErrProof) {
				t.Fatal(err)
			}
			return
		}
		if again := p.Append(nil); string(again) != string(b) {
			t.Fatalf("%x re-encodes to %x", b, again)
		}
		if Verify(root, []byte("17"), nil, p) == nil || Verify(root, []byte("17"), []byte("18"), p) == nil {
			t.Fatalf("%x proves what is false", b)
		}
	})
}

func FuzzDecodePage(f *testing.F) {
	var p page
	p[3] = node{kind: inner, hash: [32]byte{1}}
	p[9] = node{kind: leaf, hash: [32]byte{2}, path: [32]byte{0x90}, key: []byte("key")}
	f.Add(p.append(nil))
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := decodePage(b)
		if ok && string(p.append(nil)) != string(b) {
			t.Fatalf("%x re-encodes to %x", b, p.append(nil))
		}
	})
}

// bit returns the side of the step at depth d, counted from the root: 1 when the
// node is the right child.
func bit(path *[32]byte, d int) byte { return path[d/8] >> (7 - d%8) & 1 }
