package chain

import (
	"bytes"
	"math/rand/v2"
	"testing"

	dbm "github.com/cometbft/cometbft-db"

	"github.com/plexus-network/plexus/ledger/store"
)

// Our namespace and cometbft-db's own MemDB get the same random operations and
// must give the same reads and iterations.
func TestAgainstMemDB(t *testing.T) {
	db := memory(t)
	for _, beside := range []string{"a", "c"} {
		ns := kv{db.Namespace(beside), &gate{}}
		for i := range 50 {
			if err := ns.Set([]byte{byte(i), 1}, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, want := dbm.DB(kv{db.Namespace("b"), &gate{}}), dbm.DB(dbm.NewMemDB())
	r := rand.New(rand.NewPCG(1, 2))
	key := func() []byte {
		k := make([]byte, 1+r.IntN(3))
		for i := range k {
			k[i] = []byte{0, 1, 0x7f, 0xfe, 0xff}[r.IntN(5)]
		}
		return k
	}
	for range 5000 {
		k, v := key(), make([]byte, r.IntN(4))
		for i := range v {
			v[i] = byte(r.Uint32())
		}
		switch r.IntN(6) {
		case 0, 1:
			got.Set(k, v)
			want.Set(k, v)
		case 2:
			got.Delete(k)
			want.Delete(k)
		case 3:
			for _, db := range []dbm.DB{got, want} {
				b := db.NewBatch()
				b.Set(k, v)
				b.Delete(append(bytes.Clone(k), 1))
				if err := b.WriteSync(); err != nil {
					t.Fatal(err)
				}
				if b.Set(k, v) == nil || b.Write() == nil {
					t.Fatal("a written batch took more")
				}
				b.Close()
			}
		case 4:
			a, _ := got.Get(k)
			b, _ := want.Get(k)
			if !bytes.Equal(a, b) || (a == nil) != (b == nil) {
				t.Fatalf("get %x: %x, want %x", k, a, b)
			}
		case 5:
			var s, e []byte
			if r.IntN(3) > 0 {
				s = key()
			}
			if r.IntN(3) > 0 {
				e = key()
			}
			for _, reverse := range []bool{false, true} {
				if a, b := walk(t, got, s, e, reverse), walk(t, want, s, e, reverse); a != b {
					t.Fatalf("%x to %x, reverse %v: %q, want %q", s, e, reverse, a, b)
				}
			}
		}
	}
	if got.Set(nil, []byte{1}) == nil || got.Set([]byte{1}, nil) == nil || got.Set([]byte{}, []byte{1}) == nil {
		t.Fatal("a nil key or value was taken")
	}
	if it, err := got.Iterator([]byte{}, nil); err == nil || it != nil {
		t.Fatalf("empty bound: %v, %v", it, err)
	}
}

// A closed node's engine reads nothing and writes nothing, and does not panic.
func TestClosedGate(t *testing.T) {
	db, err := store.Open("", store.Config{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	d := kv{db.Namespace("a"), &gate{}}
	if err := d.Set([]byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	b := d.NewBatch()
	if err := b.Set([]byte("k"), []byte("w")); err != nil {
		t.Fatal(err)
	}
	b.Close()
	d.gate.close()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err := d.Get([]byte("k")); v != nil || err != nil {
		t.Fatalf("%q, %v", v, err)
	}
	if _, err := d.Iterator(nil, nil); err != ErrClosed {
		t.Fatal(err)
	}
	if err := d.NewBatch().Set([]byte("k"), []byte("w")); err != ErrClosed {
		t.Fatal(err)
	}
	if err := d.SetSync([]byte("k"), []byte("w")); err != ErrClosed {
		t.Fatal(err)
	}
}

func walk(t *testing.T, db dbm.DB, s, e []byte, reverse bool) string {
	if s != nil && e != nil && bytes.Compare(s, e) > 0 {
		return "" // MemDB panics
	}
	iterate := db.Iterator
	if reverse {
		iterate = db.ReverseIterator
	}
	it, err := iterate(s, e)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	var b bytes.Buffer
	for ; it.Valid(); it.Next() {
		b.Write(it.Key())
		b.WriteByte(':')
		b.Write(it.Value())
		b.WriteByte(';')
	}
	return b.String()
}

func memory(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open("", store.Config{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
