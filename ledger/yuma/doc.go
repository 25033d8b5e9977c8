// Package yuma computes the epoch of a subnet: from the validators' stakes and
// weights, the consensus about each miner, what each miner and validator is to
// be paid, and the bonds that carry over to the next epoch. It is the reference's
// (economics, the epoch) in fixed point numbers: its classic form bit for bit,
// and as options Yuma3 and liquid alpha, whose exponential has low bits of our
// own, and under which a bond without a weight decays instead of vanishing.
//
// The words mean what they mean there: weights are what a validator says;
// consensus, incentive, dividends, trust and bonds are what is computed.
//
// The package is pure. Epoch is total: every Input has an Output, whatever the
// lengths of its slices (what is missing counts as zero) and whatever its rows
// contain (entries beyond N and second entries for a uid are dropped).
package yuma
