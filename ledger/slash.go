package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/unit"
)

// misses counts the votes that a producer did not cast, over a window of
// blocks.
type misses struct {
	Count  uint64
	Window uint64 // blocks; the bitmap has one bit for each, by height modulo it
	Bitmap []byte
}

func (m *misses) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 4), 1), m.Count)
	return cbor.AppendBytes(cbor.AppendUint(b, m.Window), m.Bitmap)
}

func (m *misses) decode(d *cbor.Decoder) {
	d.Version(4, 1)
	m.Count, m.Window = d.Uint(), d.UintMax(10_000)
	m.Bitmap = append([]byte(nil), d.Bytes(1250)...)
	if uint64(len(m.Bitmap)) != (m.Window+7)/8 {
		d.Fail(broken("bitmap of %d bytes for %d blocks", len(m.Bitmap), m.Window))
	}
}

// LoadMissed returns how many of the last votes a producer of the set did not
// cast.
func LoadMissed(v View, a Address) (uint64, error) {
	m, _, err := load[misses](v, missesKey(a))
	return m.Count, err
}

// punish does with producers what the block proves of them: double votes are
// slashed, and who misses over half of the window is jailed.
func punish(s *state, b *Block, set []Producer, params *Params) error {
	for _, x := range b.Misbehaving {
		p, ok := fetch[Producer](s, producerKey(x.Producer))
		if !ok {
			continue // of a key that this chain never had
		}
		if err := slash(s, p, b.Height, params); err != nil {
			return err
		}
	}
	absent := map[Address]bool{}
	for _, a := range b.Absent {
		absent[a] = true
	}
	for i := range set {
		if err := count(s, set[i].Address(), absent, b.Height, params); err != nil {
			return err
		}
	}
	return s.err
}

func count(s *state, a Address, absent map[Address]bool, h Height, params *Params) error {
	p := need[Producer](s, producerKey(a))
	if p.Power == 0 || p.Jailed != 0 || p.Tombstoned {
		return s.err // it is on its way out
	}
	m, _ := fetch[misses](s, missesKey(a))
	if m.Window != params.MissWindow {
		m = misses{Window: params.MissWindow, Bitmap: make([]byte, (params.MissWindow+7)/8)}
	}
	i := h % m.Window
	bit := byte(1) << (i % 8)
	switch was, is := m.Bitmap[i/8]&bit != 0, absent[a]; {
	case was == is:
		return s.err
	case is:
		m.Count++
	default:
		m.Count--
	}
	m.Bitmap[i/8] ^= bit
	if m.Count <= m.Window/2 {
		store(s, missesKey(a), m)
		return s.err
	}
	if s.has(missesKey(a)) {
		s.delete(missesKey(a))
	}
	p.Jailed = h + params.Jail
	store(s, producerKey(a), p)
	s.emit(Event{Kind: "jailed", Hotkey: p.Hotkey, Amount: m.Count})
	return expel(s, a, h, params)
}

// slash burns a part of the root stake behind a producer that voted twice, that
// of its nominators and what queues included, and never lets its hotkey be
// elected again. A hotkey is slashed once, whatever else is proved of it.
func slash(s *state, p Producer, h Height, params *Params) error {
	last, err := LoadCandidate(s, p.Hotkey)
	if err != nil {
		return err
	}
	if p.Tombstoned || last != nil && last.Tombstoned {
		return nil
	}
	tot := need[Totals](s, []byte(prefixTotals))
	var burned unit.TAO
	cut := func(k []byte) unit.TAO {
		pool, ok := fetch[HotkeyPool](s, k)
		if !ok {
			return 0
		}
		x := unit.MulDiv(uint64(pool.Value), uint64(params.Slash), 65535)
		pool.Value -= unit.Alpha(x)
		store(s, k, pool)
		burned += unit.TAO(x)
		return unit.TAO(x)
	}
	tot.Root -= cut(hotkeyPoolKey(0, p.Hotkey))
	tot.Queued -= cut(queuedKey(p.Hotkey))
	tot.Burned += burned
	store(s, []byte(prefixTotals), tot)
	p.Tombstoned = true
	store(s, producerKey(p.Address()), p)
	dropCandidate(s, p.Address())
	if last != nil && last.Consensus != p.Consensus {
		last.Tombstoned = true
		store(s, producerKey(last.Address()), *last)
		dropCandidate(s, last.Address())
		if err := expel(s, last.Address(), h, params); err != nil {
			return err
		}
	}
	s.emit(Event{Kind: "slashed", Hotkey: p.Hotkey, Amount: uint64(burned)})
	return expel(s, p.Address(), h, params)
}
