package chain

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"testing"

	cmted "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// ballot is a state in memory.
type ballot map[string][]byte

func (m ballot) Get(k []byte) ([]byte, error) { return m[string(k)], nil }

func (m ballot) write(ws []ledger.Write) {
	for _, w := range ws {
		if w.Value == nil {
			delete(m, string(w.Key))
		} else {
			m[string(w.Key)] = w.Value
		}
	}
}

const electors = 10

func elector(kind string, i int) key.Seed {
	return key.Seed(key.Hash("elector-"+kind, []byte{byte(i)}))
}

// electorate is a genesis with the first n electors as producers, and the state
// it begins with.
func electorate(t *testing.T, n int) (*ledger.Genesis, ballot) {
	t.Helper()
	g := &ledger.Genesis{ChainID: "elect-1", Time: 1, Params: ledger.DefaultParams()}
	g.Params.ElectEvery, g.Params.MissWindow, g.Params.Jail, g.Params.Unbonding, g.Params.MaxProducers = 2, 4, 3, 5, 6
	for i := range electors {
		g.Accounts = append(g.Accounts, ledger.Allocation{Account: elector("cold", i).Public(), Balance: 100_000 * unit.Coin})
		if i < n {
			g.Producers = append(g.Producers, ledger.NewGenesisProducer(elector("hot", i), elector("cold", i).Public(),
				elector("consensus", i), unit.TAO(50*(i+1))*unit.Coin))
		}
	}
	sort.Slice(g.Accounts, func(i, j int) bool { return string(g.Accounts[i].Account[:]) < string(g.Accounts[j].Account[:]) })
	sort.Slice(g.Producers, func(i, j int) bool {
		return string(g.Producers[i].Consensus[:]) < string(g.Producers[j].Consensus[:])
	})
	ws, err := g.Writes()
	if err != nil {
		t.Fatal(err)
	}
	m := ballot{}
	m.write(ws)
	return g, m
}

// Whatever stakers, the careless and the wicked do, CometBFT's own arithmetic
// takes every change of the set, and ends with the set that the ledger has.
func TestElectionsThroughCometBFT(t *testing.T) {
	rounds := 200
	if s := os.Getenv("CHAIN_TEST_ELECTIONS"); s != "" {
		rounds, _ = strconv.Atoi(s)
	}
	var gens [8]*ledger.Genesis
	var starts [8]ballot
	for n := range 8 {
		gens[n], starts[n] = electorate(t, n+1)
	}
	// Announcements cost more to make than to apply.
	announce := map[[2]int]*ledger.AnnounceProducer{}
	for i := range electors {
		for k := range 3 {
			c := elector("consensus", i)
			if k > 0 {
				c = elector(fmt.Sprintf("consensus-%d", k), i)
			}
			announce[[2]int{i, k}] = ledger.NewAnnounceProducer(elector("hot", i), c)
		}
	}
	seen := map[string]int{}
	for round := range rounds {
		n := round % 8
		if err := sequence(int64(round), gens[n], maps.Clone(starts[n]), announce, seen); err != nil {
			t.Fatalf("sequence %d: %v", round, err)
		}
	}
	for _, want := range []string{"producer joined", "producer left", "jailed", "slashed", "unjailed", "producer withdrawn", "unbonding", "unbonded"} {
		if seen[want] == 0 {
			t.Errorf("nothing was ever %q: the test has lost its reach: %v", want, seen)
		}
	}
}

