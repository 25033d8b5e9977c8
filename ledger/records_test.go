package ledger

import (
	"bytes"
	"errors"
	"math/rand"
	"testing"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/ledger/yuma"
)

// recode decodes b as one kind of record and encodes it again; ok is false when
// it does not decode.
func recode[T any, P record[T]](b []byte) (out []byte, ok bool) {
	var t T
	d := cbor.NewDecoder(b)
	P(&t).decode(d)
	if d.End() != nil {
		return nil, false
	}
	return P(&t).append(nil), true
}

var recoders = map[string]func([]byte) ([]byte, bool){
	"account": recode[Account], "totals": recode[Totals], "subnet": recode[Subnet], "clock": recode[Clock], "market": recode[Market],
	"pending": recode[Pending], "neuron": recode[Neuron], "committed": recode[Committed], "carry": recode[Carry], "params": recode[Params],
	"producer": recode[Producer], "epoch record": recode[EpochRecord], "hotkey pool": recode[HotkeyPool], "position": recode[position],
	"bonds": recode[bondsRow], "planned": recode[Planned], "root sale": recode[RootSale],
	"registry": recode[Registry], "past": recode[Past], "stamp": recode[stamp], "identity": recode[Identity], "module": recode[StoredModule],
	"upload": recode[Upload], "expiring": recode[expiring], "standing": recode[Standing], "members": recode[members], "artifact": recode[Artifact],
}

func samples() map[string][]byte {
	p, sp := DefaultParams(), DefaultSubnetParams()
	sp.Rounds, sp.Module = []uint16{1, 5}, []byte("x")
	w, _ := key.Seed{1}.Work(true)
	return map[string][]byte{
		"account": (&Account{5, 6}).append(nil), "totals": (&Totals{Height: 1, Issued: 2}).append(nil),
		"subnet": (&Subnet{Params: sp, Started: 1}).append(nil), "clock": (&Clock{Epoch: 3}).append(nil),
		"market": (&Market{TAO: 7, Neurons: 9}).append(nil), "pending": (&Pending{1, 2, 3, 4}).append(nil),
		"neuron": (&Neuron{Work: w, Trust: 4}).append(nil), "committed": (&Committed{Height: 2}).append(nil),
		"carry": (&Carry{Epoch: 1}).append(nil), "params": p.append(nil), "producer": (&Producer{Power: 3}).append(nil),
		"epoch record": (&EpochRecord{Epoch: 4}).append(nil),
		"hotkey pool":  (&HotkeyPool{pool.Share{Value: 5, Shares: unit.U128{Hi: 1, Lo: 2}}}).append(nil),
		"position":     (&position{unit.U128{Lo: 3}}).append(nil),
		"planned":      (&Planned{Params: sp, Split: []uint16{65534, 1}, Data: DataSet{Slices: 4, Window: 2}}).append(nil),
		"root sale":    (&RootSale{Left: 7, due: []due{{Hotkey{1}, 3}, {Hotkey{2}, 4}}}).append(nil),
		"registry":     (&Registry{Cost: 5, Height: 6}).append(nil),
		"past":         (&Past{Subnets: 2, Epoch: 3, Record: [32]byte{1}}).append(nil),
		"stamp":        (&stamp{7}).append(nil),
		"identity":     (&Identity{Name: "a", Description: "b"}).append(nil),
		"module":       (&StoredModule{Size: 9, Packed: 8, Chunks: [][32]byte{{1}}, Height: 3}).append(nil),
		"upload":       (&Upload{StoredModule: StoredModule{Size: 9}, Have: 1, Got: 2, GotPacked: 3, Sum: []byte("x")}).append(nil),
		"expiring":     (&expiring{[][]byte{{1}, {2}}}).append(nil),
		"standing":     (&Standing{1, 2, 3, 4, 5}).append(nil),
		"artifact":     (&Artifact{Hash: [32]byte{1}, Module: [32]byte{2}, Epoch: 3}).append(nil),
		"members":      (&members{[]Hotkey{{1}, {2}}}).append(nil),
		"bonds":        (&bondsRow{yuma.Row{{UID: 1, Value: 2}}}).append(nil),
	}
}

func TestRecordsRecode(t *testing.T) {
	all := samples()
	if len(all) != len(recoders) {
		t.Fatal("a record has no sample")
	}
	for name, b := range all {
		out, ok := recoders[name](b)
		if !ok || !bytes.Equal(out, b) {
			t.Errorf("%s: %x re-encodes to %x, %v", name, b, out, ok)
		}
	}
}

func FuzzRecords(f *testing.F) {
	for _, b := range samples() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, re := range recoders {
			if out, ok := re(b); ok && !bytes.Equal(out, b) {
				t.Fatalf("%s: %x re-encodes to %x", name, b, out)
			}
		}
	})
}

func FuzzDecodeOpening(f *testing.F) {
	o := Opening{Row: NewRow([]uint64{1, 0, 2}), Salt: [32]byte{1}}
	f.Add(o.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := DecodeOpening(b); err == nil && !bytes.Equal(o.Append(nil), b) {
			t.Fatalf("%x re-encodes differently", b)
		}
	})
}

func TestRows(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 500 {
		dense := make([]uint64, r.Intn(70))
		var top uint64
		for i := range dense {
			if r.Intn(3) > 0 {
				dense[i] = r.Uint64() >> r.Intn(64)
			}
			top = max(top, dense[i])
		}
		row := NewRow(dense)
		got, err := row.Dense(len(dense))
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range got {
			want := uint64(0)
			if top > 0 {
				want = unit.MulDiv(dense[i], 65535, top)
			}
			if uint64(w) != want {
				t.Fatalf("weight %d of %v: %d, want %d", i, dense, w, want)
			}
		}
		if len(row.Weights) > 0 {
			if _, err := row.Dense(len(row.Bitmap)*8 - 8); !errors.Is(err, ErrRow) {
				t.Fatal("a row fits a roster that is too small")
			}
		}
	}
	for name, bad := range map[string]Row{
		"zero byte at the end": {Bitmap: []byte{1, 0}, Weights: []uint16{65535}}, "weight too many": {Bitmap: []byte{1}, Weights: []uint16{65535, 1}},
		"no top weight": {Bitmap: []byte{1}, Weights: []uint16{5}}, "zero weight": {Bitmap: []byte{3}, Weights: []uint16{65535, 0}},
	} {
		o := Opening{Row: bad}
		if _, err := DecodeOpening(o.Append(nil)); !errors.Is(err, ErrRow) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
