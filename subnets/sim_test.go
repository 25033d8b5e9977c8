package subnets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p/memnet"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/miner"
	"github.com/plexus-network/plexus/subnets/round"
	"github.com/plexus-network/plexus/subnets/validator"
)

// The simulation plays an epoch with one adversary among honest parties: the real
// loops of validators and miners, the real module, the ledger's rules block by
// block, and a network in memory whose delays come from a seed. Time is virtual.
// Miner 0 is the adversary among the miners, validator 0 among the validators.
// Each adversary stands in a file of its own, sim_NAME_test.go.

// villain is an adversary: what it does otherwise, and how it is found.
type villain struct {
	// miner serves in place of miner 0; nil for an honest one.
	miner func(s *sim, x *exchange)
	// engine answers for an honest miner 0; nil for one like the others.
	engine engine
	// module is what validator 0 calls; nil for the subnet's.
	module func(plugins.Caller) plugins.Caller
	// tamper changes the bundle that validator 0 publishes; it commits and reveals
	// what follows from it.
	tamper func(s *sim, b *evidence.Bundle)
	// hide keeps the bundle of validator 0 to itself.
	hide bool
	// reveal changes what validator 0 reveals after its commit.
	reveal func(o *ledger.Opening)
	// after runs when the epoch is over, before found.
	after func(s *sim)
	// found says what the honest see.
	found func(s *sim, t *testing.T)
}

// simSeeds is how many seeds each adversary is played with: SIM_SEEDS.
func simSeeds(t *testing.T) int {
	n := 10
	if s := os.Getenv("SIM_SEEDS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1 {
			t.Fatalf("SIM_SEEDS=%s: want a number above 0", s)
		}
	}
	return n
}

// warm makes what the compressor keeps for the whole process outside of the first
// bubble of virtual time, to which it would belong for good.
var warm = sync.OnceValue(func() error {
	b := evidence.Bundle{Rounds: []evidence.Round{{Skipped: true}}}
	file, err := b.Encode()
	if err == nil {
		_, err = evidence.Decode(file, b.Root())
	}
	return err
})

// simulate plays an adversary with all seeds; SIM_SEED plays one alone.
func simulate(t *testing.T, v villain) {
	t.Parallel()
	m, data := textModule(t), corpus(t)
	if err := warm(); err != nil {
		t.Fatal(err)
	}
	first, n := 1, simSeeds(t)
	if s := os.Getenv("SIM_SEED"); s != "" {
		var err error
		if first, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
		n = 1
	}
	for i := range n {
		seed := uint64(first + i)
		if !t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			c := begun(t, 3+r.IntN(3), r.IntN(len(simRounds)), m, data) // which keeps no time
			synctest.Test(t, func(t *testing.T) { newSim(t, v, seed, r, c, m, data).play() })
		}) {
			t.Logf("play it again with SIM_SEED=%d", seed)
			return
		}
	}
}

// sim is one run.
type sim struct {
	*chain
	v      villain
	rand   *rand.Rand
	module plugins.Caller
	data   *dataset.Set
	net    *memnet.Net
	hosts  []*memnet.Host
	miners int

	mu     sync.Mutex
	files  map[[32]byte][]byte
	told   []miner.Event // of all honest miners
	held   []*round.Held
	opened *ledger.Opening // of validator 0, when it tampers
	root   [32]byte
	victim ledger.Hotkey // of the villain, who tells it here for the finder
	where  int           // round of the misdeed
	row    []uint64      // weights to publish instead of those that follow
}

// simRounds are when rounds begin: late enough in an epoch that the second one's
// windows are over before its first, and in time for their end before the window.
var simRounds = [...][]uint16{{8, 9}, {8, 13}, {10, 12}, {8, 10, 13}}

// simOver is how many blocks of the second epoch are played: the commit window and
// some to reveal in.
const simOver = window + 3

// chains are the chains of simulations as they begin, by miners and simRounds: to
// make one costs as much as to play on it.
var chains struct {
	sync.Mutex
	of map[[2]int]*chain
}

