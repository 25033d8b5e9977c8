package ledger

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Parameter describes a number that governs the chain or one subnet. The
// tables of this package are the only place that names them: the encoding of
// Params and SubnetParams, the checks of a genesis, the transactions that set
// them and what is printed about them all follow the tables. A flag is 0 or 1.
type Parameter struct {
	Name  string
	Unit  string
	Doc   string
	Least uint64 // bounds that always hold
	Most  uint64
	Owner bool // the subnet's owner may set it, else only a vote
	// Bounds of what an owner may set, within the others.
	OwnerLeast uint64
	OwnerMost  uint64
}

// Check reports whether v is within the bounds, those of an owner or those that
// always hold.
func (p *Parameter) Check(v uint64, owner bool) error {
	least, most := p.Least, p.Most
	if owner {
		least, most = p.OwnerLeast, p.OwnerMost
	}
	if v < least || v > most {
		return fmt.Errorf("%s %d: must be %d..%d %s", p.Name, v, least, most, p.Unit)
	}
	return nil
}

// knob is a parameter with its place in a T.
type knob[T any] struct {
	Parameter
	width uint64 // largest value that its field holds
	get   func(*T) uint64
	set   func(*T, uint64)
}

type number interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

// voted is a parameter that only a vote changes.
func voted[T any, N number](name, unit string, least, most uint64, at func(*T) *N, doc string) knob[T] {
	var top N
	top--
	return knob[T]{Parameter{Name: name, Unit: unit, Least: least, Most: most, Doc: doc}, uint64(top),
		func(t *T) uint64 { return uint64(*at(t)) }, func(t *T, v uint64) { *at(t) = N(v) }}
}

// owned is a parameter that a subnet's owner may set within the same bounds.
func owned[T any, N number](name, unit string, least, most uint64, at func(*T) *N, doc string) knob[T] {
	return voted(name, unit, least, most, at, doc).within(least, most)
}

// flag is a parameter that is 0 or 1.
func flag[T any](name string, at func(*T) *bool, doc string) knob[T] {
	return knob[T]{Parameter{Name: name, Unit: "0 or 1", Most: 1, Doc: doc}, 1,
		func(t *T) uint64 {
			if *at(t) {
				return 1
			}
			return 0
		}, func(t *T, v uint64) { *at(t) = v == 1 }}
}

func (k knob[T]) within(least, most uint64) knob[T] {
	k.Owner, k.OwnerLeast, k.OwnerMost = true, least, most
	return k
}

func find[T any](table []knob[T], name string) *knob[T] {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

func describe[T any](table []knob[T]) []Parameter {
	out := make([]Parameter, len(table))
	for i := range table {
		out[i] = table[i].Parameter
	}
	return out
}

// checkAll reports the first value of t outside its bounds.
func checkAll[T any](table []knob[T], t *T) error {
	for i := range table {
		if err := table[i].Check(table[i].get(t), false); err != nil {
			return err
		}
	}
	return nil
}

func appendAll[T any](b []byte, table []knob[T], t *T) []byte {
	b = cbor.AppendArray(b, len(table))
	for i := range table {
		b = cbor.AppendUint(b, table[i].get(t))
	}
	return b
}

func decodeAll[T any](d *cbor.Decoder, table []knob[T], t *T) {
	d.Array(len(table))
	for i := range table {
		table[i].set(t, d.UintMax(table[i].width))
	}
}
