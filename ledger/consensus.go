package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/yuma"
)

// found is what Yuma consensus found for an epoch, by uid as the subnet stands
// at the step.
type found struct {
	neurons   []Neuron
	incentive [][]uint64 // by mechanism: weights of its part of the miners' pot
	dividends []uint64   // weights of the validators' pot, over all mechanisms
	mined     bool       // whether any miner has incentive in any mechanism
}

// bondsRow is a validator's stored bonds.
type bondsRow struct{ yuma.Row }

func (r *bondsRow) append(b []byte) []byte {
	b = cbor.AppendArray(cbor.AppendUint(cbor.AppendArray(b, 2), 1), len(r.Row))
	for _, e := range r.Row {
		b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 2), uint64(e.UID)), uint64(e.Value))
	}
	return b
}

func (r *bondsRow) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	for range d.ArrayMax(MaxRoster) {
		d.Array(2)
		r.Row = append(r.Row, yuma.Entry{UID: uint16(d.UintMax(65535)), Value: uint16(d.UintMax(65535))})
	}
}

// consensus runs Yuma for epoch e, once for each mechanism over the rows revealed
// for it, with the permits of the roster and the stakes of now, and stores the
// bonds. A hotkey's dividends of several mechanisms count by their parts of the
// split (economics, mechanisms).
func consensus(s *state, n NetUID, e Epoch, h Height, sub *Subnet) (*found, error) {
	c, err := newCouncil(s, n, e, h, sub)
	if err != nil {
		return nil, err
	}
	f := &found{neurons: c.neurons, dividends: make([]uint64, len(c.neurons))}
	for m := range sub.Mechanisms() {
		out, err := c.mechanism(m)
		if err != nil {
			return nil, err
		}
		part := uint64(65535)
		if len(sub.Split) > 0 {
			part = uint64(sub.Split[m])
		}
		servers := out.ServerWeights()
		f.incentive = append(f.incentive, servers)
		for u, d := range out.ValidatorWeights() {
			f.dividends[u] += d * part // at most 16 · 2^32 · 2^16
			f.mined = f.mined || servers[u] > 0
		}
	}
	for u := range f.neurons {
		f.neurons[u].Reset = false
	}
	return f, s.err
}

// council is what all mechanisms of an epoch's step share.
type council struct {
	s         *state
	n         NetUID
	e         Epoch
	h         Height
	sub       *Subnet
	roster    Roster
	first     Height // of epoch e
	step      Height // of the last step
	threshold uint64
	neurons   []Neuron
	member    []int // by uid: index in the roster, -1 for a hotkey that came later
	live      []int // by roster index: uid, -1 for one that is gone or came anew
}

// newCouncil is the council of epoch e at block h.
func newCouncil(s *state, n NetUID, e Epoch, h Height, sub *Subnet) (*council, error) {
	roster, err := LoadRoster(s, n, e)
	if err != nil {
		return nil, err
	}
	rec, err := LoadRecord(s, n, e)
	if err != nil || rec == nil {
		return nil, broken("netuid %d: epoch %d is due and has no record: %v", n, e, err)
	}
	c := &council{s: s, n: n, e: e, h: h, sub: sub, roster: roster, first: rec.First, step: need[Clock](s, clockKey(n)).Step,
		threshold: need[Params](s, []byte(prefixParams)).StakeThreshold, neurons: neurons(s, n)}
	c.seat()
	return c, nil
}

// seat finds out who of the roster still holds a uid.
func (c *council) seat() {
	at := make(map[Hotkey]int, len(c.roster))
	c.member, c.live = make([]int, len(c.neurons)), make([]int, len(c.roster))
	for i := range c.roster {
		at[c.s.hotkey(c.roster[i].Hotkey)], c.live[i] = i, -1
	}
	for u := range c.neurons {
		i, ok := at[c.neurons[u].Hotkey]
		if !ok || c.neurons[u].Registered >= c.first {
			i = -1
		} else {
			c.live[i] = u
		}
		c.member[u] = i
	}
}

