package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// RateLimit is the least price of the alpha that a swap gives, in the alpha that
// it takes, in billionths; 0 for none.
type RateLimit uint64

// String writes the rate.
func (l RateLimit) String() string {
	if l == 0 {
		return "none"
	}
	return unit.PriceFromNano(uint64(l)).String() + " of the destination's for one of the origin's"
}

// SwapStake takes stake from behind a hotkey on one subnet and puts it behind the
// same hotkey on another, netuid 0 for root: [1, from, to, hotkey, amount, least,
// limit, partial]. One fee is due: on the purchase, or on the sale when the
// destination is root (economics, staking, calls and limits). Root stake that
// answers for a producer cannot be swapped: it leaves through the queue.
type SwapStake struct {
	From    NetUID
	To      NetUID
	Hotkey  Hotkey
	Amount  StakeAmount // of the origin; AllStake for everything
	Least   StakeAmount // of the destination, fewest to accept
	Limit   RateLimit   // what the swap must leave the rate of both prices at, at least
	Partial bool        // swap as much as the limit allows, instead of all or nothing
}

func (*SwapStake) kind() Kind { return KindSwapStake }

func (p *SwapStake) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 8), 1), uint64(p.From)), uint64(p.To))
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendBytes(b, p.Hotkey[:]), uint64(p.Amount)), uint64(p.Least))
	return cbor.AppendBool(cbor.AppendUint(b, uint64(p.Limit)), p.Partial)
}

func decodeSwapStake(d *cbor.Decoder) *SwapStake {
	d.Version(8, 1)
	return &SwapStake{From: decodeNetUID(d), To: decodeNetUID(d), Hotkey: d.Hash(), Amount: StakeAmount(d.Uint()),
		Least: StakeAmount(d.Uint()), Limit: RateLimit(d.Uint()), Partial: d.Bool()}
}

// exchange is the two pools that a swap goes through; a nil one is root, where a
// rao is a rao.
type exchange struct {
	from, to       *Market
	feeFrom, feeTo uint16
}

// after returns what a swap of in would get and the rate of the prices that it
// would leave, whatever the guards of trades say.
func (x *exchange) after(in uint64) (out uint64, rate unit.U128, ok bool) {
	tao, left, right := in, unit.OnePrice, unit.OnePrice
	if x.from != nil {
		if tao, ok = pool.Quote(uint64(x.from.Alpha), uint64(x.from.TAO), in, x.feeFrom); !ok {
			return 0, rate, false
		}
		left = unit.PriceOf(x.from.TAO-unit.TAO(tao), x.from.Alpha+unit.Alpha(in))
	}
	out = tao
	if x.to != nil {
		if out, ok = pool.Quote(uint64(x.to.TAO), uint64(x.to.Alpha), tao, x.feeTo); !ok {
			return 0, rate, false
		}
		right = unit.PriceOf(x.to.TAO+unit.TAO(tao), x.to.Alpha-unit.Alpha(out))
	}
	rate, _, ok = unit.MulDiv128(unit.U128(left), unit.U128{Lo: unit.Coin}, unit.U128(right))
	return out, rate, ok && !right.IsZero()
}

func (x *exchange) within(limit RateLimit) func(uint64) bool {
	return func(in uint64) bool {
		_, rate, ok := x.after(in)
		return ok && rate.Cmp(unit.U128From(uint64(limit))) >= 0
	}
}

