package chain

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"

	"github.com/plexus-network/plexus/ledger"
)

// heads orders the queues of accounts by what their first transaction pays.
type heads [][]*waiting

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[j][0].cheaper(h[i][0]) }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.([]*waiting)) }
func (h *heads) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}

// candidates returns what may go into a block: the free ones first, which hold
// only a share of it, in the order in which they came, then those that pay, the
// dearest per byte first as far as the nonces of their accounts allow.
func (p *pool) candidates() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := make([]*waiting, 0, len(p.slots))
	for _, w := range p.slots {
		free = append(free, w)
	}
	bySeq(free)
	out := make([][]byte, 0, len(p.byID))
	for _, w := range free {
		out = append(out, w.raw)
	}
	h := make(heads, 0, len(p.accounts))
	for _, q := range p.accounts {
		h = append(h, q)
	}
	heap.Init(&h)
	for len(h) > 0 {
		out = append(out, h[0][0].raw)
		if h[0] = h[0][1:]; len(h[0]) == 0 {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
	return out
}

func bySeq(all []*waiting) {
	slices.SortFunc(all, func(a, b *waiting) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
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
	for _, w := range p.slots {
		why := error(nil)
		if !in[w.id] {
			if why = ledger.CheckAgain(view, w.tx, 0); why == nil {
				continue
			}
			if _, rejected := ledger.CodeOf(why); !rejected {
				return dropped, why
			}
			dropped = append(dropped, gone{w.id, why})
		}
		p.remove(w)
	}
	for account, old := range p.accounts {
		kept := old[:0:0]
		for _, w := range old {
			why := error(nil)
			if !in[w.id] {
				if why = p.recheck(view, w, uint64(len(kept)), height); why == nil {
					kept = append(kept, w)
					continue
				}
				if _, rejected := ledger.CodeOf(why); !rejected {
					return dropped, why
				}
			}
			p.remove(w)
			// One before it left: it may come again.
			if errors.Is(why, &ledger.Reject{Code: ledger.CodeNonceHigh}) {
				why = p.putAside(view, w, why)
			}
			if why != nil {
				dropped = append(dropped, gone{w.id, why})
			}
		}
		if len(kept) > 0 {
			p.accounts[account] = kept
		} else {
			delete(p.accounts, account)
		}
	}
	for account, mine := range p.aside {
		acc, err := ledger.LoadAccount(view, account)
		if err != nil {
			return dropped, err
		}
		for nonce, w := range mine {
			if nonce < acc.Nonce || w.tx.Expiry <= height {
				p.dropAside(account, nonce)
			}
		}
		if err := p.promote(view, account); err != nil {
			return dropped, err
		}
	}
	return dropped, nil
}

// recheck is ledger.CheckAgain, left out while the account is what it was when
// that passed.
func (p *pool) recheck(view ledger.View, w *waiting, before, height uint64) error {
	acc, err := ledger.LoadAccount(view, w.tx.Account)
	if err != nil {
		return err
	}
	if acc == w.acc && w.tx.Nonce == acc.Nonce+before && w.tx.Expiry > height {
		return nil
	}
	w.acc = acc
	return ledger.CheckAgain(view, w.tx, before)
}

// locals returns the transactions submitted here that still wait, oldest first.
func (p *pool) locals() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*waiting
	for _, w := range p.byID {
		if w.local {
			all = append(all, w)
		}
	}
	bySeq(all)
	out := make([][]byte, len(all))
	for i, w := range all {
		out[i] = w.raw
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
	return len(p.byID)
}
