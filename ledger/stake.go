package ledger

import (
	"encoding/binary"
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// HotkeyPool is the stake behind a hotkey in one subnet, in alpha, or on the
// root network, in rao.
type HotkeyPool struct{ pool.Share }

func (p *HotkeyPool) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	return appendU128(cbor.AppendUint(b, uint64(p.Value)), p.Shares)
}

func (p *HotkeyPool) decode(d *cbor.Decoder) {
	d.Version(3, 1)
	p.Value, p.Shares = unit.Alpha(d.Uint()), decodeU128(d)
}

// position is a coldkey's part of a hotkey's pool.
type position struct{ Shares unit.U128 }

func (p *position) append(b []byte) []byte {
	return appendU128(cbor.AppendUint(cbor.AppendArray(b, 2), 1), p.Shares)
}

func (p *position) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	p.Shares = decodeU128(d)
}

// A 128-bit number is a 16-byte string, big-endian.
func appendU128(b []byte, v unit.U128) []byte {
	var w [16]byte
	binary.BigEndian.PutUint64(w[:8], v.Hi)
	binary.BigEndian.PutUint64(w[8:], v.Lo)
	return cbor.AppendBytes(b, w[:])
}

func decodeU128(d *cbor.Decoder) unit.U128 {
	var w [16]byte
	d.Fixed(w[:])
	return unit.U128{Hi: binary.BigEndian.Uint64(w[:8]), Lo: binary.BigEndian.Uint64(w[8:])}
}

// LoadStake returns the stake behind a hotkey in a subnet, or in rao on the
// root network.
func LoadStake(v View, n NetUID, h Hotkey) (uint64, error) {
	p, _, err := load[HotkeyPool](v, hotkeyPoolKey(n, h))
	return uint64(p.Value), err
}

// LoadPosition returns what a coldkey's part of a hotkey's stake is worth.
func LoadPosition(v View, n NetUID, h Hotkey, c Coldkey) (uint64, error) {
	p, _, err := load[HotkeyPool](v, hotkeyPoolKey(n, h))
	if err != nil {
		return 0, err
	}
	pos, _, err := load[position](v, sharesKey(n, h, c))
	return uint64(p.Worth(pos.Shares)), err
}

// deposit adds stake to a position. The caller has booked the amount as Staked
// of the market, or Root of the totals. An amount too small for one share is
// pool.ErrShares and changes nothing.
func deposit(s *state, n NetUID, h Hotkey, c Coldkey, amount uint64) error {
	if amount == 0 {
		return nil
	}
	p, _ := fetch[HotkeyPool](s, hotkeyPoolKey(n, h))
	minted, err := p.Add(unit.Alpha(amount))
	if err != nil {
		return err
	}
	pos, _ := fetch[position](s, sharesKey(n, h, c))
	sum, ok := pos.Shares.Add(minted)
	if !ok {
		return pool.ErrShares
	}
	store(s, hotkeyPoolKey(n, h), p)
	hold(s, n, h, c, sum)
	return nil
}

// grow adds a dividend to a hotkey's pool, for all its nominators; a pool that
// nobody holds gives it to the hotkey's owner.
func grow(s *state, n NetUID, h Hotkey, amount uint64) error {
	p, _ := fetch[HotkeyPool](s, hotkeyPoolKey(n, h))
	err := p.Grow(unit.Alpha(amount))
	if errors.Is(err, pool.ErrShares) {
		return deposit(s, n, h, owner(s, h), amount)
	}
	if err == nil {
		store(s, hotkeyPoolKey(n, h), p)
	}
	return err
}

// rootWeight is w·root, rounded down: the root stake times TAOWeight over 2^64.
func rootWeight(s *state, h Hotkey) uint64 {
	root, _ := fetch[HotkeyPool](s, hotkeyPoolKey(0, h))
	params := need[Params](s, []byte(prefixParams))
	return unit.Mul64(uint64(root.Value), params.TAOWeight).Hi
}

// applyStake puts TAO behind a hotkey.
func applyStake(s *state, t *Tx, p *Stake, params *Params) error {
	if p.Amount < params.MinStake {
		return reject(CodeAmount, "%s: at least %s", p.Amount, params.MinStake)
	}
	if owner(s, p.Hotkey) == (Coldkey{}) {
		return reject(CodeUnregistered, "nobody has registered the hotkey %s", p.Hotkey)
	}
	spent, got := p.Amount, uint64(p.Amount)
	if p.NetUID == 0 {
		bookRoot(s, p.Amount, 0)
	} else {
		m, err := takesStake(s, p.NetUID)
		if err != nil {
			return err
		}
		var out unit.Alpha
		if spent, out, err = buyWithin(s, &m, p.Amount, p.Limit, p.Partial, p.Least, params.PoolFee); err != nil {
			return err
		}
		if spent < params.MinStake {
			return reject(CodePrice, "the limit leaves %s to be staked: at least %s", spent, params.MinStake)
		}
		m.Staked += out
		store(s, marketKey(p.NetUID), m)
		got = uint64(out)
	}
	if err := pay(s, t, spent); err != nil {
		return err
	}
	if err := deposit(s, p.NetUID, p.Hotkey, t.Account, got); err != nil {
		return reject(CodeAmount, "%v", err)
	}
	s.emit(Event{Kind: "staked", NetUID: p.NetUID, Hotkey: p.Hotkey, Amount: got})
	return nil
}
