package chain

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// bid is a transfer with a tip.
func bid(t *testing.T, from key.Seed, nonce uint64, tip unit.TAO) []byte {
	t.Helper()
	u := ledger.Unsigned{ChainID: "test", Account: from.Public(), Nonce: nonce, Expiry: 10_000, Tip: tip, Payload: &ledger.Transfer{To: key.ID{0xb0}, Amount: 1}}
	raw, err := u.Sign(from)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// rich gives n further accounts ten TAO each.
func (s *state) rich(n int) (out []key.Seed) {
	s.t.Helper()
	var txs [][]byte
	for i := range n {
		out = append(out, key.Seed{0xc0, byte(i + 1)})
		txs = append(txs, transfer(alice, uint64(i), out[i].Public(), 10*unit.Coin))
	}
	for _, r := range s.block(txs...) {
		if r.Code != ledger.OK {
			s.t.Fatal(r.Detail)
		}
	}
	return out
}

func TestPoolOrder(t *testing.T) {
	s, p := newState(t), newPool()
	acc := s.rich(3)
	names := map[string]string{}
	put := func(name string, who int, nonce uint64, tip unit.TAO) {
		t.Helper()
		raw := bid(t, acc[who], nonce, tip)
		names[string(raw)] = name
		if _, err := p.insert(s.db, raw, false); err != nil {
			t.Fatal(name, err)
		}
	}
	// Within an account nonces rule: what is dear behind something cheap waits.
	put("a0", 0, 0, 5)
	put("a1", 0, 1, 90_000)
	put("b0", 1, 0, 0)
	put("b1", 1, 1, 0)
	put("c0", 2, 0, 40_000)
	put("c1", 2, 1, 10)
	order := func() string {
		var out []string
		for _, raw := range p.candidates() {
			out = append(out, names[string(raw)])
		}
		return strings.Join(out, " ")
	}
	if got, want := order(), "c0 c1 a0 a1 b0 b1"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}

	// A waiting nonce gives way to a tenth more, no less.
	fee := func(raw []byte) unit.TAO {
		f, err := ledger.Fee(s.db, raw)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	old := bid(t, acc[1], 0, 0)
	need := fee(old)/10 + 1
	if _, err := p.insert(s.db, bid(t, acc[1], 0, need/2), false); !errors.Is(err, ErrReplace) || !strings.Contains(err.Error(), "offer") {
		t.Errorf("a twentieth more: %v", err)
	}
	var out []gone
	p.left = func(g []gone) { out = append(out, g...) }
	put("b0!", 1, 0, need+1000)
	tx, _ := ledger.DecodeTx(old)
	if len(out) != 1 || out[0].id != tx.ID() || !errors.Is(out[0].reason, ErrReplace) {
		t.Fatalf("replaced %+v", out)
	}
	if got, want := order(), "c0 b0! c1 a0 a1 b1"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if p.size() != 6 || p.has(tx.ID()) {
		t.Errorf("%d wait", p.size())
	}

	// A block includes the later-come b0 and c0; another takes a's nonce 0, so that
	// a1 waits on; when b0 is lost, b1 steps aside until b0 comes again.
	results := s.block(bid(t, acc[2], 0, 40_000), bid(t, acc[0], 0, 7))
	dropped, err := p.update(s.db, results)
	if err != nil || len(dropped) != 1 || !errors.Is(dropped[0].reason, rejected(ledger.CodeNonceLow)) {
		t.Fatalf("%v, dropped %+v", err, dropped)
	}
	if got, want := order(), "a1 b0! c1 b1"; got != want && got != "a1 b0! b1 c1" {
		t.Errorf("order %s, want %s", got, want)
	}
}

func TestPoolPushesOutTheCheapest(t *testing.T) {
	s, p := newState(t), newPool()
	acc := s.rich(4)
	var out []gone
	p.left = func(g []gone) { out = append(out, g...) }
	insert := func(raw []byte) error { _, err := p.insert(s.db, raw, false); return err }
	for i, tip := range []unit.TAO{3000, 1000, 2000} {
		for n := range uint64(2) {
			if err := insert(bid(t, acc[i], n, tip)); err != nil {
				t.Fatal(err)
			}
		}
	}
	full := func() { p.bytes = poolBytes } // as if the rest of the room were taken
	real := p.bytes
	full()
	if err := insert(bid(t, acc[3], 0, 1000)); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "per byte") {
		t.Errorf("no better than the cheapest: %v", err)
	}
	// The better one pushes out an end of the cheapest queue, not its beginning.
	if err := insert(bid(t, acc[3], 0, 1500)); err != nil {
		t.Fatal(err)
	}
	last, _ := ledger.DecodeTx(bid(t, acc[1], 1, 1000))
	if len(out) != 1 || out[0].id != last.ID() || p.has(last.ID()) {
		t.Fatalf("pushed out %+v", out)
	}
	// An account never pushes out its own.
	full()
	if err := insert(bid(t, acc[1], 1, 1200)); !errors.Is(err, ErrFull) {
		t.Errorf("after an end of its own: %v", err)
	}
	p.bytes = real
	if got, err := p.update(s.db, s.block(p.candidates()...)); err != nil || len(got) != 0 || p.size() != 0 || p.bytes != 0 {
		t.Errorf("%v, dropped %+v, %d wait with %d bytes", err, got, p.size(), p.bytes)
	}
}