// begun is a chain of its own with so many miners, whose first epoch is to begin.
func begun(t *testing.T, miners, rounds int, m plugins.Caller, data *dataset.Set) *chain {
	chains.Lock()
	defer chains.Unlock()
	if chains.of == nil {
		chains.of = map[[2]int]*chain{}
	}
	at := [2]int{miners, rounds}
	if chains.of[at] == nil {
		p := params(simRounds[rounds], miners)
		p.DeadlineMS = 6000
		chains.of[at] = newChain(t, miners, ledger.Subnet{Module: m.ID(), Data: data.Named(), Params: p})
		chains.of[at].bare = true // what was proved of blocks before is of no use
	}
	return chains.of[at].twin(t)
}

func newSim(t *testing.T, v villain, seed uint64, r *rand.Rand, c *chain, m plugins.Caller, data *dataset.Set) *sim {
	c.t = t
	s := &sim{chain: c, v: v, rand: r, module: m, data: data, miners: len(c.hot) - validators, files: map[[32]byte][]byte{}}
	s.net = memnet.New(memnet.Config{Seed: seed, Latency: time.Duration(1+r.IntN(80)) * time.Millisecond, Jitter: time.Duration(r.IntN(60)) * time.Millisecond,
		Loss: float64(r.IntN(3)) / 100})
	for i := range s.hot {
		s.hosts = append(s.hosts, s.net.Host(s.hot[i].Derive("peer")))
	}
	return s
}

// answers are constants that differ from miner to miner.
var answers = []string{" aet", " et", "aein", "ehot", " inst", "adeor"}

func (s *sim) startMiner(i int) {
	h := s.hosts[validators+i]
	if i == 0 && s.v.miner != nil {
		h.Handle(round.Protocol, rogueHandler(s.t, "villain", s.hot[validators], func(x *exchange) { s.v.miner(s, x) }))
		return
	}
	e := engine(func(context.Context, []byte) ([]byte, error) { return fixed(answers[i]) })
	if i == 0 && s.v.engine != nil {
		e = s.v.engine
	}
	if _, err := miner.New(miner.Config{ChainID: s.gen.ChainID, Hotkey: s.hot[validators+i], Net: h, Chain: s.chain, Keep: &memKeep{m: map[string][]byte{}},
		Subnets: []miner.Subnet{{NetUID: netuid, Engine: e}}, Notify: func(e miner.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, e)
			if e.Held != nil {
				s.held = append(s.held, e.Held)
			}
		}}); err != nil {
		s.t.Error(err)
	}
}

