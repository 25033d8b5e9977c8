package chain

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Bounds of the transactions that wait. Together they fill about one block with
// the smallest transactions, and four with the largest.
const (
	poolTxs          = 20_000
	poolBytes        = 16 << 20
	poolPerAccount   = 64
	poolAccountBytes = 1 << 20
	// Free transactions cannot be outbid, so they have a room of their own.
	poolFreeTxs   = 4096
	poolFreeBytes = 4 << 20
	// A transaction whose predecessor is missing waits aside: gossip does not
	// keep the order in which an account sends.
	asideTxs        = 1024
	asideBytes      = 4 << 20
	asidePerAccount = 16
	// bidPercent is what replaces a waiting transaction: less would let everybody
	// have the same bytes passed on for nothing.
	bidPercent = 110
)

// waiting is a transaction that has passed ledger.Check.
type waiting struct {
	id    [32]byte
	raw   []byte
	tx    *ledger.Tx
	local bool           // submitted here: announced again until included
	seq   uint64         // of its arrival
	fee   unit.TAO       // when it came
	acc   ledger.Account // as it was when ledger.Check passed
}

// cheaper reports whether w pays less per byte than o, and at the same price
// came later.
func (w *waiting) cheaper(o *waiting) bool {
	ah, al := bits.Mul64(uint64(w.fee), uint64(len(o.raw)))
	bh, bl := bits.Mul64(uint64(o.fee), uint64(len(w.raw)))
	switch {
	case ah != bh:
		return ah < bh
	case al != bl:
		return al < bl
	}
	return w.seq > o.seq
}

// pool holds the transactions that wait for a block. Those that pay stand in a
// queue per account, by nonce; between accounts whoever pays more per byte comes
// first. The free ones stand by the slot that they would spend. What is left out
// when the pool is full is the cheapest end of a queue. mu guards everything.
type pool struct {
	mu        sync.Mutex
	byID      map[[32]byte]*waiting
	accounts  map[key.ID][]*waiting // by nonce, without gaps, from the account's next
	slots     map[string]*waiting
	aside     map[key.ID]map[uint64]*waiting
	asideN    int
	asideSize int
	bytes     int // of those that pay
	freeBytes int
	seq       uint64
	left      func([]gone) // told of what was replaced or pushed out; may be nil
}

func newPool() *pool {
	return &pool{byID: map[[32]byte]*waiting{}, accounts: map[key.ID][]*waiting{},
		slots: map[string]*waiting{}, aside: map[key.ID]map[uint64]*waiting{}}
}

// insert checks a transaction against the newest state and keeps it. The error
// is ErrKnown, ErrFull, ErrReplace, a *ledger.Reject or a failure to read the
// state.
func (p *pool) insert(view ledger.View, raw []byte, local bool) ([32]byte, error) {
	t, err := ledger.DecodeTx(raw)
	if err != nil {
		return [32]byte{}, err
	}
	w := &waiting{id: t.ID(), raw: slices.Clone(raw), tx: t, local: local}
	if p.known(w) {
		return w.id, ErrKnown
	}
	if err := t.Verify(); err != nil { // outside the lock: it takes the most time
		return w.id, err
	}
	out, err := p.keep(view, w)
	if len(out) > 0 && p.left != nil {
		p.left(out)
	}
	return w.id, err
}

func (p *pool) known(w *waiting) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.has1(w)
}

func (p *pool) has1(w *waiting) bool {
	aside := p.aside[w.tx.Account][w.tx.Nonce]
	return p.byID[w.id] != nil || aside != nil && aside.id == w.id
}

// keep takes in a transaction whose signatures hold, and returns what had to
// make room.
func (p *pool) keep(view ledger.View, w *waiting) (out []gone, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.has1(w) {
		return nil, ErrKnown
	}
	p.seq++
	w.seq = p.seq
	if w.tx.Free() {
		return nil, p.keepFree(view, w)
	}
	if w.fee, err = ledger.FeeOf(view, w.tx); err != nil {
		return nil, err
	}
	return p.keepPaying(view, w)
}

