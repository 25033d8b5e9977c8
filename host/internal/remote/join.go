// Package remote is a process's connection to a network without a node of its
// own: a light client that proves every value, and a way to hand in
// transactions. The same protocols are served here by a node.
package remote

import (
	"github.com/plexus-network/plexus/host/internal/join"
	"github.com/plexus-network/plexus/ledger"
)

// Join says which network to join and where.
type Join = join.String

// ErrJoin is returned for text that is not a join string.
var ErrJoin = join.Err

// ParseJoin reads a join string.
func ParseJoin(s string) (Join, error) { return join.Parse(s) }

// ParseAnchor reads a block that somebody trusts, HEIGHT:HASH.
func ParseAnchor(s string) (*ledger.Anchor, error) { return join.ParseAnchor(s) }
