package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// record is a value of the state with its canonical encoding.
type record[T any] interface {
	*T
	append(b []byte) []byte
	decode(d *cbor.Decoder)
}

// load reads the record under k; ok is false when there is none. State that
// does not decode is ErrBroken.
func load[T any, P record[T]](v View, k []byte) (t T, ok bool, err error) {
	b, err := v.Get(k)
	if err != nil || b == nil {
		return t, false, err
	}
	d := cbor.NewDecoder(b)
	P(&t).decode(d)
	if err := d.End(); err != nil {
		return t, false, broken("state under %q: %v", k, err)
	}
	return t, true, nil
}

// state is an overlay over a view: what a block has read and changed so far. An
// error of the view sticks, so that a reader may look at it once, at the end. The
// view's values must not change while the state is in use.
type state struct {
	v       View
	at      map[string]int // key -> its cell
	cells   []cell
	journal []undo
	events  []Event
	blobs   []Chunk
	err     error

	tops    map[string][]int // cells by the prefix of their keys: the first indexed ones
	indexed int

	rosters map[frozenAt]Roster // that commits and reveals of the block look at

	key, value []byte // scratch, for keys and values on their way
}

// cell is a key that was read or changed.
type cell struct {
	key   string
	base  []byte // in the view, nil for an absent key
	known bool   // whether base has been read
	set   bool   // whether value counts, not base
	value []byte // nil for a deleted key
}

type undo struct {
	cell int
	old  []byte
	had  bool // whether the cell was set before
}

func newState(v View) *state { return &state{v: v, at: map[string]int{}} }

// expect makes room for that many transactions.
func (s *state) expect(txs int) {
	s.at = make(map[string]int, 2*txs+256)
	s.cells = make([]cell, 0, 2*txs+256)
	s.journal = make([]undo, 0, 3*txs)
}

// Get implements View over the overlay.
func (s *state) Get(k []byte) ([]byte, error) {
	i, ok := s.at[string(k)]
	if ok && s.cells[i].set {
		return s.cells[i].value, nil
	}
	if !ok {
		i = s.open(k)
	}
	return s.before(i)
}

// open makes a cell of a key that has none.
func (s *state) open(k []byte) int {
	i := len(s.cells)
	s.cells = append(s.cells, cell{key: string(k)})
	s.at[s.cells[i].key] = i
	return i
}

// before reads what the view has in a cell, once.
func (s *state) before(i int) ([]byte, error) {
	if c := &s.cells[i]; c.known {
		return c.base, nil
	}
	b, err := s.v.Get([]byte(s.cells[i].key))
	if err != nil {
		s.fail(err)
		return b, err
	}
	s.cells[i].base, s.cells[i].known = b, true
	return b, nil
}

func (s *state) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *state) set(k, v []byte) {
	i, ok := s.at[string(k)]
	if !ok {
		i = s.open(k)
	}
	c := &s.cells[i]
	s.journal = append(s.journal, undo{i, c.value, c.set})
	c.value, c.set = v, true
}

func (s *state) delete(k []byte) { s.set(k, nil) }

// mark names the present moment for revert.
func (s *state) mark() (journal, events int) { return len(s.journal), len(s.events) }

// revert undoes every change and event since the mark.
func (s *state) revert(journal, events int) {
	for i := len(s.journal) - 1; i >= journal; i-- {
		u := s.journal[i]
		s.cells[u.cell].value, s.cells[u.cell].set = u.old, u.had
	}
	s.journal, s.events = s.journal[:journal], s.events[:events]
}

func (s *state) emit(e Event) { s.events = append(s.events, e) }

// changes returns the cells that are set, sorted by key.
func (s *state) changes() []int {
	out := make([]int, 0, len(s.cells))
	for i := range s.cells {
		if s.cells[i].set {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b int) int { return strings.Compare(s.cells[a].key, s.cells[b].key) })
	return out
}

// writes returns what changes returned as writes.
func (s *state) writes(changed []int) []Write {
	w := make([]Write, len(changed))
	for j, i := range changed {
		w[j] = Write{Key: []byte(s.cells[i].key), Value: s.cells[i].value}
	}
	return w
}

// Range walks the keys under a prefix as the overlay has them, in rising order.
// It needs a view that can be walked, as that of a node is: a light client
// proves single values and applies no blocks.
func (s *state) Range(prefix []byte, fn func(k, v []byte) error) error {
	base, ok := s.v.(Ranger)
	if !ok {
		if _, genesis := s.v.(empty); !genesis {
			return fmt.Errorf("%w: %w", ErrBroken, ErrUnwalkable)
		}
	}
	found := map[string][]byte{}
	if ok {
		err := base.Range(prefix, func(k, v []byte) error {
			found[string(k)] = append([]byte(nil), v...)
			return nil
		})
		if err != nil {
			s.fail(err)
			return err
		}
	}
	for _, i := range s.under(prefix) {
		if c := &s.cells[i]; c.set && strings.HasPrefix(c.key, string(prefix)) {
			found[c.key] = c.value
		}
	}
	for _, k := range slices.Sorted(maps.Keys(found)) {
		if v := found[k]; v != nil {
			if err := fn([]byte(k), v); err != nil {
				return err
			}
		}
	}
	return nil
}

// under returns the cells of keys that share the first part of a prefix, up to
// its '/'. Only who walks pays for the index.
func (s *state) under(prefix []byte) []int {
	if s.tops == nil {
		s.tops = map[string][]int{}
	}
	for ; s.indexed < len(s.cells); s.indexed++ {
		top, _, _ := strings.Cut(s.cells[s.indexed].key, "/")
		s.tops[top] = append(s.tops[top], s.indexed)
	}
	top, _, _ := strings.Cut(string(prefix), "/")
	return s.tops[top]
}

// drop deletes every key under a prefix.
func (s *state) drop(prefix []byte) error {
	return s.Range(prefix, func(k, _ []byte) error { s.delete(k); return nil })
}

// fetch reads a record through the overlay; the error sticks in s.
func fetch[T any, P record[T]](s *state, k []byte) (T, bool) {
	t, ok, err := load[T, P](s, k)
	if err != nil {
		s.fail(err)
	}
	return t, ok
}

// need is fetch of a record that must be there.
func need[T any, P record[T]](s *state, k []byte) T {
	t, ok := fetch[T, P](s, k)
	if !ok {
		s.fail(broken("state under %q is missing", k))
	}
	return t
}

func store[T any, P record[T]](s *state, k []byte, t T) {
	s.value = P(&t).append(s.value[:0])
	s.set(k, bytes.Clone(s.value))
}

// account is fetch of an account. Most transactions touch two of them several
// times, so that it goes without the garbage that fetch makes.
func (s *state) account(id key.ID) Account {
	s.key = append(append(s.key[:0], prefixAccount...), id[:]...)
	b, err := s.Get(s.key)
	if err != nil || b == nil {
		return Account{}
	}
	a, err := decodeAccount(b)
	if err != nil {
		s.fail(broken("state under %q: %v", s.key, err))
	}
	return a
}

// setAccount stores an account.
func (s *state) setAccount(id key.ID, a Account) {
	s.key = append(append(s.key[:0], prefixAccount...), id[:]...)
	s.set(s.key, a.append(make([]byte, 0, accountSize)))
}

// has reports whether there is anything under k.
func (s *state) has(k []byte) bool {
	b, _ := s.Get(k)
	return b != nil
}
