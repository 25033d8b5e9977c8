package dataset

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// hidden is a set of n lines, sealed in windows, and what it was made of.
func hidden(t testing.TB, n int, windows uint64) (*Sealed, []string) {
	t.Helper()
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("the secret of line %d%s", i, strings.Repeat("!", i%5)))
	}
	x, err := Seal(records(t, strings.Join(lines, "\n"), 0), windows, key.Seed{42})
	if err != nil {
		t.Fatal(err)
	}
	return x, lines
}

// outsider decodes the public file.
func outsider(t testing.TB, x *Sealed) *Sealed {
	t.Helper()
	y, err := DecodeSealed(x.Encode(nil))
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// work are the encryption keys as a registration names them.
func work(s key.Seed) key.ID {
	w, _ := s.Work(false)
	return w.Enc
}

func TestSealed(t *testing.T) {
	x, lines := hidden(t, 23, 4) // 5 a window, 3 left out
	file := x.Encode(nil)
	for _, l := range lines {
		if bytes.Contains(file, []byte(l)) {
			t.Fatalf("the public file shows %q", l)
		}
	}
	n := x.Set().Named()
	if n.Slices != 20 || n.Window != 5 || x.Windows() != 4 || n.Root != x.Root() {
		t.Fatalf("%+v in %d windows", n, x.Windows())
	}
	out := outsider(t, x)
	for i := range n.Slices {
		if b, _, err := out.Set().Slice(i); !errors.Is(err, ErrLocked) || b != nil {
			t.Fatalf("an outsider reads slice %d: %q, %v", i, b, err)
		}
	}
	holder, stranger := key.Seed{1}, key.Seed{2}
	g, err := x.Grant(1, 9)
	if err != nil || len(g.Keys) != 3 {
		t.Fatalf("%d keys, %v", len(g.Keys), err)
	}
	g.Keys = g.Keys[:2]
	box, err := g.SealTo(work(holder))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenGrant(stranger, box); !errors.Is(err, ErrGrant) {
		t.Errorf("a stranger opens a holder's grant: %v", err)
	}
	got, err := OpenGrant(holder, box)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Unlock(got); err != nil {
		t.Fatal(err)
	}
	for i := range n.Slices {
		b, proof, err := out.Set().Slice(i)
		if w := i / 5; w != 1 && w != 2 {
			if !errors.Is(err, ErrLocked) || out.Has(w) {
				t.Errorf("slice %d of a window without a key: %v", i, err)
			}
			continue
		}
		if err != nil || string(b) != lines[i] {
			t.Fatalf("slice %d: %q, %v", i, b, err)
		}
		if err := Verify(n, i, b, proof); err != nil {
			t.Errorf("slice %d in evidence: %v", i, err)
		}
		for j := range proof {
			bad := append([][32]byte(nil), proof...)
			bad[j][3] ^= 1
			if err := Verify(n, i, b, bad); !errors.Is(err, ErrProof) {
				t.Errorf("slice %d with a changed element %d: %v", i, j, err)
			}
		}
		for _, bad := range [][][32]byte{nil, proof[:1], proof[1:], proof[:len(proof)-1]} {
			if err := Verify(n, i, b, bad); !errors.Is(err, ErrProof) {
				t.Errorf("slice %d with %d of %d elements: %v", i, len(bad), len(proof), err)
			}
		}
		if err := Verify(n, i+1, b, proof); !errors.Is(err, ErrProof) {
			t.Errorf("slice %d elsewhere: %v", i, err)
		}
		b2 := append(bytes.Clone(b), '?')
		if err := Verify(n, i, b2, proof); !errors.Is(err, ErrProof) {
			t.Errorf("slice %d changed: %v", i, err)
		}
	}
	if opened, err := out.Verify(nil); opened != 2 || err != nil {
		t.Errorf("%d windows verified, %v", opened, err)
	}
	// Who was granted a window grants it on.
	on, err := out.Grant(2, 9)
	if err != nil || len(on.Keys) != 1 {
		t.Errorf("%+v, %v", on, err)
	}
	if few, err := x.Grant(0, 2); err != nil || len(few.Keys) != 2 {
		t.Errorf("at most two keys: %+v, %v", few, err)
	}
	if _, err := out.Grant(0, 9); !errors.Is(err, ErrLocked) {
		t.Errorf("granting what one has not: %v", err)
	}
}

// The windows that a sealed set is cut into are those that the ledger draws.
func TestWindowsMatchTheLedger(t *testing.T) {
	x, lines := hidden(t, 31, 7)
	n := x.Set().Named()
	n.From = 100
	if other := n; true {
		other.Window++
		if x.Set().Is(other) || !x.Set().Is(n) {
			t.Error("windows of another size pass")
		}
	}
	seen := map[uint64]bool{}
	for e := ledger.Epoch(98); e < 110; e++ {
		first, count := n.Draw(e)
		if e < 100 || e >= 107 {
			if count != 0 {
				t.Errorf("epoch %d draws %d slices: no window is left", e, count)
			}
			continue
		}
		if count != 4 || first != (e-100)*4 {
			t.Errorf("epoch %d draws %d from %d", e, count, first)
		}
		only := outsider(t, x)
		g := &Grant{Root: x.Root(), First: e - 100, Keys: [][32]byte{WindowKey(key.Seed{42}, e-100)}}
		if err := only.Unlock(g); err != nil {
			t.Fatal(err)
		}
		for i := range n.Slices {
			b, _, err := only.Set().Slice(i)
			in := i >= first && i < first+count
			if in != (err == nil) || in && (string(b) != lines[i] || seen[i]) {
				t.Errorf("epoch %d, slice %d: %q, %v", e, i, b, err)
			}
			seen[i] = seen[i] || in
		}
	}
	if len(seen) != 28 {
		t.Errorf("%d slices were used of 28", len(seen))
	}
}

// Any byte of the public file that changes changes the root; a sealer who lies is
// named by who has the key.
func TestTampered(t *testing.T) {
	x, _ := hidden(t, 8, 2)
	file := x.Encode(nil)
	for i := range file {
		b := bytes.Clone(file)
		b[i] ^= 4
		y, err := DecodeSealed(b)
		if err == nil && y.Root() == x.Root() {
			t.Fatalf("byte %d changed, and the root did not", i)
		}
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	lie := func(name string, change func(y *Sealed), want string) {
		t.Helper()
		y := outsider(t, x)
		change(y)
		y.encode()
		g := &Grant{Root: y.Root(), Keys: [][32]byte{WindowKey(key.Seed{42}, 0), WindowKey(key.Seed{42}, 1)}}
		err := y.Unlock(g)
		if err == nil {
			_, err = y.Verify(nil)
		}
		if !errors.Is(err, ErrSealed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	lie("a changed ciphertext", func(y *Sealed) { y.boxes[1] = bytes.Clone(y.boxes[1]); y.boxes[1][7] ^= 1 }, "ciphertext of window 1 was changed")
	lie("windows swapped", func(y *Sealed) { y.boxes[0], y.boxes[1] = y.boxes[1], y.boxes[0] }, "ciphertext of window 0")
	lie("another leaf", func(y *Sealed) { y.leaves[5][0] ^= 1 }, "slice 5 in window 1")
	lie("another commitment", func(y *Sealed) { y.commits[1][0] ^= 1 }, "key of window 1")
	lie("a plaintext of another form", func(y *Sealed) {
		box, _ := aead(WindowKey(key.Seed{42}, 1))
		y.boxes[1] = box.Seal(nil, nonce(1), make([]byte, 20), nil)
	}, "window 1")
	lie("a plaintext without lengths", func(y *Sealed) {
		box, _ := aead(WindowKey(key.Seed{42}, 1))
		y.boxes[1] = box.Seal(nil, nonce(1), make([]byte, 3), nil)
	}, "window 1 is too short")
}

func TestGrants(t *testing.T) {
	x, _ := hidden(t, 8, 4)
	other, _ := hidden(t, 12, 4)
	g, err := x.Grant(0, 9)
	if err != nil {
		t.Fatal(err)
	}
	me := key.Seed{1}
	box, err := g.SealTo(work(me))
	if err != nil {
		t.Fatal(err)
	}
	for i := range box {
		bad := bytes.Clone(box)
		bad[i] ^= 1
		if _, err := OpenGrant(me, bad); !errors.Is(err, ErrGrant) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if _, err := OpenGrant(me, make([]byte, MaxGrant+1)); !errors.Is(err, ErrGrant) {
		t.Errorf("too long: %v", err)
	}
	if err := other.Unlock(g); !errors.Is(err, ErrGrant) || !strings.Contains(err.Error(), "it is for the set") {
		t.Errorf("another set: %v", err)
	}
	far := *g
	far.First = 1
	if err := x.Unlock(&far); !errors.Is(err, ErrGrant) {
		t.Errorf("more keys than windows: %v", err)
	}
	far.First = 1 << 63
	if err := x.Unlock(&far); !errors.Is(err, ErrGrant) {
		t.Errorf("windows far away: %v", err)
	}
	bad := Grant{Root: g.Root, Keys: append([][32]byte(nil), g.Keys...)}
	bad.Keys[2][0] ^= 1
	fresh := outsider(t, x)
	if err := fresh.Unlock(&bad); !errors.Is(err, ErrSealed) || fresh.Has(0) {
		t.Errorf("one wrong key among right ones: %v", err)
	}
	if _, err := g.SealTo(key.ID{2}); !errors.Is(err, key.ErrPoint) {
		t.Errorf("to no point: %v", err)
	}
	if a, b := GrantID(x.Root(), work(me)), GrantID(x.Root(), work(key.Seed{2})); a == b {
		t.Error("two readers share a name")
	}
}

func TestSealRefuses(t *testing.T) {
	s := records(t, "a\nb\nc\n", 0)
	for _, n := range []uint64{0, 4, MaxWindows + 1, 1 << 63} {
		if _, err := Seal(s, n, key.Seed{1}); err == nil {
			t.Errorf("%d windows of 3 slices", n)
		}
	}
	x, err := Seal(s, 3, key.Seed{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(x.Set(), 1, key.Seed{1}); err == nil {
		t.Error("sealed twice")
	}
	if y, err := Seal(s, 3, key.Seed{2}); err != nil || y.Root() == x.Root() {
		t.Errorf("another secret, the same root: %v", err)
	}
}

// A sealed set's root and file are what chains and peers hold.
func TestSealedGolden(t *testing.T) {
	x, _ := hidden(t, 4, 2)
	root := x.Root()
	if got, want := hex.EncodeToString(root[:]), "7bc8c7c7c94bdbf898b63a6354b1c30140c00ffc395592e21340e5027cce71cf"; got != want {
		t.Errorf("root %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(x.Encode(nil)[:20]), "504c585345414c01"+"00000006"+"850101041702"+"a2fc"; got != want {
		t.Errorf("file begins %s, want %s", got, want)
	}
	slices := x.tree.Root()
	if got, want := hex.EncodeToString(slices[:]), "29e5a40798821d6c855bbdbf2e8ae92936c2b1881b8e9192bb94b34856a3b940"; got != want {
		t.Errorf("root over the slices %s, want %s", got, want)
	}
	g := &Grant{Root: [32]byte{1}, First: 7, Keys: [][32]byte{{2}}}
	want := "8401" + "5820" + "01" + strings.Repeat("00", 31) + "07" + "81" + "5820" + "02" + strings.Repeat("00", 31)
	if got := hex.EncodeToString(g.Append(nil)); got != want {
		t.Errorf("grant %s, want %s", got, want)
	}
}

func FuzzDecodeSealed(f *testing.F) {
	x, _ := hidden(f, 8, 2)
	f.Add(x.Encode(nil))
	f.Add([]byte(sealedMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := DecodeSealed(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		y := &Sealed{kind: x.kind, most: x.most, window: x.window, leaves: x.leaves, commits: x.commits, boxes: x.boxes}
		y.encode()
		if !bytes.Equal(y.file, b) {
			t.Fatal("it does not encode to what it was")
		}
		if _, _, err := x.Set().Slice(0); !errors.Is(err, ErrLocked) {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeGrant(f *testing.F) {
	f.Add((&Grant{Root: [32]byte{1}, First: 7, Keys: [][32]byte{{2}, {3}}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeGrant(b)
		if err == nil && !bytes.Equal(g.Append(nil), b) {
			t.Fatal("it does not encode to what it was")
		}
	})
}
