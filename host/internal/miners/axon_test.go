package miners

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins/engine"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestMain is also the model of these tests: it answers a task with its length.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "model" {
		engine.Serve(func(_ context.Context, t engine.Task) ([]byte, error) {
			return fmt.Appendf(nil, "%d bytes", len(t.Public)), nil
		})
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// ground is a chain with a validator that asks by hand.
type ground struct {
	*solo.Chain
	t         *testing.T
	join      remote.Join
	validator key.Seed
	net       *p2p.Host // the validator's
	nonce     uint64
}

func newGround(t *testing.T) *ground {
	g := &ground{t: t, validator: key.Seed{0xa2}}
	g.Chain = solo.Start(t, solo.Genesis(t), t.TempDir(), func(c *chain.Config) { c.BlockTime = 100 * time.Millisecond })
	remote.Serve(g.Net, g.Node)
	g.join = remote.Join{Genesis: g.Gen.Hash(), Addrs: g.Net.Addrs()}
	var err error
	if g.net, err = p2p.New(p2p.Config{Seed: g.validator.Derive("peer"), Genesis: g.Gen.Hash()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.net.Close() })
	if err := g.net.Connect(t.Context(), g.Net.Addrs()...); err != nil {
		t.Fatal(err)
	}
	g.Reach(t, 2)
	g.register(g.validator, false)
	return g
}

// register gives a hotkey a neuron; serve says whether the chain names its peer.
func (g *ground) register(hot key.Seed, serve bool) {
	g.t.Helper()
	work, proof := hot.Work(serve)
	id, _ := g.Include(g.t, ledger.Sign(solo.Alice, g.Gen.ChainID, g.nonce, g.Head().Height+100,
		&ledger.Register{NetUID: 1, Hotkey: hot.Public(), MaxPrice: 100 * unit.Coin, Work: work, Proof: proof}))
	if s := g.TxStatus(id); s.Result.Code != ledger.OK {
		g.t.Fatalf("registering: %+v", s)
	}
	g.nonce++
}

func (g *ground) epoch() (e ledger.Epoch, roster ledger.Roster) {
	v := g.View()
	defer v.Close()
	clock, err := ledger.LoadClock(v, 1)
	if err == nil {
		e = clock.Epoch
		roster, err = ledger.LoadRoster(v, 1, e)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return e, roster
}

// listed waits for an epoch whose roster names a hotkey's peer.
func (g *ground) listed(hot key.Seed) {
	g.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		e, r := g.epoch()
		i := r.Index(hot.Public())
		if i >= 0 && r[i].Serves() {
			return
		}
		if time.Now().After(end) {
			g.t.Fatalf("no roster names the miner's peer: at block %d, epoch %d, member %d of %d", g.Head().Height, e, i, len(r))
		}
	}
}

// request is one to the miner in the running epoch.
func (g *ground) request(hot key.Seed, task []byte) round.Ask {
	e, _ := g.epoch()
	r := round.Request{ChainID: g.Gen.ChainID, NetUID: 1, Epoch: e, Task: round.TaskHash(task), Caller: g.validator.Public(),
		Callee: hot.Public(), DeadlineMS: 5000}
	rand.Read(r.ID[:])
	return round.Ask{Request: round.SignRequest(g.validator, &r), Public: task}
}

// ask plays an exchange as a validator does, by the peer id that the roster names.
func (g *ground) ask(hot key.Seed, a round.Ask) (data []byte, said round.Reply, err error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), 2*time.Second)
	defer cancel()
	to, err := p2p.PeerIDFromKey(hot.Derive("peer").Public())
	if err != nil {
		return nil, said, err
	}
	s, err := g.net.Open(ctx, to, round.Protocol)
	if err != nil {
		return nil, said, err
	}
	defer s.Close()
	if err := s.Send(a.Append(nil)); err != nil {
		return nil, said, err
	}
	recv := func() error {
		b, err := s.Recv(8192)
		if err == nil {
			said, err = round.DecodeReply(b)
		}
		return err
	}
	if err := recv(); err != nil {
		return nil, said, err
	}
	if said.Go {
		s.Send(a.Public)
		if err := recv(); err != nil {
			return nil, said, err
		}
	}
	if said.Answer == nil {
		return nil, said, nil
	}
	s.Send(round.AppendReceipt(nil, round.SignReceipt(g.validator, *said.Answer)))
	b, err := s.Recv(round.MaxFrame)
	if err != nil {
		return nil, said, err
	}
	p, err := round.DecodePayload(b)
	return p.Data, said, err
}

func model(t *testing.T) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, "model"}
}

// start runs an axon until stop, and returns its events so far.
func (g *ground) start(a Axon) (events func() string, stop func()) {
	g.t.Helper()
	ctx, cancel := context.WithCancel(g.t.Context())
	r, w := io.Pipe()
	var mu = make(chan bool, 1)
	var all bytes.Buffer
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			mu <- true
			all.WriteString(s.Text() + "\n")
			<-mu
		}
	}()
	done := make(chan error, 1)
	go func() {
		done <- a.Run(ctx, slog.New(slog.DiscardHandler), event.NewWriter(w, a.Name), func() {})
	}()
	return func() string {
			mu <- true
			defer func() { <-mu }()
			return all.String()
		}, func() {
			cancel()
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				g.t.Errorf("the miner ended: %v", err)
			}
			w.Close()
		}
}

