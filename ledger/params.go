package ledger

import (
	"fmt"
	"math"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Params are the parameters of the whole chain. ChainParameters says what each
// is, and within which bounds a vote may change it.
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

	StakeThreshold  uint64   // stake weight below which a hotkey counts as having none
	SubnetLimit     uint16   // subnets beside root
	NetworkRate     uint64   // blocks between two creations of a subnet
	NetworkImmunity uint64   // blocks for which a new subnet is not pruned
	MinLock         unit.TAO // least price of a subnet
	LockInterval    uint64   // blocks in which the price of a subnet falls by itself once
	LockFactor      uint8    // what a creation multiplies the price of a subnet by
	StartDelay      uint64   // blocks between a subnet's creation and its start
	MinNonImmune    uint16   // uids that must be left open to replacement before immunity counts
	FreezeWindow    uint16   // blocks before an epoch's end in which its owner sets nothing
	OwnerRate       uint16   // tempos between two changes of one parameter by the owner
	MaxMechanisms   uint8    // incentive mechanisms of one subnet
	ModuleByte      unit.TAO // burned per stored byte of a module
	ModuleExpiry    uint64   // blocks after which an unfinished module is forgotten

	MaxProducers uint16 // producers elected at most
	ElectEvery   uint64 // blocks between elections
	Unbonding    uint64 // U: blocks that root stake behind a producer waits before it is free
	BlockMS      uint64 // nominal time between blocks in milliseconds, to state U as a time
	MissWindow   uint64 // blocks over which missed votes are counted
	Jail         uint64 // blocks for which a producer that missed over half of the window is out
	Slash        uint16 // part of the stake that a double vote burns, over 65,535

	NominatorMin  unit.TAO // least stake behind another's hotkey
	MinTake       uint16   // least cut of a hotkey's owner, over 65,535
	TakeRate      uint64   // blocks between two raises of a take
	ChildRate     uint64   // blocks between two changes of a hotkey's children in a subnet
	ChildCooldown uint64   // blocks until such a change takes effect, with an epoch
	ChildBurn     uint16   // part of what a child earns for another's hotkey that is burned, over 65,535
	KeySwapCost   unit.TAO // burned by a rotation of keys
	HotkeySwap    uint64   // blocks between two rotations of a hotkey
	ColdkeySwap   uint64   // blocks between announcing a rotation of a coldkey and making it
	ColdkeyAgain  uint64   // blocks after those until another may be announced
	DisputeFreeze uint64   // blocks for which a disputed rotation freezes the account

	ProposalDeposit unit.TAO // of a proposal, burned when too few vote
	VotingPeriod    uint64   // blocks for which votes are taken
	ExecutionDelay  uint64   // blocks between the count and what was decided
	Quorum          uint16   // part of all root stake that must vote, over 65,535
	Threshold       uint16   // part of yes and no that must agree, over 65,535
	VoteMin         unit.TAO // least root stake of who votes
}

// UnbondingMS is U as a time in milliseconds: for how long a double vote can be
// proved. A light client may trust a set of producers for two thirds of it.
func (p *Params) UnbondingMS() uint64 { return p.Unbonding * p.BlockMS }

