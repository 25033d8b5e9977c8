package ledger

import (
	"math"
	"sort"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/emission"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// CreateSubnet opens a subnet that the signing coldkey will own:
// [1, hotkey, max price, work keys, proofs of possession]. The price, see
// LockCost, becomes its pool; the hotkey becomes its uid 0.
type CreateSubnet struct {
	Hotkey   Hotkey
	MaxPrice unit.TAO // the creation fails above it
	Work     key.Work
	Proof    key.Possession
}

func (*CreateSubnet) kind() Kind { return KindCreateSubnet }

func (p *CreateSubnet) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 9), 1), p.Hotkey[:])
	b = p.Work.Append(cbor.AppendUint(b, uint64(p.MaxPrice)))
	return p.Proof.Append(b)
}

func decodeCreateSubnet(d *cbor.Decoder) *CreateSubnet {
	d.Version(9, 1)
	return &CreateSubnet{Hotkey: d.Hash(), MaxPrice: unit.TAO(d.Uint()), Work: key.DecodeWork(d), Proof: key.DecodePossession(d)}
}

// StartSubnet begins a subnet's first epoch with the next block: [1, netuid].
type StartSubnet struct{ NetUID NetUID }

func (*StartSubnet) kind() Kind { return KindStartSubnet }

func (p *StartSubnet) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 2), 1), uint64(p.NetUID))
}

func decodeStartSubnet(d *cbor.Decoder) *StartSubnet {
	d.Version(2, 1)
	return &StartSubnet{NetUID: decodeNetUID(d)}
}

func decodeNetUID(d *cbor.Decoder) NetUID { return NetUID(d.UintMax(1<<16 - 1)) }

// Registry remembers the last creation of a subnet.
type Registry struct {
	Cost   unit.TAO // paid for it
	Height Height   // 0 for none since the genesis
}

func (r *Registry) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), uint64(r.Cost)), r.Height)
}

func (r *Registry) decode(d *cbor.Decoder) {
	d.Version(3, 1)
	r.Cost, r.Height = unit.TAO(d.Uint()), d.Uint()
}

// Past is what stays of the subnets that had a netuid before: its epochs go on
// counting, so that the epoch records of all of them keep their places.
type Past struct {
	Subnets uint64   // how many there were
	Epoch   Epoch    // the first that is free
	Record  [32]byte // hash of the last epoch record
}

func (p *Past) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 4), 1), p.Subnets), p.Epoch)
	return cbor.AppendBytes(b, p.Record[:])
}

func (p *Past) decode(d *cbor.Decoder) {
	d.Version(4, 1)
	p.Subnets, p.Epoch, p.Record = d.Uint(), d.Uint(), d.Hash()
}

// LockCost is the price of a subnet in the block after v: the last price paid,
// L, at block B, costs
//
//	factor·L − ⌊L/I⌋·(now − B),  at least MinLock
//
// with I the interval scaled by the block emission, so that it halves with it,
// and a factor of 1 while none was created (economics, lock cost).
func LockCost(v View) (unit.TAO, error) {
	tot, err := LoadTotals(v)
	if err != nil || tot == nil {
		return 0, err
	}
	params, _, err := load[Params](v, []byte(prefixParams))
	if err != nil {
		return 0, err
	}
	r, _, err := load[Registry](v, []byte(prefixRegistry))
	return lockCost(&r, tot, &params, tot.Height+1), err
}

func lockCost(r *Registry, tot *Totals, p *Params, now Height) unit.TAO {
	if r.Height == 0 {
		return p.MinLock
	}
	interval := max(1, unit.MulDiv(p.LockInterval, emission.Block(uint64(tot.Issued)), emission.PerBlock))
	price := unit.MulDiv(uint64(r.Cost), uint64(p.LockFactor), 1)
	fall := unit.MulDiv(uint64(r.Cost)/interval, now-r.Height, 1)
	return max(unit.TAO(price-min(price, fall)), p.MinLock)
}

func applyCreateSubnet(s *state, t *Tx, p *CreateSubnet, h Height, params *Params) error {
	if err := p.Proof.Verify(p.Hotkey, p.Work); err != nil {
		return reject(CodePossession, "%v", err)
	}
	if err := gone(s, p.Hotkey); err != nil {
		return err
	}
	if o := owner(s, p.Hotkey); o != (Coldkey{}) && o != t.Account {
		return reject(CodeOwner, "%s belongs to %s", p.Hotkey, o)
	}
	last, _ := fetch[Registry](s, []byte(prefixRegistry))
	if next := last.Height + params.NetworkRate; last.Height > 0 && h < next {
		return reject(CodeRate, "a subnet was created at block %d: allowed again at block %d", last.Height, next)
	}
	tot := need[Totals](s, []byte(prefixTotals))
	cost := lockCost(&last, &tot, params, h)
	if cost > p.MaxPrice {
		return reject(CodePrice, "a subnet costs %s now, at most %s was offered", cost, p.MaxPrice)
	}
	if err := pay(s, t, cost); err != nil {
		return err
	}
	n, err := vacant(s, h, params)
	if err != nil {
		return err
	}
	if err := openPool(s, n, cost); err != nil {
		return err
	}
	past, _ := fetch[Past](s, pastKey(n))
	past.Subnets++
	store(s, pastKey(n), past)
	sub := Subnet{Owner: t.Account, OwnerHotkey: p.Hotkey, Created: h, Params: DefaultSubnetParams()}
	store(s, subnetKey(n), sub)
	store(s, clockKey(n), Clock{Epoch: past.Epoch, Origin: past.Epoch, Record: past.Record})
	setOwner(s, p.Hotkey, t.Account)
	enter(s, n, 0, p.Hotkey, p.Work, h)
	store(s, []byte(prefixRegistry), Registry{Cost: cost, Height: h})
	s.emit(Event{Kind: "subnet_created", NetUID: n, Hotkey: p.Hotkey, Amount: uint64(cost)})
	return s.err
}

