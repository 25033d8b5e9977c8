package ledger

import "github.com/plexus-network/plexus/ledger/yuma"

// Ballot is what Yuma consensus takes for an epoch, by the state as it stands:
// for explaining a step to people. The rules never use it.
//
// Before the step has run it is what the step would take if nothing changed.
// Afterwards the rows and permits are those it took; stakes are those with which
// the epoch began, because the state does not keep the step's; neurons and bonds
// are those of now, and rows name no neuron that left.
type Ballot struct {
	NetUID  NetUID
	Epoch   Epoch
	Settled bool     // the step has run
	Hotkeys []Hotkey // by uid
	Input   yuma.Input
}

// LoadBallot reads the ballot of an epoch for one mechanism of a subnet, nil when
// the state no longer has the epoch's roster, or not yet, and for a mechanism that
// the subnet does not have.
func LoadBallot(v View, n NetUID, m uint8, e Epoch) (*Ballot, error) {
	clock, err := LoadClock(v, n)
	if err != nil || clock == nil {
		return nil, err
	}
	sub, err := LoadSubnet(v, n)
	if err != nil || sub == nil || m >= sub.Mechanisms() {
		return nil, err
	}
	params, err := ChainParams(v)
	if err != nil {
		return nil, err
	}
	tot, err := LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	if roster, err := LoadRoster(v, n, e); err != nil || roster == nil {
		return nil, err
	}
	s := newState(v)
	c, err := newCouncil(s, n, e, tot.Height+1, sub)
	if err != nil {
		return nil, err
	}
	b := &Ballot{NetUID: n, Epoch: e, Settled: clock.Epoch > e+1+params.Dispute}
	if b.Input, _, err = c.input(m); err != nil {
		return nil, err
	}
	for u := range c.neurons {
		b.Hotkeys = append(b.Hotkeys, c.neurons[u].Hotkey)
		if !b.Settled {
			continue
		}
		b.Input.Stake[u] = 0
		if i := c.member[u]; i >= 0 {
			b.Input.Stake[u] = c.roster[i].Stake
		}
	}
	return b, nil
}

// Cut is who leaves a subnet when others register, as the state stands.
type Cut struct {
	Free  int   // registrations that replace nobody
	Order []UID // who is replaced after those, the first first, if nothing else changes
	Kept  []UID // who is never replaced: the owner's
}

// LoadCut reads a subnet's cut, nil when there is no such subnet.
func LoadCut(v View, n NetUID) (*Cut, error) {
	sub, err := LoadSubnet(v, n)
	if err != nil || sub == nil {
		return nil, err
	}
	params, err := ChainParams(v)
	if err != nil {
		return nil, err
	}
	tot, err := LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	s := newState(v)
	all := neurons(s, n)
	out := immortal(s, sub, all)
	if s.err != nil {
		return nil, s.err
	}
	limit := sub.Params.MaxUIDs
	if next, ok := fetch[Planned](s, plannedKey(n)); ok {
		limit = min(limit, next.Params.MaxUIDs)
	}
	c := &Cut{Free: max(0, int(limit)-len(all))}
	for u := range all {
		if out[u] {
			c.Kept = append(c.Kept, UID(u))
		}
	}
	for range len(all) - len(c.Kept) {
		u, ok := weakest(all, out, tot.Height+1, uint64(sub.Params.Immunity), params.MinNonImmune)
		if !ok {
			break
		}
		out[u] = true
		c.Order = append(c.Order, u)
	}
	return c, s.err
}

// LoadBonds reads a validator's bonds in a subnet's first mechanism as the last
// step left them, relative to the largest toward each uid, which is 65,535.
func LoadBonds(v View, n NetUID, u UID) (yuma.Row, error) {
	row, _, err := load[bondsRow](v, bondsKey(n, u))
	return row.Row, err
}
