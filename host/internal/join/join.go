// Package join reads and writes join strings, which say which network to join
// and where.
package join

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/ledger"
)

// scheme begins a join string.
const scheme = "plexus://"

// Err is returned for text that is not a join string.
var Err = errors.New("join string")

// String says which network to join and where:
// plexus://GENESIS@HEIGHT:HASH/MULTIADDR, with the hash of the genesis and that
// of a recent block in hexadecimal. That block is the root of trust; without
// "@HEIGHT:HASH" it is the genesis, which is enough for a young network only.
// Further addresses of the same network follow after commas.
type String struct {
	Genesis [32]byte
	Anchor  *ledger.Anchor // nil for none
	Addrs   []string       // multiaddrs that end in /p2p/ and a peer id
}

// String returns the text form.
func (j String) String() string {
	s := scheme + hex.EncodeToString(j.Genesis[:])
	if j.Anchor != nil {
		s += fmt.Sprintf("@%d:%x", j.Anchor.Height, j.Anchor.Hash)
	}
	for i, a := range j.Addrs {
		if i > 0 {
			s += ","
		}
		s += a
	}
	return s
}

// Parse reads the text form.
func Parse(s string) (j String, err error) {
	rest, ok := strings.CutPrefix(s, scheme)
	trust, addrs, slash := strings.Cut(rest, "/")
	genesis, anchor, anchored := strings.Cut(trust, "@")
	if !ok || !slash || len(genesis) != 64 {
		return j, fmt.Errorf("%w %q: want %s<genesis hash, 64 hexadecimal digits>/<multiaddr>, or <genesis hash>@<height>:<block hash> with a block that you trust", Err, s, scheme)
	}
	b, err := hex.DecodeString(genesis)
	if err != nil {
		return j, fmt.Errorf("%w: genesis hash: %v", Err, err)
	}
	j.Genesis = [32]byte(b)
	if anchored {
		if j.Anchor, err = ParseAnchor(anchor); err != nil {
			return j, err
		}
	}
	for _, a := range strings.Split("/"+addrs, ",") {
		if !strings.Contains(a, "/p2p/") {
			return j, fmt.Errorf("%w: address %q does not end in /p2p/<peer id>", Err, a)
		}
		j.Addrs = append(j.Addrs, a)
	}
	return j, nil
}

// ParseAnchor reads HEIGHT:HASH.
func ParseAnchor(s string) (*ledger.Anchor, error) {
	height, hash, _ := strings.Cut(s, ":")
	h, err := strconv.ParseUint(height, 10, 62)
	if err != nil || h == 0 || height[0] == '0' || height[0] == '+' {
		return nil, fmt.Errorf("%w: block %q: want <height>:<block hash, 64 hexadecimal digits>", Err, s)
	}
	b, err := hex.DecodeString(hash)
	if err != nil || len(b) != 32 {
		return nil, fmt.Errorf("%w: hash of block %d: %q: want 64 hexadecimal digits", Err, h, hash)
	}
	return &ledger.Anchor{Height: h, Hash: [32]byte(b)}, nil
}