func applySwapStake(s *state, t *Tx, p *SwapStake, h Height, params *Params) error {
	if p.From == p.To {
		return reject(CodeNetUID, "the stake is on netuid %d already", p.To)
	}
	x := &exchange{feeTo: params.PoolFee}
	if p.To == 0 {
		x.feeFrom = params.PoolFee
	}
	for _, side := range []struct {
		n  NetUID
		at **Market
	}{{p.From, &x.from}, {p.To, &x.to}} {
		if side.n == 0 {
			continue
		}
		m, err := takesStake(s, side.n)
		if err != nil {
			return err
		}
		*side.at = &m
	}
	if p.From == 0 && bondedUntil(s, p.Hotkey) >= h {
		return reject(CodeQueued, "the root stake behind %s answers for a producer: unstake it, and stake again when it has left the queue", p.Hotkey)
	}
	amount, err := leaving(s, p.From, p.Hotkey, t.Account, p.Amount, params)
	if err != nil {
		return err
	}
	if p.Limit != 0 {
		within := x.within(p.Limit)
		if p.Partial {
			amount = pool.Most(amount, within)
		}
		if amount == 0 || !within(amount) {
			_, now, _ := x.after(0)
			return reject(CodePrice, "the rate is %s billionths now, the limit %d: less, or a lower limit", now, uint64(p.Limit))
		}
		if amount, err = leaving(s, p.From, p.Hotkey, t.Account, StakeAmount(amount), params); err != nil {
			return err
		}
	}
	if err := withdraw(s, p.From, p.Hotkey, t.Account, amount); err != nil {
		return err
	}
	tao := unit.TAO(amount)
	if p.From == 0 {
		bookRoot(s, 0, tao)
	} else {
		if tao, err = sellWithin(s, x.from, unit.Alpha(amount), 0, 0, x.feeFrom); err != nil {
			return err
		}
		store(s, marketKey(p.From), *x.from)
	}
	if tao < params.MinStake {
		return reject(CodeAmount, "%s would be swapped: at least %s", tao, params.MinStake)
	}
	got := uint64(tao)
	if p.To == 0 {
		bookRoot(s, tao, 0)
	} else {
		out, err := buy(s, x.to, tao, x.feeTo)
		if err != nil {
			return err
		}
		x.to.Staked += out
		store(s, marketKey(p.To), *x.to)
		got = uint64(out)
	}
	if got < uint64(p.Least) {
		return reject(CodePrice, "%s would be got, at least %s was asked for", StakeAmount(got), p.Least)
	}
	if err := deposit(s, p.To, p.Hotkey, t.Account, got); err != nil {
		return reject(CodeAmount, "%v", err)
	}
	s.emit(Event{Kind: "swapped", NetUID: p.To, Hotkey: p.Hotkey, Amount: got})
	return nil
}

// bookRoot counts what came to and left the root network.
func bookRoot(s *state, came, left unit.TAO) {
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Root = tot.Root + came - left
	store(s, []byte(prefixTotals), tot)
}

// takesStake reads the market of a subnet that has started.
func takesStake(s *state, n NetUID) (Market, error) {
	sub, ok := fetch[Subnet](s, subnetKey(n))
	if !ok {
		return Market{}, reject(CodeNetUID, "netuid %d", n)
	}
	if sub.Started == 0 {
		return Market{}, reject(CodeNotStarted, "netuid %d takes stake once its owner has started it", n)
	}
	return need[Market](s, marketKey(n)), nil
}

// TransferStake gives stake to another coldkey; it stays behind its hotkey:
// [1, netuid, hotkey, to, amount]. A subnet's owner may forbid it
// (stake_transfer).
type TransferStake struct {
	NetUID NetUID
	Hotkey Hotkey
	To     Coldkey
	Amount StakeAmount // AllStake for everything
}

func (*TransferStake) kind() Kind { return KindTransferStake }

func (p *TransferStake) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 5), 1), uint64(p.NetUID))
	return cbor.AppendUint(cbor.AppendBytes(cbor.AppendBytes(b, p.Hotkey[:]), p.To[:]), uint64(p.Amount))
}

func decodeTransferStake(d *cbor.Decoder) *TransferStake {
	d.Version(5, 1)
	return &TransferStake{NetUID: decodeNetUID(d), Hotkey: d.Hash(), To: d.Hash(), Amount: StakeAmount(d.Uint())}
}

func applyTransferStake(s *state, t *Tx, p *TransferStake, params *Params) error {
	if p.To == t.Account {
		return reject(CodeAmount, "%s has the stake already", p.To)
	}
	if p.NetUID != 0 {
		sub, ok := fetch[Subnet](s, subnetKey(p.NetUID))
		if !ok {
			return reject(CodeNetUID, "netuid %d", p.NetUID)
		}
		if !sub.Params.StakeTransfer {
			return reject(CodeNoTransfer, "the owner of netuid %d lets no stake change hands: unstake it and transfer TAO", p.NetUID)
		}
	}
	amount, err := leaving(s, p.NetUID, p.Hotkey, t.Account, p.Amount, params)
	if err != nil {
		return err
	}
	if v := inTAO(s, p.NetUID, amount); v < params.MinStake {
		return reject(CodeAmount, "stake worth %s: at least %s", v, params.MinStake)
	}
	if err := withdraw(s, p.NetUID, p.Hotkey, t.Account, amount); err != nil {
		return err
	}
	if err := deposit(s, p.NetUID, p.Hotkey, p.To, amount); err != nil {
		return reject(CodeAmount, "%v", err)
	}
	s.emit(Event{Kind: "stake_transferred", NetUID: p.NetUID, Hotkey: p.Hotkey, Amount: amount})
	return nil
}

// inTAO is what stake on a subnet is worth at the price of now.
func inTAO(s *state, n NetUID, amount uint64) unit.TAO {
	if n == 0 {
		return unit.TAO(amount)
	}
	m, _ := fetch[Market](s, marketKey(n))
	return m.SpotPrice().TAO(unit.Alpha(amount))
}