func (p *pool) keepFree(view ledger.View, w *waiting) error {
	if p.slots[w.tx.Slot()] != nil {
		return &ledger.Reject{Code: ledger.CodeSlot, Detail: "another transaction that waits would spend it"}
	}
	if err := ledger.CheckAgain(view, w.tx, 0); err != nil {
		return err
	}
	if len(p.slots) >= poolFreeTxs || p.freeBytes+len(w.raw) > poolFreeBytes {
		return fmt.Errorf("%w: %d free transactions wait: try again after the next block", ErrFull, len(p.slots))
	}
	p.add(w)
	return nil
}

func (p *pool) keepPaying(view ledger.View, w *waiting) ([]gone, error) {
	queue := p.accounts[w.tx.Account]
	at, bytes := 0, len(w.raw)
	for _, q := range queue {
		if q.tx.Nonce < w.tx.Nonce {
			at++
		}
		bytes += len(q.raw)
	}
	err := ledger.CheckAgain(view, w.tx, uint64(at))
	if errors.Is(err, &ledger.Reject{Code: ledger.CodeNonceHigh}) {
		return nil, p.putAside(view, w, err)
	}
	if err != nil {
		return nil, err
	}
	if w.acc, err = ledger.LoadAccount(view, w.tx.Account); err != nil {
		return nil, err
	}
	if at < len(queue) {
		return p.replace(w, queue[at], queue, at)
	}
	if len(queue) >= poolPerAccount || bytes > poolAccountBytes {
		return nil, fmt.Errorf("%w: %d transactions of this account wait, at most %d and %d KiB may: try again after the next block",
			ErrFull, len(queue), poolPerAccount, poolAccountBytes>>10)
	}
	out, err := p.makeRoom(w)
	if err != nil {
		return nil, err
	}
	p.add(w)
	return out, p.promote(view, w.tx.Account)
}

// replace puts w in the place of one with the same nonce that pays less.
func (p *pool) replace(w, old *waiting, queue []*waiting, at int) ([]gone, error) {
	// At least a tenth more, and no less per byte than before.
	least := ceilDiv(old.fee, bidPercent, 100)
	if len(w.raw) > len(old.raw) {
		least = max(least, ceilDiv(old.fee, uint64(len(w.raw)), uint64(len(old.raw))))
	}
	if w.fee < least {
		return nil, fmt.Errorf("%w: nonce %d, with a fee of %s: to replace it offer %s or more, that is a tip of %s more", ErrReplace, w.tx.Nonce, old.fee, least, least-w.fee)
	}
	if p.bytes-len(old.raw)+len(w.raw) > poolBytes {
		return nil, fmt.Errorf("%w: the other transaction with nonce %d was smaller", ErrFull, w.tx.Nonce)
	}
	delete(p.byID, old.id)
	p.byID[w.id] = w
	p.bytes += len(w.raw) - len(old.raw)
	queue[at] = w
	return []gone{{old.id, fmt.Errorf("%w: replaced by one that pays %s", ErrReplace, w.fee)}}, nil
}

// ceilDiv is v·num/den, rounded up, and the largest amount when it does not fit.
func ceilDiv(v unit.TAO, num, den uint64) unit.TAO {
	hi, lo := bits.Mul64(uint64(v), num)
	if hi >= den {
		return ^unit.TAO(0)
	}
	q, r := bits.Div64(hi, lo, den)
	if r > 0 && q != ^uint64(0) {
		q++
	}
	return unit.TAO(q)
}

