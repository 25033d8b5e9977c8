package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Parameter is a parameter with its value, its bounds and who may change it.
type Parameter struct {
	Name       string  `json:"name"`
	Value      Amount  `json:"value"`
	Next       *Amount `json:"next,omitempty" doc:"From the next epoch on, when that differs"`
	Unit       string  `json:"unit"`
	Least      Amount  `json:"least"`
	Most       Amount  `json:"most"`
	SetBy      string  `json:"set_by" enum:"owner,vote"`
	OwnerLeast Amount  `json:"owner_least,omitempty" doc:"Bounds of what an owner may set"`
	OwnerMost  Amount  `json:"owner_most,omitempty"`
	Doc        string  `json:"doc"`
}

// Parameters are the named parameters of the chain or of a subnet.
type Parameters struct {
	Height uint64      `json:"height"`
	NetUID uint16      `json:"netuid" doc:"0 for the chain"`
	Items  []Parameter `json:"items" nullable:"false"`
	Rounds []uint16    `json:"rounds,omitempty" doc:"Start of each round, in blocks after the epoch's first"`
	Module Bytes       `json:"module,omitempty" doc:"Parameters handed to the module"`
}

// WeightRow is what a validator said of an epoch.
type WeightRow struct {
	UID      uint16   `json:"uid"`
	Hotkey   Address  `json:"hotkey"`
	State    string   `json:"state" enum:"silent,committed,revealed"`
	Height   uint64   `json:"height,omitempty" doc:"Block of the commitment"`
	Evidence *Hash    `json:"evidence,omitempty" doc:"Root of the evidence behind the weights"`
	Weights  []Weight `json:"weights" nullable:"false" doc:"Once revealed; the largest is 65,535"`
}

// Weight is what a validator thinks of a neuron.
type Weight struct {
	UID    uint16 `json:"uid"`
	Weight uint16 `json:"weight"`
}

// Weights are what the validators of an epoch said.
type Weights struct {
	Height    uint64      `json:"height"`
	NetUID    uint16      `json:"netuid"`
	Mechanism uint8       `json:"mechanism"`
	Epoch     uint64      `json:"epoch"`
	Members   int         `json:"members" doc:"Of the epoch's roster"`
	Items     []WeightRow `json:"items" nullable:"false" doc:"Those who may validate in it"`
}

// Proxy is what an account gave to a delegate.
type Proxy struct {
	Delegate Address `json:"delegate"`
	Rights   string  `json:"rights"`
	Delay    uint64  `json:"delay" doc:"Blocks between the announcement of a call and the call"`
	Calls    []Call  `json:"calls" nullable:"false" doc:"Announced, and not made yet"`
}

// Call is an announced call.
type Call struct {
	Call      Hash   `json:"call"`
	Announced uint64 `json:"announced" doc:"Block"`
	Allowed   uint64 `json:"allowed" doc:"First block that may hold it"`
}

// Proxies are the delegates of an account.
type Proxies struct {
	Address Address `json:"address"`
	Height  uint64  `json:"height"`
	Items   []Proxy `json:"items" nullable:"false"`
}

// Proposal is a proposal with its votes.
type Proposal struct {
	ID        uint64  `json:"id"`
	State     string  `json:"state"`
	Proposer  Address `json:"proposer"`
	Deposit   Amount  `json:"deposit_rao" doc:"0 once it is returned or burned"`
	NetUID    uint16  `json:"netuid" doc:"0 for the chain"`
	Parameter string  `json:"parameter" doc:"Empty for a text"`
	Value     Amount  `json:"value"`
	Text      string  `json:"text"`
	Opened    uint64  `json:"opened"`
	Closes    uint64  `json:"closes" doc:"Last block whose votes count"`
	Executes  uint64  `json:"executes" doc:"Block that carries it out, if it passes"`
	Quorum    uint16  `json:"quorum" doc:"Part of all root stake that must vote, over 65,535"`
	Threshold uint16  `json:"threshold" doc:"Part of yes and no that must agree, over 65,535"`
	Yes       Amount  `json:"yes_rao" doc:"By weight, once it is counted"`
	No        Amount  `json:"no_rao"`
	Abstain   Amount  `json:"abstain_rao"`
	Root      Amount  `json:"root_rao" doc:"All there was on root then"`
	Failure   string  `json:"failure,omitempty" doc:"Why it could not be carried out"`
}

