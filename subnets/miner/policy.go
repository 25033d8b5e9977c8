package miner

import (
	"fmt"
	"slices"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/round"
)

// Policy says who may ask, and how much. The zero value answers every holder of
// a permit, without a limit to its requests.
type Policy struct {
	// Open answers callers without a permit too. What they ask counts for nothing
	// on the chain: it is for a miner that also sells its answers.
	Open bool
	// MinStake is the stake weight, in the smallest unit, that a caller must have
	// in the roster of the epoch.
	MinStake uint64
	// Allow lists who alone is answered; empty for everybody. Its callers must
	// meet the rules above nevertheless.
	Allow []ledger.Hotkey
	// Deny lists who is never answered; it goes before Allow.
	Deny []ledger.Hotkey
	// Quota is how many requests of one caller are taken in an epoch; 0 for no
	// limit. A request that was told to come back does not count.
	Quota int
}

// Validate says which rule a policy breaks.
func (p *Policy) Validate() error {
	if p.Quota < 0 {
		return fmt.Errorf("quota %d: must be 0, for no limit, or more", p.Quota)
	}
	for _, h := range p.Deny {
		if slices.Contains(p.Allow, h) {
			return fmt.Errorf("%s is on the list of the allowed and on that of the denied", h)
		}
	}
	return nil
}

// listed applies the lists, which need no roster.
func (p *Policy) listed(caller ledger.Hotkey) error {
	if slices.Contains(p.Deny, caller) || len(p.Allow) > 0 && !slices.Contains(p.Allow, caller) {
		return round.RefusedDenied
	}
	return nil
}

// judge applies the rules to a caller with its entry in the roster, nil for one
// that is not in it.
func (p *Policy) judge(m *ledger.Member) error {
	if m == nil || !m.Permit {
		if !p.Open {
			return round.RefusedStranger
		}
	}
	if p.MinStake > 0 && (m == nil || m.Stake < p.MinStake) {
		return round.RefusedStake
	}
	return nil
}
