package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/ledger/yuma"
)

// MaxEvidence bounds evidence_max, in bytes: who replays a bundle has it in memory.
const MaxEvidence = 64 << 20

// SubnetParams are the hyper-parameters of one subnet. SubnetParameters says
// what each is; Rounds and Module are not numbers and are set by the names
// "rounds" and "module".
type SubnetParams struct {
	Tempo          uint16   // blocks per epoch
	Rounds         []uint16 // start of each round, in blocks after the epoch's first
	Asked          uint16   // miners asked per round
	DeadlineMS     uint32   // time a miner has to answer, in milliseconds
	SkipMax        uint16   // rounds a validator may skip in an epoch, in thousandths
	EvidenceMax    uint64   // bytes of one validator's evidence of one epoch
	MaxUIDs        uint16
	MinUIDs        uint16 // MaxUIDs may not be trimmed below
	MaxValidators  uint16
	Immunity       uint16 // blocks for which a new neuron is not replaced
	OwnerImmune    uint16 // uids of the owner that are never replaced
	MinWeights     uint16 // least weights in a row that has any
	ServeInterval  uint64 // blocks between two serving records of a hotkey
	Kappa          uint16 // share of stake that must back a weight, over 65,535
	BondsAverage   uint32 // part of old bonds kept per epoch, in millionths
	BondsPenalty   uint16 // over 65,535
	BondsReset     bool   // a miner may have the bonds toward it dropped
	Yuma3          bool
	LiquidAlpha    bool
	AlphaLow       uint16 // over 65,535
	AlphaHigh      uint16 // over 65,535
	Steepness      uint16 // hundredths
	ActivityFactor uint32 // thousandths of a tempo after which a silent validator is inactive
	MinBurn        unit.TAO
	MaxBurn        unit.TAO
	BurnHalfLife   uint16 // blocks; 0 for no decay
	BurnIncrease   uint64 // factor of the price at each registration, over 2^32
	Registration   bool   // new neurons are taken; without it nothing is emitted either
	OwnerCut       bool   // the owner has its cut
	UpgradeDelay   uint16 // epochs between the naming of another module and its use
	StakeTransfer  bool   // stake may be given to another coldkey
	MinChildTake   uint16 // least take of a child hotkey, over 65,535
	Module         []byte // parameters of the module, handed to it as they are
}

// Bounds that are not of one parameter.
const (
	maxRounds       = 1024
	maxModuleParams = 16 << 10
	// roundOverhead is what a round's evidence may hold beside its answers.
	roundOverhead = 4 << 20
)

type sp = SubnetParams