// Proposals are the newest proposals.
type Proposals struct {
	Height uint64     `json:"height"`
	Total  uint64     `json:"total" doc:"Ever made; they are numbered from 0"`
	Items  []Proposal `json:"items" nullable:"false"`
}

func (s *Server) marketRoutes() {
	huma.Register(s.api, s.route(http.MethodGet, "/v1/subnets/{netuid}/parameters", "list-parameters", "Subnets", "List parameters",
		"The named parameters of a subnet, or with 0 of the chain, with units, bounds and who may change them."),
		func(ctx context.Context, in *netuidPath) (*body[Parameters], error) {
			return read(s, ctx, func(h uint64, v ledger.View) (*Parameters, error) { return parameters(h, v, ledger.NetUID(in.NetUID)) })
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/subnets/{netuid}/weights", "list-weights", "Subnets", "List weights",
		"Who committed and revealed which weights for an epoch. The state keeps the last few epochs."),
		func(ctx context.Context, in *struct {
			NetUID    uint32 `path:"netuid" maximum:"65535" doc:"Number of the subnet"` // an embedded type that is not exported stays empty
			Epoch     int64  `query:"epoch" minimum:"-1" default:"-1" doc:"-1 is the last epoch that ended"`
			Mechanism uint32 `query:"mechanism" maximum:"15"`
		}) (*body[Weights], error) {
			return read(s, ctx, func(h uint64, v ledger.View) (*Weights, error) {
				return weights(h, v, ledger.NetUID(in.NetUID), uint8(in.Mechanism), in.Epoch)
			})
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/accounts/{address}/proxies", "list-proxies", "Accounts", "List an account's delegates",
		"What an account gave to delegates, and the calls that they announced."),
		func(ctx context.Context, in *struct {
			Address string `path:"address" maxLength:"64" doc:"SS58 address"`
		}) (*body[Proxies], error) {
			id, err := address(in.Address)
			if err != nil {
				return nil, err
			}
			return read(s, ctx, func(h uint64, v ledger.View) (*Proxies, error) { return proxies(h, v, id) })
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/proposals", "list-proposals", "State", "List proposals", "Proposals of parameters and texts, the newest first."),
		func(ctx context.Context, in *struct {
			Below uint64 `query:"below" doc:"Only those with a smaller number; 0 for all"`
			Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
		}) (*body[Proposals], error) {
			return read(s, ctx, func(h uint64, v ledger.View) (*Proposals, error) { return listProposals(h, v, in.Below, in.Limit) })
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/proposals/{id}", "get-proposal", "State", "Get a proposal", "A proposal with its votes as they were counted."),
		func(ctx context.Context, in *struct {
			ID uint64 `path:"id"`
		}) (*body[Proposal], error) {
			return read(s, ctx, func(_ uint64, v ledger.View) (*Proposal, error) { return proposal(v, in.ID) })
		})
}

func parameters(height uint64, v ledger.View, n ledger.NetUID) (*Parameters, error) {
	out := &Parameters{Height: height, NetUID: uint16(n)}
	all := ledger.ChainParameters()
	var now, next func(string) uint64
	if n == 0 {
		p, err := ledger.ChainParams(v)
		if err != nil {
			return nil, err
		}
		now = func(name string) uint64 { x, _ := p.Get(name); return x }
		next = now
	} else {
		all = ledger.SubnetParameters()
		sub, err := ledger.LoadSubnet(v, n)
		if err != nil {
			return nil, err
		}
		if sub == nil {
			return nil, problem(http.StatusNotFound, "no subnet has netuid %d", n)
		}
		plan, err := ledger.LoadPlanned(v, n)
		if err != nil {
			return nil, err
		}
		now = func(name string) uint64 { x, _ := sub.Params.Get(name); return x }
		if next = now; plan != nil {
			next = func(name string) uint64 { x, _ := plan.Params.Get(name); return x }
		}
		out.Rounds, out.Module = sub.Params.Rounds, sub.Params.Module
	}
	for _, p := range all {
		x := Parameter{Name: p.Name, Value: Amount(now(p.Name)), Unit: p.Unit, Least: Amount(p.Least), Most: Amount(p.Most), SetBy: "vote", Doc: p.Doc}
		if p.Owner {
			x.SetBy, x.OwnerLeast, x.OwnerMost = "owner", Amount(p.OwnerLeast), Amount(p.OwnerMost)
		}
		if after := Amount(next(p.Name)); after != x.Value {
			x.Next = &after
		}
		out.Items = append(out.Items, x)
	}
	return out, nil
}

func weights(height uint64, v ledger.View, n ledger.NetUID, mech uint8, epoch int64) (*Weights, error) {
	sub, err := ledger.LoadSubnet(v, n)
	if err != nil {
		return nil, err
	}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, err
	}
	if sub == nil || clock == nil || mech >= sub.Mechanisms() {
		return nil, problem(http.StatusNotFound, "no subnet has netuid %d and a mechanism %d", n, mech)
	}
	e := ledger.Epoch(epoch)
	if epoch < 0 {
		if clock.Epoch == clock.Origin {
			return nil, problem(http.StatusNotFound, "no epoch of netuid %d has ended yet", n)
		}
		e = clock.Epoch - 1
	}
	roster, err := ledger.LoadRoster(v, n, e)
	if err != nil {
		return nil, err
	}
	if roster == nil {
		return nil, problem(http.StatusNotFound, "epoch %d of netuid %d has not begun, or its roster is no longer in the state", e, n)
	}
	out := &Weights{Height: height, NetUID: uint16(n), Mechanism: mech, Epoch: e, Members: len(roster), Items: []WeightRow{}}
	for _, m := range roster {
		if !m.Permit {
			continue
		}
		row, err := weightRow(v, n.Mechanism(mech), e, roster, m)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, *row)
	}
	return out, nil
}

