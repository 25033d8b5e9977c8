package why

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/ledger/yuma"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// ErrSubnet is returned for a netuid that no subnet has.
var ErrSubnet = errors.New("no subnet has this netuid")

// Sources are what an explanation is made of, beside the state.
type Sources struct {
	// Bundle returns the evidence that a validator committed, or why it is not at
	// hand; nil for a node that has none.
	Bundle func(ctx context.Context, n ledger.NetUID, e ledger.Epoch, root [32]byte, author ledger.Member) (*evidence.Bundle, error)
	// Events returns the events of a block, false when they are not kept; nil for a
	// client without a history.
	Events func(height uint64) ([]ledger.Event, bool)
}

// errNoBundles is why nothing is at hand where there is no source.
var errNoBundles = errors.New("this node has no evidence")

// errNoRoot is why nothing is at hand of weights that name no evidence.
var errNoRoot = errors.New("none was named")

// Explain explains the running epoch of a hotkey and those before it, epochs in
// all. A hotkey without a place in the subnet is explained by the rosters it was
// in.
func (s Sources) Explain(ctx context.Context, v ledger.View, n ledger.NetUID, hot ledger.Hotkey, epochs int) (*api.Why, error) {
	m, err := ledger.LoadMetagraph(v, n)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("%w: %d", ErrSubnet, n)
	}
	params, err := ledger.ChainParams(v)
	if err != nil {
		return nil, err
	}
	x := &explainer{Sources: s, ctx: ctx, v: v, n: n, hot: hot, m: m, dispute: params.Dispute, uid: -1, split: m.Split}
	for i := range m.Neurons {
		if m.Neurons[i].Hotkey == hot {
			x.uid = i
		}
	}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, err
	}
	x.origin = clock.Origin
	out := &api.Why{NetUID: uint16(n), Height: m.Height, Epoch: m.Epoch, Hotkey: api.Address(hot.String()), Bonds: []api.WhyBond{}, Epochs: []api.WhyEpoch{}}
	if x.uid >= 0 {
		if err := x.now(out); err != nil {
			return nil, err
		}
	}
	for back := range ledger.Epoch(epochs) {
		if back > m.Epoch || m.Epoch-back < x.origin {
			break
		}
		e, err := x.epoch(m.Epoch - back)
		if err != nil {
			return nil, err
		}
		out.Epochs = append(out.Epochs, *e)
	}
	return out, nil
}

type explainer struct {
	Sources
	ctx     context.Context
	v       ledger.View
	n       ledger.NetUID
	hot     ledger.Hotkey
	m       *ledger.Metagraph
	uid     int      // -1 without a place now
	split   []uint16 // of the subnet's emission, by mechanism; empty for one
	dispute ledger.Epoch
	origin  ledger.Epoch
}

// settled is the newest epoch whose step has run; false before the first.
func (x *explainer) settled() (ledger.Epoch, bool) {
	back := 2 + x.dispute
	return x.m.Epoch - min(x.m.Epoch, back), x.m.Epoch >= x.origin+back
}

// now says what the chain has of the neuron as it stands.
func (x *explainer) now(out *api.Why) error {
	nr := &x.m.Neurons[x.uid]
	uid := uint16(nr.UID)
	out.UID, out.Serves, out.Permit, out.Registered, out.Stake = &uid, nr.Serves, nr.Permit, nr.Registered, api.Amount(nr.Stake)
	if e, ok := x.settled(); ok {
		out.Last = &api.WhyStep{Epoch: e, Consensus: share(nr.Consensus), Incentive: share(nr.Incentive), Dividends: share(nr.Dividends), VTrust: share(nr.Trust),
			Paid: api.Amount(nr.Emission), Earned: api.Amount(nr.Earned)}
	}
	var err error
	if out.Place, err = x.place(); err != nil {
		return err
	}
	for u := range x.m.Neurons {
		row, err := ledger.LoadBonds(x.v, x.n, ledger.UID(u))
		if err != nil {
			return err
		}
		for _, e := range row {
			other := -1
			switch {
			case u == x.uid:
				other = int(e.UID)
			case int(e.UID) == x.uid:
				other = u
			}
			if other >= 0 && other < len(x.m.Neurons) && e.Value > 0 {
				out.Bonds = append(out.Bonds, api.WhyBond{Hotkey: api.Address(x.m.Neurons[other].Hotkey.String()), Bond: share(e.Value)})
			}
		}
	}
	sort.SliceStable(out.Bonds, func(i, j int) bool { return out.Bonds[i].Bond > out.Bonds[j].Bond })
	return nil
}

