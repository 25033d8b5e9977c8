package chain

import (
	"sync"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

const (
	recentBlocks = 1000
	recentTxs    = 200_000
	recentGone   = 4096
	blockQueue   = 256
)

// Block is what subscribers are told of a committed block.
type Block struct {
	Height   uint64
	Time     int64 // of the header, Unix milliseconds
	Hash     [32]byte
	Root     [32]byte // of the state after the block; in the header of the next
	Proposer ledger.Address
	Results  []ledger.TxResult // one per entry, the first is the proposer's
	Events   []ledger.Event
	Changes  []ledger.BalanceChange // of free balances, sorted by account
	Applied  time.Duration          // what its execution took here
}

// State says where a transaction is.
type State int

// States of a transaction. Dropped ones were refused after they had waited, for
// the reason in Result.
const (
	Unknown State = iota
	Pending
	Included
	Dropped
)

// Status of a transaction. Height and Result are those of the block that
// included it; an included transaction may have failed: see Result.Code.
type Status struct {
	State  State
	Height uint64
	Result ledger.TxResult
}

// recent remembers the outcome of transactions for about a thousand blocks.
type recent struct {
	mu     sync.Mutex
	txs    map[[32]byte]Status
	blocks [][][32]byte // ids by block, oldest first
	gone   [][32]byte
}

func newRecent() *recent { return &recent{txs: map[[32]byte]Status{}} }

func (r *recent) included(height uint64, results []ledger.TxResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids [][32]byte
	for _, x := range results[min(1, len(results)):] {
		ids = append(ids, x.ID)
		r.txs[x.ID] = Status{Included, height, x}
	}
	r.blocks = append(r.blocks, ids)
	for len(r.blocks) > recentBlocks || len(r.txs) > recentTxs && len(r.blocks) > 1 {
		for _, id := range r.blocks[0] {
			delete(r.txs, id)
		}
		r.blocks = r.blocks[1:]
	}
}

func (r *recent) dropped(all []gone) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range all {
		if r.txs[g.id].State == Included {
			continue
		}
		s := Status{State: Dropped, Result: ledger.TxResult{ID: g.id, Detail: g.reason.Error()}}
		s.Result.Code, _ = ledger.CodeOf(g.reason)
		r.txs[g.id] = s
		r.gone = append(r.gone, g.id)
	}
	for len(r.gone) > recentGone {
		if r.txs[r.gone[0]].State == Dropped {
			delete(r.txs, r.gone[0])
		}
		r.gone = r.gone[1:]
	}
}

func (r *recent) get(id [32]byte) Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.txs[id]
}

// subscribers are told of blocks by one goroutine, outside consensus.
type subscribers struct {
	mu    sync.Mutex
	next  int
	fns   map[int]func(Block)
	queue chan Block
}

func newSubscribers() *subscribers {
	return &subscribers{fns: map[int]func(Block){}, queue: make(chan Block, blockQueue)}
}

// publish hands a block to the goroutine that tells; when it is far behind the
// oldest block is lost, never consensus held up. It reports that.
func (s *subscribers) publish(b Block) (lost bool) {
	for {
		select {
		case s.queue <- b:
			return lost
		default:
		}
		select {
		case <-s.queue:
			lost = true
		default:
		}
	}
}

func (s *subscribers) tell(b Block) {
	s.mu.Lock()
	fns := make([]func(Block), 0, len(s.fns))
	for i := range s.next {
		if fn := s.fns[i]; fn != nil {
			fns = append(fns, fn)
		}
	}
	s.mu.Unlock()
	for _, fn := range fns {
		fn(b)
	}
}

func (s *subscribers) add(fn func(Block)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.next
	s.next++
	s.fns[i] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.fns, i)
	}
}
