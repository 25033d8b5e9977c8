package ledger

import "github.com/plexus-network/plexus/ledger/key"

// What names a key that was rotated away, and cannot be found and rewritten at
// once, leads to the key that took its place: a queue's entries, the rosters of
// epochs that run, a destination of what is mined. A key that was rotated away
// never comes back, so that the way has an end.

func heirKey(h Hotkey) []byte      { return append([]byte(prefixHeir), h[:]...) }
func coldHeirKey(c Coldkey) []byte { return append([]byte(prefixColdHeir), c[:]...) }

// CurrentHotkey returns the hotkey that has taken a hotkey's place, itself when
// none has.
func CurrentHotkey(v View, h Hotkey) (Hotkey, error) { return follow(v, prefixHeir, h) }

// CurrentColdkey is CurrentHotkey for a coldkey.
func CurrentColdkey(v View, c Coldkey) (Coldkey, error) { return follow(v, prefixColdHeir, c) }

func follow(v View, prefix string, id key.ID) (key.ID, error) {
	for {
		b, err := v.Get(append([]byte(prefix), id[:]...))
		if err != nil || b == nil {
			return id, err
		}
		if len(b) != 32 {
			return id, broken("%s of %s has %d bytes", prefix, id, len(b))
		}
		id = key.ID(b)
	}
}

func (s *state) hotkey(h Hotkey) Hotkey {
	h, err := CurrentHotkey(s, h)
	if err != nil {
		s.fail(err)
	}
	return h
}

func (s *state) coldkey(c Coldkey) Coldkey {
	c, err := CurrentColdkey(s, c)
	if err != nil {
		s.fail(err)
	}
	return c
}

// gone refuses a hotkey that was rotated away.
func gone(s *state, h Hotkey) error {
	if s.has(heirKey(h)) {
		return reject(CodeRotated, "%s has taken the place of %s", s.hotkey(h), h)
	}
	return nil
}