var subnetTable = []knob[sp]{
	voted("tempo", "blocks", 8, 65535, func(p *sp) *uint16 { return &p.Tempo }, "blocks per epoch").within(360, 50_400),
	owned("asked", "miners", 1, MaxRoster, func(p *sp) *uint16 { return &p.Asked }, "miners asked per round"),
	owned("deadline", "ms", 1, 120_000, func(p *sp) *uint32 { return &p.DeadlineMS }, "time a miner has to answer"),
	owned("skip_max", "thousandths", 0, 1000, func(p *sp) *uint16 { return &p.SkipMax }, "rounds a validator may skip in an epoch"),
	owned("evidence_max", "bytes", 1<<20, MaxEvidence, func(p *sp) *uint64 { return &p.EvidenceMax }, "evidence of one validator of one epoch"),
	voted("max_uids", "uids", 1, MaxRoster, func(p *sp) *uint16 { return &p.MaxUIDs }, "neurons").within(64, 256),
	voted("min_uids", "uids", 1, MaxRoster, func(p *sp) *uint16 { return &p.MinUIDs }, "neurons that a trim must leave"),
	voted("max_validators", "uids", 1, 1024, func(p *sp) *uint16 { return &p.MaxValidators }, "permits per epoch"),
	owned("immunity", "blocks", 0, 65535, func(p *sp) *uint16 { return &p.Immunity }, "age below which a neuron is not replaced"),
	owned("owner_immune", "uids", 1, 10, func(p *sp) *uint16 { return &p.OwnerImmune }, "uids of the owner that are never replaced"),
	owned("min_weights", "weights", 0, MaxRoster, func(p *sp) *uint16 { return &p.MinWeights }, "least weights in a row that has any"),
	owned("serve_interval", "blocks", 50, 100_000, func(p *sp) *uint64 { return &p.ServeInterval }, "blocks between two serving records of a hotkey"),
	voted("kappa", "65535ths", 0, 65535, func(p *sp) *uint16 { return &p.Kappa }, "stake that must back a weight for it to count"),
	voted("bonds_average", "millionths", 0, 1_000_000, func(p *sp) *uint32 { return &p.BondsAverage }, "part of old bonds kept per epoch").within(0, 975_000),
	owned("bonds_penalty", "65535ths", 0, 65535, func(p *sp) *uint16 { return &p.BondsPenalty }, "how far clipping reaches the bonds"),
	flag("bonds_reset", func(p *sp) *bool { return &p.BondsReset }, "a miner may have the bonds toward it dropped").within(0, 1),
	flag("yuma3", func(p *sp) *bool { return &p.Yuma3 }, "bonds follow each validator's own weights").within(0, 1),
	flag("liquid_alpha", func(p *sp) *bool { return &p.LiquidAlpha }, "each bond moves at a pace of its own (with yuma3)").within(0, 1),
	owned("alpha_low", "65535ths", yuma.MinAlpha, 65535, func(p *sp) *uint16 { return &p.AlphaLow }, "least pace of a bond under liquid_alpha"),
	owned("alpha_high", "65535ths", yuma.MinAlpha, 65535, func(p *sp) *uint16 { return &p.AlphaHigh }, "largest pace of a bond under liquid_alpha"),
	owned("steepness", "hundredths", 0, 32767, func(p *sp) *uint16 { return &p.Steepness }, "of the curve between the two"),
	owned("activity_factor", "thousandths of a tempo", 1000, 50_000, func(p *sp) *uint32 { return &p.ActivityFactor }, "silence after which a validator is inactive"),
	voted("min_burn", "rao", 1, 21e15, func(p *sp) *unit.TAO { return &p.MinBurn }, "least price of a registration").within(1, unit.Coin-1),
	voted("max_burn", "rao", 1, 21e15, func(p *sp) *unit.TAO { return &p.MaxBurn }, "largest price of a registration").within(unit.Coin/10+1, 21e15),
	voted("burn_half_life", "blocks", 0, 36_100, func(p *sp) *uint16 { return &p.BurnHalfLife }, "blocks in which that price halves, 0 for never").within(1, 36_100),
	owned("burn_increase", "2^-32", 1<<32, 3<<32, func(p *sp) *uint64 { return &p.BurnIncrease }, "factor of that price at each registration"),
	flag("registration", func(p *sp) *bool { return &p.Registration }, "new neurons are taken; without it nothing is emitted"),
	flag("owner_cut_enabled", func(p *sp) *bool { return &p.OwnerCut }, "the owner has its cut of the alpha").within(0, 1),
	owned("upgrade_delay", "epochs", 2, 1000, func(p *sp) *uint16 { return &p.UpgradeDelay }, "epochs between the naming of another module and its use"),
	flag("stake_transfer", func(p *sp) *bool { return &p.StakeTransfer }, "stake may be given to another coldkey").within(0, 1),
	owned("min_child_take", "65535ths", 0, 11_796, func(p *sp) *uint16 { return &p.MinChildTake }, "least take of a child hotkey"),
}

// SubnetParameters describes the numbers among a subnet's parameters, in the
// order of their encoding.
func SubnetParameters() []Parameter { return describe(subnetTable) }

// Get returns a number by name; false when there is none.
func (p *SubnetParams) Get(name string) (uint64, bool) {
	if k := find(subnetTable, name); k != nil {
		return k.get(p), true
	}
	return 0, false
}

// Set changes a number by name, within its bounds: those of an owner, or those
// that always hold. Validate checks what several parameters must satisfy
// together.
func (p *SubnetParams) Set(name string, v uint64, owner bool) error {
	k := find(subnetTable, name)
	if k == nil {
		return fmt.Errorf("no parameter %q of a subnet", name)
	}
	if owner && !k.Owner {
		return fmt.Errorf("%s: only a vote changes it", name)
	}
	if err := k.Check(v, owner); err != nil {
		return err
	}
	k.set(p, v)
	return nil
}

// SetBytes changes what is not a number: "rounds", the start of each round as
// big-endian 16-bit numbers, or "module", the parameters of the module.
func (p *SubnetParams) SetBytes(name string, v []byte) error {
	switch name {
	case "rounds":
		if len(v)%2 != 0 || len(v)/2 > maxRounds {
			return fmt.Errorf("rounds: %d bytes: want two per round, at most %d rounds", len(v), maxRounds)
		}
		p.Rounds = make([]uint16, len(v)/2)
		for i := range p.Rounds {
			p.Rounds[i] = binary.BigEndian.Uint16(v[2*i:])
		}
	case "module":
		if len(v) > maxModuleParams {
			return fmt.Errorf("module: %d bytes of parameters: at most %d", len(v), maxModuleParams)
		}
		p.Module = append([]byte(nil), v...)
	default:
		return fmt.Errorf("no parameter %q of a subnet takes bytes: %q and %q do", name, "rounds", "module")
	}
	return nil
}

