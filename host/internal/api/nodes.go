package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
)

// Network says who a node is connected to.
type Network struct {
	Peer      string   `json:"peer" doc:"The node's own peer id"`
	Addrs     []string `json:"addrs" nullable:"false" doc:"Addresses to give to others"`
	Peers     int      `json:"peers" doc:"Connected peers"`
	Consensus int      `json:"consensus_peers" doc:"Of these, those that take part in consensus gossip"`
}

// Range is a range of heights, both included.
type Range struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Status says how a node is doing.
type Status struct {
	Version    string    `json:"version"`
	ChainID    string    `json:"chain_id"`
	Genesis    Hash      `json:"genesis"`
	Light      bool      `json:"light" doc:"A light client: it executes nothing and proves what it answers"`
	Height     uint64    `json:"height"`
	Time       time.Time `json:"time" doc:"Of the newest block"`
	CatchingUp bool      `json:"catching_up" doc:"Blocks are still being fetched from others"`
	Waiting    int       `json:"waiting" doc:"Transactions that wait for a block"`
	Network    *Network  `json:"network,omitempty"`
	Blocks     *Range    `json:"blocks,omitempty" doc:"Stored blocks"`
	History    *Range    `json:"history,omitempty" doc:"Blocks in the history"`
	Epochs     []Epoch   `json:"epochs" nullable:"false" doc:"Where each subnet stands"`
	Producers  int       `json:"producers"`
}

// Epoch is where a subnet stands in time.
type Epoch struct {
	NetUID uint16 `json:"netuid"`
	Epoch  uint64 `json:"epoch"`
	First  uint64 `json:"first"`
	Next   uint64 `json:"next" doc:"First block of the next epoch, unless a step is put off"`
}

// Health is the answer to a probe.
type Health struct {
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty" doc:"Why not"`
}

// staleAfter is the age of the newest block at which a node is not ready.
const staleAfter = 2 * time.Minute

func (s *Server) nodeRoutes() {
	huma.Register(s.api, s.route(http.MethodGet, "/v1/node/status", "get-status", "Node", "Get the node's status", "Height, peers, what is stored, and the clocks of the subnets."),
		func(ctx context.Context, _ *struct{}) (*body[Status], error) {
			return readHead(s, ctx, s.status)
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/node/health", "get-health", "Node", "Is the process alive?", "200 as long as the process serves; it ends when its chain breaks."),
		func(context.Context, *struct{}) (*body[Health], error) { return &body[Health]{Health{OK: true}}, nil })
	huma.Register(s.api, s.route(http.MethodGet, "/v1/node/readiness", "get-readiness", "Node", "Is the node up to date?", "200 when the newest block is recent and nothing is being caught up with, else 503."),
		func(ctx context.Context, _ *struct{}) (*struct {
			Status int
			Body   Health
		}, error) {
			out := &struct {
				Status int
				Body   Health
			}{http.StatusOK, Health{OK: true}}
			h, _, release, err := s.cfg.View(ctx)
			age := time.Since(at(h.Time)).Round(time.Second)
			switch {
			case err != nil:
				out.Body.Detail = "the state cannot be read: " + clip(err.Error())
			case s.cfg.Node != nil && s.cfg.Node.CatchingUp():
				out.Body.Detail = "blocks are being fetched from others"
			case age > staleAfter:
				out.Body.Detail = "the newest block is " + age.String() + " old"
			}
			if err == nil {
				release()
			}
			if out.Body.Detail != "" {
				out.Status, out.Body.OK = http.StatusServiceUnavailable, false
			}
			return out, nil
		})
}

func readHead[T any](s *Server, ctx context.Context, fn func(h chain.Head, v ledger.View) (*T, error)) (*body[T], error) {
	h, v, release, err := s.cfg.View(ctx)
	if err != nil {
		return nil, s.fail(err)
	}
	defer release()
	out, err := fn(h, v)
	if err != nil {
		return nil, s.fail(err)
	}
	return &body[T]{*out}, nil
}

func (s *Server) status(h chain.Head, v ledger.View) (*Status, error) {
	out := &Status{Version: s.cfg.Version, ChainID: s.cfg.Genesis.ChainID, Genesis: s.cfg.Genesis.Hash(), Light: s.cfg.Node == nil,
		Height: h.Height, Time: at(h.Time), Epochs: []Epoch{}}
	if n := s.cfg.Node; n != nil {
		out.CatchingUp, out.Waiting, out.Blocks, out.History = n.CatchingUp(), n.Waiting(), &Range{n.Base(), h.Height}, &Range{}
		out.History.First, out.History.Last = s.cfg.Index.Heights()
		net := s.cfg.Network()
		out.Network = &net
	}
	nets, err := ledger.Subnets(v)
	if err != nil {
		return nil, err
	}
	for _, n := range nets {
		x, err := subnet(h.Height, v, n, false)
		if err != nil {
			return nil, err
		}
		out.Epochs = append(out.Epochs, Epoch{x.NetUID, x.Epoch, x.First, x.NextEpoch})
	}
	p, err := ledger.Producers(v)
	out.Producers = len(p)
	return out, err
}