func share(v uint16) float64 { return round(float64(v) / 65535) }

func part(v unit.I32F32) float64 { return round(float64(v) / (1 << 32)) }

// round keeps six decimals, more than any of these numbers has.
func round(v float64) float64 { return float64(int64(v*1e6+0.5)) / 1e6 }

func ref[T any](v T) *T { return &v }

// epoch explains one epoch.
func (x *explainer) epoch(e ledger.Epoch) (*api.WhyEpoch, error) {
	rec, err := ledger.LoadRecord(x.v, x.n, e)
	if err != nil {
		return nil, err
	}
	out := &api.WhyEpoch{Epoch: e, State: "past", First: x.m.First}
	settled, any := x.settled()
	switch {
	case e == x.m.Epoch:
		out.State = "running" // its record comes with its first block
	case !any || e > settled:
		out.State = "open"
	}
	if rec == nil {
		return out, nil
	}
	out.First = rec.First
	roster, err := ledger.LoadRoster(x.v, x.n, e)
	if err != nil || roster == nil {
		return out, err
	}
	me := roster.Index(x.hot)
	out.Member = me >= 0
	if out.State == "past" {
		out.State = "settled"
		if err := x.paid(out, settled); err != nil {
			return nil, err
		}
	}
	if me < 0 || out.State == "running" {
		return out, nil // nothing of a running epoch is published
	}
	ballots, err := x.vote(0, e, roster)
	if err != nil {
		return nil, err
	}
	x.found(out, ballots, e == settled && any)
	if roster[me].Serves() {
		out.Mined = ballots.mined(x.hot, me)
	}
	if roster[me].Permit && (!roster[me].Serves() || ballots.of[me].committed != nil) {
		out.Validated = ballots.validated(me)
		x.dividends(out, e == settled && any)
	}
	for m := 1; m < len(x.split); m++ {
		one, err := x.mechanism(uint8(m), out, roster, me)
		if err != nil {
			return nil, err
		}
		if one != nil {
			out.Mechanisms = append(out.Mechanisms, *one)
		}
	}
	return out, nil
}

// mechanism explains one of the further mechanisms. The state keeps no result of
// them that a light client knows how to read, so theirs are always recomputed.
func (x *explainer) mechanism(m uint8, e *api.WhyEpoch, roster ledger.Roster, me int) (*api.WhyMechanism, error) {
	b, err := x.vote(m, e.Epoch, roster)
	if err != nil || b == nil {
		return nil, err
	}
	out := &api.WhyMechanism{Mechanism: m, Part: share(x.split[m])}
	out.Found, out.Consensus, out.Incentive = x.reckoned(b, e.State)
	if roster[me].Serves() {
		out.Mined = b.mined(x.hot, me)
	}
	if b.of[me].committed != nil {
		out.Validated = b.validated(me)
		out.Validated.DividendsNote = "those of all mechanisms are the subnet's"
	}
	return out, nil
}

