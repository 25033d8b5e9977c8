package ledger

import (
	"math/rand"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// rounds is a number of rounds, raised by an environment variable for the longer
// runs.
func rounds(t *testing.T, name string, byDefault int) int {
	v := os.Getenv(name)
	if v == "" {
		return byDefault
	}
	n, err := strconv.Atoi(v)
	if err != nil || n <= 0 {
		t.Fatalf("%s=%q: want a number", name, v)
	}
	return n
}

// chaos plays random transactions of every kind that this package has for
// subnets, sensible and not, with random commits and reveals on all of them.
type chaos struct {
	*town
	r       *rand.Rand
	seen    map[Kind]map[Code]int
	events  map[string]int
	pending map[NetUID]map[int]Opening
	epoch   map[NetUID]Epoch
	modules [][32]byte
	code    *StoreModule
	chunks  []StoreChunk
}

func newChaos(t *testing.T, s int64) *chaos {
	w := newTownOf(t, func(g *Genesis) {
		p := &g.Params
		p.SubnetLimit, p.NetworkRate, p.NetworkImmunity, p.LockFactor, p.ModuleExpiry = 4, 50, 500, 1, 20
		p.MinLock, p.MinNonImmune, p.PriceAlpha, p.PriceHalf = 50*unit.Coin, 1, 1<<32/5, 1
		p.OwnerRate = 1
		p.TakeRate, p.ChildRate, p.ChildCooldown, p.VotingPeriod, p.ExecutionDelay, p.ProposalDeposit = 30, 10, 20, 30, 5, unit.Coin
		g.Subnets[0].Params.Immunity = 10
		for range 2 {
			n := g.Subnets[0]
			n.NetUID = NetUID(len(g.Subnets) + 1)
			n.Params.MaxUIDs, n.Params.MinUIDs, n.Params.MaxValidators = 5, 2, 3
			g.Subnets = append(g.Subnets, n)
		}
	})
	c := &chaos{town: w, r: rand.New(rand.NewSource(s)), seen: map[Kind]map[Code]int{}, events: map[string]int{},
		pending: map[NetUID]map[int]Opening{}, epoch: map[NetUID]Epoch{}}
	for i := range w.cold { // the owner's money comes from everybody
		w.ok(w.block(w.sign(w.cold[i], &Transfer{To: w.owner.Public(), Amount: 1000 * unit.Coin})))
	}
	return c
}

func (c *chaos) amount() unit.TAO {
	switch c.r.Intn(4) {
	case 0:
		return unit.TAO(c.r.Uint64())
	case 1:
		return unit.TAO(c.r.Intn(100))
	}
	return unit.TAO(c.r.Int63n(50 * unit.Coin))
}

// stake draws an amount of stake.
func (c *chaos) stake() StakeAmount {
	if c.r.Intn(3) == 0 {
		return StakeAmount(AllStake)
	}
	return StakeAmount(c.amount())
}

// setting draws a parameter, mostly within its bounds.
func (c *chaos) setting() Setting {
	all := SubnetParameters()
	p := all[c.r.Intn(len(all))]
	least, most := p.OwnerLeast, p.OwnerMost
	if c.r.Intn(5) == 0 || most <= least {
		return Setting{p.Name, c.r.Uint64()}
	}
	return Setting{p.Name, least + c.r.Uint64()%(most-least+1)}
}

// payload draws what signer i might ask for.
func (c *chaos) payload(i int, owner bool, nets []NetUID) Payload {
	r := c.r
	n := nets[r.Intn(len(nets))]
	if sub, _ := LoadSubnet(c.v, n); sub.Started == 0 && sub.Owner == c.cold[i].Public() && r.Intn(2) == 0 {
		if len(sub.Params.Rounds) == 0 {
			return &SetParams{NetUID: n, Bytes: someRounds}
		}
		return &StartSubnet{n}
	}
	hot := r.Intn(len(c.hot))
	work, proof := c.hot[i].Work(r.Intn(2) == 0)
	what := r.Intn(27)
	if owner && r.Intn(2) == 0 {
		what = []int{9, 10, 11, 12, 16}[r.Intn(5)]
	}
	switch what {
	case 0:
		return &Transfer{To: c.cold[hot].Public(), Amount: c.amount()}
	case 1, 2, 3:
		return &Register{NetUID: n, Hotkey: c.hot[i].Public(), MaxPrice: 50 * unit.Coin, Work: work, Proof: proof}
	case 4, 5, 6:
		return &Stake{NetUID: []NetUID{n, n, 0, 77}[r.Intn(4)], Hotkey: c.hot[hot].Public(), Amount: c.amount(), Least: unit.Alpha(r.Intn(2))}
	case 7:
		return &CreateSubnet{Hotkey: c.hot[i].Public(), MaxPrice: 100 * unit.Coin, Work: work, Proof: proof}
	case 8:
		return &StartSubnet{n}
	case 9:
		p := &SetParams{NetUID: n, Numbers: []Setting{c.setting()}}
		if r.Intn(2) == 0 {
			p.Bytes = someRounds
		}
		return p
	case 10:
		p := &SetData{NetUID: n, Slices: uint64(r.Intn(9)), Slice: 10}
		p.Window = uint64(r.Intn(3))
		return p
	case 11:
		return &SetMechanisms{n, [][]uint16{nil, {32767, 32768}, {1, 65534}, {1}}[r.Intn(4)]}
	case 12:
		return &Trim{n, uint16(2 + r.Intn(5))}
	case 17:
		return &Unstake{NetUID: []NetUID{n, n, 0}[r.Intn(3)], Hotkey: c.hot[hot].Public(), Amount: c.stake(), Partial: r.Intn(2) == 0, Limit: PriceLimit(r.Intn(2e9))}
	case 18:
		return &MoveStake{NetUID: n, From: c.hot[hot].Public(), To: c.hot[r.Intn(len(c.hot))].Public(), Amount: c.stake()}
	case 19:
		return &SwapStake{From: n, To: nets[r.Intn(len(nets))], Hotkey: c.hot[hot].Public(), Amount: c.stake(), Partial: r.Intn(2) == 0, Limit: RateLimit(r.Intn(2e9))}
	case 20:
		return &TransferStake{NetUID: n, Hotkey: c.hot[hot].Public(), To: c.cold[r.Intn(len(c.cold))].Public(), Amount: c.stake()}
	case 21:
		return &SetTake{c.hot[i].Public(), uint16(r.Intn(13_000))}
	case 22:
		p := &SetChildren{NetUID: n, Hotkey: c.hot[i].Public()}
		for h := range c.hot {
			if r.Intn(4) == 0 && len(p.Children) < maxChildren {
				p.Children = append(p.Children, Kin{c.hot[h].Public(), 1 + r.Uint64()/3})
			}
		}
		slices.SortFunc(p.Children, func(a, b Kin) int { return slices.Compare(a.Hotkey[:], b.Hotkey[:]) })
		return p
	case 23:
		return &SetChildTake{n, c.hot[i].Public(), uint16(r.Intn(13_000))}
	case 24:
		return &SetAutoStake{n, c.hot[hot].Public()}
	case 25:
		return &Propose{Name: "fee_base", Value: uint64(r.Intn(200_000))}
	case 26:
		_, next, _ := Proposals(c.v)
		return &Vote{max(next, 1) - 1, Choice(1 + r.Intn(3))}
	case 13:
		return &RotateWorkKeys{NetUID: n, Hotkey: c.hot[i].Public(), Work: work, Proof: proof}
	case 14:
		return &SetIdentity{NetUID: []NetUID{0, n}[r.Intn(2)], Identity: Identity{Name: string(rune('a' + r.Intn(26)))}}
	case 15:
		if c.code == nil || r.Intn(9) == 0 {
			p, chunks, err := PackModule(module(100 + r.Intn(1000)))
			if err != nil {
				c.t.Fatal(err)
			}
			c.code, c.chunks = p, chunks
			return p
		}
		c.modules = append(c.modules, c.code.Module)
		p := c.chunks[0]
		c.code = nil
		return &p
	}
	m := [32]byte{1}
	if len(c.modules) > 0 {
		m = c.modules[r.Intn(len(c.modules))]
	}
	return &NameModule{NetUID: n, Module: m, Answer: uint64(r.Intn(2000)), NeedsData: r.Intn(3) == 0}
}

// votes draws commits and reveals, of which some open nothing.
func (c *chaos) votes(n NetUID) (txs [][]byte) {
	clock, err := LoadClock(c.v, n)
	if err != nil {
		c.t.Fatal(err)
	}
	if clock.Epoch <= clock.Origin || clock.First == 0 {
		return nil
	}
	e := clock.Epoch - 1
	roster, err := LoadRoster(c.v, n, e)
	if err != nil {
		c.t.Fatal(err)
	}
	sub, _ := LoadSubnet(c.v, n)
	sign := func(i int, p Payload) []byte { return Sign(c.hot[i], c.gen.ChainID, 0, c.height+10, p) }
	switch next := c.height + 1; {
	case next == clock.First+1:
		c.pending[n], c.epoch[n] = map[int]Opening{}, e
		for i := range c.hot {
			if m := roster.Index(c.hot[i].Public()); m < 0 || !roster[m].Permit || c.r.Intn(4) == 0 {
				continue
			}
			mech := uint8(c.r.Intn(int(sub.Mechanisms())))
			dense := make([]uint64, len(roster))
			for j := range dense {
				dense[j] = uint64(c.r.Intn(5))
			}
			carry, _ := loadCarry(c.v, n, mech, e, c.hot[i].Public())
			o := Opening{Row: NewRow(dense), CarryIn: carry, CarryOut: [32]byte{byte(c.r.Intn(256)), 1}, Salt: [32]byte{byte(i), mech}}
			c.pending[n][i] = o
			txs = append(txs, sign(i, &Commit{NetUID: n, Epoch: e, Mechanism: mech,
				Commitment: o.Commitment(c.gen.ChainID, n.Mechanism(mech), e, c.hot[i].Public(), [32]byte{})}))
		}
	case next == clock.First+sub.Params.CommitWindow()+1 && c.epoch[n] == e:
		for i := range c.hot {
			o, ok := c.pending[n][i]
			if !ok {
				continue
			}
			mech := o.Salt[1]
			if c.r.Intn(5) == 0 {
				o.Salt[2] ^= 1 // opens nothing
			}
			txs = append(txs, sign(i, &Reveal{NetUID: n, Epoch: e, Mechanism: mech, Opening: o}))
		}
	}
	return txs
}

// play makes one block.
func (c *chaos) play() {
	nets, err := Subnets(c.v)
	if err != nil {
		c.t.Fatal(err)
	}
	var txs [][]byte
	signers := append([]key.Seed{c.owner}, c.cold...)
	for i := range signers { // one nonce an account and block keeps the test simple
		if c.r.Intn(5) == 0 {
			hot := max(i-1, 0)
			txs = append(txs, c.sign(signers[i], c.payload(hot, i == 0, nets)))
		}
	}
	for i := range c.hot {
		if c.r.Intn(40) == 0 {
			work, proof := c.hot[i].Work(true)
			p := &Serve{NetUID: nets[c.r.Intn(len(nets))], Peer: work.Peer, Proof: proof.Peer, Reset: c.r.Intn(2) == 0}
			txs = append(txs, Sign(c.hot[i], c.gen.ChainID, 0, c.height+10, p))
		}
	}
	for _, n := range nets {
		txs = append(txs, c.votes(n)...)
	}
	txs = Select(c.v, c.height+1, txs, 1<<20)
	res := c.blockQuick(txs...)
	for i, out := range res.Txs[1:] {
		tx, err := DecodeTx(txs[i])
		if err != nil {
			c.t.Fatal(err)
		}
		if c.seen[tx.Kind] == nil {
			c.seen[tx.Kind] = map[Code]int{}
		}
		c.seen[tx.Kind][out.Code]++
	}
	for _, e := range res.Events {
		c.events[e.Kind]++
	}
}

// TestRandomBlocksConserve: whatever is played, every unit of TAO and of alpha
// stays accounted for. Apply itself checks what each block changed; the whole
// state is summed afresh every 20 blocks.
func TestRandomBlocksConserve(t *testing.T) {
	blocks := rounds(t, "LEDGER_TEST_BLOCKS", 1000)
	c := newChaos(t, 7)
	for b := range blocks {
		c.play()
		if b%20 == 0 || b == blocks-1 {
			if err := CheckInvariants(c.v); err != nil {
				t.Fatalf("after block %d: %v", c.height, err)
			}
		}
	}
	for kind := range kinds {
		// Kinds of other parts of this package have tests of their own.
		if c.seen[kind] == nil && kind != KindTransferAll && (kind < KindBatch || kind == KindServe || kind > 16 && kind <= KindStoreChunk ||
			kind >= KindUnstake && kind <= KindSetAutoStake || kind == KindPropose || kind == KindVote || kind == KindSetMechanisms || kind == KindTrim || kind >= KindSetData) {
			t.Errorf("%s was never played", kind)
		}
		if codes := c.seen[kind]; codes != nil && codes[OK] == 0 {
			t.Errorf("%s never succeeded: %v", kind, codes)
		}
	}
	for _, e := range []string{"paid", "root_paid", "subnet_created", "subnet_started", "subnet_dissolved", "replaced", "module_stored",
		"module_named", "trimmed", "serving", "revealed", "data_set", "children", "swapped", "stake_transferred", "proposal executed"} {
		if c.events[e] == 0 {
			t.Errorf("%q never happened: the test has lost its reach: %v", e, c.events)
		}
	}
	t.Logf("events: %v", c.events)
}

// TestRandomChainIsDeterministic: the same blocks give the same state, whatever
// the number of processors.
func TestRandomChainIsDeterministic(t *testing.T) {
	blocks := rounds(t, "LEDGER_TEST_BLOCKS", 1000)
	run := func(procs int) [32]byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		c := newChaos(t, 3)
		for range blocks {
			c.play()
		}
		return c.v.hash()
	}
	if a, b := run(1), run(8); a != b {
		t.Fatal("two runs of one chain differ")
	}
}
