package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/yuma"
)

// found is what Yuma consensus found for an epoch, by uid as the subnet stands
// at the step.
type found struct {
	neurons   []Neuron
	incentive []uint64 // weights of the miners' pot
	dividends []uint64 // weights of the validators' pot
	mined     bool     // whether any miner has incentive
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

// consensus runs Yuma for epoch e over the rows revealed for it, with the
// permits of its roster and the stakes of now, and stores the bonds.
func consensus(s *state, n NetUID, e Epoch, h Height, sub *Subnet) (*found, error) {
	m, clock := need[Market](s, marketKey(n)), need[Clock](s, clockKey(n))
	roster, err := LoadRoster(s, n, e)
	if err != nil {
		return nil, err
	}
	f := &found{neurons: make([]Neuron, m.Neurons)}
	p := &sub.Params
	in := yuma.Input{N: len(f.neurons), Now: h, Tempo: uint64(p.Tempo), LastStep: clock.Step,
		ActivityCutoff: yuma.ActivityCutoff(p.ActivityFactor, p.Tempo), Kappa: p.Kappa, MaxValidators: int(p.MaxValidators),
		BondsMovingAverage: uint64(p.BondsAverage), BondsPenalty: p.BondsPenalty, Owner: -1,
		Yuma3: p.Yuma3, LiquidAlpha: p.LiquidAlpha, AlphaLow: p.AlphaLow, AlphaHigh: p.AlphaHigh, Steepness: int16(p.Steepness)}
	rec, err := LoadRecord(s, n, e)
	if err != nil || rec == nil {
		return nil, broken("netuid %d: epoch %d is due and has no record: %v", n, e, err)
	}
	for u := range f.neurons {
		nr := need[Neuron](s, neuronKey(n, UID(u)))
		f.neurons[u] = nr
		in.Stake = append(in.Stake, stakeWeight(s, n, nr.Hotkey))
		in.LastUpdate, in.Registered = append(in.LastUpdate, nr.LastUpdate), append(in.Registered, nr.Registered)
		if nr.Hotkey == sub.OwnerHotkey {
			in.Owner = u
		}
		row := yuma.Row(nil)
		permit := false
		if i := roster.Index(nr.Hotkey); i >= 0 && nr.Registered < rec.First {
			permit = roster[i].Permit
			if row, err = rowOf(s, n, e, roster, i, rec.First); err != nil {
				return nil, err
			}
		}
		bonds, _ := fetch[bondsRow](s, bondsKey(n, UID(u)))
		in.Permit, in.Weights, in.Bonds = append(in.Permit, permit), append(in.Weights, row), append(in.Bonds, bonds.Row)
	}
	out := yuma.Epoch(in)
	f.incentive, f.dividends = out.ServerWeights(), out.ValidatorWeights()
	for u := range f.neurons {
		nr := &f.neurons[u]
		nr.Consensus, nr.Incentive = out.Consensus[u].U16Share(), out.Incentive[u].U16Share()
		nr.Dividends, nr.Trust = out.Dividends[u].U16Share(), out.Trust[u].U16Share()
		f.mined = f.mined || f.incentive[u] > 0
		if len(out.Bonds[u]) > 0 {
			store(s, bondsKey(n, UID(u)), bondsRow{out.Bonds[u]})
		} else if len(in.Bonds[u]) > 0 {
			s.delete(bondsKey(n, UID(u)))
		}
	}
	return f, s.err
}

// rowOf reads the row that roster member i revealed for an epoch, by the uids of
// now. A weight for a hotkey that no longer holds the uid it held in the roster's
// time, or a new one, is dropped.
func rowOf(s *state, n NetUID, e Epoch, roster Roster, i int, first Height) (yuma.Row, error) {
	open, err := LoadReveal(s, n, e, roster[i].Hotkey)
	if err != nil || open == nil {
		return nil, err
	}
	dense, err := open.Row.Dense(len(roster))
	if err != nil {
		return nil, broken("netuid %d: revealed row of %s: %v", n, roster[i].Hotkey, err)
	}
	var row yuma.Row
	for j, w := range dense {
		if w == 0 {
			continue
		}
		u, ok, err := FindUID(s, n, roster[j].Hotkey)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if target := need[Neuron](s, neuronKey(n, u)); target.Registered < first {
			row = append(row, yuma.Entry{UID: uint16(u), Value: w})
		}
	}
	return row, nil
}