// TestFirstAnswer: what --join is given to a miner that was registered without a
// peer identity: it is told from when on it is asked, makes the chain name it, is
// found by its peer id, and answers; the next run remembers what it answered.
func TestFirstAnswer(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	hot := key.Seed{0xb1}
	a := Axon{Name: "bob", Hotkey: hot, Join: g.join, Home: filepath.Join(t.TempDir(), "bob"), Services: []Service{{NetUID: 1, Engine: model(t)}}}
	run := func(a Axon) error {
		return a.Run(t.Context(), slog.New(slog.DiscardHandler), nil, func() {})
	}
	if err := run(a); !errors.Is(err, ErrUnregistered) || !strings.Contains(err.Error(), "plexus register --netuid 1 --hotkey bob") {
		t.Errorf("before the registration: %v", err)
	}
	elsewhere := a
	elsewhere.Services = []Service{{NetUID: 9, Engine: model(t)}}
	if err := run(elsewhere); !errors.Is(err, ErrNoSubnet) || !strings.Contains(err.Error(), "netuid 9") {
		t.Errorf("a subnet that is not there: %v", err)
	}
	g.register(hot, false)
	events, stop := g.start(a)
	g.listed(hot)
	if e := events(); !strings.Contains(e, "asked from epoch ") || !strings.Contains(e, "which begins at block ") || !strings.Contains(e, ", in about ") {
		t.Errorf("a miner that is not asked yet is told %s", e)
	}
	stop()

	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.Metrics = listen.Addr().String()
	listen.Close()
	began := time.Now()
	events, stop = g.start(a)
	var first round.Ask
	var got []byte
	for tries := 1; ; tries++ {
		first = g.request(hot, make([]byte, 1000))
		var said round.Reply
		if got, said, err = g.ask(hot, first); err == nil && got != nil {
			t.Logf("first answer %s after --join, at the %d. try", time.Since(began).Round(time.Millisecond), tries)
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("no answer within 10 s of --join: %+v, %v; %s", said, err, events())
		}
		time.Sleep(50 * time.Millisecond)
	}
	if string(got) != "1000 bytes" {
		t.Errorf("answered %q", got)
	}
	if long, _, err := g.ask(hot, g.request(hot, make([]byte, round.Ride+1))); err != nil || string(long) != "16385 bytes" {
		t.Errorf("a long task: %q, %v", long, err)
	}
	resp, err := http.Get("http://" + a.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	figures, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	for _, want := range []string{`plexus_miner_requests_total{netuid="1",outcome="answered"} 2`, `plexus_miner_requests_total{netuid="0",outcome="malformed"} 0`,
		`plexus_miner_requests_remembered{netuid="1"} 2`, "plexus_peers "} {
		if !bytes.Contains(figures, []byte(want)) {
			t.Errorf("no figure %s", want)
		}
	}
	second := a
	second.Metrics, second.Join.Addrs = "", slices.Clone(g.join.Addrs)
	if err := run(second); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("a second process over the same home: %v", err)
	}
	stop()
	if e := events(); strings.Count(e, `"event":"exchange"`) != 2 || !strings.Contains(e, `"text":"answered"`) {
		t.Errorf("events: %s", e)
	}

	a.Metrics = ""
	_, stop = g.start(a)
	defer stop()
	solo.Eventually(t, "the next run", func() bool {
		_, said, err := g.ask(hot, first)
		if err != nil {
			return false
		}
		if said.Refused != round.RefusedReplay && said.Refused != round.RefusedStale {
			t.Errorf("a request answered in the run before: %+v", said)
		}
		return true
	})
}

// TestHiddenMiner: a miner that listens nowhere answers a validator that knows no
// more than its peer id.
func TestHiddenMiner(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	relay, err := p2p.New(p2p.Config{Seed: [32]byte{7}, Genesis: g.Gen.Hash(), Relay: true})
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	if err := relay.Connect(t.Context(), g.Net.Addrs()...); err != nil {
		t.Fatal(err)
	}
	// A validator that listens is dialled by the miner, which is no relaying.
	g.net.Close()
	if g.net, err = p2p.New(p2p.Config{Seed: g.validator.Derive("peer"), Genesis: g.Gen.Hash(), Hidden: true, Client: true}); err != nil {
		t.Fatal(err)
	}
	if err := g.net.Connect(t.Context(), relay.Addrs()...); err != nil {
		t.Fatal(err)
	}
	hot := key.Seed{0xb2}
	g.register(hot, true)
	g.listed(hot)
	join := g.join
	join.Addrs = append(slices.Clone(join.Addrs), relay.Addrs()...)
	events, stop := g.start(Axon{Name: "hidden", Hotkey: hot, Join: join, Hidden: true, Services: []Service{{NetUID: 1, Engine: model(t)}}})
	defer stop()
	began := time.Now()
	for {
		got, said, err := g.ask(hot, g.request(hot, []byte("task")))
		if err == nil && string(got) == "4 bytes" {
			t.Logf("first answer through the relay %s after --join", time.Since(began).Round(time.Millisecond))
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("no answer: %+v, %v; %s", said, err, events())
		}
		time.Sleep(100 * time.Millisecond)
	}
	if s := g.net.Stats(); s.Relayed != 1 {
		t.Errorf("%d peers are reached through a relay", s.Relayed)
	}
}