func TestPoolRefusals(t *testing.T) {
	s, p := newState(t), newPool()
	// A nonce that waits aside is outbid like any other.
	if _, err := p.insert(s.db, bid(t, alice, 3, 100), false); err != nil {
		t.Fatal(err)
	}
	if _, err := p.insert(s.db, bid(t, alice, 3, 101), false); !errors.Is(err, ErrReplace) {
		t.Errorf("aside, hardly more: %v", err)
	}
	if _, err := p.insert(s.db, bid(t, alice, 3, 90_000), false); err != nil || p.asideN != 1 {
		t.Errorf("aside, more: %v, %d", err, p.asideN)
	}
	p.asideSize = asideBytes
	if _, err := p.insert(s.db, bid(t, alice, 4, 1), false); !errors.Is(err, rejected(ledger.CodeNonceHigh)) {
		t.Errorf("no room aside: %v", err)
	}
	// A tip that nobody can pay.
	if _, err := p.insert(s.db, bid(t, alice, 0, 1<<62), false); !errors.Is(err, rejected(ledger.CodeLowBalance)) {
		t.Errorf("a tip above the balance: %v", err)
	}
	if c := ceilDiv(1<<63, 220, 100); c != ^unit.TAO(0) {
		t.Errorf("a tenth more than fits: %d", c)
	}
	if c := ceilDiv(101, 110, 100); c != 112 {
		t.Errorf("110 %% of 101, rounded up: %d", c)
	}
}

// A proposal beyond the limits of a block is voted against, whoever made it.
func TestProposalLimits(t *testing.T) {
	s := newState(t)
	work, proof := key.Seed{5}.Work(false)
	heavy := ledger.Sign(alice, "test", 0, 10_000, &ledger.Register{NetUID: 1, Hotkey: key.Seed{5}.Public(), MaxPrice: unit.Coin, Work: work, Proof: proof})
	const steps = 4 // of a registration
	entry, err := ledger.SealEntry(s.net.hot[0].VRF(), s.db, 1)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a := &app{db: s.db, admit: ledger.Admit, choose: ledger.Select, log: slog.New(slog.NewTextHandler(&log, nil))}
	at := s.net.genesis.Producers[0].Address()
	vote := func(txs [][]byte) abci.ResponseProcessProposal_ProposalStatus {
		r, err := a.ProcessProposal(t.Context(), &abci.RequestProcessProposal{Height: 1, Time: time.UnixMilli(s.net.genesis.Time + 1000),
			ProposerAddress: at[:], Txs: append([][]byte{entry}, txs...)})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status
	}
	const accept, reject = abci.ResponseProcessProposal_ACCEPT, abci.ResponseProcessProposal_REJECT
	full := bytesOf(heavy, ledger.MaxBlockSteps/steps)
	if got := vote(full); got != accept {
		t.Errorf("as many steps as allowed: %v, %s", got, log.String())
	}
	if got := vote(append(full, heavy)); got != reject || !strings.Contains(log.String(), fmt.Sprintf("%d steps", ledger.MaxBlockSteps+steps)) {
		t.Errorf("more steps than allowed: %v, %s", got, log.String())
	}
	if got := vote(bytesOf(transfer(alice, 0, key.ID{1}, 1), ledger.MaxBlockEntries)); got != reject || !strings.Contains(log.String(), "entries") {
		t.Errorf("more entries than allowed: %v", got)
	}
	// What is proposed here keeps to them.
	if got := ledger.Select(s.db, 1, bytesOf(heavy, ledger.MaxBlockSteps), 1<<40); len(got) != ledger.MaxBlockSteps/steps {
		t.Errorf("%d selected", len(got))
	}
	size := 0
	for _, raw := range ledger.Select(s.db, 1, full, 10_000) {
		size += len(raw)
	}
	if size > 10_000 || size < 10_000-2*len(heavy) {
		t.Errorf("%d bytes selected of 10,000", size)
	}
}

func bytesOf(raw []byte, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = raw
	}
	return out
}