var chainTable = []knob[Params]{
	voted("fee_base", "rao", 0, 1e9, func(p *Params) *unit.TAO { return &p.FeeBase }, "fee of every paying transaction"),
	voted("fee_byte", "rao", 0, 1e6, func(p *Params) *unit.TAO { return &p.FeeByte }, "fee per byte of it"),
	voted("fee_step", "rao", 0, 1e9, func(p *Params) *unit.TAO { return &p.FeeStep }, "fee per step of its work"),
	voted("tao_weight", "2^-64", 0, math.MaxUint64, func(p *Params) *uint64 { return &p.TAOWeight }, "weight of root stake in a subnet"),
	voted("min_stake", "rao", 1, 1e12, func(p *Params) *unit.TAO { return &p.MinStake }, "least amount of one stake"),
	voted("price_alpha", "2^-32", 0, 1<<32, func(p *Params) *uint64 { return &p.PriceAlpha }, "smoothing of the price average per block"),
	voted("price_half", "blocks", 1, 1<<32, func(p *Params) *uint64 { return &p.PriceHalf }, "age at which half of that smoothing applies"),
	voted("pool_fee", "65535ths", 0, 10_000, func(p *Params) *uint16 { return &p.PoolFee }, "fee of a trade, which stays in the pool"),
	voted("max_take", "65535ths", 0, 65535, func(p *Params) *uint16 { return &p.MaxTake }, "cut of a hotkey's owner of its dividends"),
	voted("owner_cut", "65535ths", 0, 65535, func(p *Params) *uint16 { return &p.OwnerCut }, "cut of a subnet's owner of the alpha minted"),
	voted("steps_a_block", "steps", 1, 255, func(p *Params) *uint8 { return &p.StepsABlock }, "epochs whose steps may run in one block; others wait"),
	voted("dispute", "epochs", 0, 0, func(p *Params) *uint64 { return &p.Dispute }, "epochs between reveal and step, 0 until there are disputes"),
	voted("stake_threshold", "smallest units", 0, 21e15, func(p *Params) *uint64 { return &p.StakeThreshold }, "stake weight below which a hotkey counts as having none"),
	voted("subnet_limit", "subnets", 1, maxSubnets, func(p *Params) *uint16 { return &p.SubnetLimit }, "subnets beside root; one more dissolves the cheapest"),
	voted("network_rate", "blocks", 0, 1<<32, func(p *Params) *uint64 { return &p.NetworkRate }, "blocks between two creations of a subnet"),
	voted("network_immunity", "blocks", 0, 1<<32, func(p *Params) *uint64 { return &p.NetworkImmunity }, "age below which a subnet is not dissolved"),
	voted("min_lock", "rao", unit.Coin, 1e15, func(p *Params) *unit.TAO { return &p.MinLock }, "least price of a subnet"),
	voted("lock_interval", "blocks", 1, 1<<32, func(p *Params) *uint64 { return &p.LockInterval }, "blocks in which the price of a subnet falls by the last one paid"),
	voted("lock_factor", "times", 1, 10, func(p *Params) *uint8 { return &p.LockFactor }, "what a creation multiplies the price of a subnet by"),
	voted("start_delay", "blocks", 0, 1<<32, func(p *Params) *uint64 { return &p.StartDelay }, "blocks between a subnet's creation and its start"),
	voted("min_non_immune", "uids", 0, MaxRoster, func(p *Params) *uint16 { return &p.MinNonImmune }, "uids open to replacement below which immunity no longer counts"),
	voted("freeze_window", "blocks", 0, 65535, func(p *Params) *uint16 { return &p.FreezeWindow }, "blocks before an epoch's end in which an owner sets nothing"),
	voted("owner_rate", "tempos", 0, 1000, func(p *Params) *uint16 { return &p.OwnerRate }, "tempos between two changes of one parameter by an owner"),
	voted("max_mechanisms", "mechanisms", 1, maxMechanisms, func(p *Params) *uint8 { return &p.MaxMechanisms }, "incentive mechanisms of one subnet"),
	voted("module_byte", "rao", 0, 1e6, func(p *Params) *unit.TAO { return &p.ModuleByte }, "burned per stored byte of a module"),
	voted("module_expiry", "blocks", 1, 1<<20, func(p *Params) *uint64 { return &p.ModuleExpiry }, "blocks after which an unfinished module is forgotten"),
	voted("max_producers", "producers", 4, MaxProducers, func(p *Params) *uint16 { return &p.MaxProducers }, "producers elected at most"),
	voted("elect_every", "blocks", 1, 100_000, func(p *Params) *uint64 { return &p.ElectEvery }, "blocks between elections of producers"),
	voted("unbonding", "blocks", 1, 10_000_000, func(p *Params) *uint64 { return &p.Unbonding }, "blocks that root stake behind a producer waits before it is free"),
	voted("block_ms", "ms", 1, 3_600_000, func(p *Params) *uint64 { return &p.BlockMS }, "nominal time between blocks, to state unbonding as a time"),
	voted("miss_window", "blocks", 1, 10_000, func(p *Params) *uint64 { return &p.MissWindow }, "blocks over which missed votes are counted"),
	voted("jail", "blocks", 0, 1_000_000, func(p *Params) *uint64 { return &p.Jail }, "blocks for which a producer that missed over half of the window is out"),
	voted("slash", "65535ths", 0, 32767, func(p *Params) *uint16 { return &p.Slash }, "part of its root stake that a producer's double vote burns"),
	voted("nominator_min", "rao", 0, 1e12, func(p *Params) *unit.TAO { return &p.NominatorMin }, "least that may be left behind another's hotkey"),
	voted("min_take", "65535ths", 0, 65535, func(p *Params) *uint16 { return &p.MinTake }, "least cut of a hotkey's owner of its dividends"),
	voted("take_rate", "blocks", 0, 10_000_000, func(p *Params) *uint64 { return &p.TakeRate }, "blocks between two raises of a take"),
	voted("child_rate", "blocks", 0, 10_000_000, func(p *Params) *uint64 { return &p.ChildRate }, "blocks between two changes of a hotkey's children"),
	voted("child_cooldown", "blocks", 0, 10_000_000, func(p *Params) *uint64 { return &p.ChildCooldown }, "blocks until a change of children takes effect"),
	voted("child_burn", "65535ths", 0, 65535, func(p *Params) *uint16 { return &p.ChildBurn }, "part of what a child earns for another's hotkey that is burned"),
	voted("key_swap_cost", "rao", 0, 1e12, func(p *Params) *unit.TAO { return &p.KeySwapCost }, "burned by a rotation of keys"),
	voted("hotkey_swap", "blocks", 0, 10_000_000, func(p *Params) *uint64 { return &p.HotkeySwap }, "blocks between two rotations of a hotkey"),
	voted("coldkey_swap", "blocks", 1, 10_000_000, func(p *Params) *uint64 { return &p.ColdkeySwap }, "blocks between announcing a rotation of a coldkey and making it"),
	voted("coldkey_again", "blocks", 0, 10_000_000, func(p *Params) *uint64 { return &p.ColdkeyAgain }, "blocks after those until another may be announced"),
	voted("dispute_freeze", "blocks", 0, 10_000_000, func(p *Params) *uint64 { return &p.DisputeFreeze }, "blocks for which a disputed rotation freezes the account"),
	voted("proposal_deposit", "rao", 0, 1e15, func(p *Params) *unit.TAO { return &p.ProposalDeposit }, "deposit of a proposal, burned when too few vote"),
	voted("voting_period", "blocks", 10, 10_000_000, func(p *Params) *uint64 { return &p.VotingPeriod }, "blocks for which votes are taken"),
	voted("execution_delay", "blocks", 0, 10_000_000, func(p *Params) *uint64 { return &p.ExecutionDelay }, "blocks between the count of votes and what they decided"),
	voted("quorum", "65535ths", 3277, 52_428, func(p *Params) *uint16 { return &p.Quorum }, "part of all root stake that must vote"),
	voted("threshold", "65535ths", 32_768, 58_982, func(p *Params) *uint16 { return &p.Threshold }, "part of yes and no that must agree"),
	voted("vote_min", "rao", 1, 1e12, func(p *Params) *unit.TAO { return &p.VoteMin }, "least root stake of who votes"),
}

