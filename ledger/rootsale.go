package ledger

import (
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Root dividends are alpha for those who stake TAO on root. A step gathers them,
// the blocks of the epoch that follows sell them in equal parts, and the next
// step hands the proceeds to the root pools of the hotkeys that earned them.
// A part never moves the price by more than 1 %/tempo; what is not sold waits,
// and when more than ten epochs' worth waits, the excess is handed out as alpha
// to the same people (differences, root dividends).

// maxWaiting is the number of epochs' worth of root's alpha that may wait.
const maxWaiting = 10

// due is a hotkey's part of the alpha that waits for its sale.
type due struct {
	Hotkey Hotkey
	Alpha  unit.Alpha
}

// RootSale is what a subnet sells for root.
type RootSale struct {
	Left  unit.Alpha // unsold
	Part  unit.Alpha // sold per block, as far as the price allows
	TAO   unit.TAO   // proceeds since the last step
	Worth unit.Alpha // what the last step with any added
	due   []due      // rising by hotkey, as of the last step: what was unsold then
}

func (r *RootSale) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 1)
	for _, v := range []uint64{uint64(r.Left), uint64(r.Part), uint64(r.TAO), uint64(r.Worth)} {
		b = cbor.AppendUint(b, v)
	}
	b = cbor.AppendArray(b, len(r.due))
	for _, d := range r.due {
		b = cbor.AppendUint(cbor.AppendBytes(cbor.AppendArray(b, 2), d.Hotkey[:]), uint64(d.Alpha))
	}
	return b
}

func (r *RootSale) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	r.Left, r.Part, r.TAO, r.Worth = unit.Alpha(d.Uint()), unit.Alpha(d.Uint()), unit.TAO(d.Uint()), unit.Alpha(d.Uint())
	r.due = nil
	for range d.ArrayMax(1 << 16) {
		d.Array(2)
		next := due{d.Hash(), unit.Alpha(d.Uint())}
		if k := len(r.due); k > 0 && !less(r.due[k-1].Hotkey, next.Hotkey) {
			d.Fail(cbor.ErrRange)
		}
		r.due = append(r.due, next)
	}
}

// LoadRootSale reads what a subnet sells for root, nil when it never did.
func LoadRootSale(v View, n NetUID) (*RootSale, error) { return ptr[RootSale](v, rootSaleKey(n)) }

// sellForRoot sells this block's part of root's alpha, without fee. Selling x
// into a reserve a moves a constant-product price by the factor (a/(a+x))²,
// which is at least 1 − 1/(100·tempo) for x ≤ a/(200·tempo).
func sellForRoot(s *state, n NetUID, tempo uint16, tot *Totals) {
	r, ok := fetch[RootSale](s, rootSaleKey(n))
	if !ok || r.Left == 0 {
		return
	}
	m := need[Market](s, marketKey(n))
	x := min(r.Part, r.Left, m.Alpha/unit.Alpha(200*uint64(tempo)))
	if x == 0 {
		return
	}
	out, err := pool.Sell(m.TAO, m.Alpha, x, 0)
	if err != nil {
		return // the pool is too shallow: the part waits
	}
	m.Alpha, m.TAO, m.Pending = m.Alpha+x, m.TAO-out, m.Pending-x
	r.Left, r.TAO = r.Left-x, r.TAO+out
	tot.Pooled, tot.Held = tot.Pooled-out, tot.Held+out
	store(s, marketKey(n), m)
	store(s, rootSaleKey(n), r)
}

// stepRoot hands the proceeds of the last epoch out, adds what this step earned
// for root, and hands out as alpha what exceeds ten epochs' worth. It returns
// the alpha that left the pending amount for hotkey pools; what nobody could
// take is burned by the caller with the rest.
func stepRoot(s *state, n NetUID, earned []due, tempo uint16) (staked, burned unit.Alpha, err error) {
	r, ok := fetch[RootSale](s, rootSaleKey(n))
	if !ok && len(earned) == 0 {
		return 0, 0, s.err
	}
	if err := r.payOut(s, n); err != nil {
		return 0, 0, err
	}
	r.settleDue()
	var added unit.Alpha
	for _, d := range earned {
		r.add(d)
		added += d.Alpha
	}
	if added > 0 {
		r.Worth = added
	}
	if most := maxWaiting * r.Worth; r.Left > most {
		excess := r.Left - most
		staked, err = r.hand(s, n, excess)
		if err != nil {
			return 0, 0, err
		}
		burned = excess - staked
	}
	r.Part = (r.Left + unit.Alpha(tempo) - 1) / unit.Alpha(tempo)
	store(s, rootSaleKey(n), r)
	return staked, burned, s.err
}

