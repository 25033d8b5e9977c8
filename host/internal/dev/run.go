package dev

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Running is a network whose processes run. Its mutex guards what the fields
// below it say; the state has a lock of its own.
type Running struct {
	*Network
	self   string
	events chan event.Event
	State  *State
	nodes  []*process
	miners *process

	mu     sync.Mutex
	listen []string // address of each producer, fixed after its first start
	join   remote.Join
	api    string // address of the first producer's HTTP API
	client *remote.Remote
	closed sync.Once
	up     chan struct{} // closed when every producer has an address
}

// Run starts all processes and keeps them running until ctx ends. each is called
// with every event, by one goroutine. joined is called once, when the network
// can be joined.
func (n *Network) Run(ctx context.Context, each func(event.Event), work func(context.Context, *Running) error) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r := &Running{Network: n, self: self, events: make(chan event.Event, 1024), State: newState(n.subnets), listen: make([]string, producers),
		up: make(chan struct{}), join: remote.Join{Genesis: n.gen.Hash()}}
	g, gctx := errgroup.WithContext(ctx)
	// work ends the run when it is done.
	runCtx, stop := context.WithCancel(gctx)
	g.Go(func() error {
		for {
			select {
			case <-runCtx.Done():
				return nil
			case e := <-r.events:
				r.take(e)
				each(e)
			}
		}
	})
	for i := range producers {
		p := &process{name: producerName(i), log: n.path("log", producerName(i)+".log"), out: r.events}
		p.args = func() []string { return r.nodeArgs(i) }
		r.nodes = append(r.nodes, p)
		g.Go(func() error { return p.run(runCtx, self) })
	}
	g.Go(func() error {
		defer stop()
		select {
		case <-runCtx.Done():
			return nil
		case <-r.up:
		}
		err := r.work(runCtx, g, work)
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	err = g.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		r.client.Close()
	}
	return err
}

