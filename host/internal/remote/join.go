// Package remote is a process's connection to a network without a node of its
// own: a light client that proves every value, and a way to hand in
// transactions. The same protocols are served here by a node.
package remote

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// scheme begins a join string.
const scheme = "plexus://"

// ErrJoin is returned for text that is not a join string.
var ErrJoin = errors.New("join string")

// Join says which network to join and where: plexus://GENESIS/MULTIADDR, with the
// hash of the genesis in hexadecimal, which is the root of trust. Further
// addresses of the same network follow after commas.
type Join struct {
	Genesis [32]byte
	Addrs   []string // multiaddrs that end in /p2p/ and a peer id
}

// String returns the text form.
func (j Join) String() string {
	s := scheme + hex.EncodeToString(j.Genesis[:])
	for i, a := range j.Addrs {
		if i > 0 {
			s += ","
		}
		s += a
	}
	return s
}

// ParseJoin reads the text form.
func ParseJoin(s string) (j Join, err error) {
	rest, ok := strings.CutPrefix(s, scheme)
	if !ok || len(rest) < 65 || rest[64] != '/' {
		return j, fmt.Errorf("%w %q: want %s<genesis hash, 64 hexadecimal digits>/<multiaddr>", ErrJoin, s, scheme)
	}
	b, err := hex.DecodeString(rest[:64])
	if err != nil {
		return j, fmt.Errorf("%w: genesis hash: %v", ErrJoin, err)
	}
	j.Genesis = [32]byte(b)
	for _, a := range strings.Split(rest[64:], ",") {
		if !strings.Contains(a, "/p2p/") {
			return j, fmt.Errorf("%w: address %q does not end in /p2p/<peer id>", ErrJoin, a)
		}
		j.Addrs = append(j.Addrs, a)
	}
	return j, nil
}
