package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// Entry is a weight or bond toward a uid, relative to the largest in its row
// (weights) or column (bonds), which is 65,535.
type Entry struct{ UID, Value uint16 }

// Row is what one uid says about others: sparse, each uid at most once.
type Row []Entry

// Input is everything an epoch depends on. Slices are indexed by uid.
type Input struct {
	N          int      // uids in use, at most 65,536
	Stake      []uint64 // stake weight; only the proportions matter
	LastUpdate []uint64 // block of the weights
	Registered []uint64 // block of the registration
	Permit     []bool   // may set weights in this epoch
	Weights    []Row
	Bonds      []Row // as the last epoch's Output left them

	Now            uint64 // this block
	Tempo          uint64 // blocks per epoch; used only while LastStep is 0
	LastStep       uint64 // block of the last step, 0 for none
	ActivityCutoff uint64 // blocks after which an uid without new weights is inactive
	StakeThreshold uint64 // stakes below count as none, the owner's excepted

	Kappa              uint16 // share of stake that must back a weight, over 65,535
	MaxValidators      int    // permits for the next epoch
	BondsMovingAverage uint64 // part of the old bonds that is kept, in millionths
	BondsPenalty       uint16 // how far clipping reaches the bonds, over 65,535
	Owner              int    // uid of the subnet's owner, -1 for none

	// Yuma3 lets bonds follow each validator's own weights instead of shares of
	// a column; without it the fields below mean nothing. Their zero values are
	// the classic epoch.
	Yuma3 bool
	// LiquidAlpha moves each bond at a pace of its own between AlphaLow and
	// AlphaHigh, over 65,535 (see CheckAlpha), along a sigmoid of Steepness
	// hundredths, instead of by BondsMovingAverage; as long as there is any
	// consensus.
	LiquidAlpha         bool
	AlphaLow, AlphaHigh uint16
	Steepness           int16
}

// Output is what an epoch finds. Slices are indexed by uid; numbers are 0 to 1.
type Output struct {
	Active    []bool // has set weights within the cutoff
	Stake     []unit.I32F32
	Consensus []unit.I32F32
	Ranks     []unit.I32F32
	Incentive []unit.I32F32
	Dividends []unit.I32F32
	Trust     []unit.I32F32 // of a validator: how much of its weights survived clipping
	Permit    []bool        // for the next epoch
	Bonds     []Row         // for the next epoch; empty without permit

	// Server and Validator are the parts of the epoch's emission due to each
	// uid as a miner and as a validator; both together sum to about 1. When
	// nobody has incentive nor dividends, validators get it by their stake.
	Server, Validator []unit.I32F32
	// Combined is Server + Validator, normalised by itself as the reference does.
	Combined []unit.I32F32
}

// Amounts returns the parts of total the reference would pay, each truncated:
// for comparison with it. The ledger pays by ServerWeights and
// ValidatorWeights, which lose nothing.
func (o *Output) Amounts(total uint64) (server, validator, combined []uint64) {
	of := func(parts []unit.I32F32) []uint64 {
		out := make([]uint64, len(parts))
		for i, p := range parts {
			out[i] = p.Of(total)
		}
		return out
	}
	return of(o.Server), of(o.Validator), of(o.Combined)
}

// ServerWeights returns the miners' parts as weights of unit.Split. They are
// all zero when no miner has incentive.
func (o *Output) ServerWeights() []uint64 { return weights(o.Server) }

// ValidatorWeights returns the validators' parts as weights of unit.Split. They
// are all zero only when nobody has stake.
func (o *Output) ValidatorWeights() []uint64 { return weights(o.Validator) }

func weights(parts []unit.I32F32) []uint64 {
	out := make([]uint64, len(parts))
	for i, p := range parts {
		out[i] = p.Weight()
	}
	return out
}

// ActivityCutoff returns the blocks after which a silent uid is inactive,
// factor thousandths of a tempo and at least 1.
func ActivityCutoff(factor uint32, tempo uint16) uint64 {
	return max(1, uint64(factor)*uint64(tempo)/1000)
}
