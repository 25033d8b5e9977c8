package p2p

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Stat asks who has the blob and how large most of those say it is, without
// fetching it; that nobody has it is ErrNoBlob. Whether they really have what the
// id names only fetching shows.
func (f Fetch) Stat(ctx context.Context, h Opener) (size int64, at []peer.ID, err error) {
	t := &transfer{Fetch: f, h: h, liar: map[peer.ID]bool{}}
	offers, err := t.gather(ctx)
	if err != nil {
		return 0, nil, err
	}
	return int64(offers[0].size), offers[0].peers, nil
}
