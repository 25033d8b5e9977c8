// Package index is a node's history: which block holds a transaction, what an
// account did and received, what happened in each block. It is made from the
// chain's stored blocks and can be made again from them; it is no part of the
// chain and nothing in it is proved.
//
// The index lives in the node's second database under its own prefix:
//
//	ix/h                        -> [1, first height, next height]
//	ix/b HEIGHT                 -> BlockRecord
//	ix/x BLOCK-HASH             -> height
//	ix/t TX-ID                  -> TxRecord
//	ix/a ACCOUNT HEIGHT SEQ     -> Entry
//
// A block's records and the head are written in one batch, so that a crash loses
// whole blocks from the end, which the next start reads again.
package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
)

// ErrNotFound is returned for what the index does not hold.
var ErrNotFound = errors.New("not in the history of this node")

const (
	prefix      = "ix/"
	spaceHead   = 'h'
	spaceBlock  = 'b'
	spaceHash   = 'x'
	spaceTx     = 't'
	spaceRecord = 'a'
)

// Index is an open history. One goroutine, Run, writes; all others read.
type Index struct {
	db  *kv.DB
	log *slog.Logger

	mu          sync.Mutex
	first, next uint64        // heights held: first to next-1; first 0 for none
	changed     chan struct{} // closed at the next block
	again       chan struct{} // asks Run to begin anew
}

// Open reads where the index stands.
func Open(db *kv.DB, log *slog.Logger) (*Index, error) {
	x := &Index{db: db, log: log, next: 1, changed: make(chan struct{}), again: make(chan struct{}, 1)}
	b, err := db.Get(at(spaceHead))
	if err != nil || b == nil {
		return x, err
	}
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	x.first, x.next = d.Uint(), d.UintMax(1<<62)
	if err := d.End(); err != nil || x.first > x.next {
		log.Warn("the head of the history is damaged: it is made again from the stored blocks")
		return x, x.Clear()
	}
	return x, nil
}

// Again has Run forget everything and read all stored blocks again.
func (x *Index) Again() {
	select {
	case x.again <- struct{}{}:
	default: // asked already
	}
}

// Clear forgets everything, so that Run reads all stored blocks again.
func (x *Index) Clear() error {
	b := x.db.Batch()
	defer b.Close()
	if err := b.DeleteRange([]byte(prefix), []byte("ix0")); err != nil { // '0' follows '/'
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.first, x.next = 0, 1
	return b.Commit(true)
}

// Heights returns the lowest and the highest height held, zeros for none.
func (x *Index) Heights() (first, last uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.first == 0 {
		return 0, 0
	}
	return x.first, x.next - 1
}

// Changed returns a channel that is closed when a block more is held.
func (x *Index) Changed() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.changed
}

// Run follows a chain until ctx ends: it reads stored blocks from where the
// index stands, then each as it is committed. Heights that the chain does not
// have any more are left out.
func (x *Index) Run(ctx context.Context, n *chain.Node) error {
	wake := make(chan struct{}, 1)
	defer n.Subscribe(func(chain.Block) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})()
	for {
		if err := x.catchUp(ctx, n); err != nil {
			return fmt.Errorf("history: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-x.again:
			if err := x.Clear(); err != nil {
				return fmt.Errorf("history: %w", err)
			}
		}
	}
}

func (x *Index) catchUp(ctx context.Context, n *chain.Node) error {
	for h := x.next; h <= n.Head().Height && ctx.Err() == nil; h++ {
		b, err := n.Stored(h)
		if errors.Is(err, chain.ErrUnavailable) {
			if base := n.Base(); base > h {
				h = base - 1
			}
			x.log.Warn("a block is no longer stored and is missing in the history", "height", h)
			continue
		}
		if err != nil {
			return err
		}
		if err := x.Add(b); err != nil {
			return err
		}
	}
	return nil
}

