package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Subnet is a subnet as it stands.
type Subnet struct {
	NetUID      uint16         `json:"netuid"`
	Height      uint64         `json:"height" doc:"Block whose state this is"`
	Owner       Address        `json:"owner"`
	OwnerHotkey Address        `json:"owner_hotkey"`
	Module      Hash           `json:"module" doc:"SHA-256 of the module that scores"`
	Neurons     uint16         `json:"neurons" doc:"uids in use"`
	Epoch       uint64         `json:"epoch" doc:"The running epoch"`
	First       uint64         `json:"first" doc:"Its first block"`
	Tempo       uint16         `json:"tempo" doc:"Blocks of an epoch"`
	NextEpoch   uint64         `json:"next_epoch" doc:"First block of the next epoch, unless a step is put off"`
	Price       string         `json:"price" doc:"TAO per alpha on the pool"`
	Pool        Amount         `json:"pool_rao" doc:"TAO in the pool"`
	PoolAlpha   Amount         `json:"pool_alpha"`
	Issued      Amount         `json:"issued_alpha" doc:"Ever"`
	Burn        Amount         `json:"registration_rao" doc:"Price of a registration"`
	Params      map[string]any `json:"params,omitempty" doc:"Hyper-parameters by name; left out of lists"`
}

// Neuron is a hotkey's place in a subnet. Shares are over 65,535.
type Neuron struct {
	UID        uint16  `json:"uid"`
	Hotkey     Address `json:"hotkey"`
	Coldkey    Address `json:"coldkey"`
	Serves     bool    `json:"serves" doc:"Answers requests"`
	Permit     bool    `json:"permit" doc:"May validate in the running epoch"`
	Registered uint64  `json:"registered" doc:"Block"`
	LastUpdate uint64  `json:"last_update" doc:"Block of its last weights"`
	Stake      Amount  `json:"stake_alpha"`
	Consensus  uint16  `json:"consensus"`
	Incentive  uint16  `json:"incentive"`
	Dividends  uint16  `json:"dividends"`
	Trust      uint16  `json:"trust"`
	Emission   Amount  `json:"emission_alpha" doc:"Paid by the last step"`
	Earned     Amount  `json:"earned_alpha" doc:"Paid by all steps"`
}

// Metagraph is a subnet with its neurons.
type Metagraph struct {
	Subnet
	Neurons []Neuron `json:"items" nullable:"false"`
}

// Producer is who may produce blocks.
type Producer struct {
	Address   Bytes   `json:"address" doc:"Of the consensus key, 20 bytes"`
	Hotkey    Address `json:"hotkey"`
	Coldkey   Address `json:"coldkey"`
	Consensus Hash    `json:"consensus" doc:"Key that signs votes"`
	Power     uint64  `json:"power" doc:"Voting power"`
}

// Producers are those of the next block.
type Producers struct {
	Height uint64     `json:"height"`
	Items  []Producer `json:"items" nullable:"false"`
	Power  uint64     `json:"power" doc:"Sum of all"`
}

// Subnets lists all subnets.
type Subnets struct {
	Height uint64   `json:"height"`
	Items  []Subnet `json:"items" nullable:"false"`
}

// Params are the parameters of the whole chain.
type Params struct {
	ChainID string         `json:"chain_id"`
	Height  uint64         `json:"height"`
	Params  map[string]any `json:"params" doc:"By name; amounts, whose names end in _rao, as text"`
}

// Genesis names the chain.
type Genesis struct {
	Hash      Hash      `json:"hash"`
	ChainID   string    `json:"chain_id"`
	Time      time.Time `json:"time"`
	Accounts  int       `json:"accounts"`
	Producers int       `json:"producers"`
	Subnets   int       `json:"subnets"`
	Raw       Bytes     `json:"raw" doc:"The whole genesis in its canonical encoding, of which hash is the hash"`
}

// read answers with what fn makes of the newest state.
func read[T any](s *Server, ctx context.Context, fn func(height uint64, v ledger.View) (*T, error)) (*body[T], error) {
	h, v, release, err := s.cfg.View(ctx)
	if err != nil {
		return nil, s.fail(err)
	}
	defer release()
	out, err := fn(h.Height, v)
	if err != nil {
		return nil, s.fail(err)
	}
	return &body[T]{*out}, nil
}

type netuidPath struct {
	NetUID uint32 `path:"netuid" maximum:"65535" doc:"Number of the subnet"` // the library lets a uint16 wrap around
}

