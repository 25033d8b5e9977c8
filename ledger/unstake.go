package ledger

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// AllStake as an amount of stake means the whole position.
const AllStake = ^uint64(0)

// Unstake takes stake from behind a hotkey: on the root network one for one,
// through the queue when it answers for a producer, on a subnet by selling its
// alpha to the pool: [2, netuid, hotkey, amount, least, limit, partial].
type Unstake struct {
	NetUID NetUID
	Hotkey Hotkey
	Amount StakeAmount // in alpha, or in rao on the root network; AllStake for everything
	// What follows is ignored on the root network.
	Least   unit.TAO   // fewest TAO to accept
	Limit   PriceLimit // what the trade must leave the price at, at least
	Partial bool       // take out as much as the limit allows, instead of all or nothing
}

// StakeAmount is an amount of stake in its smallest unit: rao on the root
// network, units of alpha elsewhere.
type StakeAmount uint64

// String writes the amount, which a subnet gives its unit.
func (a StakeAmount) String() string {
	if uint64(a) == AllStake {
		return "all"
	}
	return fmt.Sprintf("%d.%09d (TAO on netuid 0, alpha elsewhere)", uint64(a)/uint64(unit.Coin), uint64(a)%uint64(unit.Coin))
}

func (*Unstake) kind() Kind { return KindUnstake }

func (p *Unstake) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 7), 2), uint64(p.NetUID))
	b = cbor.AppendUint(cbor.AppendBytes(b, p.Hotkey[:]), uint64(p.Amount))
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(p.Least)), uint64(p.Limit))
	return cbor.AppendBool(b, p.Partial)
}

func decodeUnstake(d *cbor.Decoder) *Unstake {
	d.Version(7, 2)
	return &Unstake{NetUID: NetUID(d.UintMax(65535)), Hotkey: d.Hash(), Amount: StakeAmount(d.Uint()), Least: unit.TAO(d.Uint()),
		Limit: PriceLimit(d.Uint()), Partial: d.Bool()}
}

// leaving checks an amount against a position. What is left of it must be worth
// the least stake, and behind another's hotkey the least nomination, or nothing
// (economics, staking, calls and limits).
func leaving(s *state, n NetUID, h Hotkey, c Coldkey, a StakeAmount, params *Params) (uint64, error) {
	worth, err := LoadPosition(s, n, h, c)
	if err != nil {
		return 0, err
	}
	amount := uint64(a)
	if amount == AllStake {
		amount = worth
	}
	least := params.MinStake
	if owner(s, h) != c {
		least = max(least, params.NominatorMin)
	}
	switch left := worth - amount; {
	case worth == 0 || amount > worth:
		return 0, reject(CodeStake, "%d of a stake of %d behind %s on netuid %d", amount, worth, h, n)
	case amount == 0:
		return 0, reject(CodeAmount, "nothing to take out")
	case left > 0 && inTAO(s, n, left) < least:
		return 0, reject(CodeAmount, "stake worth %s would be left, at least %s: take all out, or less", inTAO(s, n, left), least)
	}
	return amount, nil
}

func applyUnstake(s *state, t *Tx, p *Unstake, h Height, params *Params) error {
	amount, err := leaving(s, p.NetUID, p.Hotkey, t.Account, p.Amount, params)
	if err != nil {
		return err
	}
	if p.NetUID == 0 {
		if err := leaveRoot(s, p.Hotkey, t.Account, amount, Hotkey{}, h, params); err != nil {
			return err
		}
		s.emit(Event{Kind: "unstaked", Hotkey: p.Hotkey, Amount: amount})
		return nil
	}
	m, ok := fetch[Market](s, marketKey(p.NetUID))
	if !ok {
		return reject(CodeNetUID, "netuid %d", p.NetUID)
	}
	if p.Limit != 0 && p.Partial {
		amount = uint64(pool.MostSell(m.TAO, m.Alpha, unit.Alpha(amount), params.PoolFee, p.Limit.price()))
		if amount == 0 {
			return reject(CodePrice, "the price is %s TAO per alpha now, the limit %s", m.SpotPrice(), p.Limit)
		}
		if amount, err = leaving(s, p.NetUID, p.Hotkey, t.Account, StakeAmount(amount), params); err != nil {
			return err
		}
	}
	if err := withdraw(s, p.NetUID, p.Hotkey, t.Account, amount); err != nil {
		return err
	}
	out, err := sellWithin(s, &m, unit.Alpha(amount), p.Limit, p.Least, params.PoolFee)
	if err != nil {
		return err
	}
	store(s, marketKey(p.NetUID), m)
	if err := arrive(s, t.Account, uint64(out), Hotkey{}); err != nil {
		return err
	}
	s.emit(Event{Kind: "unstaked", NetUID: p.NetUID, Hotkey: p.Hotkey, Amount: amount})
	return nil
}

// MoveStake takes stake from behind one hotkey and puts it behind another of
// the same subnet, without a trade: [1, netuid, from, to, amount]. On the root
// network stake that answers for a producer goes through the queue, so that it
// cannot walk away from a double vote, and stands behind the other hotkey
// afterwards.
type MoveStake struct {
	NetUID NetUID
	From   Hotkey
	To     Hotkey
	Amount StakeAmount // AllStake for everything
}

func (*MoveStake) kind() Kind { return KindMoveStake }

func (p *MoveStake) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 5), 1), uint64(p.NetUID))
	return cbor.AppendUint(cbor.AppendBytes(cbor.AppendBytes(b, p.From[:]), p.To[:]), uint64(p.Amount))
}

func decodeMoveStake(d *cbor.Decoder) *MoveStake {
	d.Version(5, 1)
	return &MoveStake{NetUID: NetUID(d.UintMax(65535)), From: d.Hash(), To: d.Hash(), Amount: StakeAmount(d.Uint())}
}

func applyMoveStake(s *state, t *Tx, p *MoveStake, h Height, params *Params) error {
	if p.From == p.To {
		return reject(CodeAmount, "the stake stands behind %s already", p.To)
	}
	if owner(s, p.To) == (Coldkey{}) {
		return reject(CodeUnregistered, "nobody has registered the hotkey %s", p.To)
	}
	amount, err := leaving(s, p.NetUID, p.From, t.Account, p.Amount, params)
	if err != nil {
		return err
	}
	if p.NetUID == 0 {
		err = leaveRoot(s, p.From, t.Account, amount, p.To, h, params)
	} else if err = withdraw(s, p.NetUID, p.From, t.Account, amount); err == nil {
		if err = deposit(s, p.NetUID, p.To, t.Account, amount); err != nil {
			err = reject(CodeAmount, "%v", err)
		}
	}
	if err != nil {
		return err
	}
	s.emit(Event{Kind: "moved", NetUID: p.NetUID, Hotkey: p.To, Amount: amount})
	return nil
}
