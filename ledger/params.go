package ledger

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Params are the parameters of the whole chain.
type Params struct {
	FeeBase     unit.TAO // of every paying transaction
	FeeByte     unit.TAO // per byte of it
	FeeStep     unit.TAO // per step of work its kind asks for
	TAOWeight   uint64   // weight of root stake in a subnet, over 2^64
	MinStake    unit.TAO // least amount of one stake
	PriceAlpha  uint64   // smoothing of the price average per block, over 2^32
	PriceHalf   uint64   // blocks after which half of it applies
	PoolFee     uint16   // fee of a trade, over 65,535
	MaxTake     uint16   // a hotkey owner's cut of dividends, over 65,535
	OwnerCut    uint16   // a subnet owner's cut of the alpha minted, over 65,535
	StepsABlock uint8    // epochs whose steps may run in one block
	Dispute     uint64   // epochs between an epoch's reveal and its step
}

// DefaultParams are those of the public network.
func DefaultParams() Params {
	return Params{FeeBase: 100_000, FeeByte: 100, FeeStep: 10_000, TAOWeight: 971_718_665_099_567_868,
		MinStake: 2_000_000, PriceAlpha: 12_885, PriceHalf: 201_600, PoolFee: 33, MaxTake: 11_796, OwnerCut: 11_796,
		StepsABlock: 2}
}

// Validate reports the first parameter outside its bounds.
func (p *Params) Validate() error {
	switch {
	case p.PriceAlpha > 1<<32:
		return fmt.Errorf("price alpha %d: at most 2^32", p.PriceAlpha)
	case p.PriceHalf == 0:
		return fmt.Errorf("price half-life 0: at least 1 block")
	case p.PoolFee > 10_000:
		return fmt.Errorf("pool fee %d: at most 10,000 of 65,535", p.PoolFee)
	case p.StepsABlock == 0:
		return fmt.Errorf("steps per block 0: at least 1")
	case p.Dispute != 0:
		return fmt.Errorf("dispute epochs %d: disputes are not part of this version", p.Dispute)
	}
	return nil
}

func (p *Params) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 13), 1)
	for _, v := range []uint64{uint64(p.FeeBase), uint64(p.FeeByte), uint64(p.FeeStep), p.TAOWeight, uint64(p.MinStake),
		p.PriceAlpha, p.PriceHalf, uint64(p.PoolFee), uint64(p.MaxTake), uint64(p.OwnerCut), uint64(p.StepsABlock), p.Dispute} {
		b = cbor.AppendUint(b, v)
	}
	return b
}

func (p *Params) decode(d *cbor.Decoder) {
	d.Version(13, 1)
	*p = Params{FeeBase: unit.TAO(d.Uint()), FeeByte: unit.TAO(d.Uint()), FeeStep: unit.TAO(d.Uint()), TAOWeight: d.Uint(),
		MinStake: unit.TAO(d.Uint()), PriceAlpha: d.Uint(), PriceHalf: d.Uint(), PoolFee: uint16(d.UintMax(65535)),
		MaxTake: uint16(d.UintMax(65535)), OwnerCut: uint16(d.UintMax(65535)), StepsABlock: uint8(d.UintMax(255)), Dispute: d.Uint()}
}

// SubnetParams are the hyper-parameters of one subnet.
type SubnetParams struct {
	Tempo          uint16   // blocks per epoch
	Rounds         []uint16 // start of each round, in blocks after the epoch's first
	Asked          uint16   // miners asked per round
	DeadlineMS     uint32   // time a miner has to answer, in milliseconds
	SkipMax        uint16   // rounds a validator may skip in an epoch, in thousandths
	EvidenceMax    uint64   // bytes of one validator's evidence of one epoch; kept in the format, not enforced yet
	MaxUIDs        uint16
	MaxValidators  uint16
	Immunity       uint16 // blocks; without effect while uids are not replaced
	Kappa          uint16 // share of stake that must back a weight, over 65,535
	BondsAverage   uint32 // part of old bonds kept per epoch, in millionths
	BondsPenalty   uint16 // over 65,535
	ActivityFactor uint32 // thousandths of a tempo after which a silent validator is inactive
	MinBurn        unit.TAO
	MaxBurn        unit.TAO
	BurnHalfLife   uint16 // blocks; 0 for no decay
	BurnIncrease   uint64 // factor of the price at each registration, over 2^32
	Module         []byte // parameters of the module, handed to it as they are
}

// DefaultSubnetParams are those of a new subnet, without rounds.
func DefaultSubnetParams() SubnetParams {
	return SubnetParams{Tempo: 360, Asked: 64, DeadlineMS: 12_000, SkipMax: 100, EvidenceMax: 64 << 20, MaxUIDs: 256,
		MaxValidators: 64, Immunity: 5000, Kappa: 32767, BondsAverage: 900_000, BondsPenalty: 65535, ActivityFactor: 13_889,
		MinBurn: 500_000, MaxBurn: 100e9, BurnHalfLife: 360, BurnIncrease: 5_411_658_793}
}

