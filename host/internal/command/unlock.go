package command

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/plexus-network/plexus/ledger"
)

// unlock is when something that is refused for a time is allowed.
type unlock struct {
	Block   uint64 `json:"block"`      // the first that may hold it
	Seconds uint64 `json:"in_seconds"` // about, by the chain's nominal time between blocks
}

// allowedAt and frozenUntil are how the ledger names the block in a refusal.
var (
	allowedAt   = regexp.MustCompile(`(?:allowed(?: again)?|may start|may be dissolved|taken back) (?:at|from|before) block (\d+)`)
	frozenUntil = regexp.MustCompile(`ends at block (\d+), .*allowed again when the next epoch runs`)
)

// unlocks reads from a refusal when it ends, nil when it does not say.
func unlocks(v ledger.View, detail string) *unlock {
	var later uint64
	m := allowedAt.FindStringSubmatch(detail)
	if m == nil {
		m, later = frozenUntil.FindStringSubmatch(detail), 1
	}
	if m == nil {
		return nil
	}
	at, err := strconv.ParseUint(m[1], 10, 64)
	if err != nil {
		return nil
	}
	u := &unlock{Block: at + later}
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot == nil || u.Block <= tot.Height {
		return u
	}
	params, err := ledger.ChainParams(v)
	if err != nil {
		return u
	}
	// Blocks this far ahead are years away; the product stays within 64 bits.
	u.Seconds = min(u.Block-tot.Height, 1<<40) * params.BlockMS / 1000
	return u
}

// String says it in a few words.
func (u *unlock) String() string {
	if u.Seconds == 0 {
		return fmt.Sprintf("block %d is next", u.Block)
	}
	return fmt.Sprintf("block %d is in about %s", u.Block, about(u.Seconds))
}

// about is a time as one says it: 40 s, 12 min, 5 h, 30 days.
func about(seconds uint64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%d min", (seconds+30)/60)
	case seconds < 2*86400:
		return fmt.Sprintf("%d h", (seconds+1800)/3600)
	}
	return fmt.Sprintf("%d days", (seconds+43200)/86400)
}
