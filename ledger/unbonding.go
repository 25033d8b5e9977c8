package ledger

import (
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Root stake behind a producer answers for its votes for U blocks after it has
// left: it waits in a queue, in order, where it earns nothing and can still be
// slashed. What waits behind one hotkey is a share pool, so that a slash is one
// division and not one for each who waits.

// maxReleases is how many that wait leave the queue in one block; the others
// leave in the next.
const maxReleases = 1000

// Unbonding is one stake that waits in the queue.
type Unbonding struct {
	Release Height    // the block at which it leaves
	Hotkey  Hotkey    // behind which it stood, and for which it answers
	Coldkey Coldkey   // whose it is
	To      Hotkey    // behind which it will stand on root; zero to be paid out
	Shares  unit.U128 // of what waits behind Hotkey
}

func (u *Unbonding) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 6), 1), u.Release)
	b = cbor.AppendBytes(cbor.AppendBytes(b, u.Hotkey[:]), u.Coldkey[:])
	return appendU128(cbor.AppendBytes(b, u.To[:]), u.Shares)
}

func (u *Unbonding) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	u.Release, u.Hotkey, u.Coldkey, u.To, u.Shares = d.Uint(), d.Hash(), d.Hash(), d.Hash(), decodeU128(d)
}

// queueEnds are the number of the first that waits and the next free number.
type queueEnds struct{ First, Next uint64 }

func (q *queueEnds) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), q.First), q.Next)
}

func (q *queueEnds) decode(d *cbor.Decoder) {
	d.Version(3, 1)
	q.First, q.Next = d.Uint(), d.Uint()
}

// Waiting is an Unbonding with what it is worth now.
type Waiting struct {
	Unbonding
	Amount unit.TAO
}

// LoadUnbonding lists what waits in the queue for a coldkey, in order.
func LoadUnbonding(r Ranger, c Coldkey) ([]Waiting, error) {
	var out []Waiting
	err := r.Range([]byte(prefixQueue), func(k, v []byte) error {
		u, err := decodeAs[Unbonding](string(k), v)
		if err != nil {
			return err
		}
		if u.Coldkey, err = CurrentColdkey(r, u.Coldkey); err != nil || u.Coldkey != c {
			return err
		}
		if u.Hotkey, err = CurrentHotkey(r, u.Hotkey); err != nil {
			return err
		}
		p, _, err := load[HotkeyPool](r, queuedKey(u.Hotkey))
		out = append(out, Waiting{u, unit.TAO(p.Worth(u.Shares))})
		return err
	})
	return out, err
}

// leaveRoot takes an amount out of a position on root, and pays it out or puts
// it behind another hotkey: at once, or through the queue when it has to answer
// for a producer.
func leaveRoot(s *state, from Hotkey, c Coldkey, amount uint64, to Hotkey, h Height, params *Params) error {
	if err := withdraw(s, 0, from, c, amount); err != nil {
		return err
	}
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Root -= unit.TAO(amount)
	store(s, []byte(prefixTotals), tot)
	if bondedUntil(s, from) < h {
		return arrive(s, c, amount, to)
	}
	waiting, _ := fetch[HotkeyPool](s, queuedKey(from))
	shares, err := waiting.Add(unit.Alpha(amount))
	if err != nil {
		return reject(CodeAmount, "%v", err)
	}
	store(s, queuedKey(from), waiting)
	tot.Queued += unit.TAO(amount)
	store(s, []byte(prefixTotals), tot)
	ends, _ := fetch[queueEnds](s, []byte(prefixQueueEnds))
	u := Unbonding{Release: h + params.Unbonding, Hotkey: from, Coldkey: c, To: to, Shares: shares}
	store(s, queueKey(ends.Next), u)
	ends.Next++
	store(s, []byte(prefixQueueEnds), ends)
	s.emit(Event{Kind: "unbonding", Hotkey: from, Amount: amount})
	return nil
}

// arrive gives an amount that the totals count nowhere to a coldkey: as root
// stake behind a hotkey, or freely.
func arrive(s *state, c Coldkey, amount uint64, to Hotkey) error {
	tot := need[Totals](s, []byte(prefixTotals))
	if to != (Hotkey{}) {
		err := deposit(s, 0, to, c, amount)
		if err == nil {
			tot.Root += unit.TAO(amount)
			store(s, []byte(prefixTotals), tot)
			s.emit(Event{Kind: "staked", Hotkey: to, Amount: amount})
			return nil
		}
		if !errors.Is(err, pool.ErrShares) {
			return err
		}
	}
	acc := s.account(c)
	acc.Balance += unit.TAO(amount) // the sum of all balances fits
	s.setAccount(c, acc)
	tot.Free += unit.TAO(amount)
	store(s, []byte(prefixTotals), tot)
	return nil
}

// withdraw takes an amount out of a position. The caller books where it goes.
func withdraw(s *state, n NetUID, h Hotkey, c Coldkey, amount uint64) error {
	p, _ := fetch[HotkeyPool](s, hotkeyPoolKey(n, h))
	pos, _ := fetch[position](s, sharesKey(n, h, c))
	burned, err := p.Remove(unit.Alpha(amount), pos.Shares)
	if err != nil {
		return reject(CodeStake, "%v", err)
	}
	left, _ := pos.Shares.Sub(burned) // at most what the position holds
	store(s, hotkeyPoolKey(n, h), p)
	hold(s, n, h, c, left)
	return nil
}

// release lets those leave the queue whose time has come.
func release(s *state, h Height) error {
	ends, ok := fetch[queueEnds](s, []byte(prefixQueueEnds))
	if !ok {
		return s.err
	}
	first := ends.First
	for ; ends.First < ends.Next && ends.First-first < maxReleases; ends.First++ {
		u := need[Unbonding](s, queueKey(ends.First))
		if s.err != nil || u.Release > h {
			break
		}
		s.delete(queueKey(ends.First))
		u.Hotkey, u.To, u.Coldkey = s.hotkey(u.Hotkey), s.hotkey(u.To), s.coldkey(u.Coldkey)
		p := need[HotkeyPool](s, queuedKey(u.Hotkey))
		if s.err != nil {
			break
		}
		amount := p.Worth(u.Shares)
		p.Shares, _ = p.Shares.Sub(u.Shares)
		p.Value -= amount
		tot := need[Totals](s, []byte(prefixTotals))
		tot.Queued -= unit.TAO(amount)
		if p.Shares.IsZero() { // what rounding has left belongs to nobody
			tot.Queued, tot.Burned = tot.Queued-unit.TAO(p.Value), tot.Burned+unit.TAO(p.Value)
			s.delete(queuedKey(u.Hotkey))
		} else {
			store(s, queuedKey(u.Hotkey), p)
		}
		store(s, []byte(prefixTotals), tot)
		if err := arrive(s, u.Coldkey, uint64(amount), u.To); err != nil {
			return err
		}
		s.emit(Event{Kind: "unbonded", Hotkey: u.Hotkey, Amount: uint64(amount)})
	}
	if ends.First != first {
		store(s, []byte(prefixQueueEnds), ends)
	}
	return s.err
}