func (s *Server) subnetRoutes() {
	huma.Register(s.api, s.route(http.MethodGet, "/v1/producers", "list-producers", "State", "List block producers", "Who may produce and vote on blocks."),
		func(ctx context.Context, _ *struct{}) (*body[Producers], error) { return read(s, ctx, producers) })
	huma.Register(s.api, s.route(http.MethodGet, "/v1/subnets", "list-subnets", "Subnets", "List subnets", "All subnets, by number."),
		func(ctx context.Context, _ *struct{}) (*body[Subnets], error) {
			return read(s, ctx, func(height uint64, v ledger.View) (*Subnets, error) {
				nets, err := ledger.Subnets(v)
				out := &Subnets{Height: height, Items: make([]Subnet, 0, len(nets))}
				for _, n := range nets {
					x, e := subnet(height, v, n, false)
					if e != nil {
						return nil, e
					}
					out.Items = append(out.Items, *x)
				}
				return out, err
			})
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/subnets/{netuid}", "get-subnet", "Subnets", "Get a subnet", "A subnet with its hyper-parameters."),
		func(ctx context.Context, in *netuidPath) (*body[Subnet], error) {
			return read(s, ctx, func(height uint64, v ledger.View) (*Subnet, error) {
				return subnet(height, v, ledger.NetUID(in.NetUID), true)
			})
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/subnets/{netuid}/metagraph", "get-metagraph", "Subnets", "Get a metagraph", "A subnet with all its neurons."),
		func(ctx context.Context, in *netuidPath) (*body[Metagraph], error) {
			return read(s, ctx, func(height uint64, v ledger.View) (*Metagraph, error) {
				return metagraph(height, v, ledger.NetUID(in.NetUID))
			})
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/params", "get-params", "State", "Get the chain's parameters", "Parameters of the whole chain."),
		func(ctx context.Context, _ *struct{}) (*body[Params], error) {
			return read(s, ctx, func(height uint64, v ledger.View) (*Params, error) {
				p, err := ledger.ChainParams(v)
				if err != nil {
					return nil, err
				}
				return &Params{ChainID: s.cfg.Genesis.ChainID, Height: height, Params: named(p)}, nil
			})
		})
	g := s.cfg.Genesis
	genesis := Genesis{Hash: g.Hash(), ChainID: g.ChainID, Time: at(g.Time), Accounts: len(g.Accounts), Producers: len(g.Producers),
		Subnets: len(g.Subnets), Raw: g.Encode()}
	huma.Register(s.api, s.route(http.MethodGet, "/v1/genesis", "get-genesis", "State", "Get the genesis", "What the chain began with; its hash names the chain."),
		func(context.Context, *struct{}) (*body[Genesis], error) { return &body[Genesis]{genesis}, nil })
}

func producers(height uint64, v ledger.View) (*Producers, error) {
	list, err := ledger.Producers(v)
	out := &Producers{Height: height, Items: make([]Producer, len(list))}
	for i, p := range list {
		a := p.Address()
		out.Items[i] = Producer{Address: a[:], Hotkey: Address(p.Hotkey.String()), Coldkey: Address(p.Coldkey.String()), Consensus: Hash(p.Consensus), Power: p.Power}
		out.Power += p.Power
	}
	return out, err
}

func subnet(height uint64, v ledger.View, n ledger.NetUID, params bool) (*Subnet, error) {
	sub, err := ledger.LoadSubnet(v, n)
	if err != nil {
		return nil, err
	}
	market, err := ledger.LoadMarket(v, n)
	if err != nil {
		return nil, err
	}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, err
	}
	if sub == nil || market == nil || clock == nil {
		return nil, problem(http.StatusNotFound, "no subnet has netuid %d", n)
	}
	out := &Subnet{NetUID: uint16(n), Height: height, Owner: Address(sub.Owner.String()), OwnerHotkey: Address(sub.OwnerHotkey.String()), Module: sub.Module,
		Neurons: market.Neurons, Epoch: clock.Epoch, First: clock.First, Tempo: sub.Params.Tempo, NextEpoch: clock.First + uint64(sub.Params.Tempo),
		Price: market.SpotPrice().String(), Pool: Amount(market.TAO), PoolAlpha: Amount(market.Alpha), Issued: Amount(market.Issued), Burn: Amount(market.Burn)}
	if params {
		out.Params = named(sub.Params)
	}
	return out, nil
}

func metagraph(height uint64, v ledger.View, n ledger.NetUID) (*Metagraph, error) {
	sub, err := subnet(height, v, n, false)
	if err != nil {
		return nil, err
	}
	m, err := ledger.LoadMetagraph(v, n)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, problem(http.StatusNotFound, "netuid %d has no metagraph", n)
	}
	out := &Metagraph{Subnet: *sub, Neurons: make([]Neuron, len(m.Neurons))}
	for i, x := range m.Neurons {
		out.Neurons[i] = Neuron{UID: uint16(x.UID), Hotkey: Address(x.Hotkey.String()), Coldkey: Address(x.Coldkey.String()), Serves: x.Serves,
			Permit: x.Permit, Registered: x.Registered, LastUpdate: x.LastUpdate, Stake: Amount(x.Stake), Consensus: x.Consensus, Incentive: x.Incentive,
			Dividends: x.Dividends, Trust: x.Trust, Emission: Amount(x.Emission), Earned: Amount(x.Earned)}
	}
	return out, nil
}

// named lists the fields of a struct of parameters by their names in snake case,
// so that a parameter more needs nothing here. Numbers that a float cannot hold
// are texts, and so are amounts, whose names get their unit.
func named(params any) map[string]any {
	out := map[string]any{}
	v := reflect.ValueOf(params)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name := snake(f.Name)
		switch x := v.Field(i).Interface().(type) {
		case unit.TAO:
			out[name+"_rao"] = Amount(x)
		case uint64:
			out[name] = Amount(x)
		case []byte:
			out[name] = Bytes(x)
		default:
			out[name] = x
		}
	}
	return out
}

// snake turns FeeBase, TAOWeight and MaxUIDs into fee_base, tao_weight and
// max_uids.
func snake(name string) string {
	r := []rune(name)
	var b strings.Builder
	for i, c := range r {
		word := i > 0 && unicode.IsUpper(c) && (unicode.IsLower(r[i-1]) || i+2 < len(r) && unicode.IsLower(r[i+1]) && !(r[i+1] == 's' && i+2 == len(r)))
		if word {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
