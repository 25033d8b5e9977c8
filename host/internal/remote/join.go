// Package remote is a process's connection to a network without a node of its
// own: a light client that proves every value, and a way to hand in
// transactions. The same protocols are served here by a node.
package remote

import "github.com/plexus-network/plexus/host/internal/join"

// Join says which network to join and where.
type Join = join.String

// ErrJoin is returned for text that is not a join string.
var ErrJoin = join.Err

// ParseJoin reads a join string.
func ParseJoin(s string) (Join, error) { return join.Parse(s) }
