package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
)

// delegate is what a hotkey's owner keeps of its dividends.
type delegate struct {
	Take   uint16 // over 65,535
	Raised Height // last block at which it rose, 0 for never
}

func (d *delegate) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), uint64(d.Take)), d.Raised)
}

func (d *delegate) decode(c *cbor.Decoder) {
	c.Version(3, 1)
	d.Take, d.Raised = uint16(c.UintMax(65535)), c.Uint()
}

func delegateKey(h Hotkey) []byte { return append([]byte(prefixDelegate), h[:]...) }

// LoadTake returns the cut of its dividends that a hotkey's owner takes, over
// 65,535: what was set, within the chain's bounds, or else the largest.
func LoadTake(v View, h Hotkey) (uint16, error) {
	params, err := ChainParams(v)
	if err != nil {
		return 0, err
	}
	d, ok, err := load[delegate](v, delegateKey(h))
	if !ok {
		return params.MaxTake, err
	}
	return max(params.MinTake, min(params.MaxTake, d.Take)), nil
}

func takeOf(s *state, h Hotkey) uint16 {
	t, err := LoadTake(s, h)
	if err != nil {
		s.fail(err)
	}
	return t
}

// SetTake sets what the owner of a hotkey keeps of its dividends:
// [1, hotkey, take]. It may fall at any time, and rise after a pause, by the
// parameter take_rate (economics, staking, calls and limits).
type SetTake struct {
	Hotkey Hotkey
	Take   uint16 `show:"take over 65535"`
}

func (*SetTake) kind() Kind { return KindSetTake }

func (p *SetTake) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 3), 1), p.Hotkey[:]), uint64(p.Take))
}

func decodeSetTake(d *cbor.Decoder) *SetTake {
	d.Version(3, 1)
	return &SetTake{Hotkey: d.Hash(), Take: uint16(d.UintMax(65535))}
}

// ownHotkey refuses what only a hotkey's owner may do.
func ownHotkey(s *state, t *Tx, h Hotkey) error {
	switch o := owner(s, h); o {
	case t.Account:
		return nil
	case Coldkey{}:
		return reject(CodeUnregistered, "nobody has registered the hotkey %s", h)
	default:
		return reject(CodeOwner, "%s belongs to %s", h, o)
	}
}

func applySetTake(s *state, t *Tx, p *SetTake, h Height, params *Params) error {
	if err := ownHotkey(s, t, p.Hotkey); err != nil {
		return err
	}
	if p.Take < params.MinTake || p.Take > params.MaxTake {
		return reject(CodeParameter, "take %d: must be %d..%d over 65535", p.Take, params.MinTake, params.MaxTake)
	}
	d, _ := fetch[delegate](s, delegateKey(p.Hotkey))
	if p.Take > takeOf(s, p.Hotkey) {
		if next := d.Raised + params.TakeRate; d.Raised != 0 && h < next {
			return reject(CodeRate, "the take of %s rose at block %d: allowed again at block %d", p.Hotkey, d.Raised, next)
		}
		d.Raised = h
	}
	d.Take = p.Take
	store(s, delegateKey(p.Hotkey), d)
	s.emit(Event{Kind: "take_set", Hotkey: p.Hotkey, Amount: uint64(p.Take)})
	return nil
}

// SetAutoStake names the hotkey behind which what the signer's hotkeys mine in a
// subnet is staked: [1, netuid, hotkey], zero for each its own.
type SetAutoStake struct {
	NetUID NetUID
	Hotkey Hotkey
}

func (*SetAutoStake) kind() Kind { return KindSetAutoStake }

func (p *SetAutoStake) append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), uint64(p.NetUID)), p.Hotkey[:])
}

func decodeSetAutoStake(d *cbor.Decoder) *SetAutoStake {
	d.Version(3, 1)
	return &SetAutoStake{NetUID: decodeNetUID(d), Hotkey: d.Hash()}
}

func autoStakeKey(n NetUID, c Coldkey) []byte { return k16x32(prefixAutoStake, uint16(n), c) }

// LoadAutoStake returns the hotkey that a coldkey has named for what it mines in
// a subnet; false when it has named none.
func LoadAutoStake(v View, n NetUID, c Coldkey) (Hotkey, bool, error) {
	b, err := v.Get(autoStakeKey(n, c))
	if err != nil || b == nil {
		return Hotkey{}, false, err
	}
	if len(b) != 32 {
		return Hotkey{}, false, broken("auto-stake of %s has %d bytes", c, len(b))
	}
	h, err := CurrentHotkey(v, Hotkey(b))
	return h, true, err
}

func applySetAutoStake(s *state, t *Tx, p *SetAutoStake) error {
	if p.NetUID == 0 || !s.has(subnetKey(p.NetUID)) {
		return reject(CodeNetUID, "netuid %d", p.NetUID)
	}
	k := autoStakeKey(p.NetUID, t.Account)
	if p.Hotkey == (Hotkey{}) {
		remove(s, k)
	} else {
		if owner(s, p.Hotkey) == (Coldkey{}) {
			return reject(CodeUnregistered, "nobody has registered the hotkey %s", p.Hotkey)
		}
		s.set(k, append([]byte(nil), p.Hotkey[:]...))
	}
	s.emit(Event{Kind: "auto_stake_set", NetUID: p.NetUID, Hotkey: p.Hotkey})
	return nil
}

// minedFor is the hotkey behind which what a hotkey mined is staked.
func minedFor(s *state, n NetUID, h Hotkey, c Coldkey) Hotkey {
	to, ok, err := LoadAutoStake(s, n, c)
	if err != nil {
		s.fail(err)
	}
	if !ok || owner(s, to) == (Coldkey{}) {
		return h
	}
	return to
}
