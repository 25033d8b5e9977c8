package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/plexus-network/plexus/ledger"
)

// restoreBatch is how many bytes a restore collects before it writes them.
const restoreBatch = 1 << 20

// Restore fills an empty store from the chunks of a snapshot. Until Finish has
// returned, the store reads as empty, and after a crash it is empty again. A
// Restore is of one goroutine and ends with Finish or Abort.
//
// Chunks are checked against the manifest, and what they held against the
// manifest's root. Whether that root is the chain's is for the caller to know.
type Restore struct {
	db    *DB
	m     Manifest
	b     *pebble.Batch
	j     joiner
	next  int
	keys  uint64
	blobs uint64
	bytes uint64
	ended bool
}

// Restore begins to fill the store with what m describes. It removes a genesis
// that no block followed; a store with blocks is ErrNotEmpty, see Reset.
func (db *DB) Restore(m Manifest) (*Restore, error) {
	if h := db.current(); h.height > 0 {
		return nil, fmt.Errorf("store: restore: %w: it is at height %d", ErrNotEmpty, h.height)
	}
	if !db.restoring.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("store: restore: another restore is under way")
	}
	if err := db.wipe(true); err != nil {
		db.restoring.Store(false)
		return nil, err
	}
	r := &Restore{db: db, m: m, b: db.p.NewBatch()}
	r.j.item = r.item
	return r, nil
}

// wipe removes state, tree and blobs, and other spaces if named, in one synced
// step, and leaves the mark of a restore or takes it away.
func (db *DB) wipe(mark bool, others ...byte) error {
	b := db.p.NewBatch()
	defer b.Close()
	for _, space := range append(others, spaceState, spaceTree, spaceBlob, spaceScratch) {
		if err := b.DeleteRange([]byte{space}, []byte{space + 1}, nil); err != nil {
			return wrap(err)
		}
	}
	err := b.Delete(keyHead, nil)
	if err == nil && mark {
		err = b.Set(keyRestore, []byte{1}, nil)
	} else if err == nil {
		err = b.Delete(keyRestore, nil)
	}
	if err != nil {
		return wrap(err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := b.Commit(pebble.Sync); err != nil {
		return wrap(err)
	}
	db.head = head{}
	return nil
}

// clearRestore removes what a restore left that never finished.
func (db *DB) clearRestore() error {
	mark, err := get(db.p, keyRestore)
	if err != nil || mark == nil {
		return err
	}
	return db.wipe(false)
}

// Reset removes all that the store holds, the namespaces too, in one synced
// step. Nothing may use it meanwhile.
func (db *DB) Reset() error { return db.wipe(false, spaceNamespace) }

// Next returns the index of the chunk that is wanted next, and the number of
// chunks when there is none.
func (r *Restore) Next() int { return r.next }

// Chunk takes the next chunk. ErrSnapshot says that it is not the one that the
// manifest names, or that it does not fit those before; in the first case
// another copy of it can be given.
func (r *Restore) Chunk(b []byte) error {
	if r.ended {
		return fmt.Errorf("store: restore: %w", ErrDiscarded)
	}
	if err := r.m.Check(r.next, b); err != nil {
		return err
	}
	parts, err := decodeChunk(b)
	if err == nil {
		err = r.j.chunk(parts)
	}
	if err != nil {
		return fmt.Errorf("store: restore chunk %d: %w", r.next, err)
	}
	r.next++
	return nil
}

func (r *Restore) item(kind partKind, key, data []byte) error {
	r.bytes += uint64(len(data))
	var err error
	if kind == partBlob {
		r.blobs++
		if ledger.ChunkHash(data) != [32]byte(key) {
			return fmt.Errorf("%w: blob %x has other bytes", ErrSnapshot, key)
		}
		err = r.b.Set(blobKey([32]byte(key)), data, nil)
	} else {
		r.keys++
		r.bytes += uint64(len(key))
		path, value := hashKey(key), sha256.Sum256(data)
		err = errors.Join(r.b.Set(stateKey(key), data, nil),
			r.b.Set(append([]byte{spaceScratch}, path[:]...), append(value[:], key...), nil))
	}
	if err != nil {
		return wrap(err)
	}
	return r.write(restoreBatch)
}

// write commits the batch when it has at least so many bytes.
func (r *Restore) write(least int) error {
	if r.b.Len() < least {
		return nil
	}
	if err := r.b.Commit(pebble.NoSync); err != nil { // the mark says that it is unfinished
		return wrap(err)
	}
	err := r.b.Close()
	r.b = r.db.p.NewBatch()
	return wrap(err)
}

// Finish builds the tree over what the chunks held, compares its root with the
// manifest's and makes the state the store's, on disk. After an error the store
// is empty. Progress is told how many keys of how many are in the tree.
func (r *Restore) Finish(ctx context.Context, progress func(done, total uint64)) (err error) {
	if r.ended {
		return fmt.Errorf("store: restore: %w", ErrDiscarded)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Abort())
		}
	}()
	if err := r.j.end(); err != nil {
		return err
	}
	switch {
	case r.next != len(r.m.Chunks):
		return fmt.Errorf("%w: %d of %d chunks were given", ErrSnapshot, r.next, len(r.m.Chunks))
	case r.keys != r.m.Keys || r.blobs != r.m.Blobs || r.bytes != r.m.Bytes:
		return fmt.Errorf("%w: it has %d keys, %d blobs, %d bytes; its manifest says %d, %d, %d", ErrSnapshot,
			r.keys, r.blobs, r.bytes, r.m.Keys, r.m.Blobs, r.m.Bytes)
	}
	if err := r.write(0); err != nil {
		return err
	}
	root, err := r.tree(ctx, progress)
	if err != nil {
		return err
	}
	if root.hash != r.m.Root {
		return fmt.Errorf("%w: its values give the root %x, it says %x", ErrSnapshot, root.hash, r.m.Root)
	}
	h := head{written: true, height: r.m.Height, root: root}
	if err := r.whole(h); err != nil {
		return err
	}
	err = errors.Join(r.b.DeleteRange([]byte{spaceScratch}, []byte{spaceScratch + 1}, nil),
		r.b.Delete(keyRestore, nil), r.b.Set(keyHead, h.append(nil), nil))
	if err != nil {
		return wrap(err)
	}
	r.db.mu.Lock()
	defer r.db.mu.Unlock()
	if err := r.b.Commit(pebble.Sync); err != nil {
		return wrap(err)
	}
	r.db.head = h
	return r.close()
}

