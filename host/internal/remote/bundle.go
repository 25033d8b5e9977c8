package remote

import (
	"context"

	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// Bundle fetches the evidence with a root from whoever has it. progress may be
// nil.
func (r *Remote) Bundle(ctx context.Context, root [32]byte, progress func(done, total int64)) (b *evidence.Bundle, err error) {
	_, err = r.Net.FetchVerified(ctx, r.Net.Peers(), root, evidence.MaxBundle, func(file []byte) (err error) {
		b, err = evidence.Decode(file, root)
		return err
	}, progress)
	return b, err
}

// Module fetches a module by its hash from whoever has it.
func (r *Remote) Module(ctx context.Context, id plugins.ID, progress func(done, total int64)) ([]byte, error) {
	return r.Net.FetchSHA256(ctx, r.Net.Peers(), id, plugins.MaxModule, progress)
}
