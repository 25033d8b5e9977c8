package node

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/store"
)

// Snapshots is the folder of a home's snapshot files.
func Snapshots(home string) string { return filepath.Join(home, "snapshots") }

// sync configures what the node keeps for nodes that join, and how it joins
// itself.
func (n *Node) sync(cc *chain.Config) (err error) {
	if n.shelf, err = store.OpenShelf(Snapshots(n.cfg.Home), n.cfg.Snapshot.Keep); err != nil {
		return err
	}
	cc.Snapshots, cc.SnapshotInterval, cc.PruneKeep = n.shelf, n.cfg.Snapshot.Interval, n.cfg.Prune.Keep
	if !n.cfg.StateSync.Enable {
		return nil
	}
	a, err := n.cfg.Anchor()
	if err != nil {
		return err
	}
	ask, witnesses := remote.Asks(n.net)
	cc.StateSync = &chain.StateSync{Anchor: a, Ask: ask, Witnesses: witnesses, Progress: func(done, total uint64) {
		n.log.Debug("restoring a snapshot", "chunk", done, "of", total)
		n.events.Emit(event.Event{Kind: "restoring", Done: done, Total: total})
	}}
	return nil
}

// takeSnapshot writes the newest state beside the snapshots of the interval.
func (n *Node) takeSnapshot(ctx context.Context) (*admin.Answer, error) {
	m, err := n.chain.Snapshot(ctx, nil)
	if err != nil {
		return nil, err
	}
	s := SnapshotOf(m, n.shelf.Path(m.Height))
	return &admin.Answer{Snapshot: &s, Text: fmt.Sprintf("snapshot of block %d, %d keys: %s", m.Height, m.Keys, s.File)}, nil
}

// SnapshotOf describes a snapshot file.
func SnapshotOf(m store.Manifest, file string) admin.Snapshot {
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	return admin.Snapshot{Height: m.Height, Root: fmt.Sprintf("%x", m.Root), Hash: fmt.Sprintf("%x", m.Hash()), Genesis: fmt.Sprintf("%x", m.Chain),
		Keys: m.Keys, Blobs: m.Blobs, Bytes: m.Bytes, Chunks: len(m.Chunks), File: file}
}
