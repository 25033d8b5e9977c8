package remote

import (
	"context"
	"io"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// bundle is the transfer of a bundle from whoever has it. Authors are the peer
// keys of those who should have it by duty; they are searched for if need be, and
// asked first.
func (r *Remote) bundle(root [32]byte, progress func(done, total int64), authors []key.ID) p2p.Fetch {
	var from []peer.ID
	for _, a := range authors {
		if id, err := p2p.PeerIDFromKey(a); err == nil { // a key that is none has no peer
			from = append(from, id)
		}
	}
	for _, id := range r.Net.Peers() {
		if !slices.Contains(from, id) {
			from = append(from, id)
		}
	}
	return p2p.Fetch{ID: root, Peers: from, Max: evidence.MaxBundle, Progress: progress}
}

// Bundle fetches the evidence with a root into memory. progress may be nil.
func (r *Remote) Bundle(ctx context.Context, root [32]byte, progress func(done, total int64), authors ...key.ID) (b *evidence.Bundle, err error) {
	f := r.bundle(root, progress, authors)
	_, err = r.Net.FetchVerified(ctx, f.Peers, root, f.Max, func(file []byte) (err error) {
		b, err = evidence.Decode(file, root)
		return err
	}, progress)
	return b, err
}

// BundleFile fetches the evidence with a root to a file. What an earlier call
// left in path + ".part" is not fetched again.
func (r *Remote) BundleFile(ctx context.Context, root [32]byte, path string, progress func(done, total int64), authors ...key.ID) error {
	f := r.bundle(root, progress, authors)
	f.Check = func(content io.ReaderAt, size int64) error {
		file := make([]byte, size)
		if _, err := io.ReadFull(io.NewSectionReader(content, 0, size), file); err != nil {
			return err
		}
		_, err := evidence.Decode(file, root)
		return err
	}
	return f.File(ctx, r.Net, path)
}

// BundleAt asks who serves the evidence with a root, and its size; p2p.ErrNoBlob
// when nobody does.
func (r *Remote) BundleAt(ctx context.Context, root [32]byte, authors ...key.ID) (size int64, at []peer.ID, err error) {
	return r.bundle(root, nil, authors).Stat(ctx, r.Net)
}

// Module fetches a module by its hash from whoever has it.
func (r *Remote) Module(ctx context.Context, id plugins.ID, progress func(done, total int64)) ([]byte, error) {
	return r.Net.FetchSHA256(ctx, r.Net.Peers(), id, plugins.MaxModule, progress)
}