// DefaultSubnetParams are those of a new subnet, without rounds.
func DefaultSubnetParams() SubnetParams {
	return SubnetParams{Tempo: 360, Asked: 64, DeadlineMS: 12_000, SkipMax: 100, EvidenceMax: MaxEvidence, MaxUIDs: 256, MinUIDs: 64,
		MaxValidators: 64, Immunity: 5000, OwnerImmune: 1, MinWeights: 1, ServeInterval: 50, Kappa: 32767, BondsAverage: 900_000,
		BondsPenalty: 65535, Yuma3: true, AlphaLow: 45_875, AlphaHigh: 58_982, Steepness: 1000, ActivityFactor: 13_889,
		MinBurn: 500_000, MaxBurn: 100e9, BurnHalfLife: 360, BurnIncrease: 5_411_658_793, Registration: true, OwnerCut: true,
		UpgradeDelay: 2, StakeTransfer: true}
}

// CommitWindow is the number of blocks at the start of the next epoch in which
// the weights of an epoch may be committed: max(4, tempo/8).
func (p *SubnetParams) CommitWindow() uint64 { return max(4, uint64(p.Tempo)/8) }

// Validate reports the first parameter that breaks a rule.
func (p *SubnetParams) Validate() error {
	if len(p.Rounds) == 0 {
		return fmt.Errorf("no rounds: 1 to %d", maxRounds)
	}
	return p.validate()
}

// validate is Validate of a subnet that may not have rounds yet.
func (p *SubnetParams) validate() error {
	if err := checkAll(subnetTable, p); err != nil {
		return err
	}
	if w := p.CommitWindow(); uint64(p.Tempo) < w+4 {
		return fmt.Errorf("tempo %d: at least %d, so that a reveal fits behind the commit window", p.Tempo, w+4)
	}
	for i, r := range p.Rounds {
		if r >= p.Tempo || i > 0 && r <= p.Rounds[i-1] {
			return fmt.Errorf("round %d starts at block %d: starts must rise and lie below the tempo %d", i, r, p.Tempo)
		}
	}
	switch {
	case len(p.Rounds) > maxRounds:
		return fmt.Errorf("%d rounds: 1 to %d", len(p.Rounds), maxRounds)
	case p.MaxValidators > p.MaxUIDs:
		return fmt.Errorf("max_validators %d: at most max_uids, %d", p.MaxValidators, p.MaxUIDs)
	case p.MinBurn > p.MaxBurn:
		return fmt.Errorf("min_burn %s: at most max_burn, %s", p.MinBurn, p.MaxBurn)
	case p.AlphaLow > p.AlphaHigh:
		return fmt.Errorf("alpha_low %d: at most alpha_high, %d", p.AlphaLow, p.AlphaHigh)
	case len(p.Module) > maxModuleParams:
		return fmt.Errorf("%d bytes of module parameters: at most %d", len(p.Module), maxModuleParams)
	}
	return nil
}

// evidence reports whether a validator's evidence of an epoch has room for all
// answers: rounds · asked · largest answer, and 4 MiB per round for the rest.
func (p *SubnetParams) evidence(answer uint64) error {
	rounds := uint64(len(p.Rounds))
	if need := rounds*uint64(p.Asked)*answer + rounds*roundOverhead; need > p.EvidenceMax {
		return fmt.Errorf("evidence_max %d bytes: %d rounds of %d answers of at most %d bytes and 4 MiB each need %d: ask fewer or raise it",
			p.EvidenceMax, rounds, p.Asked, answer, need)
	}
	return nil
}

func (p *SubnetParams) append(b []byte) []byte {
	b = appendAll(cbor.AppendUint(cbor.AppendArray(b, 4), 2), subnetTable, p)
	b = cbor.AppendArray(b, len(p.Rounds))
	for _, r := range p.Rounds {
		b = cbor.AppendUint(b, uint64(r))
	}
	return cbor.AppendBytes(b, p.Module)
}

func (p *SubnetParams) decode(d *cbor.Decoder) {
	d.Version(4, 2)
	decodeAll(d, subnetTable, p)
	p.Rounds = nil
	for range d.ArrayMax(maxRounds) {
		p.Rounds = append(p.Rounds, uint16(d.UintMax(65535)))
	}
	p.Module = append([]byte(nil), d.Bytes(maxModuleParams)...)
}

// Hash is the parameters hash of an epoch record.
func (p *SubnetParams) Hash() [32]byte { return key.Hash("params", p.append(nil)) }
