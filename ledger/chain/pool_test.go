package chain

import (
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

// state is a chain without consensus: blocks of one producer, one after the
// other.
type state struct {
	t      *testing.T
	net    *testnet
	db     *store.DB
	height uint64
}

func newState(t *testing.T) *state {
	s := &state{t: t, net: newTestnet(t, 1), db: memory(t)}
	w, err := s.net.genesis.Writes()
	if err != nil {
		t.Fatal(err)
	}
	s.commit(0, w)
	return s
}

func (s *state) commit(h uint64, w []ledger.Write) {
	s.t.Helper()
	staged, err := s.db.Stage(h, w)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := staged.Commit(); err != nil {
		s.t.Fatal(err)
	}
}

// block applies the next block with these transactions.
func (s *state) block(txs ...[]byte) []ledger.TxResult {
	s.t.Helper()
	s.height++
	entry, err := ledger.SealEntry(s.net.hot[0].VRF(), s.db, s.height)
	if err != nil {
		s.t.Fatal(err)
	}
	b := ledger.Block{Height: s.height, Time: s.net.genesis.Time + int64(s.height)*1000, Hash: [32]byte{byte(s.height)},
		Proposer: s.net.genesis.Producers[0].Address(), Entries: append([][]byte{entry}, txs...)}
	if err := ledger.Admit(s.db, b); err != nil {
		s.t.Fatal(err)
	}
	r, err := ledger.Apply(s.db, b)
	if err != nil {
		s.t.Fatal(err)
	}
	s.commit(s.height, r.Writes)
	return r.Txs
}

func rejected(c ledger.Code) error { return &ledger.Reject{Code: c} }

func TestPool(t *testing.T) {
	s, p := newState(t), newPool()
	to := key.ID{0xb0}
	tx := func(nonce uint64) []byte { return transfer(alice, nonce, to, unit.Coin) }
	insert := func(raw []byte, want error) {
		t.Helper()
		if _, err := p.insert(s.db, raw, false); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	bad := tx(0)
	bad[len(bad)-1] ^= 1
	insert(bad, rejected(ledger.CodeSignature))
	insert([]byte{1}, rejected(ledger.CodeMalformed))
	insert(ledger.Sign(alice, "elsewhere", 0, 10_000, &ledger.Transfer{To: to, Amount: 1}), rejected(ledger.CodeChain))
	insert(transfer(key.Seed{0x77}, 0, to, 1), rejected(ledger.CodeLowBalance))
	insert(transfer(key.Seed{0x77}, 3, to, 1), rejected(ledger.CodeNonceHigh)) // nobody's account may not wait aside

	// Out of order: 2 and 1 wait aside until 0 is there.
	insert(tx(2), nil)
	insert(tx(1), nil)
	insert(tx(2), ErrKnown)
	if p.size() != 0 {
		t.Fatalf("%d transactions with a gap before them may go into a block", p.size())
	}
	insert(tx(0), nil)
	insert(tx(0), ErrKnown)
	insert(transfer(alice, 1, to, 2*unit.Coin), ErrReplace) // the nonce is taken
	insert(tx(40), rejected(ledger.CodeNonceHigh))          // too far ahead
	c := p.candidates()
	if len(c) != 3 || string(c[0]) != string(tx(0)) || string(c[2]) != string(tx(2)) {
		t.Fatalf("%d candidates", len(c))
	}
	if got := ledger.Select(s.db, 1, c, 1<<20); len(got) != 3 {
		t.Fatalf("%d selected", len(got))
	}

	// A block includes the first; another spends what nonce 1 would.
	results := s.block(c[0])
	if dropped, err := p.update(s.db, results); err != nil || len(dropped) != 0 || p.size() != 2 {
		t.Fatalf("%v, dropped %v, %d wait", err, dropped, p.size())
	}
	results = s.block(transfer(alice, 1, to, 3*unit.Coin))
	dropped, err := p.update(s.db, results)
	if err != nil || len(dropped) != 1 || !errors.Is(dropped[0].reason, rejected(ledger.CodeNonceLow)) || p.size() != 1 {
		t.Fatalf("%v, dropped %v, %d wait", err, dropped, p.size())
	}
	// Expiry: the last height is included.
	short := ledger.Sign(alice, "test", 3, s.height+1, &ledger.Transfer{To: to, Amount: 1})
	insert(short, nil)
	if d, err := p.update(s.db, s.block()); err != nil || len(d) != 1 || !errors.Is(d[0].reason, rejected(ledger.CodeExpired)) {
		t.Fatalf("%v, dropped %v", err, d)
	}
	if p.bytes != len(tx(2)) || len(p.byID) != 1 {
		t.Fatalf("%d bytes, %d by id", p.bytes, len(p.byID))
	}
}

func TestPoolIsBounded(t *testing.T) {
	s, p := newState(t), newPool()
	for i := range uint64(poolPerAccount) {
		if _, err := p.insert(s.db, transfer(alice, i, key.ID{1}, 1), true); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.insert(s.db, transfer(alice, poolPerAccount, key.ID{1}, 1), true); !errors.Is(err, ErrFull) {
		t.Fatalf("one account more than its share: %v", err)
	}
	if len(p.locals()) != poolPerAccount {
		t.Fatalf("%d to announce", len(p.locals()))
	}
	p = newPool()
	for i := range uint64(asidePerAccount) {
		if _, err := p.insert(s.db, transfer(alice, i+1, key.ID{1}, 1), false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.insert(s.db, transfer(alice, asidePerAccount+1, key.ID{1}, 1), false); err == nil {
		t.Fatal("waits aside without bound")
	}
	p.bytes = poolBytes
	if _, err := p.insert(s.db, transfer(alice, 0, key.ID{1}, 1), false); !errors.Is(err, ErrFull) {
		t.Fatalf("more bytes than allowed: %v", err)
	}
}

func TestViewsKeepTheLast(t *testing.T) {
	s, v := newState(t), &views{}
	defer v.close()
	v.push(s.db.Snapshot())
	v.push(s.db.Snapshot()) // a genesis written again
	for range keepViews + 3 {
		s.block()
		v.push(s.db.Snapshot())
	}
	for h := range s.height + 2 {
		err := v.at(h, func(x *store.Snapshot) error {
			if x.Height() != h {
				t.Errorf("height %d has the view of %d", h, x.Height())
			}
			return nil
		})
		if kept := h <= s.height && h > s.height-keepViews; (err == nil) != kept {
			t.Errorf("height %d of %d: %v", h, s.height, err)
		}
	}
}

func TestBlame(t *testing.T) {
	for c, want := range map[ledger.Code]bool{ledger.CodeMalformed: true, ledger.CodeSignature: true, ledger.CodeSize: true,
		ledger.CodeChain: true, ledger.CodeNonceLow: false, ledger.CodeExpired: false, ledger.CodeKind: false, ledger.CodeWindow: false} {
		if Blame(rejected(c)) != want {
			t.Errorf("%v: blame %v", c, !want)
		}
	}
	for _, err := range []error{nil, ErrKnown, ErrFull, ErrBroken} {
		if Blame(err) {
			t.Errorf("%v: blamed", err)
		}
	}
}

func TestRecentIsBounded(t *testing.T) {
	r := newRecent()
	id := func(h, i int) [32]byte { return [32]byte{byte(h >> 8), byte(h), byte(i), 1} }
	for h := range recentBlocks + 50 {
		r.included(uint64(h), []ledger.TxResult{{}, {ID: id(h, 0)}, {ID: id(h, 1), Code: ledger.CodeAmount}})
	}
	if len(r.txs) != 2*recentBlocks || r.get(id(49, 0)).State != Unknown || r.get(id(50, 1)).Result.Code != ledger.CodeAmount {
		t.Fatalf("%d remembered", len(r.txs))
	}
	for i := range recentGone + 10 {
		r.dropped([]gone{{[32]byte{2, byte(i >> 8), byte(i)}, rejected(ledger.CodeExpired)}})
	}
	if len(r.txs) != 2*recentBlocks+recentGone {
		t.Fatalf("%d remembered", len(r.txs))
	}
	// A transaction dropped here may be included by another producer all the same.
	last := [32]byte{2, byte((recentGone + 9) >> 8), byte((recentGone + 9) & 255)}
	if s := r.get(last); s.State != Dropped || s.Result.Code != ledger.CodeExpired {
		t.Fatalf("%+v", s)
	}
	r.included(9999, []ledger.TxResult{{}, {ID: last}})
	if r.get(last).State != Included {
		t.Fatal("inclusion was not noticed")
	}
}

func TestSubscribersLoseTheOldest(t *testing.T) {
	s := newSubscribers()
	for h := range uint64(blockQueue) {
		if s.publish(Block{Height: h}) {
			t.Fatal("lost one with room left")
		}
	}
	if !s.publish(Block{Height: blockQueue}) || (<-s.queue).Height != 1 {
		t.Fatal("the oldest should have gone")
	}
	var got []int
	cancel := s.add(func(Block) { got = append(got, 1) })
	s.add(func(Block) { got = append(got, 2) })
	s.tell(Block{})
	cancel()
	s.tell(Block{})
	if len(got) != 3 || got[0] != 1 || got[1] != 2 || got[2] != 2 {
		t.Fatal(got)
	}
}
