package api

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
)

// Transaction is a signed transaction and what became of it.
type Transaction struct {
	ID      Hash       `json:"id"`
	State   string     `json:"state" enum:"pending,included,dropped" doc:"dropped: refused after it had waited"`
	Height  uint64     `json:"height,omitempty" doc:"Block that included it"`
	Time    *time.Time `json:"time,omitempty" doc:"Of that block"`
	Entry   int        `json:"entry,omitempty" doc:"Its index in the block, from 1"`
	Code    uint32     `json:"code" doc:"0 when it held, else the ledger's code; it paid its fee all the same"`
	Result  string     `json:"result" doc:"Name of the code"`
	Detail  string     `json:"detail,omitempty"`
	Kind    string     `json:"kind,omitempty"`
	Account Address    `json:"account,omitempty" doc:"Who signed it"`
	Nonce   uint64     `json:"nonce"`
	Expiry  uint64     `json:"expiry,omitempty" doc:"Last height at which it may be included"`
	Size    int        `json:"size,omitempty" doc:"Bytes"`
	Raw     Bytes      `json:"raw,omitempty" doc:"The signed bytes; absent once dropped"`
}

// Raw is a signed transaction to submit or to simulate.
type Raw struct {
	Raw string `json:"raw" minLength:"2" maxLength:"393216" pattern:"^([0-9a-f]{2})*$" doc:"The signed bytes in hexadecimal"`
}

// Submitted is a transaction that waits for a block.
type Submitted struct {
	ID     Hash   `json:"id"`
	Height uint64 `json:"height" doc:"Height of the chain when it was taken"`
}

// Simulated says what a transaction would do now.
type Simulated struct {
	ID     Hash   `json:"id"`
	Height uint64 `json:"height" doc:"Block over whose state it was tried"`
	OK     bool   `json:"ok"`
	Code   uint32 `json:"code"`
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
	Fee    Amount `json:"fee_rao" doc:"Tip included"`
	// What the producer would get of the fee is in neither list.
	Changes []Change      `json:"changes,omitempty" doc:"Free balances that it would change"`
	Events  []LedgerEvent `json:"events,omitempty"`
}

// Change is a change of a free balance.
type Change struct {
	Account Address `json:"account"`
	Before  Amount  `json:"before_rao"`
	After   Amount  `json:"after_rao"`
}

func (t *Transaction) read(raw []byte) {
	d, err := ledger.DecodeTx(raw)
	if err != nil {
		return // a block may hold bytes that are no transaction; they did nothing
	}
	t.Kind, t.Account, t.Nonce, t.Expiry, t.Size, t.Raw = d.Kind.String(), Address(d.Account.String()), d.Nonce, d.Expiry, d.Size(), raw
}

func (s *Server) txRoutes() {
	n := s.cfg.Node
	huma.Register(s.api, s.route(http.MethodGet, "/v1/transactions/{id}", "get-transaction", "Transactions", "Get a transaction", "A transaction that waits or that a block included."),
		func(_ context.Context, in *struct {
			ID string `path:"id" pattern:"^[0-9a-f]{64}$" doc:"Its id"`
		}) (*body[Transaction], error) {
			b, err := hex.DecodeString(in.ID)
			if err != nil || len(b) != 32 {
				return nil, problem(http.StatusBadRequest, "id: want 64 hexadecimal digits")
			}
			t, err := s.transaction([32]byte(b))
			if err != nil {
				return nil, s.fail(err)
			}
			return &body[Transaction]{*t}, nil
		})
	submit := s.route(http.MethodPost, "/v1/transactions", "submit-transaction", "Transactions", "Submit a transaction",
		"Checks a signed transaction, keeps it for a block and announces it. A refusal carries the ledger's code; 409 says that it is known.")
	submit.DefaultStatus = http.StatusAccepted
	huma.Register(s.api, submit, func(_ context.Context, in *body[Raw]) (*body[Submitted], error) {
		raw, err := hex.DecodeString(in.Body.Raw)
		if err != nil {
			return nil, problem(http.StatusBadRequest, "raw: %v", err)
		}
		height := n.Head().Height
		id, err := n.Submit(raw)
		if err != nil {
			return nil, s.fail(err)
		}
		return &body[Submitted]{Submitted{ID: id, Height: height}}, nil
	})
	huma.Register(s.api, s.route(http.MethodPost, "/v1/transactions/simulate", "simulate-transaction", "Transactions", "Try a transaction",
		"Applies a signed transaction over the newest state, as the next block would, and says what it would pay and change. Nothing is kept or announced."),
		func(ctx context.Context, in *body[Raw]) (*body[Simulated], error) {
			raw, err := hex.DecodeString(in.Body.Raw)
			if err != nil {
				return nil, problem(http.StatusBadRequest, "raw: %v", err)
			}
			out, err := s.simulate(ctx, raw)
			if err != nil {
				return nil, s.fail(err)
			}
			return &body[Simulated]{*out}, nil
		})
}

func (s *Server) simulate(ctx context.Context, raw []byte) (*Simulated, error) {
	t, err := ledger.DecodeTx(raw)
	if err != nil {
		return nil, err
	}
	head, v, release, err := s.cfg.View(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	sim, err := ledger.Simulate(v, raw)
	if err != nil {
		return nil, err
	}
	out := &Simulated{ID: t.ID(), Height: head.Height, OK: sim.Code == ledger.OK, Code: uint32(sim.Code), Result: sim.Code.String(),
		Detail: clip(sim.Detail), Fee: Amount(sim.Fee)}
	for _, c := range sim.Balances {
		out.Changes = append(out.Changes, Change{Account: Address(c.Account.String()), Before: Amount(c.Before), After: Amount(c.After)})
	}
	for i := range sim.Events {
		out.Events = append(out.Events, event(&sim.Events[i]))
	}
	return out, nil
}

// transaction looks in the history, among those that wait, and among those that
// were refused lately.
func (s *Server) transaction(id [32]byte) (*Transaction, error) {
	r, err := s.cfg.Index.Tx(id)
	if err == nil {
		when := at(r.Time)
		t := &Transaction{ID: id, State: "included", Height: r.Height, Time: &when, Entry: r.Entry, Code: uint32(r.Result.Code),
			Result: r.Result.Code.String(), Detail: r.Result.Detail}
		t.read(r.Raw)
		return t, nil
	}
	if !errors.Is(err, index.ErrNotFound) {
		return nil, err
	}
	st := s.cfg.Node.TxStatus(id)
	t := &Transaction{ID: id, Code: uint32(st.Result.Code), Result: st.Result.Code.String(), Detail: clip(st.Result.Detail)}
	switch st.State {
	case chain.Pending:
		t.State = "pending"
		for _, raw := range s.cfg.Node.Queue(1 << 20) {
			if d, e := ledger.DecodeTx(raw); e == nil && d.ID() == id {
				t.read(raw)
			}
		}
		return t, nil
	case chain.Included: // the index is about to have it
		t.State, t.Height = "included", st.Height
		return t, nil
	case chain.Dropped:
		t.State = "dropped"
		return t, nil
	}
	return nil, err
}