// makeRoom pushes out the ends of queues that pay less than w until it fits.
// Nothing is pushed out when that is not enough.
func (p *pool) makeRoom(w *waiting) ([]gone, error) {
	var victims []*waiting
	count, bytes := p.paying(), 0
	cut := map[key.ID]int{} // how many of an account's end go
	for count+1 > poolTxs || p.bytes-bytes+len(w.raw) > poolBytes {
		var worst *waiting
		for account, q := range p.accounts {
			if n := len(q) - cut[account]; n > 0 && account != w.tx.Account && (worst == nil || q[n-1].cheaper(worst)) {
				worst = q[n-1]
			}
		}
		if worst == nil || !worst.cheaper(w) {
			return nil, fmt.Errorf("%w: the cheapest that waits pays %s per byte, this one %s: add a tip or try again later", ErrFull, perByte(worst), perByte(w))
		}
		victims = append(victims, worst)
		cut[worst.tx.Account]++
		count--
		bytes += len(worst.raw)
	}
	var out []gone
	for _, v := range victims {
		q := p.accounts[v.tx.Account]
		p.remove(v)
		if q = q[:len(q)-1]; len(q) > 0 {
			p.accounts[v.tx.Account] = q
		} else {
			delete(p.accounts, v.tx.Account)
		}
		out = append(out, gone{v.id, fmt.Errorf("%w: pushed out by others that pay more per byte", ErrFull)})
	}
	return out, nil
}

func perByte(w *waiting) string {
	if w == nil {
		return "nothing"
	}
	return fmt.Sprintf("%.1f rao", float64(w.fee)/float64(len(w.raw)))
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
	if acc.Balance < w.fee || p.asideN >= asideTxs || p.asideSize+len(w.raw) > asideBytes || len(mine) >= asidePerAccount || w.tx.Nonce > next+asidePerAccount {
		return why
	}
	if old := mine[w.tx.Nonce]; old != nil {
		if w.fee < ceilDiv(old.fee, bidPercent, 100) {
			return fmt.Errorf("%w: nonce %d, with a fee of %s, before its turn", ErrReplace, w.tx.Nonce, old.fee)
		}
		p.dropAside(w.tx.Account, w.tx.Nonce)
	}
	if mine = p.aside[w.tx.Account]; mine == nil {
		mine = map[uint64]*waiting{}
		p.aside[w.tx.Account] = mine
	}
	p.asideN++
	p.asideSize += len(w.raw)
	mine[w.tx.Nonce] = w
	return nil
}

// promote moves what waited aside for predecessors that are there now.
func (p *pool) promote(view ledger.View, account key.ID) error {
	for len(p.aside[account]) > 0 {
		next := uint64(0)
		q := p.accounts[account]
		if len(q) > 0 {
			next = q[len(q)-1].tx.Nonce + 1
		} else {
			acc, err := ledger.LoadAccount(view, account)
			if err != nil {
				return err
			}
			next = acc.Nonce
		}
		w := p.aside[account][next]
		if w == nil {
			return nil
		}
		p.dropAside(account, next)
		// What waited aside pushes nobody out.
		if len(q) >= poolPerAccount || p.paying() >= poolTxs || p.bytes+len(w.raw) > poolBytes || ledger.CheckAgain(view, w.tx, uint64(len(q))) != nil {
			return nil
		}
		p.add(w)
	}
	return nil
}

func (p *pool) dropAside(account key.ID, nonce uint64) {
	p.asideN--
	p.asideSize -= len(p.aside[account][nonce].raw)
	delete(p.aside[account], nonce)
	if len(p.aside[account]) == 0 {
		delete(p.aside, account)
	}
}

func (p *pool) paying() int { return len(p.byID) - len(p.slots) }

// add appends to the end of the account's queue, or takes the slot.
func (p *pool) add(w *waiting) {
	p.byID[w.id] = w
	if w.tx.Free() {
		p.slots[w.tx.Slot()] = w
		p.freeBytes += len(w.raw)
		return
	}
	p.accounts[w.tx.Account] = append(p.accounts[w.tx.Account], w)
	p.bytes += len(w.raw)
}

// remove takes w out of everything but its account's queue.
func (p *pool) remove(w *waiting) {
	delete(p.byID, w.id)
	if w.tx.Free() {
		delete(p.slots, w.tx.Slot())
		p.freeBytes -= len(w.raw)
		return
	}
	p.bytes -= len(w.raw)
}
