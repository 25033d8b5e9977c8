package chain

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Bounds of the transactions that wait.
const (
	poolTxs        = 5000
	poolBytes      = 16 << 20
	poolPerAccount = 64
	// A transaction whose predecessor is missing waits aside: gossip does not
	// keep the order in which an account sends.
	asideTxs        = 1024
	asidePerAccount = 16
)

// waiting is a transaction that has passed ledger.Check.
type waiting struct {
	id    [32]byte
	raw   []byte
	tx    *ledger.Tx
	local bool           // submitted here: announced again until included
	acc   ledger.Account // as it was when ledger.Check passed
}

// pool holds the transactions that wait for a block: those that pay in the
// order in which they came, which per account is that of its nonces, and free
// ones by the slot they would spend. mu guards everything.
type pool struct {
	mu       sync.Mutex
	byID     map[[32]byte]*waiting
	order    []*waiting
	accounts map[key.ID][]*waiting // by nonce, without gaps, from the account's next
	slots    map[string]*waiting
	aside    map[key.ID]map[uint64]*waiting
	asideN   int
	bytes    int
}

func newPool() *pool {
	return &pool{byID: map[[32]byte]*waiting{}, accounts: map[key.ID][]*waiting{},
		slots: map[string]*waiting{}, aside: map[key.ID]map[uint64]*waiting{}}
}

// insert checks a transaction against the newest state and keeps it. The error
// is ErrKnown, ErrFull, a *ledger.Reject or a failure to read the state.
func (p *pool) insert(view ledger.View, raw []byte, local bool) ([32]byte, error) {
	t, err := ledger.DecodeTx(raw)
	if err != nil {
		return [32]byte{}, err
	}
	w := &waiting{id: t.ID(), raw: slices.Clone(raw), tx: t, local: local}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[w.id] != nil || p.aside[t.Account][t.Nonce] != nil && p.aside[t.Account][t.Nonce].id == w.id {
		return w.id, ErrKnown
	}
	switch {
	case t.Free():
		err = p.insertFree(view, w)
	default:
		err = p.insertPaying(view, w)
	}
	return w.id, err
}

func (p *pool) insertFree(view ledger.View, w *waiting) error {
	if p.slots[w.tx.Slot()] != nil {
		return &ledger.Reject{Code: ledger.CodeSlot, Detail: "another transaction that waits would spend it"}
	}
	if p.full(w) {
		return ErrFull
	}
	if err := ledger.Check(view, w.raw, 0); err != nil {
		return err
	}
	p.add(w)
	return nil
}

func (p *pool) insertPaying(view ledger.View, w *waiting) error {
	queue := p.accounts[w.tx.Account]
	pending := 0
	for _, q := range queue {
		if q.tx.Nonce == w.tx.Nonce {
			// Fees are fixed: there is nothing to bid with.
			return &ledger.Reject{Code: ledger.CodeNonceLow, Detail: fmt.Sprintf("nonce %d belongs to another transaction that waits, the next is %d",
				w.tx.Nonce, queue[len(queue)-1].tx.Nonce+1)}
		}
		if q.tx.Nonce < w.tx.Nonce {
			pending++
		}
	}
	if len(queue) >= poolPerAccount || p.full(w) {
		return ErrFull
	}
	err := ledger.Check(view, w.raw, uint64(pending))
	if errors.Is(err, &ledger.Reject{Code: ledger.CodeNonceHigh}) {
		return p.putAside(view, w, err)
	}
	if err != nil {
		return err
	}
	if w.acc, err = ledger.LoadAccount(view, w.tx.Account); err != nil {
		return err
	}
	p.add(w)
	p.promote(view, w.tx.Account)
	return nil
}

// putAside keeps a transaction whose predecessors may still come. The account
// must exist: otherwise anybody could fill the room for nothing.
func (p *pool) putAside(view ledger.View, w *waiting, why error) error {
	acc, err := ledger.LoadAccount(view, w.tx.Account)
	if err != nil {
		return err
	}
	mine := p.aside[w.tx.Account]
	next := acc.Nonce + uint64(len(p.accounts[w.tx.Account]))
	if acc.Balance == 0 || p.asideN >= asideTxs || len(mine) >= asidePerAccount || w.tx.Nonce > next+asidePerAccount {
		return why
	}
	if mine == nil {
		mine = map[uint64]*waiting{}
		p.aside[w.tx.Account] = mine
	}
	if mine[w.tx.Nonce] == nil {
		p.asideN++
	}
	mine[w.tx.Nonce] = w
	return nil
}