// input is what Yuma takes for one mechanism, with when each uid last set weights
// in it.
func (c *council) input(mech uint8) (in yuma.Input, standing []Standing, err error) {
	s, p, at := c.s, &c.sub.Params, c.n.Mechanism(mech)
	in = yuma.Input{N: len(c.neurons), Now: c.h, Tempo: uint64(p.Tempo), LastStep: c.step, StakeThreshold: c.threshold,
		ActivityCutoff: yuma.ActivityCutoff(p.ActivityFactor, p.Tempo), Kappa: p.Kappa, MaxValidators: int(p.MaxValidators),
		BondsMovingAverage: uint64(p.BondsAverage), BondsPenalty: p.BondsPenalty, Owner: -1,
		Yuma3: p.Yuma3, LiquidAlpha: p.LiquidAlpha, AlphaLow: p.AlphaLow, AlphaHigh: p.AlphaHigh, Steepness: int16(p.Steepness)}
	standing = make([]Standing, len(c.neurons))
	for u := range c.neurons {
		nr := &c.neurons[u]
		in.Stake = append(in.Stake, stakeWeight(s, c.n, nr.Hotkey))
		if standing[u].LastUpdate = nr.LastUpdate; mech > 0 {
			standing[u], _ = fetch[Standing](s, standingKey(at, UID(u)))
			standing[u].LastUpdate = max(standing[u].LastUpdate, nr.Registered)
		}
		in.LastUpdate, in.Registered = append(in.LastUpdate, standing[u].LastUpdate), append(in.Registered, nr.Registered)
		if nr.Hotkey == c.sub.OwnerHotkey {
			in.Owner = u
		}
		row := yuma.Row(nil)
		permit := false
		if i := c.member[u]; i >= 0 {
			permit = c.roster[i].Permit
			if row, err = c.row(at, i); err != nil {
				return in, nil, err
			}
		}
		bonds, _ := fetch[bondsRow](s, bondsKey(at, UID(u)))
		in.Permit, in.Weights, in.Bonds = append(in.Permit, permit), append(in.Weights, row), append(in.Bonds, bonds.Row)
	}
	return in, standing, s.err
}

// mechanism runs Yuma for one mechanism and writes what it found of each uid.
func (c *council) mechanism(mech uint8) (*yuma.Output, error) {
	s, p, at := c.s, &c.sub.Params, c.n.Mechanism(mech)
	in, standing, err := c.input(mech)
	if err != nil {
		return nil, err
	}
	had := make([]bool, len(in.Bonds))
	for u := range in.Bonds {
		had[u] = len(in.Bonds[u]) > 0
	}
	if p.BondsReset {
		for u := range c.neurons {
			if c.neurons[u].Reset {
				in.Bonds = yuma.ResetBonds(in.Bonds, uint16(u))
			}
		}
	}
	out := yuma.Epoch(in)
	for u := range c.neurons {
		st := Standing{standing[u].LastUpdate, out.Consensus[u].U16Share(), out.Incentive[u].U16Share(), out.Dividends[u].U16Share(), out.Trust[u].U16Share()}
		if mech == 0 {
			nr := &c.neurons[u]
			nr.Consensus, nr.Incentive, nr.Dividends, nr.Trust = st.Consensus, st.Incentive, st.Dividends, st.Trust
		} else {
			store(s, standingKey(at, UID(u)), st)
		}
		if len(out.Bonds[u]) > 0 {
			store(s, bondsKey(at, UID(u)), bondsRow{out.Bonds[u]})
		} else if had[u] {
			s.delete(bondsKey(at, UID(u)))
		}
	}
	return &out, s.err
}

// row reads the row that roster member i revealed under at, by the uids of now. A
// weight for a hotkey that no longer holds the uid it held in the roster's time,
// or a new one, is dropped.
func (c *council) row(at NetUID, i int) (yuma.Row, error) {
	open, err := LoadReveal(c.s, at, c.e, c.roster[i].Hotkey)
	if err != nil || open == nil {
		return nil, err
	}
	dense, err := open.Row.Dense(len(c.roster))
	if err != nil {
		return nil, broken("netuid %d: revealed row of %s: %v", at, c.roster[i].Hotkey, err)
	}
	var row yuma.Row
	for j, w := range dense {
		if u := c.live[j]; w != 0 && u >= 0 {
			row = append(row, yuma.Entry{UID: uint16(u), Value: w})
		}
	}
	return row, nil
}
