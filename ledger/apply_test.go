package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// mapView is a state in memory.
type mapView map[string][]byte

func (m mapView) Get(k []byte) ([]byte, error) { return m[string(k)], nil }

func (m mapView) Range(prefix []byte, fn func(k, v []byte) error) error {
	keys := make([]string, 0, len(m))
	for k := range m {
		if strings.HasPrefix(k, string(prefix)) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		if err := fn([]byte(k), m[k]); err != nil {
			return err
		}
	}
	return nil
}

func (m mapView) write(ws []Write) {
	for _, w := range ws {
		if w.Value == nil {
			delete(m, string(w.Key))
		} else {
			m[string(w.Key)] = w.Value
		}
	}
}

func (m mapView) hash() [32]byte {
	h := sha256.New()
	m.Range(nil, func(k, v []byte) error { fmt.Fprintf(h, "%x=%x;", k, v); return nil })
	return [32]byte(h.Sum(nil))
}

// town is a chain in memory with three validators, four miners and an owner.
type town struct {
	t      *testing.T
	v      mapView
	gen    *Genesis
	hot    []key.Seed // validators first
	cold   []key.Seed
	owner  key.Seed
	height Height
	last   *Result
}

const (
	validators = 3
	miners     = 4
	net        = NetUID(1)
)

func seed(kind string, i int) key.Seed { return key.Seed(key.Hash("test-"+kind, []byte{byte(i)})) }

