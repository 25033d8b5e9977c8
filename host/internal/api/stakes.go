package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Stake is a position of an account behind a hotkey.
type Stake struct {
	NetUID uint16  `json:"netuid" doc:"0 for the root network"`
	Hotkey Address `json:"hotkey"`
	Stake  Amount  `json:"stake" doc:"Alpha of the subnet, TAO on the root network"`
	Worth  Amount  `json:"worth_rao" doc:"At the price of now, without slippage"`
}

// Queued is root stake on its way out of the chain's unbonding queue.
type Queued struct {
	Hotkey  Address `json:"hotkey" doc:"Behind which it stood, and for which it answers"`
	To      Address `json:"to,omitempty" doc:"Hotkey behind which it will stand; absent when it is paid out"`
	Amount  Amount  `json:"amount_rao"`
	Release uint64  `json:"release" doc:"Block at which it leaves"`
}

// Stakes are all positions of an account.
type Stakes struct {
	Address Address  `json:"address"`
	Height  uint64   `json:"height" doc:"Block whose state this is"`
	Items   []Stake  `json:"items" nullable:"false"`
	Waiting []Queued `json:"waiting" nullable:"false" doc:"In the unbonding queue"`
}

func (s *Server) stakeRoutes() {
	huma.Register(s.api, s.route(http.MethodGet, "/v1/accounts/{address}/stakes", "list-stakes", "Accounts", "List an account's stake",
		"All positions by subnet and hotkey, and the root stake that waits to be free. A light client cannot list them."),
		func(ctx context.Context, in *struct {
			Address string `path:"address" maxLength:"64" doc:"SS58 address"`
		}) (*body[Stakes], error) {
			id, err := address(in.Address)
			if err != nil {
				return nil, err
			}
			return read(s, ctx, func(height uint64, v ledger.View) (*Stakes, error) { return stakes(height, v, id) })
		})
}

func stakes(height uint64, v ledger.View, id key.ID) (*Stakes, error) {
	r, ok := v.(ledger.Ranger)
	if !ok {
		return nil, problem(http.StatusNotFound, "this state cannot be listed: ask a full node")
	}
	list, err := ledger.LoadHoldings(r, id)
	if err != nil {
		return nil, err
	}
	out := &Stakes{Address: Address(id.String()), Height: height, Items: make([]Stake, len(list)), Waiting: []Queued{}}
	prices := map[ledger.NetUID]unit.Price{}
	for i, h := range list {
		if _, known := prices[h.NetUID]; !known && h.NetUID != 0 {
			m, err := ledger.LoadMarket(v, h.NetUID)
			if err != nil {
				return nil, err
			}
			if m != nil {
				prices[h.NetUID] = m.SpotPrice()
			}
		}
		worth := prices[h.NetUID].TAO(unit.Alpha(h.Worth))
		if h.NetUID == 0 {
			worth = unit.TAO(h.Worth)
		}
		out.Items[i] = Stake{NetUID: uint16(h.NetUID), Hotkey: Address(h.Hotkey.String()), Stake: Amount(h.Worth), Worth: Amount(worth)}
	}
	waiting, err := ledger.LoadUnbonding(r, id)
	for _, w := range waiting {
		q := Queued{Hotkey: Address(w.Hotkey.String()), Amount: Amount(w.Amount), Release: w.Release}
		if w.To != (ledger.Hotkey{}) {
			q.To = Address(w.To.String())
		}
		out.Waiting = append(out.Waiting, q)
	}
	return out, err
}

// Stakes returns the positions of an account.
func (c *Client) Stakes(ctx context.Context, address string) (*Stakes, error) {
	return get[Stakes](ctx, c, "/v1/accounts/"+url.PathEscape(address)+"/stakes")
}
