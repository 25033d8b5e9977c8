package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Block is a committed block.
type Block struct {
	Height       uint64        `json:"height"`
	Time         time.Time     `json:"time"`
	Hash         Hash          `json:"hash"`
	Parent       Hash          `json:"parent" doc:"Hash of the block before"`
	Root         Hash          `json:"root" doc:"Root of the state after the block; the next header carries it"`
	Proposer     Bytes         `json:"proposer" doc:"Address of the proposer's consensus key, 20 bytes"`
	Bytes        uint64        `json:"bytes" doc:"Size of all entries"`
	Transactions []BlockTx     `json:"transactions" nullable:"false"`
	Events       []LedgerEvent `json:"events,omitempty" doc:"Left out of lists"`
}

// BlockTx is a transaction of a block.
type BlockTx struct {
	ID     Hash   `json:"id"`
	Code   uint32 `json:"code" doc:"0 when it held, else the ledger's code"`
	Result string `json:"result" doc:"Name of the code"`
}

// LedgerEvent is something a block did.
type LedgerEvent struct {
	Kind   string  `json:"kind" doc:"transfer, registered, staked, committed, revealed, epoch, paid, …"`
	NetUID uint16  `json:"netuid,omitempty"`
	Epoch  uint64  `json:"epoch,omitempty"`
	Hotkey Address `json:"account,omitempty" doc:"Account that it names"`
	Amount Amount  `json:"amount,omitempty" doc:"In the smallest unit of what the kind moves"`
	Entry  int     `json:"entry,omitempty" doc:"Index of the transaction in its block that caused it, from 1; 0 for the block itself"`
}

// BlockPage is a page of blocks, newest first.
type BlockPage struct {
	Items []Block `json:"items" nullable:"false"`
	Next  string  `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
}

// Head is the newest block.
type Head struct {
	Height uint64    `json:"height"`
	Time   time.Time `json:"time"`
	Hash   Hash      `json:"hash"`
	Root   Hash      `json:"root" doc:"Root of the state after the block"`
}

// Paging is how a list is asked for.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Items of a page"`
	Cursor string `query:"cursor" maxLength:"64" doc:"next of the page before"`
}

type body[T any] struct{ Body T }

func event(e *ledger.Event) LedgerEvent {
	out := LedgerEvent{Kind: e.Kind, NetUID: uint16(e.NetUID), Epoch: e.Epoch, Amount: Amount(e.Amount), Entry: e.Entry}
	if e.Hotkey != (key.ID{}) {
		out.Hotkey = Address(e.Hotkey.String())
	}
	return out
}

func block(r *index.BlockRecord, events bool) Block {
	b := Block{Height: r.Height, Time: at(r.Time), Hash: r.Hash, Parent: r.Parent, Root: r.Root, Proposer: r.Proposer[:], Bytes: r.Bytes,
		Transactions: make([]BlockTx, len(r.Txs))}
	for i, t := range r.Txs {
		b.Transactions[i] = BlockTx{ID: t.ID, Code: uint32(t.Code), Result: t.Code.String()}
	}
	if events {
		for i := range r.Events {
			b.Events = append(b.Events, event(&r.Events[i]))
		}
	}
	return b
}

func (s *Server) blockRoutes() {
	x := s.cfg.Index
	huma.Register(s.api, s.route(http.MethodGet, "/v1/blocks", "list-blocks", "Blocks", "List blocks", "Committed blocks, newest first, without their events."),
		func(_ context.Context, in *Paging) (*body[BlockPage], error) {
			below, _, ok, err := parseCursor(in.Cursor, cursorBlocks)
			if err != nil {
				return nil, err
			}
			if !ok {
				below = 1<<64 - 1
			}
			list, err := x.Blocks(below, in.Limit)
			if err != nil {
				return nil, s.fail(err)
			}
			out := BlockPage{Items: make([]Block, len(list))}
			for i, r := range list {
				out.Items[i] = block(r, false)
			}
			if first, _ := x.Heights(); len(list) == in.Limit && list[len(list)-1].Height > first {
				out.Next = cursor(cursorBlocks, list[len(list)-1].Height, 0)
			}
			return &body[BlockPage]{out}, nil
		})
	huma.Register(s.api, s.route(http.MethodGet, "/v1/blocks/{block}", "get-block", "Blocks", "Get a block", "A committed block by its height or its hash, with its events."),
		func(_ context.Context, in *struct {
			Block string `path:"block" maxLength:"64" doc:"Height, or hash in hexadecimal"`
		}) (*body[Block], error) {
			h, err := s.height(in.Block)
			if err != nil {
				return nil, s.fail(err)
			}
			r, err := x.Block(h)
			if err != nil {
				return nil, s.fail(err)
			}
			return &body[Block]{block(r, true)}, nil
		})
}

// height finds the block that a path names.
func (s *Server) height(name string) (uint64, error) {
	if len(name) == 64 {
		if b, err := hex.DecodeString(name); err == nil {
			return s.cfg.Index.ByHash([32]byte(b))
		}
	}
	h, err := strconv.ParseUint(name, 10, 63)
	if err != nil {
		return 0, problem(http.StatusBadRequest, "block %q: want a height, or a hash of 64 hexadecimal digits", name)
	}
	return h, nil
}