func newTown(t *testing.T) *town {
	w := &town{t: t, owner: seed("owner", 0), v: mapView{}}
	sub := DefaultSubnetParams()
	sub.Tempo, sub.Rounds, sub.Asked = 20, []uint16{2, 6, 10}, 4
	g := &Genesis{ChainID: "test-1", Time: 1, Params: DefaultParams(), Subnets: []GenesisSubnet{{NetUID: net, Lock: 1000 * unit.Coin,
		Subnet: Subnet{Owner: w.owner.Public(), OwnerHotkey: seed("ownerhot", 0).Public(), Module: [32]byte{1}, Meter: 1, ABI: 1,
			Started: 1, Params: sub}}}}
	for i := range validators + miners {
		w.hot, w.cold = append(w.hot, seed("hot", i)), append(w.cold, seed("cold", i))
		g.Accounts = append(g.Accounts, Allocation{w.cold[i].Public(), 10_000 * unit.Coin})
		if i < validators {
			g.Producers = append(g.Producers, NewGenesisProducer(w.hot[i], w.cold[i].Public(), seed("cons", i), 100_000*unit.Coin))
		}
	}
	sort.Slice(g.Accounts, func(i, j int) bool { return less(g.Accounts[i].Account, g.Accounts[j].Account) })
	sort.Slice(g.Producers, func(i, j int) bool { return less(g.Producers[i].Consensus, g.Producers[j].Consensus) })
	back, err := DecodeGenesis(g.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if back.Hash() != g.Hash() {
		t.Fatal("a genesis does not survive its encoding")
	}
	ws, err := g.Writes()
	if err != nil {
		t.Fatal(err)
	}
	w.gen = g
	w.v.write(ws)
	return w
}

// block applies a block of the given transactions, as the producer of its turn.
func (w *town) block(txs ...[]byte) *Result {
	w.t.Helper()
	b := w.propose(txs...)
	if err := Admit(w.v, b); err != nil {
		w.t.Fatalf("block %d is not admitted: %v", b.Height, err)
	}
	return w.apply(b)
}

func (w *town) propose(txs ...[]byte) Block {
	w.t.Helper()
	h := w.height + 1
	i := int(h) % validators
	p := NewGenesisProducer(w.hot[i], w.cold[i].Public(), seed("cons", i), unit.Coin)
	entry, err := SealEntry(w.hot[i].VRF(), w.v, h)
	if err != nil {
		w.t.Fatal(err)
	}
	return Block{Height: h, Time: int64(h) * 1000, Proposer: p.Address(), Hash: [32]byte{byte(h)}, Entries: append([][]byte{entry}, txs...)}
}

func (w *town) apply(b Block) *Result {
	w.t.Helper()
	res, err := Apply(w.v, b)
	if err != nil {
		w.t.Fatalf("block %d: %v", b.Height, err)
	}
	w.v.write(res.Writes)
	w.height, w.last = b.Height, res
	if err := CheckInvariants(w.v); err != nil {
		w.t.Fatalf("after block %d: %v", b.Height, err)
	}
	return res
}

func (w *town) ok(res *Result) {
	w.t.Helper()
	for i, r := range res.Txs {
		if r.Code != OK {
			w.t.Fatalf("block %d entry %d: %s: %s", w.height, i, r.Code, r.Detail)
		}
	}
}

func (w *town) nonce(s key.Seed) uint64 {
	a, err := LoadAccount(w.v, s.Public())
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Nonce
}

func (w *town) sign(s key.Seed, p Payload) []byte {
	return Sign(s, w.gen.ChainID, w.nonce(s), w.height+10, p)
}

func (w *town) register(i int) []byte {
	work, proof := w.hot[i].Work(i >= validators)
	return w.sign(w.cold[i], &Register{NetUID: net, Hotkey: w.hot[i].Public(), MaxPrice: 50 * unit.Coin, Work: work, Proof: proof})
}

func (w *town) settle() {
	var txs [][]byte
	for i := range w.hot {
		txs = append(txs, w.register(i))
	}
	w.ok(w.block(txs...))
	txs = nil
	for i := range validators {
		txs = append(txs, w.sign(w.cold[i], &Stake{NetUID: net, Hotkey: w.hot[i].Public(), Amount: 100 * unit.Coin}))
	}
	w.ok(w.block(txs...))
}

func (w *town) until(h Height) {
	for w.height < h {
		w.block()
	}
}

func (w *town) clock() *Clock {
	c, err := LoadClock(w.v, net)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// opening gives each miner the weight of its number, so that the last earns most.
func (w *town) opening(i int, e Epoch) Opening {
	roster, err := LoadRoster(w.v, net, e)
	if err != nil {
		w.t.Fatal(err)
	}
	dense := make([]uint64, len(roster))
	for m := range miners {
		dense[roster.Index(w.hot[validators+m].Public())] = uint64(m + 1)
	}
	carry, err := LoadCarry(w.v, net, e, w.hot[i].Public())
	if err != nil {
		w.t.Fatal(err)
	}
	return Opening{Row: NewRow(dense), CarryIn: carry, CarryOut: [32]byte{byte(e + 1), byte(i)}, Salt: [32]byte{byte(i), 7}}
}

func (w *town) commit(i int, e Epoch, o Opening) []byte {
	ev := [32]byte{9, byte(i)}
	return Sign(w.hot[i], w.gen.ChainID, 0, w.height+10, &Commit{NetUID: net, Epoch: e, Evidence: ev,
		Commitment: o.Commitment(w.gen.ChainID, net, e, w.hot[i].Public(), ev)})
}

func (w *town) reveal(i int, e Epoch, o Opening) []byte {
	return Sign(w.hot[i], w.gen.ChainID, 0, w.height+20, &Reveal{NetUID: net, Epoch: e, Opening: o})
}

// epoch plays the commits and reveals of epoch e, which must be the last one.
func (w *town) epoch(e Epoch) {
	w.t.Helper()
	if got := w.clock().Epoch; got != e+1 {
		w.t.Fatalf("epoch %d runs, not %d", got, e+1)
	}
	var commits, reveals [][]byte
	for i := range validators {
		o := w.opening(i, e)
		commits, reveals = append(commits, w.commit(i, e, o)), append(reveals, w.reveal(i, e, o))
	}
	w.ok(w.block(commits...))
	w.until(w.clock().First + 4)
	w.ok(w.block(reveals...))
}

func TestEpochsPay(t *testing.T) {
	w := newTown(t)
	w.settle()
	w.until(40) // epoch 1 is 21..40: the first whose roster holds them
	if c := w.clock(); c.Epoch != 2 || c.First != 41 {
		t.Fatalf("clock %+v", c)
	}
	roster, err := LoadRoster(w.v, net, 1)
	if err != nil || len(roster) != validators+miners {
		t.Fatal(len(roster), err)
	}
	for i := range roster {
		if v := roster[i].UID < validators; roster[i].Permit != v || roster[i].Serves() == v {
			t.Fatalf("member %d: permit %v, serves %v", i, roster[i].Permit, roster[i].Serves())
		}
	}
	w.block() // F of epoch 2 writes its record
	rec, _ := LoadRecord(w.v, net, 2)
	prev, _ := LoadRecord(w.v, net, 1)
	if rec == nil || rec.Previous != prev.Hash() || rec.Seed == prev.Seed {
		t.Fatal("epoch records do not chain")
	}
	w.epoch(1)
	before, _ := LoadPosition(w.v, net, w.hot[6].Public(), w.cold[6].Public())
	var staked []uint64
	for i := range validators {
		v, _ := LoadStake(w.v, net, w.hot[i].Public())
		staked = append(staked, v)
	}
	w.until(60)
	var earned []uint64
	for m := range miners {
		p, err := LoadPosition(w.v, net, w.hot[validators+m].Public(), w.cold[validators+m].Public())
		if err != nil {
			t.Fatal(err)
		}
		earned = append(earned, p)
	}
	if before != 0 || earned[0] == 0 {
		t.Fatal("nothing was paid", earned)
	}
	// Classic Yuma with agreeing validators pays in proportion to the weights.
	for m := 1; m < miners; m++ {
		if r := float64(earned[m]) / float64(earned[0]); r < float64(m+1)*0.99 || r > float64(m+1)*1.01 {
			t.Fatalf("miner %d earned %.3f times the first: %v", m, r, earned)
		}
	}
	for i := range validators {
		if s, _ := LoadStake(w.v, net, w.hot[i].Public()); s <= staked[i] {
			t.Fatalf("validator %d has %d after the step and had %d", i, s, staked[i])
		}
	}
	if s, _ := LoadPosition(w.v, net, seed("ownerhot", 0).Public(), w.owner.Public()); s == 0 {
		t.Fatal("the owner was not paid")
	}
	u, _, _ := FindUID(w.v, net, w.hot[6].Public())
	if nr, _ := LoadNeuron(w.v, net, u); nr.Incentive < 26000 || nr.Incentive > 26400 || uint64(nr.Emission) != earned[3] {
		t.Fatalf("%+v", nr)
	}
	w.epoch(2)
	w.until(80)
	if c := w.clock(); c.Epoch != 4 || c.Step != 80 {
		t.Fatalf("clock %+v", c)
	}
}

func TestCommitAndRevealAreRefused(t *testing.T) {
	w := newTown(t)
	w.settle()
	w.until(40)
	w.block()
	open := w.opening(0, 1)
	copied := w.commit(0, 1, open)
	tx, err := DecodeTx(copied)
	if err != nil {
		t.Fatal(err)
	}
	// Validator 1 copies validator 0's commitment and later its opening.
	theft := Sign(w.hot[1], w.gen.ChainID, 0, 100, tx.Payload.(*Commit))
	w.ok(w.block(copied, theft))
	refuse := func(name string, want Code, raw []byte) {
		t.Helper()
		err := Check(w.v, raw, 0)
		if code, _ := CodeOf(err); code != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	refuse("second commit", CodeSlot, w.commit(0, 1, w.opening(1, 1)))
	refuse("early reveal", CodeWindow, w.reveal(0, 1, open))
	refuse("a miner's commit", CodePermit, w.commit(4, 1, open))
	refuse("a stranger's commit", CodeUnregistered, Sign(seed("stranger", 0), w.gen.ChainID, 0, 100, &Commit{NetUID: net, Epoch: 1}))
	refuse("old epoch", CodeEpoch, w.commit(2, 0, open))
	refuse("future epoch", CodeEpoch, w.commit(2, 2, open))
	refuse("unknown subnet", CodeNetUID, Sign(w.hot[2], w.gen.ChainID, 0, 100, &Commit{NetUID: 9, Epoch: 1}))
	w.until(45)
	refuse("late commit", CodeWindow, w.commit(2, 1, w.opening(2, 1)))
	refuse("reveal without commit", CodeCommitment, w.reveal(2, 1, w.opening(2, 1)))

	other := open
	other.Row = NewRow([]uint64{0, 0, 0, 1, 1, 1, 1})
	res := w.block(w.reveal(0, 1, other), w.reveal(1, 1, open))
	if res.Txs[1].Code != CodeCommitment || res.Txs[2].Code != CodeCommitment {
		t.Fatalf("other weights: %s; copied commitment: %s", res.Txs[1].Code, res.Txs[2].Code)
	}
	refuse("reveal after a failed one", CodeSlot, w.reveal(0, 1, open))
	// A block that carries a spent slot is refused as a whole.
	if err := Admit(w.v, w.propose(w.reveal(0, 1, open))); !errors.Is(err, &Reject{Code: CodeSlot}) {
		t.Fatal(err)
	}
	w.until(60)
	for m := range miners {
		if p, _ := LoadPosition(w.v, net, w.hot[validators+m].Public(), w.cold[validators+m].Public()); p != 0 {
			t.Fatalf("miner %d was paid %d though no row held", m, p)
		}
	}
}

func TestCarryIsChained(t *testing.T) {
	w := newTown(t)
	w.settle()
	w.until(40)
	w.block()
	w.epoch(1)
	w.until(60)
	w.block()
	o := w.opening(0, 2)
	if o.CarryIn != ([32]byte{2, 0}) {
		t.Fatalf("carry_in %x is not the last carry_out", o.CarryIn[:4])
	}
	forged := o
	forged.CarryIn = [32]byte{}
	w.ok(w.block(w.commit(0, 2, forged)))
	w.until(w.clock().First + 4)
	if res := w.block(w.reveal(0, 2, forged)); res.Txs[1].Code != CodeCarry {
		t.Fatal(res.Txs[1])
	}
}

func TestPayingTransactions(t *testing.T) {
	w := newTown(t)
	a, b := w.cold[0], w.cold[1]
	before, _ := LoadAccount(w.v, b.Public())
	w.ok(w.block(w.sign(a, &Transfer{To: b.Public(), Amount: 5})))
	after, _ := LoadAccount(w.v, b.Public())
	if got := after.Balance - before.Balance; got < 5 {
		t.Fatal(got)
	}
	good := func() *Transfer { return &Transfer{To: b.Public(), Amount: 1} }
	raw := w.sign(a, good())
	for _, c := range []struct {
		name string
		raw  []byte
		want Code
	}{
		{"not cbor", []byte{1, 2, 3}, CodeMalformed},
		{"truncated", raw[:len(raw)-1], CodeMalformed},
		{"trailing", append(append([]byte(nil), raw...), 0), CodeMalformed},
		{"oversize", make([]byte, MaxTx+1), CodeSize},
		{"other chain", Sign(a, "other", w.nonce(a), 100, good()), CodeChain},
		{"replayed", Sign(a, w.gen.ChainID, 0, 100, good()), CodeNonceLow},
		{"nonce high", Sign(a, w.gen.ChainID, 5, 100, good()), CodeNonceHigh},
		{"expired", Sign(a, w.gen.ChainID, w.nonce(a), 1, good()), CodeExpired},
		{"bad signature", flip(raw), CodeSignature},
		{"no money", Sign(seed("poor", 0), w.gen.ChainID, 0, 100, good()), CodeLowBalance},
	} {
		err := Check(w.v, c.raw, 0)
		if code, _ := CodeOf(err); code != c.want || err == nil {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	// What only execution finds leaves the fee and the nonce, and nothing else.
	_, noproof := w.hot[1].Work(true)
	work, _ := w.hot[0].Work(true)
	for _, c := range []struct {
		name string
		p    Payload
		want Code
	}{
		{"transfer of nothing", &Transfer{To: b.Public()}, CodeAmount},
		{"transfer above balance", &Transfer{To: b.Public(), Amount: 1 << 62}, CodeLowBalance},
		{"registration without possession", &Register{NetUID: net, Hotkey: w.hot[0].Public(), MaxPrice: 1 << 60, Work: work, Proof: noproof}, CodePossession},
		{"stake below the least", &Stake{NetUID: 0, Hotkey: w.hot[0].Public(), Amount: 1}, CodeAmount},
		{"stake on nobody", &Stake{NetUID: 0, Hotkey: seed("nobody", 0).Public(), Amount: unit.Coin}, CodeUnregistered},
		{"stake on no subnet", &Stake{NetUID: 9, Hotkey: w.hot[0].Public(), Amount: unit.Coin}, CodeNetUID},
		{"stake above the price", &Stake{NetUID: net, Hotkey: w.hot[0].Public(), Amount: unit.Coin, Least: unit.Coin * 2}, CodePrice},
	} {
		with, without := w.twin(), w.twin()
		res := with.block(with.sign(a, c.p))
		if res.Txs[1].Code != c.want {
			t.Errorf("%s: %s %s, want %s", c.name, res.Txs[1].Code, res.Txs[1].Detail, c.want)
			continue
		}
		without.block()
		changed := map[string]bool{}
		for k := range with.v {
			if !bytes.Equal(with.v[k], without.v[k]) {
				changed[k[:bytes.IndexByte([]byte(k), '/')+1]] = true
			}
		}
		delete(changed, prefixAccount)
		delete(changed, prefixTotals)
		if len(changed) != 0 {
			t.Errorf("%s: a rejected transaction changed %v", c.name, changed)
		}
	}
	w.ok(w.block(w.register(0)))
	if res := w.block(w.register(0)); res.Txs[1].Code != CodeRegistered {
		t.Error(res.Txs[1])
	}
	cheap := w.register(1)
	tx, _ := DecodeTx(cheap)
	p := *tx.Payload.(*Register)
	p.MaxPrice = 1
	if res := w.block(w.sign(w.cold[1], &p)); res.Txs[1].Code != CodePrice {
		t.Error(res.Txs[1])
	}
	p.Hotkey, p.MaxPrice = w.hot[2].Public(), 50*unit.Coin
	p.Work, p.Proof = w.hot[2].Work(false)
	if res := w.block(w.sign(w.cold[1], &p)); res.Txs[1].Code != CodeOwner {
		t.Error(res.Txs[1])
	}
}

func (w *town) twin() *town {
	c := *w
	c.v = mapView{}
	for k, v := range w.v {
		c.v[k] = v
	}
	return &c
}

func flip(raw []byte) []byte {
	out := append([]byte(nil), raw...)
	out[len(out)-1] ^= 1
	return out
}

func TestBlocksThatAreNotAdmitted(t *testing.T) {
	w := newTown(t)
	b := w.propose()
	b.Entries[0][5] ^= 1
	if Admit(w.v, b) == nil {
		t.Error("a wrong VRF entry was admitted")
	}
	b = w.propose()
	b.Height++
	if Admit(w.v, b) == nil {
		t.Error("an entry for another height was admitted")
	}
	b = w.propose()
	b.Entries = nil
	if Admit(w.v, b) == nil {
		t.Error("a block without entry was admitted")
	}
	b = w.propose()
	b.Proposer[0] ^= 1
	if Admit(w.v, b) == nil {
		t.Error("a stranger's block was admitted")
	}
	if _, err := Apply(w.v, b); !errors.Is(err, ErrBroken) {
		t.Error("a stranger's block was applied:", err)
	}
}

func TestBreachStops(t *testing.T) {
	w := newTown(t)
	w.block()
	// A unit of TAO from nowhere.
	k := string(accountKey(w.cold[0].Public()))
	a, _ := LoadAccount(w.v, w.cold[0].Public())
	a.Balance++
	w.v[k] = a.append(nil)
	if err := CheckInvariants(w.v); !errors.Is(err, ErrBroken) {
		t.Fatal("the full check is silent:", err)
	}
	s := newState(w.v)
	a.Balance++
	store(s, []byte(k), a)
	if err := checkChanged(s); !errors.Is(err, ErrBroken) {
		t.Fatal("the check of changes is silent:", err)
	}
}

func TestDeterminism(t *testing.T) {
	run := func() [32]byte {
		w := newTown(t)
		w.settle()
		w.until(40)
		w.block()
		w.epoch(1)
		w.until(62)
		return w.v.hash()
	}
	if a, b := run(), run(); a != b {
		t.Fatal("two runs differ")
	}
}

func TestPruning(t *testing.T) {
	w := newTown(t)
	w.settle()
	w.until(41)
	w.epoch(1)
	w.until((keepEpochs+1)*20 + 1)
	if r, err := LoadRoster(w.v, net, 2); err != nil || r == nil {
		t.Fatal("a young roster is gone", err)
	}
	if b := w.v[string(rosterKey(net, 1, 0))]; b != nil {
		t.Fatal("an old roster stays")
	}
	if rec, _ := LoadRecord(w.v, net, 1); rec == nil {
		t.Fatal("an epoch record is gone")
	}
	for k := range w.v {
		if bytes.HasPrefix([]byte(k), k16x64(prefixSlot, uint16(net), 1)) {
			t.Fatal("an old slot stays")
		}
	}
}

func FuzzDecodeTx(f *testing.F) {
	w, p := seed("hot", 0).Work(true)
	for _, pl := range []Payload{&Transfer{Amount: 1}, &Register{Work: w, Proof: p}, &Stake{}, &Commit{},
		&Reveal{Opening: Opening{Row: NewRow([]uint64{1, 0, 2})}}, &TransferAll{}, &Batch{Steps: []Payload{&Transfer{}, &TransferAll{}}},
		&SetProxy{Rights: RightAll}, &Proxied{Call: &Batch{Steps: []Payload{&Transfer{}}}}, &AnnounceProxied{}, &CancelProxied{},
		&Serve{NetUID: 1}, &CreateSubnet{Work: w, Proof: p}, &StartSubnet{1},
		&SetParams{NetUID: 1, Numbers: []Setting{{"asked", 3}}, Bytes: []ByteSetting{{"rounds", []byte{0, 1}}}}, &SetIdentity{Identity: Identity{Name: "a"}},
		&NameModule{NetUID: 1}, &StoreModule{Chunks: [][32]byte{{1}}}, &StoreChunk{Bytes: []byte("x")}, &SetMechanisms{1, []uint16{1, 65534}},
		&Trim{1, 64}, &SetData{NetUID: 1}, &RotateWorkKeys{Work: w, Proof: p},
		NewAnnounceProducer(seed("hot", 0), seed("cons", 0)), &WithdrawProducer{}, &Unjail{}, &Unstake{}, &MoveStake{},
		&SwapStake{From: 1, Partial: true}, &TransferStake{NetUID: 1}, &SetTake{}, &SetChildren{NetUID: 1, Children: []Kin{{Hotkey{1}, 2}, {Hotkey{2}, 3}}},
		&SetChildTake{}, &SetAutoStake{}, NewSwapHotkey("c", Coldkey{1}, Hotkey{2}, seed("hot", 1)), &AnnounceColdkeySwap{}, &SwapColdkey{}, &DisputeColdkeySwap{},
		&Propose{Name: "slash", Value: 5}, &Vote{Choice: VoteNo}} {
		f.Add(Sign(seed("hot", 0), "c", 0, 1, pl))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := DecodeTx(b)
		if err != nil {
			return
		}
		if got := tx.Payload.append(nil); tx.Kind != tx.Payload.kind() || len(got) == 0 {
			t.Fatal("kind and payload disagree")
		}
		if _, can := tx.Signatures(); !can && tx.Verify() == nil {
			t.Fatal("a transaction holds whose signatures cannot")
		}
	})
}

func FuzzDecodeGenesis(f *testing.F) {
	f.Add([]byte{0x87, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if g, err := DecodeGenesis(b); err == nil && !bytes.Equal(g.Encode(), b) {
			t.Fatal("a genesis re-encodes to other bytes")
		}
	})
}