// Add writes the records of one block. Run calls it.
func (x *Index) Add(b *chain.StoredBlock) error {
	w := x.db.Batch()
	defer w.Close()
	rec := NewBlockRecord(b)
	height := be64(b.Height)
	puts := []error{w.Put(at(spaceBlock, height), rec.append(nil)), w.Put(at(spaceHash, b.Hash[:]), height)}
	for i, raw := range b.Entries[1:] {
		r := b.Results[i+1]
		// A transaction that was refused before may come once more and hold.
		if old, err := x.Tx(r.ID); err == nil && (old.Result.Code == ledger.OK || r.Code != ledger.OK) {
			continue
		} else if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		t := TxRecord{Height: b.Height, Entry: i + 1, Time: b.Time, Result: r, Raw: raw}
		puts = append(puts, w.Put(at(spaceTx, r.ID[:]), t.append(nil)))
	}
	seq := map[key.ID]uint32{}
	for _, e := range entriesOf(b) {
		k := at(spaceRecord, e.Account[:], height, binary.BigEndian.AppendUint32(nil, seq[e.Account]))
		seq[e.Account]++
		puts = append(puts, w.Put(k, e.append(nil)))
	}
	first := x.first
	if first == 0 {
		first = b.Height
	}
	head := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	puts = append(puts, w.Put(at(spaceHead), cbor.AppendUint(cbor.AppendUint(head, first), b.Height+1)))
	if err := errors.Join(append(puts, w.Commit(false))...); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.first, x.next = first, b.Height+1
	close(x.changed)
	x.changed = make(chan struct{})
	return nil
}

// Block returns what is held of the block at a height.
func (x *Index) Block(height uint64) (*BlockRecord, error) {
	b, err := x.db.Get(at(spaceBlock, be64(height)))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fmt.Errorf("block %d: %w", height, ErrNotFound)
	}
	return decodeBlock(height, b)
}

// ByHash returns the height of a block.
func (x *Index) ByHash(hash [32]byte) (uint64, error) {
	b, err := x.db.Get(at(spaceHash, hash[:]))
	if err != nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("block %x: %w", hash[:6], ErrNotFound)
	}
	return binary.BigEndian.Uint64(b), nil
}

// Blocks returns up to limit blocks below a height, newest first.
func (x *Index) Blocks(below uint64, limit int) (out []*BlockRecord, err error) {
	err = x.db.Range(at(spaceBlock), at(spaceBlock, be64(below)), true, func(k, v []byte) (bool, error) {
		r, err := decodeBlock(binary.BigEndian.Uint64(k[len(k)-8:]), v)
		out = append(out, r)
		return len(out) < limit, err
	})
	return out, err
}

// Tx returns a transaction that a block included.
func (x *Index) Tx(id [32]byte) (*TxRecord, error) {
	b, err := x.db.Get(at(spaceTx, id[:]))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fmt.Errorf("transaction %x: %w", id[:6], ErrNotFound)
	}
	return decodeTx(id, b)
}

// Place is a position in an account's history.
type Place struct {
	Height uint64
	Seq    uint32
}

// Newest is the place above every entry, from which History begins with the
// newest.
func Newest() Place { return Place{Height: 1<<64 - 1, Seq: 1<<32 - 1} }

// History returns up to limit entries of an account below a place, newest first.
func (x *Index) History(account key.ID, below Place, limit int) (out []Entry, err error) {
	end := at(spaceRecord, account[:], be64(below.Height), binary.BigEndian.AppendUint32(nil, below.Seq))
	err = x.db.Range(at(spaceRecord, account[:]), end, true, func(k, v []byte) (bool, error) {
		e, err := decodeEntry(v)
		e.Account = account
		e.Place = Place{binary.BigEndian.Uint64(k[len(k)-12:]), binary.BigEndian.Uint32(k[len(k)-4:])}
		out = append(out, e)
		return len(out) < limit, err
	})
	return out, err
}

func at(space byte, parts ...[]byte) []byte {
	k := append([]byte(prefix), space)
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