func sequence(seed int64, g *ledger.Genesis, m ballot, announce map[[2]int]*ledger.AnnounceProducer, seen map[string]int) error {
	r := rand.New(rand.NewSource(seed))
	var first []*types.Validator
	for _, p := range g.Producers {
		first = append(first, types.NewValidator(cmted.PubKey(p.Consensus[:]), int64(p.Power)))
	}
	vals := types.NewValidatorSet(first)
	entrant := elector("hot", 0)
	nonces := map[int]uint64{}
	for h := uint64(1); h <= 10; h++ {
		before, err := ledger.Producers(m)
		if err != nil {
			return err
		}
		entry, err := ledger.SealEntry(entrant.VRF(), m, h)
		if err != nil {
			return err
		}
		one := ledger.Producer{Consensus: elector("consensus", 0).Public()}
		b := ledger.Block{Height: h, Proposer: one.Address(), Entries: [][]byte{entry}, Verified: []bool{false}}
		for range r.Intn(3) {
			i := r.Intn(electors)
			hot := elector("hot", i).Public()
			var p ledger.Payload
			switch r.Intn(6) {
			case 0, 1:
				p = announce[[2]int{i, r.Intn(3)}]
			case 2:
				p = &ledger.Stake{Hotkey: hot, Amount: unit.TAO(1+r.Intn(1000)) * unit.Coin}
			case 3:
				p = &ledger.WithdrawProducer{Hotkey: hot}
			case 4:
				p = &ledger.Unjail{Hotkey: hot}
			default:
				p = &ledger.Unstake{Hotkey: hot, Amount: ledger.StakeAmount(ledger.AllStake)}
			}
			u := ledger.Unsigned{ChainID: g.ChainID, Account: elector("cold", i).Public(), Nonce: nonces[i], Expiry: 99, Payload: p}
			nonces[i]++
			b.Entries, b.Verified = append(b.Entries, ledger.Attach(u.Body(), key.ED25519, key.Signature{})), append(b.Verified, true)
		}
		for i := range before {
			if r.Intn(3) == 0 || i == int(seed)%7 && seed%2 == 0 {
				b.Absent = append(b.Absent, before[i].Address())
			}
		}
		if all, _ := ledger.Candidates(m); r.Intn(8) == 0 && len(all) > 0 {
			b.Misbehaving = append(b.Misbehaving, ledger.Misbehaving{Producer: all[r.Intn(len(all))].Address(), Height: h})
		}
		res, err := ledger.Apply(m, b)
		if err != nil {
			return fmt.Errorf("block %d: %w", h, err)
		}
		m.write(res.Writes)
		for _, e := range res.Events {
			seen[e.Kind]++
		}
		if err := follow(vals, before, res, m, h%g.Params.ElectEvery == 0 && len(b.Absent) == 0 && len(b.Misbehaving) == 0); err != nil {
			return fmt.Errorf("block %d: %w", h, err)
		}
	}
	return nil
}

// follow does with a block's changes what CometBFT does, and compares.
func follow(vals *types.ValidatorSet, before []ledger.Producer, res *ledger.Result, m ballot, elected bool) error {
	var changes []*types.Validator
	was := map[string]int64{}
	var total, lost, gained int64
	for _, v := range vals.Validators {
		was[string(v.PubKey.Bytes())] = v.VotingPower
		total += v.VotingPower
	}
	for _, u := range res.Producers {
		pub := cmted.PubKey(u.Consensus[:])
		changes = append(changes, types.NewValidator(pub, int64(u.Power)))
		if d := int64(u.Power) - was[string(pub)]; d > 0 {
			gained += d
		} else {
			lost -= d
		}
	}
	if elected && (lost > total/3 || gained > total/3) {
		return fmt.Errorf("an election moves %d and %d of %d votes", lost, gained, total)
	}
	if err := vals.UpdateWithChangeSet(changes); err != nil {
		return fmt.Errorf("CometBFT refuses the changes: %w", err)
	}
	after, err := ledger.Producers(m)
	if err != nil {
		return err
	}
	if len(after) != vals.Size() || len(after) < min(4, len(before)) {
		return fmt.Errorf("%d producers, CometBFT has %d, there were %d", len(after), vals.Size(), len(before))
	}
	for _, p := range after {
		a := p.Address()
		if _, v := vals.GetByAddress(a[:]); v == nil || v.VotingPower != int64(p.Power) {
			return fmt.Errorf("producer %x: power %d, CometBFT has %v", a, p.Power, v)
		}
	}
	return nil
}