// promote moves what waited aside for predecessors that are there now.
func (p *pool) promote(view ledger.View, account key.ID) {
	for len(p.aside[account]) > 0 {
		next := uint64(len(p.accounts[account]))
		if q := p.accounts[account]; len(q) > 0 {
			next = q[len(q)-1].tx.Nonce + 1
		} else if acc, err := ledger.LoadAccount(view, account); err == nil {
			next = acc.Nonce
		}
		w := p.aside[account][next]
		if w == nil {
			return
		}
		p.dropAside(account, next)
		if p.full(w) || len(p.accounts[account]) >= poolPerAccount ||
			ledger.Check(view, w.raw, uint64(len(p.accounts[account]))) != nil {
			return
		}
		p.add(w)
	}
}

func (p *pool) dropAside(account key.ID, nonce uint64) {
	delete(p.aside[account], nonce)
	p.asideN--
	if len(p.aside[account]) == 0 {
		delete(p.aside, account)
	}
}

func (p *pool) full(w *waiting) bool {
	return len(p.order) >= poolTxs || p.bytes+len(w.raw) > poolBytes
}

func (p *pool) add(w *waiting) {
	p.byID[w.id] = w
	p.order = append(p.order, w)
	p.bytes += len(w.raw)
	if w.tx.Free() {
		p.slots[w.tx.Slot()] = w
	} else {
		p.accounts[w.tx.Account] = append(p.accounts[w.tx.Account], w)
	}
}

// candidates returns what may go into a block: the free ones first, which hold
// only a share of it, then those that pay in their order.
func (p *pool) candidates() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([][]byte, 0, len(p.order))
	for _, free := range []bool{true, false} {
		for _, w := range p.order {
			if w.tx.Free() == free {
				out = append(out, w.raw)
			}
		}
	}
	return out
}

// gone is a transaction that left the pool without being included.
type gone struct {
	id     [32]byte
	reason error
}

// update removes what a block included and what it made invalid, and returns
// the latter.
func (p *pool) update(view ledger.View, included []ledger.TxResult) (dropped []gone, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	totals, err := ledger.LoadTotals(view)
	if err != nil || totals == nil {
		return nil, fmt.Errorf("reading totals: %w", err)
	}
	height := totals.Height
	in := make(map[[32]byte]bool, len(included))
	for _, r := range included {
		in[r.ID] = true
	}
	old := p.order
	p.byID, p.order, p.accounts, p.slots, p.bytes = map[[32]byte]*waiting{}, old[:0:0], map[key.ID][]*waiting{}, map[string]*waiting{}, 0
	for i, w := range old {
		if in[w.id] {
			continue
		}
		why := p.recheck(view, w, height)
		if _, rejected := ledger.CodeOf(why); why != nil && !rejected {
			for _, rest := range old[i:] {
				p.add(rest)
			}
			return dropped, why
		}
		if why != nil {
			dropped = append(dropped, gone{w.id, why})
			continue
		}
		p.add(w)
	}
	for account, mine := range p.aside {
		for nonce, w := range mine {
			acc, err := ledger.LoadAccount(view, account)
			if err != nil {
				return dropped, err
			}
			if nonce < acc.Nonce || w.tx.Expiry <= height {
				p.dropAside(account, nonce)
			}
		}
		p.promote(view, account)
	}
	return dropped, nil
}

// recheck is ledger.Check, without the signature while the account is what it
// was when that was checked.
func (p *pool) recheck(view ledger.View, w *waiting, height uint64) error {
	before := uint64(len(p.accounts[w.tx.Account]))
	if w.tx.Free() {
		return ledger.Check(view, w.raw, 0)
	}
	acc, err := ledger.LoadAccount(view, w.tx.Account)
	if err != nil {
		return err
	}
	if acc == w.acc && w.tx.Nonce == acc.Nonce+before && w.tx.Expiry > height {
		return nil
	}
	w.acc = acc
	return ledger.Check(view, w.raw, before)
}

// locals returns the transactions submitted here that still wait.
func (p *pool) locals() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out [][]byte
	for _, w := range p.order {
		if w.local {
			out = append(out, w.raw)
		}
	}
	return out
}

func (p *pool) has(id [32]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byID[id] != nil
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.order)
}