func weightRow(v ledger.View, at ledger.NetUID, e ledger.Epoch, roster ledger.Roster, m ledger.Member) (*WeightRow, error) {
	row := &WeightRow{UID: uint16(m.UID), Hotkey: Address(m.Hotkey.String()), State: "silent", Weights: []Weight{}}
	com, err := ledger.LoadCommitted(v, at, e, m.Hotkey)
	if err != nil || com == nil {
		return row, err
	}
	evidence := Hash(com.Evidence)
	row.State, row.Height, row.Evidence = "committed", com.Height, &evidence
	o, err := ledger.LoadReveal(v, at, e, m.Hotkey)
	if err != nil || o == nil {
		return row, err
	}
	row.State = "revealed"
	dense, err := o.Row.Dense(len(roster))
	for i, w := range dense {
		if w > 0 {
			row.Weights = append(row.Weights, Weight{uint16(roster[i].UID), w})
		}
	}
	return row, err
}

func proxies(height uint64, v ledger.View, id key.ID) (*Proxies, error) {
	list, err := ledger.LoadProxies(v, id)
	if err != nil {
		return nil, err
	}
	out := &Proxies{Address: Address(id.String()), Height: height, Items: []Proxy{}}
	for _, p := range list {
		calls, err := ledger.LoadAnnounced(v, id, p.Delegate)
		if err != nil {
			return nil, err
		}
		x := Proxy{Delegate: Address(p.Delegate.String()), Rights: p.Rights.String(), Delay: p.Delay, Calls: []Call{}}
		for _, c := range calls {
			x.Calls = append(x.Calls, Call{Call: c.Call, Announced: c.Height, Allowed: c.Height + p.Delay})
		}
		out.Items = append(out.Items, x)
	}
	return out, nil
}

func proposal(v ledger.View, id uint64) (*Proposal, error) {
	p, err := ledger.LoadProposal(v, id)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, problem(http.StatusNotFound, "no proposal %d was made", id)
	}
	return &Proposal{ID: p.ID, State: p.State.String(), Proposer: Address(p.Proposer.String()), Deposit: Amount(p.Deposit), NetUID: uint16(p.NetUID),
		Parameter: p.Name, Value: Amount(p.Value), Text: p.Text, Opened: p.Opened, Closes: p.Closes, Executes: p.Executes, Quorum: p.Quorum,
		Threshold: p.Threshold, Yes: Amount(p.Tally.Yes), No: Amount(p.Tally.No), Abstain: Amount(p.Tally.Abstain), Root: Amount(p.Tally.Root),
		Failure: p.Failure}, nil
}

func listProposals(height uint64, v ledger.View, below uint64, limit int) (*Proposals, error) {
	_, next, err := ledger.Proposals(v)
	if err != nil {
		return nil, err
	}
	out := &Proposals{Height: height, Total: next, Items: []Proposal{}}
	from := next
	if below > 0 {
		from = min(from, below)
	}
	for id := from; id > 0 && len(out.Items) < limit; id-- {
		p, err := proposal(v, id-1)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, *p)
	}
	return out, nil
}
