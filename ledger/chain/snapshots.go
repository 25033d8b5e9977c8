package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/plexus-network/plexus/ledger/store"
)

// minKeep is the least number of blocks that pruning leaves: as many as states
// that can be proved. What light clients and evidence need of older blocks,
// header, votes and producers, CometBFT keeps for the age of evidence, which is
// the unbonding time (see genesisDoc) and thus longer than light clients trust.
const minKeep = keepViews

// shelf is the node's snapshots: those it makes and those it offers.
type shelf struct {
	files    *store.Shelf // nil makes and offers none
	interval uint64
	queue    chan *store.Snapshot // of heights to write, one waiting at most
	writing  sync.Mutex           // one at a time

	mu     sync.Mutex
	oldest uint64 // height of the oldest file, 0 without one
}

// due hands over the state of a height for a file, unless the one before is
// still being written: it reports that.
func (s *shelf) due(height uint64, view func() *store.Snapshot) (late bool) {
	if s.files == nil || s.interval == 0 || height == 0 || height%s.interval != 0 {
		return false
	}
	v := view()
	select {
	case s.queue <- v:
		return false
	default:
		v.Close()
		return true
	}
}

// refresh looks again which file is the oldest: the blocks after it must stay.
func (s *shelf) refresh() error {
	if s.files == nil {
		return nil
	}
	all, err := s.files.List()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest = 0
	if len(all) > 0 {
		s.oldest = all[len(all)-1].Height
	}
	return err
}

// retain is the lowest height whose block stays when keep blocks are wanted and
// head is the newest; 0 keeps all.
func (s *shelf) retain(head, keep uint64) int64 {
	if keep == 0 {
		return 0
	}
	keep = max(keep, minKeep)
	if head <= keep {
		return 0
	}
	low := head - keep + 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.oldest > 0 {
		low = min(low, s.oldest+1) // a node that begins with it asks for the next
	}
	return int64(low)
}

// drain closes what waits.
func (s *shelf) drain() {
	for {
		select {
		case v := <-s.queue:
			v.Close()
		default:
			return
		}
	}
}

// snapshots writes the files that are due until ctx ends. One that cannot be
// written is told of and does not stop the node.
func (n *Node) snapshots(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case v := <-n.app.shelf.queue:
			began := time.Now()
			m, err := n.writeSnapshot(ctx, v, nil)
			v.Close()
			switch {
			case ctx.Err() != nil:
			case err != nil:
				n.log.Error("no snapshot was made", "height", m.Height, "err", err)
			default:
				n.log.Info("snapshot", "height", m.Height, "keys", m.Keys, "bytes", m.Bytes, "chunks", len(m.Chunks), "took", time.Since(began).Round(time.Millisecond))
			}
		}
	}
}

// Snapshot writes a snapshot of the newest state beside those that are made at
// intervals. The node goes on meanwhile.
func (n *Node) Snapshot(ctx context.Context, progress func(done, total uint64)) (store.Manifest, error) {
	if n.app.shelf.files == nil {
		return store.Manifest{}, fmt.Errorf("chain: this node keeps no snapshots: give it a directory for them")
	}
	v := n.cfg.DB.Snapshot()
	defer v.Close()
	return n.writeSnapshot(ctx, v, progress)
}

func (n *Node) writeSnapshot(ctx context.Context, v *store.Snapshot, progress func(done, total uint64)) (store.Manifest, error) {
	s := n.app.shelf
	s.writing.Lock()
	defer s.writing.Unlock()
	m := store.Manifest{Height: v.Height()}
	// Consensus saves what it knows a moment after the state is committed.
	var extra []byte
	for {
		var r record
		err := n.engine.gate.do(func() error {
			return guard(func() (err error) { r, err = n.engine.recordAt(v.Height()); return err })
		})
		if err == nil {
			if extra, err = r.encode(); err != nil {
				return m, err
			}
			break
		}
		if !errors.Is(err, ErrUnavailable) || v.Height() == 0 {
			return m, err
		}
		select {
		case <-ctx.Done():
			return m, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	m, err := s.files.Put(ctx, v, store.ExportOptions{Chain: n.GenesisHash(), Extra: extra, Progress: progress})
	if err != nil {
		return m, err
	}
	return m, s.refresh()
}

// ListSnapshots offers the files that a node which begins with one can verify:
// the two blocks after it must exist.
func (a *app) ListSnapshots(context.Context, *abci.RequestListSnapshots) (*abci.ResponseListSnapshots, error) {
	out := &abci.ResponseListSnapshots{}
	if a.shelf.files == nil {
		return out, nil
	}
	all, err := a.shelf.files.List()
	if err != nil {
		a.log.Warn("a snapshot cannot be offered", "err", err)
	}
	for _, m := range all {
		if m.Height > 0 && m.Height+2 <= a.head.Load().Height && m.Chain == a.genesis.Hash() {
			a.shelf.files.Hold(m.Height)
			hash := m.Hash()
			out.Snapshots = append(out.Snapshots, &abci.Snapshot{Height: m.Height, Format: store.SnapshotFormat,
				Chunks: uint32(len(m.Chunks)), Hash: hash[:], Metadata: m.Encode()})
		}
	}
	return out, nil
}

// LoadSnapshotChunk reads one chunk for another node; it has none of a file
// that is gone or damaged.
func (a *app) LoadSnapshotChunk(_ context.Context, r *abci.RequestLoadSnapshotChunk) (*abci.ResponseLoadSnapshotChunk, error) {
	out := &abci.ResponseLoadSnapshotChunk{}
	if a.shelf.files == nil || r.Format != store.SnapshotFormat {
		return out, nil
	}
	f, err := a.shelf.files.Open(r.Height)
	if err == nil {
		a.shelf.files.Hold(r.Height)
		out.Chunk, err = f.Chunk(int(r.Chunk))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		a.log.Warn("a chunk of a snapshot was asked for and cannot be given", "height", r.Height, "chunk", r.Chunk, "err", err)
		return &abci.ResponseLoadSnapshotChunk{}, nil
	}
	return out, nil
}
