package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
)

// Account is what an account holds freely.
type Account struct {
	Address Address `json:"address"`
	Height  uint64  `json:"height" doc:"Block whose state this is"`
	Balance Amount  `json:"balance_rao"`
	Nonce   uint64  `json:"nonce" doc:"Of its next transaction"`
	Proof   *Proved `json:"proof,omitempty" doc:"From a light client: what it was verified against"`
}

// Proved says what a value was verified against.
type Proved struct {
	Height uint64 `json:"height"`
	Header Hash   `json:"header" doc:"Hash of the verified header at that height"`
	Root   Hash   `json:"root"`
}

// HistoryPage is a page of an account's history, newest first.
type HistoryPage struct {
	Items []HistoryEntry `json:"items" nullable:"false"`
	Next  string         `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	First uint64         `json:"first" doc:"Height at which this node's history begins"`
}

// HistoryEntry is one line of an account's history.
type HistoryEntry struct {
	Type   string       `json:"type" enum:"transaction,balance,event" doc:"transaction: it signed it, or an event of it names it; balance: a block changed its free balance, by whatever rule"`
	Height uint64       `json:"height"`
	Time   time.Time    `json:"time"`
	ID     *Hash        `json:"id,omitempty" doc:"Of the transaction"`
	Kind   string       `json:"kind,omitempty" doc:"Of the transaction"`
	Code   uint32       `json:"code,omitempty" doc:"Of the transaction"`
	Result string       `json:"result,omitempty" doc:"Of the transaction"`
	Before *Amount      `json:"before_rao,omitempty"`
	After  *Amount      `json:"after_rao,omitempty"`
	Event  *LedgerEvent `json:"event,omitempty"`
}

// StateValue is the value under a key of the state, or its absence, with the
// proof.
type StateValue struct {
	Key    Bytes  `json:"key"`
	Height uint64 `json:"height" doc:"Block whose state this is"`
	Root   Hash   `json:"root" doc:"Root of that state, carried by the header of height+1"`
	Header *Hash  `json:"header,omitempty" doc:"From a light client: hash of the verified header at that height"`
	Value  *Bytes `json:"value" doc:"null when there is none"`
	ICS23  Bytes  `json:"ics23" doc:"Protobuf of an ICS-23 CommitmentProof under its SMT specification"`
	Proof  Bytes  `json:"proof" doc:"The same proof in the shorter form of this project"`
}

// NewStateValue makes the answer about a key from its proof.
func NewStateValue(k, value []byte, head chain.Head, p store.Proof) *StateValue {
	out := &StateValue{Key: k, Height: head.Height, Root: head.Root, ICS23: p.ICS23(k, value), Proof: p.Append(nil)}
	if value != nil {
		out.Value = (*Bytes)(&value)
	}
	return out
}

func (s *Server) stateRoutes() {
	huma.Register(s.api, s.route(http.MethodGet, "/v1/head", "get-head", "Blocks", "Get the newest block", "The newest committed block; from a light client, the newest whose state it can prove."),
		func(ctx context.Context, _ *struct{}) (*body[Head], error) {
			h, _, release, err := s.cfg.View(ctx)
			if err != nil {
				return nil, s.fail(err)
			}
			release()
			return &body[Head]{Head{Height: h.Height, Time: at(h.Time), Hash: h.Hash, Root: h.Root}}, nil
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/accounts/{address}", "get-account", "Accounts", "Get an account",
		"An account, zeros when the chain has never seen it. A node answers for its last heights too."),
		func(ctx context.Context, in *struct {
			Address string `path:"address" maxLength:"64" doc:"SS58 address"`
			Height  uint64 `query:"height" doc:"Block whose state to read; 0 is the newest"`
		}) (*body[Account], error) {
			id, err := address(in.Address)
			if err != nil {
				return nil, err
			}
			out, err := s.account(ctx, id, in.Height)
			if err != nil {
				return nil, s.fail(err)
			}
			return &body[Account]{*out}, nil
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/state/{key}", "get-state", "State", "Get a value with its proof",
		"Any value of the state, or its absence, with a proof to the root that the next header carries. Only the last heights can be proved."),
		func(ctx context.Context, in *struct {
			Key    string `path:"key" minLength:"2" maxLength:"1024" pattern:"^([0-9a-f]{2})+$" doc:"The key in hexadecimal"`
			Height uint64 `query:"height" doc:"Block whose state to read; 0 is the newest that can be proved"`
		}) (*body[StateValue], error) {
			k, err := hex.DecodeString(in.Key)
			if err != nil {
				return nil, problem(http.StatusBadRequest, "key: %v", err)
			}
			out, err := s.cfg.Prove(ctx, k, in.Height)
			if err != nil {
				return nil, s.fail(err)
			}
			return &body[StateValue]{*out}, nil
		})
	if s.cfg.Index == nil {
		return
	}
	huma.Register(s.api, s.route(http.MethodGet, "/v1/accounts/{address}/history", "list-history", "Accounts", "List an account's history",
		"Transactions, events and every change of the free balance, newest first."),
		func(_ context.Context, in *struct {
			Address string `path:"address" maxLength:"64" doc:"SS58 address"`
			Paging
		}) (*body[HistoryPage], error) {
			id, err := address(in.Address)
			if err != nil {
				return nil, err
			}
			out, err := s.history(id, in.Cursor, in.Limit)
			if err != nil {
				return nil, s.fail(err)
			}
			return &body[HistoryPage]{*out}, nil
		})
}

func address(text string) (key.ID, error) {
	id, err := key.Parse(text)
	if err != nil {
		return id, problem(http.StatusBadRequest, "%s", clip(err.Error()))
	}
	return id, nil
}

func (s *Server) account(ctx context.Context, id key.ID, height uint64) (*Account, error) {
	var head chain.Head
	var acc ledger.Account
	if height != 0 && s.cfg.Node != nil {
		head.Height = height
		err := s.cfg.Node.At(height, func(v *store.Snapshot) (err error) {
			acc, err = ledger.LoadAccount(v, id)
			return err
		})
		if err != nil {
			return nil, err
		}
	} else {
		h, v, release, err := s.cfg.View(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		if head = h; height != 0 && height != h.Height {
			return nil, problem(http.StatusNotFound, "a light client has the state at height %d only", h.Height)
		}
		if acc, err = ledger.LoadAccount(v, id); err != nil {
			return nil, err
		}
	}
	out := &Account{Address: Address(id.String()), Height: head.Height, Balance: Amount(acc.Balance), Nonce: acc.Nonce}
	if s.cfg.Node == nil {
		out.Proof = &Proved{Height: head.Height, Header: head.Hash, Root: head.Root}
	}
	return out, nil
}

func (s *Server) history(id key.ID, from string, limit int) (*HistoryPage, error) {
	h, seq, ok, err := parseCursor(from, cursorHistory)
	if err != nil {
		return nil, err
	}
	below := index.Newest()
	if ok {
		below = index.Place{Height: h, Seq: uint32(seq)}
	}
	list, err := s.cfg.Index.History(id, below, limit)
	if err != nil {
		return nil, err
	}
	out := &HistoryPage{Items: make([]HistoryEntry, len(list))}
	out.First, _ = s.cfg.Index.Heights()
	for i := range list {
		out.Items[i] = historyEntry(&list[i])
	}
	if len(list) == limit {
		last := list[len(list)-1].Place
		if more, err := s.cfg.Index.History(id, last, 1); err != nil {
			return nil, err
		} else if len(more) > 0 {
			out.Next = cursor(cursorHistory, last.Height, uint64(last.Seq))
		}
	}
	return out, nil
}

func historyEntry(e *index.Entry) HistoryEntry {
	out := HistoryEntry{Height: e.Place.Height, Time: at(e.Time)}
	switch e.Type {
	case index.Transaction:
		id := Hash(e.ID)
		out.Type, out.ID, out.Kind, out.Code, out.Result = "transaction", &id, e.Kind.String(), uint32(e.Code), e.Code.String()
	case index.Balance:
		b, a := Amount(e.Before), Amount(e.After)
		out.Type, out.Before, out.After = "balance", &b, &a
	case index.Happened:
		ev := event(&e.Event)
		out.Type, out.Event = "event", &ev
	}
	return out
}
