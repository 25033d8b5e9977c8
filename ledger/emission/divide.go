package emission

import (
	"math"

	"github.com/plexus-network/plexus/ledger/unit"
)

// RootProportion returns the part that root stake has in a subnet,
// w·R / (w·R + issued alpha), with R the TAO staked on root and w = weight over
// 2^64−1 the weight of a TAO there (economics, root proportion; in U96F32).
func RootProportion(root unit.TAO, weight uint64, issued unit.Alpha) unit.U96F32 {
	w := unit.U96F32Ratio(weight, math.MaxUint64).Mul(unit.U96F32From(uint64(root)))
	return w.Div(w.Add(unit.U96F32From(uint64(issued))))
}

// Subnet is what the division of a block's TAO asks of an eligible subnet.
type Subnet struct {
	// Price is the moving average of the subnet's price.
	Price unit.I32F32
	// Withheld is the part of its last miner emission that was addressed to
	// its owner and withheld, 0 to 1.
	Withheld unit.I32F32
}

// Divide divides the TAO of a block among the eligible subnets in proportion
// to Price·(1 − Withheld); when that is zero for all, to Price; when that is
// too, equally. The parts sum to total, ties go to the earlier subnet; without
// subnets nothing is emitted (economics, division of the TAO emission).
func Divide(total unit.TAO, subnets []Subnet) []unit.TAO {
	weights := make([]uint64, len(subnets))
	set := func(weight func(Subnet) uint64) (any bool) {
		for i, s := range subnets {
			weights[i] = weight(s)
			any = any || weights[i] > 0
		}
		return any
	}
	_ = set(func(s Subnet) uint64 {
		rest := unit.OneI32F32.Sub(min(s.Withheld, unit.OneI32F32))
		return s.Price.Mul(rest).Weight()
	}) || set(func(s Subnet) uint64 { return s.Price.Weight() }) || set(func(Subnet) uint64 { return 1 })
	out := make([]unit.TAO, len(subnets))
	for i, part := range unit.Split(uint64(total), weights) {
		out[i] = unit.TAO(part)
	}
	return out
}

// Injection is what one block does to the pool of a subnet.
type Injection struct {
	// TAO and Alpha join the reserves and leave the price where it is. Alpha
	// is minted for it, beyond Out.
	TAO   unit.TAO
	Alpha unit.Alpha
	// Excess is the rest of the subnet's TAO: it buys alpha from the pool for
	// the protocol to keep. TAO + Excess is what was given.
	Excess unit.TAO
	// Out is the alpha minted for the people of the subnet.
	Out unit.Alpha
}

// Inject divides the TAO that a subnet gets in a block, given the reserves tao
// and alpha of its pool, its root proportion and the alpha issued there before:
//
//	alpha_in = tao_in/price, at most root proportion · alpha emission
//
// and what the cap keeps out is excess (economics, injection into the pool).
// Without reserves all is excess. The alpha issued stays within Cap, Out
// coming first.
func Inject(give unit.TAO, tao unit.TAO, alpha unit.Alpha, root unit.U96F32, issued unit.Alpha) Injection {
	minted := Block(uint64(issued))
	in := Injection{Out: unit.Alpha(minted), Excess: give}
	if tao == 0 || alpha == 0 {
		return in
	}
	limit := min(root.Mul(unit.U96F32From(minted)).Floor(), Cap-min(Cap, uint64(issued)+minted))
	if want := unit.MulDiv(uint64(give), uint64(alpha), uint64(tao)); want <= limit {
		in.Alpha, in.TAO = unit.Alpha(want), give
	} else {
		in.Alpha = unit.Alpha(limit)
		in.TAO = unit.TAO(unit.MulDiv(limit, uint64(tao), uint64(alpha)))
	}
	in.Excess = give - in.TAO
	return in
}

// Parts is the alpha of one block for the people of a subnet, by kind. The sum
// of its fields is what was divided.
type Parts struct {
	Owner     unit.Alpha
	Server    unit.Alpha // the miners
	Validator unit.Alpha
	Root      unit.Alpha // those who stake on root
	Burned    unit.Alpha // root's part while root does not sell
}

// Part divides the alpha minted in a block: ownerCut, in 65,535ths, to the
// owner, half of the rest to the miners, and the other half to root by its
// proportion and to the validators. Each part is rounded down but the
// validators', which get what is left (economics, split of alpha_out). While
// rootSells is false, root's part is burned; it is true when the price averages
// of all subnets sum to more than 1.
func Part(out unit.Alpha, ownerCut uint16, root unit.U96F32, rootSells bool) Parts {
	total := unit.U96F32From(uint64(out))
	owner := total.Mul(unit.U96F32Ratio(uint64(ownerCut), math.MaxUint16))
	rest := total.Sub(owner)
	half := unit.U96F32{Lo: 1 << 31}
	rootPart := root.Mul(rest).Mul(half)
	p := Parts{Owner: unit.Alpha(owner.Floor()), Server: unit.Alpha(rest.Mul(half).Floor()), Root: unit.Alpha(rootPart.Floor())}
	p.Validator = out - p.Owner - p.Server - p.Root
	if !rootSells {
		p.Root, p.Burned = 0, p.Root
	}
	return p
}