// CommitWindow is the number of blocks at the start of the next epoch in which
// the weights of an epoch may be committed: max(4, tempo/8).
func (p *SubnetParams) CommitWindow() uint64 { return max(4, uint64(p.Tempo)/8) }

// Validate reports the first parameter outside its bounds.
func (p *SubnetParams) Validate() error {
	if w := p.CommitWindow(); uint64(p.Tempo) < w+4 {
		return fmt.Errorf("tempo %d: at least %d, so that a reveal fits behind the commit window", p.Tempo, w+4)
	}
	for i, r := range p.Rounds {
		if r >= p.Tempo || i > 0 && r <= p.Rounds[i-1] {
			return fmt.Errorf("round %d starts at block %d: starts must rise and lie below the tempo %d", i, r, p.Tempo)
		}
	}
	switch {
	case len(p.Rounds) == 0 || len(p.Rounds) > 1024:
		return fmt.Errorf("%d rounds: 1 to 1,024", len(p.Rounds))
	case p.Asked == 0 || p.Asked > MaxRoster:
		return fmt.Errorf("asked %d: 1 to %d", p.Asked, MaxRoster)
	case p.MaxUIDs == 0 || p.MaxUIDs > MaxRoster || p.MaxValidators == 0 || p.MaxValidators > p.MaxUIDs:
		return fmt.Errorf("max uids %d, max validators %d: validators at most uids, uids at most %d", p.MaxUIDs, p.MaxValidators, MaxRoster)
	case p.DeadlineMS == 0 || p.DeadlineMS > 120_000:
		return fmt.Errorf("deadline %d ms: 1 to 120,000", p.DeadlineMS)
	case p.SkipMax > 1000:
		return fmt.Errorf("skip max %d: at most 1,000 thousandths", p.SkipMax)
	case p.BondsAverage > 1_000_000:
		return fmt.Errorf("bonds average %d: at most 1,000,000", p.BondsAverage)
	case p.MinBurn == 0 || p.MinBurn > p.MaxBurn:
		return fmt.Errorf("registration price %d to %d rao: the least must be above 0 and at most the most", p.MinBurn, p.MaxBurn)
	case p.BurnIncrease < 1<<32 || p.BurnIncrease > 3<<32:
		return fmt.Errorf("burn increase %d: 1 to 3, over 2^32", p.BurnIncrease)
	case len(p.Module) > 16<<10:
		return fmt.Errorf("%d bytes of module parameters: at most 16 KiB", len(p.Module))
	}
	return nil
}

func (p *SubnetParams) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 19), 1)
	b = cbor.AppendUint(b, uint64(p.Tempo))
	b = cbor.AppendArray(b, len(p.Rounds))
	for _, r := range p.Rounds {
		b = cbor.AppendUint(b, uint64(r))
	}
	for _, v := range []uint64{uint64(p.Asked), uint64(p.DeadlineMS), uint64(p.SkipMax), p.EvidenceMax, uint64(p.MaxUIDs),
		uint64(p.MaxValidators), uint64(p.Immunity), uint64(p.Kappa), uint64(p.BondsAverage), uint64(p.BondsPenalty),
		uint64(p.ActivityFactor), uint64(p.MinBurn), uint64(p.MaxBurn), uint64(p.BurnHalfLife), p.BurnIncrease} {
		b = cbor.AppendUint(b, v)
	}
	return cbor.AppendBytes(b, p.Module)
}

func (p *SubnetParams) decode(d *cbor.Decoder) {
	d.Version(19, 1)
	u16 := func() uint16 { return uint16(d.UintMax(65535)) }
	u32 := func() uint32 { return uint32(d.UintMax(1<<32 - 1)) }
	p.Tempo = u16()
	p.Rounds = nil
	for range d.ArrayMax(1024) {
		p.Rounds = append(p.Rounds, u16())
	}
	p.Asked, p.DeadlineMS, p.SkipMax, p.EvidenceMax, p.MaxUIDs = u16(), u32(), u16(), d.Uint(), u16()
	p.MaxValidators, p.Immunity, p.Kappa, p.BondsAverage, p.BondsPenalty = u16(), u16(), u16(), u32(), u16()
	p.ActivityFactor, p.MinBurn, p.MaxBurn = u32(), unit.TAO(d.Uint()), unit.TAO(d.Uint())
	p.BurnHalfLife, p.BurnIncrease = u16(), d.Uint()
	p.Module = append([]byte(nil), d.Bytes(16<<10)...)
}

// Hash is the parameters hash of an epoch record.
func (p *SubnetParams) Hash() [32]byte { return key.Hash("params", p.append(nil)) }