// ChainParameters describes the parameters of the chain, in the order of their
// encoding.
func ChainParameters() []Parameter { return describe(chainTable) }

// Get returns a parameter by name; false when there is none.
func (p *Params) Get(name string) (uint64, bool) {
	if k := find(chainTable, name); k != nil {
		return k.get(p), true
	}
	return 0, false
}

// Set changes a parameter by name, within its bounds.
func (p *Params) Set(name string, v uint64) error {
	k := find(chainTable, name)
	if k == nil {
		return fmt.Errorf("no parameter %q of the chain", name)
	}
	if err := k.Check(v, false); err != nil {
		return err
	}
	k.set(p, v)
	return nil
}

// DefaultParams are those of the public network.
func DefaultParams() Params {
	return Params{FeeBase: 100_000, FeeByte: 100, FeeStep: 10_000, TAOWeight: 971_718_665_099_567_868,
		MinStake: 2_000_000, PriceAlpha: 12_885, PriceHalf: 201_600, PoolFee: 33, MaxTake: 11_796, OwnerCut: 11_796,
		StepsABlock: 2, SubnetLimit: 128, NetworkRate: 7200, NetworkImmunity: 1_296_000, MinLock: 1000 * unit.Coin,
		LockInterval: 100_800, LockFactor: 2, MinNonImmune: 10, FreezeWindow: 10, OwnerRate: 2, MaxMechanisms: 2,
		ModuleByte: 1000, ModuleExpiry: 1000, MaxProducers: 100, ElectEvery: 100, Unbonding: 100_800, BlockMS: 12_000,
		MissWindow: 1000, Jail: 600, Slash: 3277, TakeRate: 216_000, ChildRate: 150, ChildCooldown: 7200,
		KeySwapCost: unit.Coin / 10, HotkeySwap: 7200, ColdkeySwap: 36_000, ColdkeyAgain: 7200, DisputeFreeze: 216_000,
		ProposalDeposit: 100 * unit.Coin, VotingPeriod: 50_400, ExecutionDelay: 14_400, Quorum: 21_845, Threshold: 32_768, VoteMin: unit.Coin}
}

// Validate reports the first parameter outside its bounds, or at odds with
// another.
func (p *Params) Validate() error {
	if err := checkAll(chainTable, p); err != nil {
		return err
	}
	if p.MinTake > p.MaxTake {
		return fmt.Errorf("min_take %d: at most max_take, %d", p.MinTake, p.MaxTake)
	}
	return nil
}

func (p *Params) append(b []byte) []byte {
	return appendAll(cbor.AppendUint(cbor.AppendArray(b, 2), 2), chainTable, p)
}

func (p *Params) decode(d *cbor.Decoder) {
	d.Version(2, 2)
	decodeAll(d, chainTable, p)
}