func (s *sim) validator(i int) *validator.Validator {
	m := s.module
	if i == 0 && s.v.module != nil {
		m = s.v.module(m)
	}
	return validator.New(validator.Config{ChainID: s.gen.ChainID, NetUID: netuid, Hotkey: s.hot[i], Net: s.hosts[i], Chain: &bent{s, i},
		Keep:   &memKeep{m: map[string][]byte{}},
		Module: func(context.Context, plugins.ID) (plugins.Caller, error) { return m, nil },
		Data:   func(context.Context, ledger.DataSet, ledger.Epoch) (*dataset.Set, error) { return s.data, nil },
		Publish: func(_ ledger.NetUID, e ledger.Epoch, write func(io.Writer) ([32]byte, error)) ([32]byte, int64, error) {
			var file bytes.Buffer
			root, err := write(&file)
			if err != nil {
				return root, 0, err
			}
			b := file.Bytes()
			if i == 0 && e == 1 && s.v.tamper != nil {
				if root, b, err = s.forge(b, root); err != nil {
					return root, 0, err
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if i != 0 || !s.v.hide {
				s.files[root] = b
			}
			return root, int64(len(b)), nil
		}})
}

// forge is what a dishonest validator does with all its keys: it changes its
// evidence and makes everything that follows from it fit.
func (s *sim) forge(file []byte, root [32]byte) ([32]byte, []byte, error) {
	b, err := evidence.Decode(file, root)
	if err != nil {
		return root, nil, err
	}
	s.v.tamper(s, b)
	roster := s.roster(1)
	var leaves [][]evidence.Leaf
	for i := range b.Rounds {
		leaves = append(leaves, b.Rounds[i].Leaves())
	}
	ranks, fuel, err := round.Rank(context.Background(), s.module, s.record(1).Seed, nil, evidence.Rows(leaves, roster, b.CarryIn))
	if err != nil {
		return root, nil, err
	}
	b.RankFuel = fuel
	b.Row, b.CarryOut = evidence.Outcome(roster, ranks)
	if s.row != nil {
		b.Row = ledger.NewRow(s.row)
	}
	m := &made{Bundle: b}
	m.seal()
	file, err = b.Encode()
	s.mu.Lock()
	s.opened, s.root = &m.open, m.root
	s.mu.Unlock()
	return m.root, file, err
}

// rescore scores a round of a bundle again after its answers were changed.
func (s *sim) rescore(b *evidence.Bundle, r *evidence.Round) {
	beta, task := s.drawn(b, r)
	var payloads [][]byte
	var at []int
	for j := range r.Responses {
		r.Responses[j].Leaf.Score = 0
		if r.Responses[j].Leaf.Status == evidence.Answered {
			payloads, at = append(payloads, r.Responses[j].Payload.Data), append(at, j)
		}
	}
	scores, fuel, err := round.Score(context.Background(), s.module, beta, nil, task, nil, payloads)
	if err != nil {
		s.t.Error(err)
		return
	}
	r.ScoreFuel = fuel
	for k, j := range at {
		r.Responses[j].Leaf.Score = scores[k]
	}
}

// drawn is β and the task of a round, from its evidence.
func (s *sim) drawn(b *evidence.Bundle, r *evidence.Round) (beta [32]byte, task abi.Task) {
	beta, err := s.hot[0].VRF().Public().VerifyVRF(round.Alpha(s.record(1).Seed, netuid, r.Round), r.Proof)
	if err != nil {
		s.t.Error(err)
		return beta, task
	}
	sub := s.subnet()
	terms := round.Terms{Params: sub.Params.Module, Height: round.Begin(s.record(1), &sub.Params, r.Round), Last: round.Last(s.record(1), &sub.Params)}
	for _, x := range r.Slices {
		terms.Slices = append(terms.Slices, x.Data)
	}
	if task, _, err = round.Task(context.Background(), s.module, beta, terms); err != nil {
		s.t.Error(err)
	}
	return beta, task
}

// bent is the chain as a validator uses it; validator 0 may commit and reveal
// something else than its loop says.
type bent struct {
	*sim
	i int
}

func (b *bent) Submit(raw []byte) error {
	tx, err := ledger.DecodeTx(raw)
	if err != nil || b.i != 0 {
		return b.chain.Submit(raw)
	}
	b.mu.Lock()
	open, root := b.opened, b.root
	b.mu.Unlock()
	hot := b.hot[0]
	switch p := tx.Payload.(type) {
	case *ledger.Commit:
		if open != nil && p.Epoch == 1 {
			q := &ledger.Commit{NetUID: netuid, Epoch: 1, Evidence: root, Commitment: open.Commitment(b.gen.ChainID, netuid, 1, hot.Public(), root)}
			raw = ledger.Sign(hot, b.gen.ChainID, 0, tx.Expiry, q)
		}
	case *ledger.Reveal:
		q := *p
		if open != nil && p.Epoch == 1 {
			q.Opening = *open
		}
		if b.v.reveal != nil && p.Epoch == 1 {
			b.v.reveal(&q.Opening)
		}
		raw = ledger.Sign(hot, b.gen.ChainID, 0, tx.Expiry, &q)
	}
	return b.chain.Submit(raw)
}

// play runs the first epoch and the second's windows, then looks what was found.
func (s *sim) play() {
	t := s.t.(*testing.T)
	for i := range s.miners {
		s.startMiner(i)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range validators {
		v := s.validator(i)
		wg.Go(func() {
			if err := v.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("validator %d ended: %v", i, err)
			}
		})
	}
	wg.Go(func() { s.run(ctx, time.Second) })
	over := func() bool {
		k := s.clock()
		return k != nil && (k.Epoch > 2 || k.Epoch == 2 && s.tall() >= k.First+simOver)
	}
	for end := time.Now().Add(time.Hour); !over(); time.Sleep(time.Second) {
		if time.Now().After(end) || t.Failed() {
			t.Errorf("the epoch does not end: at block %d; refused %v", s.clock().Step, s.refused)
			break
		}
	}
	if s.v.after != nil && !t.Failed() {
		s.v.after(s)
	}
	cancel()
	wg.Wait()
	s.net.Close()
	if !t.Failed() {
		s.judge(t)
	}
}

// judge is everybody's look at the honest, and the villain's finder's at the villain.
func (s *sim) judge(t *testing.T) {
	for i := 1; i < validators; i++ {
		b, err := s.published(i)
		if err != nil {
			t.Fatalf("validator %d: %v", i, err)
		}
		if r, err := evidence.Replay(context.Background(), s.now(), s.module, b, nil); err != nil || !r.Equal() {
			t.Errorf("replay of an honest validator: %v, %+v", err, r)
		}
		asked := 0
		for _, r := range b.Rounds {
			asked += len(r.Responses)
		}
		if want := len(s.subnet().Params.Rounds) * s.miners; asked != want {
			t.Errorf("validator %d asked %d times, want %d", i, asked, want)
		}
		for _, h := range s.receipts(i) {
			if err := b.Shows(h); err != nil {
				t.Errorf("an honest validator: %v", err)
			}
		}
	}
	s.v.found(s, t)
}

// receipts are what honest miners hold of validator i and the first epoch, as they
// say themselves: what they prove is for Shows to check.
func (s *sim) receipts(i int) (out []*round.Held) {
	self := s.hot[i].Public()
	for _, h := range s.held {
		if r, err := round.DecodeRequest(h.Request.Body); err != nil {
			s.t.Errorf("a miner holds what proves nothing: %v", err)
		} else if r.Caller == self && r.Epoch == 1 {
			out = append(out, h)
		}
	}
	return out
}

var errHidden = errors.New("the evidence is not to be had")

// published fetches the bundle that validator i committed for the first epoch.
func (s *sim) published(i int) (*evidence.Bundle, error) {
	com, err := ledger.LoadCommitted(s.now(), netuid, 1, s.hot[i].Public())
	if err != nil || com == nil {
		return nil, fmt.Errorf("%w: %s committed nothing: %v", evidence.ErrNoReveal, s.hot[i].Public(), err)
	}
	s.mu.Lock()
	file := s.files[com.Evidence]
	s.mu.Unlock()
	if file == nil {
		return nil, fmt.Errorf("%w: %s committed root %x", errHidden, s.hot[i].Public(), com.Evidence[:6])
	}
	return evidence.Decode(file, com.Evidence)
}

// differs replays validator 0's bundle and wants a difference of that name, in the
// round and of the miner given; -1 and none for those that have neither.
func (s *sim) differs(t *testing.T, what string, at int, who ledger.Hotkey) {
	t.Helper()
	b, err := s.published(0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evidence.Replay(context.Background(), s.now(), s.module, b, nil)
	switch {
	case err != nil:
		t.Error(err)
	case r.Equal():
		t.Errorf("replay finds nothing, want %q", what)
	case r.Diff.What != what || r.Diff.Round != at || who != (ledger.Hotkey{}) && r.Diff.Hotkey != who:
		t.Errorf("replay finds %s, want %q in round %d of %s", r.Diff, what, at, who)
	}
}

// denied wants a receipt that contradicts validator 0's bundle, of the victim and
// the round, and no other.
func (s *sim) denied(t *testing.T, how string) {
	t.Helper()
	b, err := s.published(0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, h := range s.receipts(0) {
		err := b.Shows(h)
		switch {
		case err == nil:
		case !errors.Is(err, evidence.ErrDenied):
			t.Error(err)
		default:
			found++
			want := fmt.Sprintf("validator %s, epoch 1 round %d: %s of miner %s", s.hot[0].Public(), s.where, how, s.victim)
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
	if found != 1 {
		t.Errorf("%d receipts contradict, want 1", found)
	}
}

// statuses are what the honest validators' leaves say of miner 0, each round of
// which had status want.
func (s *sim) statuses(t *testing.T, want evidence.Status) (scores []uint64) {
	t.Helper()
	for i := 1; i < validators; i++ {
		b, err := s.published(i)
		if err != nil {
			t.Fatal(err)
		}
		for k := range b.Rounds {
			for _, x := range b.Rounds[k].Responses {
				if int(x.Leaf.Index) != validators {
					continue
				}
				if x.Leaf.Status != want {
					t.Errorf("validator %d round %d: %s, want %s", i, k, x.Leaf.Status, want)
				}
				scores = append(scores, x.Leaf.Score)
			}
		}
	}
	if len(scores) == 0 {
		t.Error("the villain was never asked")
	}
	return scores
}

// outcomes counts what honest miners said of their exchanges.
func (s *sim) outcomes() map[string]int {
	out := map[string]int{}
	for _, e := range s.told {
		out[e.Outcome]++
	}
	return out
}