// work starts the miners, registers everybody, and hands over.
func (r *Running) work(ctx context.Context, g *errgroup.Group, work func(context.Context, *Running) error) error {
	r.mu.Lock()
	join := r.join
	r.mu.Unlock()
	file, err := r.minersConfig(r.self, join.String())
	if err != nil {
		return err
	}
	r.miners = &process{name: "miners", log: r.path("log", "miners.log"), out: r.events,
		args: func() []string { return []string{"miners", "--child", "--config", file} }}
	g.Go(func() error { return r.miners.run(ctx, r.self) })
	client, err := remote.Dial(ctx, join, key.Seed{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.client = client
	r.mu.Unlock()
	// A view of the chain that is being proved ends with the connection, not with ctx.
	defer context.AfterFunc(ctx, func() { client.Close() })()
	if err := r.announce(); err != nil {
		r.events <- event.Event{Kind: "note", From: "dev", Text: "the way in is not left for other commands: " + err.Error()}
	}
	defer r.withdraw()
	if err := r.settle(ctx); err != nil {
		return fmt.Errorf("setting the subnets up: %w", err)
	}
	g.Go(func() error { return r.trade(ctx) })
	return work(ctx, r)
}

// Join is the way into the network.
func (r *Running) Join() remote.Join {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.join
}

// Client is this process's own connection.
func (r *Running) Client() *remote.Remote {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.client
}

// Processes lists the pids of the producers and of the miners.
func (r *Running) Processes() map[string]int {
	out := map[string]int{}
	for _, p := range append(append([]*process(nil), r.nodes...), r.miners) {
		p.mu.Lock()
		out[p.name] = p.pid
		p.mu.Unlock()
	}
	return out
}

func (r *Running) nodeArgs(i int) []string {
	args := []string{"node", "--child", "--home", r.path(producerName(i)), "--name", producerName(i)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listen[i] != "" { // started before: keep the port, which others remember
		args = append(args, "--listen", r.listen[i])
	}
	if _, port, ok := strings.Cut(r.api, "//"); ok && i == 0 {
		args = append(args, "--api", port)
	}
	return args
}

// take notes what an event says about the network.
func (r *Running) take(e event.Event) {
	r.State.take(e)
	if e.Kind != "ready" || len(e.Addrs) == 0 {
		return
	}
	r.mu.Lock()
	if e.API != "" {
		r.api = e.API
	}
	first := true
	complete := true
	for i := range producers {
		if producerName(i) == e.From {
			first = r.listen[i] == ""
			r.listen[i] = strings.Split(e.Addrs[0], "/p2p/")[0]
			if first {
				r.join.Addrs = append(r.join.Addrs, e.Addrs[0])
			}
		}
		complete = complete && r.listen[i] != ""
	}
	addrs := append([]string(nil), r.join.Addrs...)
	r.mu.Unlock()
	for _, p := range r.nodes {
		if p.name == e.From || first {
			p.tell(map[string]any{"join": addrs})
		}
	}
	if complete {
		r.closed.Do(func() { close(r.up) })
	}
}

// settle registers validators and miners in every subnet, gives the validators
// alpha, and names the subnets. What was done before is left alone.
func (r *Running) settle(ctx context.Context) error {
	var g errgroup.Group
	for i := range validators {
		g.Go(func() error { return r.inTurn(ctx, producerName(i), r.validatorSteps(producerName(i))) })
	}
	for _, name := range traders {
		g.Go(func() error { return r.inTurn(ctx, name, r.traderSteps(name)) })
	}
	for _, s := range r.subnets {
		for _, m := range s.Miners {
			name := s.account(m.Name)
			g.Go(func() error { return r.inTurn(ctx, name, []step{r.registration(s, name, true)}) })
		}
		g.Go(func() error { return r.inTurn(ctx, s.owner(), []step{r.identity(s)}) })
	}
	return g.Wait()
}

// step is one thing that an account does, unless done says that it is done.
type step struct {
	payload ledger.Payload
	done    func(ledger.View) (bool, error)
}

// validatorStake is what a validator puts behind its hotkey in each subnet.
const validatorStake = 50 * unit.Coin

// validatorSteps are what a validator needs to judge in every subnet.
func (r *Running) validatorSteps(name string) (out []step) {
	for _, s := range r.subnets {
		hot := hotkeyOf(name)
		out = append(out, r.registration(s, name, false), step{&ledger.Stake{NetUID: s.netuid, Hotkey: hot, Amount: validatorStake},
			func(v ledger.View) (bool, error) {
				p, err := ledger.LoadPosition(v, s.netuid, hot, ColdSeed(name).Public())
				return p > 0, err
			}})
	}
	return out
}

func (r *Running) registration(s *subnet, name string, serve bool) step {
	hot := hotSeed(name)
	work, proof := hot.Work(serve)
	return step{&ledger.Register{NetUID: s.netuid, Hotkey: hot.Public(), MaxPrice: 50 * unit.Coin, Work: work, Proof: proof},
		func(v ledger.View) (bool, error) {
			_, ok, err := ledger.FindUID(v, s.netuid, hot.Public())
			return ok, err
		}}
}

func (r *Running) identity(s *subnet) step {
	return step{&ledger.SetIdentity{NetUID: s.netuid, Identity: ledger.Identity{Name: s.Name, Description: s.Say}},
		func(v ledger.View) (bool, error) {
			id, err := ledger.LoadIdentity(v, s.netuid)
			return id != nil, err
		}}
}

// inTurn does what is left of the steps of one account, many in one transaction.
func (r *Running) inTurn(ctx context.Context, name string, steps []step) error {
	left := func(v ledger.View) (out []ledger.Payload, err error) {
		for _, s := range steps {
			done, err := s.done(v)
			if err != nil {
				return nil, err
			}
			if !done {
				out = append(out, s.payload)
			}
		}
		return out[:min(len(out), ledger.MaxBatch)], nil
	}
	return r.submit(ctx, name, left)
}

// settleTime bounds what an account is waited for.
const settleTime = 90 * time.Second

// submit signs what is left to do of a development account, one transaction
// after another, until the proved state shows that nothing is.
func (r *Running) submit(ctx context.Context, name string, left func(ledger.View) ([]ledger.Payload, error)) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	var after uint64 // block of the last transaction, which the state must show first
	for {
		done, err := r.once(ctx, name, &after, left)
		if done {
			return nil
		}
		var rej *ledger.Reject
		if errors.As(err, &rej) && rej.Code != ledger.CodeNonceLow && rej.Code != ledger.CodeNonceHigh {
			return fmt.Errorf("%s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", name, ctx.Err(), err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// once does a part of what is left; done when nothing was.
func (r *Running) once(ctx context.Context, name string, after *uint64, left func(ledger.View) ([]ledger.Payload, error)) (done bool, err error) {
	v, err := r.Client().View(ctx)
	if err != nil || v.Height() < *after {
		return false, err
	}
	todo, err := left(v)
	if err != nil || len(todo) == 0 {
		return err == nil, err
	}
	p := todo[0]
	if len(todo) > 1 {
		p = &ledger.Batch{Steps: todo}
	}
	*after, err = r.pay(ctx, name, p)
	return false, err
}

// expiry is for how many blocks a transaction of a development account is good.
const expiry = 15

// pay signs a transaction, waits until it is in a block, and returns the height.
func (r *Running) pay(ctx context.Context, name string, p ledger.Payload) (uint64, error) {
	c := r.Client()
	v, err := c.View(ctx)
	if err != nil {
		return 0, err
	}
	seed := ColdSeed(name)
	acc, err := ledger.LoadAccount(v, seed.Public())
	if err != nil {
		return 0, err
	}
	last := v.Height() + expiry
	id, err := c.Submit(ctx, ledger.Sign(seed, c.Genesis.ChainID, acc.Nonce, last, p))
	if err != nil {
		return 0, err
	}
	return c.Wait(ctx, id, last)
}

// JoinFile is where the way into the running network is left for other commands.
func JoinFile() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".plexus", "join"), nil
}

// announce writes the join string to JoinFile.
func (r *Running) announce() error {
	file, err := JoinFile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if api, err := APIFile(); err == nil && r.API() != "" {
		if err := os.WriteFile(api, []byte(r.API()+"\n"), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(file, []byte(r.Join().String()+"\n"), 0o600)
}

// APIFile is where the address of the running network's API is left for other
// commands.
func APIFile() (string, error) {
	file, err := JoinFile()
	return filepath.Join(filepath.Dir(file), "api"), err
}

// API is the address of the first producer's HTTP API.
func (r *Running) API() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.api
}

// withdraw removes the join string, unless another network has left its own.
func (r *Running) withdraw() {
	file, err := JoinFile()
	if err != nil {
		return
	}
	if api, err := APIFile(); err == nil {
		if b, err := os.ReadFile(api); err == nil && strings.TrimSpace(string(b)) == r.API() {
			os.Remove(api)
		}
	}
	if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == r.Join().String() {
		os.Remove(file)
	}
}
