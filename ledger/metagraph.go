package ledger

import (
	"encoding/hex"

	"github.com/plexus-network/plexus/ledger/unit"
)

// Metagraph is a subnet as it stands at a height, for reading only. It is made
// on demand and never stored.
type Metagraph struct {
	Height    Height         `json:"height"`
	NetUID    NetUID         `json:"netuid"`
	Epoch     Epoch          `json:"epoch"`
	First     Height         `json:"first"` // first block of the epoch
	Price     string         `json:"price"` // TAO per alpha, now
	PoolTAO   unit.TAO       `json:"pool_rao"`
	PoolAlpha unit.Alpha     `json:"pool_alpha"`
	Issued    unit.Alpha     `json:"issued_alpha"`
	Burned    unit.Alpha     `json:"burned_alpha"`
	Burn      unit.TAO       `json:"registration_rao"`   // price of a registration now
	Started   Height         `json:"started"`            // first block of its first epoch, 0 before its start
	Earns     bool           `json:"earns"`              // whether TAO is emitted to it
	Average   string         `json:"price_average"`      // what the division of the emission goes by
	Staked    unit.Alpha     `json:"staked_alpha"`       // with all hotkeys
	Protocol  unit.Alpha     `json:"protocol_alpha"`     // bought by the chain and kept
	Pending   unit.Alpha     `json:"pending_alpha"`      // set aside for epochs, or to be sold for root
	ForRoot   unit.Alpha     `json:"for_root_alpha"`     // of the pending: to be sold for root
	Tempo     uint16         `json:"tempo"`              // blocks per epoch
	Split     []uint16       `json:"split,omitempty"`    // mechanisms' parts over 65,535, when there are several
	Module    *ModuleStatus  `json:"module,omitempty"`   // in use
	Next      *ModuleStatus  `json:"next,omitempty"`     // announced to follow
	Artifact  string         `json:"artifact,omitempty"` // hash of what the miners build together, in the running epoch
	Identity  *Identity      `json:"identity,omitempty"`
	Neurons   []NeuronStatus `json:"neurons"`
}

// ModuleStatus is a module in a Metagraph.
type ModuleStatus struct {
	Module string `json:"module"` // SHA-256 in hexadecimal
	Meter  uint64 `json:"meter"`
	ABI    uint64 `json:"abi"`
	Answer uint64 `json:"answer_bytes"` // of the largest answer, as declared
	Epoch  Epoch  `json:"epoch"`        // the first that uses it; of one in use, the running one
}

func moduleStatus(u Upgrade) *ModuleStatus {
	if u.Module == ([32]byte{}) {
		return nil
	}
	return &ModuleStatus{Module: hex.EncodeToString(u.Module[:]), Meter: u.Meter, ABI: u.ABI, Answer: u.Answer, Epoch: u.Epoch}
}

// NeuronStatus is one neuron in a Metagraph. Shares are over 65,535, amounts in
// the smallest unit of alpha.
type NeuronStatus struct {
	UID        UID        `json:"uid"`
	Hotkey     Hotkey     `json:"hotkey"`
	Coldkey    Coldkey    `json:"coldkey"`
	Serves     bool       `json:"serves"`
	Permit     bool       `json:"permit"` // in the running epoch
	Registered Height     `json:"registered"`
	LastUpdate Height     `json:"last_update"`
	Stake      unit.Alpha `json:"stake_alpha"`
	Consensus  uint16     `json:"consensus"`
	Incentive  uint16     `json:"incentive"`
	Dividends  uint16     `json:"dividends"`
	Trust      uint16     `json:"trust"`
	Emission   unit.Alpha `json:"emission_alpha"` // paid by the last step
	Earned     unit.Alpha `json:"earned_alpha"`   // paid by all steps
}

// LoadMetagraph reads a subnet's metagraph, nil when there is no such subnet.
func LoadMetagraph(v View, n NetUID) (*Metagraph, error) {
	market, err := LoadMarket(v, n)
	if err != nil || market == nil {
		return nil, err
	}
	clock, err := LoadClock(v, n)
	if err != nil || clock == nil {
		return nil, err
	}
	tot, err := LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	roster, err := LoadRoster(v, n, clock.Epoch)
	if err != nil {
		return nil, err
	}
	m := &Metagraph{Height: tot.Height, NetUID: n, Epoch: clock.Epoch, First: clock.First, Price: market.SpotPrice().String(),
		PoolTAO: market.TAO, PoolAlpha: market.Alpha, Issued: market.Issued, Burned: market.Burned, Burn: market.Burn,
		Average: unit.I32F32(market.Price).String(), Staked: market.Staked, Protocol: market.Protocol, Pending: market.Pending}
	sub, err := LoadSubnet(v, n)
	if err != nil || sub == nil {
		return nil, err
	}
	m.Started, m.Earns, m.Tempo, m.Split = sub.Started, sub.Earns(tot.Height+1, clock.Epoch), sub.Params.Tempo, sub.Split
	m.Module = moduleStatus(Upgrade{sub.Module, sub.Meter, sub.ABI, sub.Answer, sub.NeedsData, clock.Epoch})
	m.Next = moduleStatus(sub.Next)
	if rec, err := LoadRecord(v, n, clock.Epoch); err != nil {
		return nil, err
	} else if rec != nil && rec.Artifact != ([32]byte{}) {
		m.Artifact = hex.EncodeToString(rec.Artifact[:])
	}
	if m.Identity, err = LoadIdentity(v, n); err != nil {
		return nil, err
	}
	if sale, err := LoadRootSale(v, n); err != nil {
		return nil, err
	} else if sale != nil {
		m.ForRoot = sale.Left
	}
	for u := range UID(market.Neurons) {
		nr, err := LoadNeuron(v, n, u)
		if err != nil || nr == nil {
			return nil, err
		}
		s := NeuronStatus{UID: u, Hotkey: nr.Hotkey, Serves: (&Member{Work: nr.Work}).Serves(), Registered: nr.Registered, LastUpdate: nr.LastUpdate,
			Consensus: nr.Consensus, Incentive: nr.Incentive, Dividends: nr.Dividends, Trust: nr.Trust, Emission: nr.Emission, Earned: nr.Earned}
		if s.Coldkey, err = LoadOwner(v, nr.Hotkey); err != nil {
			return nil, err
		}
		stake, err := LoadStake(v, n, nr.Hotkey)
		if err != nil {
			return nil, err
		}
		s.Stake = unit.Alpha(stake)
		if i := roster.Index(nr.Hotkey); i >= 0 {
			s.Permit = roster[i].Permit
		}
		m.Neurons = append(m.Neurons, s)
	}
	return m, nil
}