// vacant returns a netuid for a new subnet and adds it to the list. At the limit
// the cheapest subnet that is no longer immune is dissolved: the lowest price
// average, ties to the earlier creation (economics, choosing a subnet to prune).
func vacant(s *state, h Height, params *Params) (NetUID, error) {
	nets, err := Subnets(s)
	if err != nil {
		return 0, err
	}
	if len(nets) >= int(params.SubnetLimit) {
		var victim NetUID
		var price uint64
		var created Height
		first := Height(math.MaxUint64)
		for _, n := range nets {
			sub, m := need[Subnet](s, subnetKey(n)), need[Market](s, marketKey(n))
			if ends := sub.Created + params.NetworkImmunity; h < ends {
				first = min(first, ends)
				continue
			}
			if victim == 0 || m.Price < price || m.Price == price && sub.Created < created {
				victim, price, created = n, m.Price, sub.Created
			}
		}
		if victim == 0 {
			return 0, reject(CodeLimit, "there are %d subnets, and none may be dissolved before block %d", len(nets), first)
		}
		if err := dissolve(s, victim); err != nil {
			return 0, err
		}
		if nets, err = Subnets(s); err != nil {
			return 0, err
		}
	}
	n := NetUID(1)
	for i := 0; i < len(nets) && nets[i] == n; i++ {
		n++
	}
	if n > maxNetUID {
		return 0, broken("%d subnets leave no netuid", len(nets))
	}
	nets = append(nets, n)
	sort.Slice(nets, func(i, j int) bool { return nets[i] < nets[j] })
	setSubnets(s, nets)
	return n, nil
}

func setSubnets(s *state, nets []NetUID) {
	b := cbor.AppendArray(nil, len(nets))
	for _, n := range nets {
		b = cbor.AppendUint(b, uint64(n))
	}
	s.set([]byte(prefixSubnets), b)
}

// openPool makes a subnet's pool of the price paid for it, at the median price of
// the other subnets, 1 when there is none (economics, pool seeding). The alpha
// never reaches half the cap, where nothing would be left to emit.
func openPool(s *state, n NetUID, lock unit.TAO) error {
	nets, err := Subnets(s)
	if err != nil {
		return err
	}
	var prices []unit.Price
	for _, other := range nets {
		if m, ok := fetch[Market](s, marketKey(other)); ok && other != n && !m.SpotPrice().IsZero() {
			prices = append(prices, m.SpotPrice())
		}
	}
	price := median(prices)
	alpha := min(price.Alpha(lock), emission.Cap/4)
	store(s, marketKey(n), Market{TAO: lock, Alpha: alpha, Issued: alpha, Burn: unit.Coin})
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Pooled += lock
	store(s, []byte(prefixTotals), tot)
	return s.err
}

// median is the middle of prices, or the mean of the two, and 1 of none.
func median(prices []unit.Price) unit.Price {
	if len(prices) == 0 {
		return unit.OnePrice
	}
	sort.Slice(prices, func(i, j int) bool { return prices[i].Cmp(prices[j]) < 0 })
	low, high := prices[(len(prices)-1)/2], prices[len(prices)/2]
	sum, ok := unit.U128(low).Add(unit.U128(high))
	if !ok {
		return high
	}
	return unit.Price{Hi: sum.Hi >> 1, Lo: sum.Lo>>1 | sum.Hi<<63}
}

func applyStartSubnet(s *state, t *Tx, p *StartSubnet, h Height, params *Params) error {
	sub, err := ownSubnet(s, t, p.NetUID)
	if err != nil {
		return err
	}
	if sub.Started != 0 {
		return reject(CodeStarted, "netuid %d started at block %d", p.NetUID, sub.Started)
	}
	if at := sub.Created + params.StartDelay; h < at {
		return reject(CodeRate, "netuid %d may start at block %d", p.NetUID, at)
	}
	if err := sub.validate(); err != nil {
		return reject(CodeParameter, "netuid %d cannot start: %v", p.NetUID, err)
	}
	sub.Started = h + 1
	store(s, subnetKey(p.NetUID), sub)
	clock := need[Clock](s, clockKey(p.NetUID))
	clock.First = h + 1
	store(s, clockKey(p.NetUID), clock)
	s.emit(Event{Kind: "subnet_started", NetUID: p.NetUID, Epoch: clock.Epoch, Hotkey: sub.OwnerHotkey})
	return s.err
}

// ownSubnet reads a subnet that the signer owns.
func ownSubnet(s *state, t *Tx, n NetUID) (Subnet, error) {
	sub, ok := fetch[Subnet](s, subnetKey(n))
	if !ok {
		return sub, reject(CodeNetUID, "netuid %d", n)
	}
	if sub.Owner != t.Account {
		return sub, reject(CodeNotOwner, "netuid %d belongs to %s", n, sub.Owner)
	}
	return sub, nil
}