// paid finds what the step of a settled epoch paid.
func (x *explainer) paid(out *api.WhyEpoch, newest ledger.Epoch) error {
	if out.Epoch == newest && x.uid >= 0 {
		out.Paid = ref(api.Amount(x.m.Neurons[x.uid].Emission))
		return nil
	}
	out.PaidNote = "the chain keeps what the last step paid; a node with a history knows earlier ones"
	if x.Events == nil {
		return nil
	}
	after, err := ledger.LoadRecord(x.v, x.n, out.Epoch+2+x.dispute)
	if err != nil || after == nil {
		return err
	}
	events, ok := x.Events(after.First - 1)
	if !ok {
		return nil
	}
	out.PaidNote, out.Paid = "", ref(api.Amount(0))
	for _, ev := range events {
		if ev.Kind == "paid" && ev.NetUID == x.n && ev.Epoch == out.Epoch && ev.Hotkey == x.hot {
			*out.Paid += api.Amount(ev.Amount)
		}
	}
	return nil
}

// found says what the epoch's step found, or would find.
func (x *explainer) found(out *api.WhyEpoch, b *ballots, newest bool) {
	switch {
	case newest && x.uid >= 0:
		nr := &x.m.Neurons[x.uid]
		out.Found, out.Consensus, out.Incentive = "chain", ref(share(nr.Consensus)), ref(share(nr.Incentive))
	default:
		out.Found, out.Consensus, out.Incentive = x.reckoned(b, out.State)
	}
}

// reckoned is what the weights of an epoch make of the hotkey, nothing where none
// are known.
func (x *explainer) reckoned(b *ballots, state string) (found string, consensus, incentive *float64) {
	at := b.uid[x.hot]
	if at == nil || !b.revealed() {
		return "", nil, nil
	}
	if found = "recomputed"; state == "open" {
		found = "forecast"
	}
	return found, ref(part(b.output.Consensus[*at])), ref(part(b.output.Incentive[*at]))
}

// dividends completes a validator's epoch by what the state keeps of the last one.
func (x *explainer) dividends(out *api.WhyEpoch, newest bool) {
	d := out.Validated
	switch {
	case out.State == "open":
		d.DividendsNote = "its step has not run"
		return
	case !newest || x.uid < 0:
		d.DividendsNote = "the chain keeps those of the last step"
		return
	}
	nr := &x.m.Neurons[x.uid]
	d.Dividends = ref(share(nr.Dividends))
	if d.State == "revealed" {
		d.VTrust, d.ClippedShare = ref(share(nr.Trust)), ref(round(1-share(nr.Trust)))
	}
}

// vote reads what all validators of an epoch said in a mechanism, and their
// evidence; nil for a further mechanism that the subnet no longer has.
func (x *explainer) vote(m uint8, e ledger.Epoch, roster ledger.Roster) (*ballots, error) {
	b := &ballots{roster: roster, of: make([]voter, len(roster)), uid: map[ledger.Hotkey]*int{}}
	in, err := ledger.LoadBallot(x.v, x.n, m, e)
	if err != nil || in == nil && m > 0 {
		return nil, err
	}
	if in == nil {
		return nil, fmt.Errorf("netuid %d: epoch %d has a roster and no record", x.n, e)
	}
	at := x.n.Mechanism(m)
	b.output, b.shown = yuma.Explain(in.Input)
	for u := range in.Hotkeys {
		b.uid[in.Hotkeys[u]] = ref(u)
	}
	for i := range roster {
		if !roster[i].Permit {
			continue
		}
		w := &b.of[i]
		if w.committed, err = ledger.LoadCommitted(x.v, at, e, roster[i].Hotkey); err != nil {
			return nil, err
		}
		if w.committed == nil {
			continue
		}
		if w.open, err = ledger.LoadReveal(x.v, at, e, roster[i].Hotkey); err != nil {
			return nil, err
		}
		bundle, err := (*evidence.Bundle)(nil), errNoBundles
		if w.committed.Evidence == ([32]byte{}) {
			err = errNoRoot
		} else if x.Bundle != nil {
			bundle, err = x.Bundle(x.ctx, x.n, e, w.committed.Evidence, roster[i])
		}
		if x.ctx.Err() != nil {
			return nil, x.ctx.Err()
		}
		if err != nil {
			w.missing = err
			continue
		}
		w.count = tallyOf(bundle, len(roster))
	}
	return b, nil
}