// whole checks that the blobs which the state names are there: they are not under
// its root, so that a snapshot could leave some out.
func (r *Restore) whole(h head) error {
	view := &Snapshot{p: r.db.p.NewSnapshot(), head: h}
	defer view.Close()
	return ledger.NamedChunks(view, func(hash [32]byte) error {
		b, err := get(view.p, blobKey(hash))
		if err == nil && b == nil {
			err = fmt.Errorf("%w: it lacks the chunk %x of a module that its state names", ErrSnapshot, hash)
		}
		return err
	})
}

// tree builds all pages from the leaves in the scratch space, which Pebble has
// sorted by path, a 256th of them at a time.
func (r *Restore) tree(ctx context.Context, progress func(done, total uint64)) (node, error) {
	u := update{
		save: func(k, p []byte) error {
			if err := r.b.Set(k, p, nil); err != nil {
				return wrap(err)
			}
			return r.write(restoreBatch)
		},
		drop: func([]byte) error { return nil },
	}
	it, err := r.db.p.NewIter(spaceOnly(spaceScratch))
	if err != nil {
		return node{}, wrap(err)
	}
	defer func() {
		if it != nil {
			it.Close()
		}
	}()
	var top page
	var done uint64
	ok := it.First()
	for x := range 16 {
		var middle page
		at := [32]byte{byte(x) << 4}
		for y := range 16 {
			if err := ctx.Err(); err != nil {
				return node{}, err
			}
			var leaves []change
			for ; ok && it.Key()[1] == byte(x<<4|y); ok = it.Next() {
				v, err := it.ValueAndErr()
				if err != nil {
					return node{}, wrap(err)
				}
				leaves = append(leaves, change{path: [32]byte(it.Key()[1:]), value: [32]byte(v), key: bytes.Clone(v[32:])})
			}
			if middle[y], err = u.build(2, leaves, nil); err != nil {
				return node{}, err
			}
			done += uint64(len(leaves))
			if progress != nil {
				progress(done, r.m.Keys)
			}
		}
		if top[x], err = u.settle(&middle, at, 1); err != nil {
			return node{}, err
		}
	}
	err = finish(it)
	it = nil
	if err != nil {
		return node{}, err
	}
	return u.settle(&top, [32]byte{}, 0)
}

// Abort gives up: the store is empty again. It does nothing after Finish.
func (r *Restore) Abort() error {
	if r.ended {
		return nil
	}
	err := r.db.wipe(false)
	return errors.Join(err, r.close())
}

func (r *Restore) close() error {
	r.ended = true
	r.db.restoring.Store(false)
	return wrap(r.b.Close())
}

// RestoreFile is Restore, all chunks of f and Finish, with the progress of both
// in turn: what is "reading", then "hashing".
func (db *DB) RestoreFile(ctx context.Context, f *File, progress func(what string, done, total uint64)) error {
	tell := func(what string) func(uint64, uint64) {
		if progress == nil {
			return nil
		}
		return func(done, total uint64) { progress(what, done, total) }
	}
	r, err := db.Restore(f.Manifest)
	if err != nil {
		return err
	}
	read := tell("reading")
	for i := range f.Manifest.Chunks {
		b, err := f.Chunk(i)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = r.Chunk(b)
		}
		if err != nil {
			return errors.Join(err, r.Abort())
		}
		if read != nil {
			read(uint64(i+1), uint64(len(f.Manifest.Chunks)))
		}
	}
	return r.Finish(ctx, tell("hashing"))
}
