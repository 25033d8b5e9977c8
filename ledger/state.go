package ledger

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
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

// state is an overlay over a view: what a block has changed so far. An error of
// the view sticks, so that a reader may look at it once, at the end.
type state struct {
	v       View
	changed map[string][]byte // nil for a deleted key
	journal []undo
	events  []Event
	blobs   []Chunk
	err     error
}

type undo struct {
	key string
	old []byte
	had bool // whether changed held the key before
}

func newState(v View) *state { return &state{v: v, changed: map[string][]byte{}} }

// Get implements View over the overlay.
func (s *state) Get(k []byte) ([]byte, error) {
	if b, ok := s.changed[string(k)]; ok {
		return b, nil
	}
	b, err := s.v.Get(k)
	if err != nil {
		s.fail(err)
	}
	return b, err
}

func (s *state) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *state) set(k, v []byte) {
	ks := string(k)
	old, had := s.changed[ks]
	s.journal = append(s.journal, undo{ks, old, had})
	s.changed[ks] = v
}

func (s *state) delete(k []byte) { s.set(k, nil) }

// mark names the present moment for revert.
func (s *state) mark() (journal, events int) { return len(s.journal), len(s.events) }

// revert undoes every change and event since the mark.
func (s *state) revert(journal, events int) {
	for i := len(s.journal) - 1; i >= journal; i-- {
		u := s.journal[i]
		if u.had {
			s.changed[u.key] = u.old
		} else {
			delete(s.changed, u.key)
		}
	}
	s.journal, s.events = s.journal[:journal], s.events[:events]
}

func (s *state) emit(e Event) { s.events = append(s.events, e) }

// writes returns the changes, sorted by key.
func (s *state) writes() []Write {
	keys := make([]string, 0, len(s.changed))
	for k := range s.changed { // sorted below
		keys = append(keys, k)
	}
	sort.Strings(keys)
	w := make([]Write, len(keys))
	for i, k := range keys {
		w[i] = Write{Key: []byte(k), Value: s.changed[k]}
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
			return broken("the state cannot be walked")
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
	for k, v := range s.changed { // sorted below
		if strings.HasPrefix(k, string(prefix)) {
			found[k] = v
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

func store[T any, P record[T]](s *state, k []byte, t T) { s.set(k, P(&t).append(nil)) }

// has reports whether there is anything under k.
func (s *state) has(k []byte) bool {
	b, _ := s.Get(k)
	return b != nil
}