func (r *RootSale) sum() (sum unit.Alpha) {
	for _, d := range r.due {
		sum += d.Alpha
	}
	return sum
}

func (r *RootSale) weights() []uint64 {
	w := make([]uint64, len(r.due))
	for i := range w {
		w[i] = uint64(r.due[i].Alpha)
	}
	return w
}

// payOut raises the root pools by the proceeds. What no pool can take is burned.
func (r *RootSale) payOut(s *state, n NetUID) error {
	if r.TAO == 0 {
		return nil
	}
	tot := need[Totals](s, []byte(prefixTotals))
	var paid unit.TAO
	for i, amount := range unit.Split(uint64(r.TAO), r.weights()) {
		if amount == 0 {
			continue
		}
		switch err := grow(s, 0, r.due[i].Hotkey, amount); {
		case err == nil:
			paid += unit.TAO(amount)
			s.emit(Event{Kind: "root_paid", NetUID: n, Hotkey: r.due[i].Hotkey, Amount: amount})
		case !errors.Is(err, pool.ErrShares):
			return err
		}
	}
	tot.Held, tot.Root, tot.Burned = tot.Held-r.TAO, tot.Root+paid, tot.Burned+(r.TAO-paid)
	store(s, []byte(prefixTotals), tot)
	r.TAO = 0
	return s.err
}

// settleDue makes what is due sum to what is left, in proportion.
func (r *RootSale) settleDue() {
	var kept []due
	for i, amount := range unit.Split(uint64(r.Left), r.weights()) {
		if amount > 0 {
			kept = append(kept, due{r.due[i].Hotkey, unit.Alpha(amount)})
		}
	}
	r.due = kept
}

// add adds what a hotkey is due, keeping the order.
func (r *RootSale) add(d due) {
	r.Left += d.Alpha
	i := 0
	for i < len(r.due) && less(r.due[i].Hotkey, d.Hotkey) {
		i++
	}
	if i < len(r.due) && r.due[i].Hotkey == d.Hotkey {
		r.due[i].Alpha += d.Alpha
		return
	}
	r.due = append(r.due, due{})
	copy(r.due[i+1:], r.due[i:])
	r.due[i] = d
}

// hand gives excess of what is left, as alpha staked with the same hotkeys, to
// those who hold their root pools, and returns how much of it could be staked.
func (r *RootSale) hand(s *state, n NetUID, excess unit.Alpha) (staked unit.Alpha, err error) {
	for i, amount := range unit.Split(uint64(excess), r.weights()) {
		if amount == 0 {
			continue
		}
		h := r.due[i].Hotkey
		holders, worth, err := holders(s, 0, h)
		if err != nil {
			return 0, err
		}
		for k, part := range unit.Split(amount, worth) {
			err := deposit(s, n, h, holders[k], part)
			if err == nil {
				staked += unit.Alpha(part)
			} else if !errors.Is(err, pool.ErrShares) {
				return 0, err
			}
		}
	}
	r.Left -= excess
	r.settleDue()
	return staked, nil
}

// holders lists who has a position in a hotkey's pool, rising, and what each is
// worth.
func holders(s *state, n NetUID, h Hotkey) (who []Coldkey, worth []uint64, err error) {
	p, _ := fetch[HotkeyPool](s, hotkeyPoolKey(n, h))
	prefix := k16x32(prefixShares, uint16(n), h)
	err = s.Range(prefix, func(k, v []byte) error {
		pos, err := decodeAs[position](string(k), v)
		if err != nil {
			return err
		}
		who = append(who, key.ID(k[len(prefix):]))
		worth = append(worth, uint64(p.Worth(pos.Shares)))
		return nil
	})
	return who, worth, err
}
