package subnets_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/miner"
	"github.com/plexus-network/plexus/subnets/validator"
)

const blockTime = slower * 120 * time.Millisecond

// cacheDir keeps compiled modules for one run of the tests.
var cacheDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "plexus-subnets-")
	if err != nil {
		panic(err)
	}
	cacheDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// load builds the module in a folder and loads it into the sandbox, once.
func load(dir string) func(t testing.TB) *wasm.Module {
	once := sync.OnceValues(func() (*wasm.Module, error) {
		code, err := plugins.Build(context.Background(), filepath.FromSlash(dir), os.Stderr)
		if err != nil {
			return nil, err
		}
		engine, err := wasm.NewEngine(wasm.Config{CacheDir: cacheDir})
		if err != nil {
			return nil, err
		}
		return engine.Load(context.Background(), code)
	})
	return func(t testing.TB) *wasm.Module {
		m, err := once()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

var (
	textModule  = load("../examples/subnets/text/module")
	guestModule = load("testdata/guest")
)

// corpus is a data set that fits the text module's slices of 1024 bytes.
func corpus(t testing.TB) *dataset.Set {
	b := make([]byte, 0, 128<<10)
	for i := 0; len(b) < 128<<10; i++ {
		h := key.Hash("corpus", []byte{byte(i), byte(i >> 8)})
		for _, c := range h[:] {
			b = append(b, "etaoin shrdlu, eeee tttt aaaa"[c%29])
		}
	}
	set, err := dataset.New(b, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// engine answers with a function.
type engine func(ctx context.Context, public []byte) ([]byte, error)

func (e engine) Answer(ctx context.Context, _ uint16, public []byte) ([]byte, error) {
	return e(ctx, public)
}

// solver answers as the text module's own baseline does.
func solver(t testing.TB) engine {
	m := textModule(t)
	return func(ctx context.Context, public []byte) ([]byte, error) {
		r, err := m.Call(ctx, abi.OpSolve, (&abi.SolveRequest{Public: public}).Append(nil), [32]byte{})
		return r.Body, err
	}
}

// constant answers each of the 32 contexts with an eighth for each of four bytes.
func constant(context.Context, []byte) ([]byte, error) { return fixed(" aet") }

// fixed gives an eighth to each of the bytes, which rise.
func fixed(symbols string) ([]byte, error) {
	b := cbor.AppendArray(cbor.AppendUint(cbor.AppendArray(nil, 2), 1), 32)
	for range 32 {
		b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 3), 1<<16-uint64(len(symbols))<<13), []byte(symbols))
		b = cbor.AppendArray(b, len(symbols))
		for range symbols {
			b = cbor.AppendUint(b, 1<<13)
		}
	}
	return b, nil
}

// memKeep is a validator's or a miner's keep that outlives it.
type memKeep struct {
	mu  sync.Mutex
	m   map[string][]byte
	saw func(k string, m map[string][]byte) // told of each Put
}

// watch has fn told of each Put, with everything that is kept then.
func (k *memKeep) watch(fn func(k string, m map[string][]byte)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.saw = fn
}

func (k *memKeep) Get(key []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.m[string(key)], nil
}

func (k *memKeep) Put(key, value []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.m[string(key)] = append([]byte{}, value...)
	if k.saw != nil {
		k.saw(string(key), k.m)
	}
	return nil
}

func (k *memKeep) Delete(key []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.m, string(key))
	return nil
}

func (k *memKeep) Range(low, high []byte, reverse bool, fn func(k, v []byte) (bool, error)) error {
	m := k.copy()
	keys := slices.Sorted(maps.Keys(m))
	if reverse {
		slices.Reverse(keys)
	}
	for _, x := range keys {
		if x < string(low) || x >= string(high) {
			continue
		}
		if more, err := fn([]byte(x), m[x]); err != nil || !more {
			return err
		}
	}
	return nil
}

func (k *memKeep) copy() map[string][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.m)
}

// part is what a registered miner does. Its host is nil for one that is away.
type part struct {
	name  string
	away  bool
	start func(a *arena, i int, net *p2p.Host) // i is the number of its hotkey
}

// honest runs the real miner with an engine.
func honest(name string, e engine) part {
	return part{name: name, start: func(a *arena, i int, net *p2p.Host) {
		if _, err := miner.New(miner.Config{ChainID: a.gen.ChainID, Hotkey: a.hot[i], Net: net, Chain: a.chain,
			Subnets: []miner.Subnet{{NetUID: netuid, Engine: e}}}); err != nil {
			a.t.Error(err)
		}
	}}
}

// arena is a running subnet.
type arena struct {
	*chain
	module plugins.Caller
	data   *dataset.Set
	parts  []part
	nets   []*p2p.Host // validators first
	keeps  [validators]*memKeep

	mu     sync.Mutex
	events [validators][]validator.Event
	files  map[[32]byte][]byte
	built  map[[32]byte][]byte // artifacts

	ctx   context.Context
	stop  [validators]func()        // ends one validator and waits for it
	quit  [validators]chan struct{} // close to have it end in order
	ended [validators]chan struct{} // closed when its loop has ended
}

// newArena starts a subnet, which ends with the test.
func newArena(t testing.TB, m plugins.Caller, data *dataset.Set, p ledger.SubnetParams, parts ...part) *arena {
	sub := ledger.Subnet{Module: m.ID(), Params: p}
	if data != nil {
		sub.Data = data.Named()
	}
	a := &arena{chain: newChain(t, len(parts), sub), module: m, data: data, parts: parts, files: map[[32]byte][]byte{}, built: map[[32]byte][]byte{}}
	ctx, cancel := context.WithCancel(context.Background())
	a.ctx = ctx
	var wg sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		for _, stop := range a.stop {
			if stop != nil {
				stop()
			}
		}
		wg.Wait()
		for _, n := range a.nets {
			if n != nil {
				n.Close()
			}
		}
	})
	var addrs []string
	for i := range a.hot {
		if i >= validators && parts[i-validators].away {
			a.nets = append(a.nets, nil)
			continue
		}
		net, err := p2p.New(p2p.Config{Seed: a.hot[i].Derive("peer"), Genesis: a.gen.Hash(), Client: true})
		if err != nil {
			t.Fatal(err)
		}
		a.nets = append(a.nets, net)
		if i >= validators {
			parts[i-validators].start(a, i, net)
			addrs = append(addrs, net.Addrs()...)
		}
	}
	for i := range validators {
		if err := a.nets[i].Connect(ctx, addrs...); err != nil {
			t.Fatal(err)
		}
		a.keeps[i] = &memKeep{m: map[string][]byte{}}
		a.startValidator(i)
	}
	wg.Add(1)
	go func() { defer wg.Done(); a.run(ctx, blockTime) }()
	return a
}

// startValidator runs validator i over its keep.
func (a *arena) startValidator(i int) {
	ctx, cancel := context.WithCancel(a.ctx)
	quit, ended := make(chan struct{}), make(chan struct{})
	a.quit[i], a.ended[i] = quit, ended
	v := validator.New(validator.Config{Quit: quit, ChainID: a.gen.ChainID, NetUID: netuid, Hotkey: a.hot[i], Net: a.nets[i], Chain: a.chain, Keep: a.keeps[i],
		Module: func(context.Context, plugins.ID) (plugins.Caller, error) { return a.module, nil },
		Data: func(_ context.Context, named ledger.DataSet, _ ledger.Epoch) (*dataset.Set, error) {
			if !a.data.Is(named) {
				return nil, dataset.ErrRoot
			}
			return a.data, nil
		},
		Artifact: func(_ context.Context, _ ledger.NetUID, _ ledger.Epoch, hash [32]byte) ([]byte, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if b, ok := a.built[hash]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		},
		KeepArtifact: func(_ ledger.NetUID, _ ledger.Epoch, hash [32]byte, b []byte) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.built[hash] = b
			return nil
		},
		Publish: func(_ ledger.NetUID, _ ledger.Epoch, write func(io.Writer) ([32]byte, error)) ([32]byte, int64, error) {
			var file bytes.Buffer
			root, err := write(&file)
			a.mu.Lock()
			defer a.mu.Unlock()
			a.files[root] = file.Bytes()
			return root, int64(file.Len()), err
		},
		Notify: func(e validator.Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.events[i] = append(a.events[i], e)
		}})
	done := make(chan error, 1)
	go func() { defer close(ended); done <- v.Run(ctx) }()
	a.stop[i] = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			a.t.Errorf("validator %d ended: %v", i, err)
		}
	})
}

// wait waits until ok holds.
func (a *arena) wait(what string, ok func() bool) {
	a.t.Helper()
	for end := time.Now().Add(slower * 90 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			a.mu.Lock()
			for i := range a.events {
				for _, e := range a.events[i] {
					a.t.Logf("validator %d: %s, epoch %d round %d: %v", i, e.Kind, e.Epoch, e.Round, e.Err)
				}
			}
			a.mu.Unlock() // the clean-up waits for loops that tell their events
			a.t.Fatalf("no %s within 90 s, at block %d; refused %v", what, a.clock().Step, a.refused)
		}
		if a.t.Failed() {
			a.t.FailNow()
		}
	}
}

// told returns the events of validator i of one kind.
func (a *arena) told(i int, kind string) (out []validator.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events[i] {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// revealed waits until all validators have revealed epoch e.
func (a *arena) revealed(e ledger.Epoch) {
	a.t.Helper()
	a.wait("reveals", func() bool {
		v := a.now()
		for i := range validators {
			if open, err := ledger.LoadReveal(v, netuid, e, a.hot[i].Public()); err != nil || open == nil {
				return false
			}
		}
		return true
	})
}

// bundle decodes the bundle that validator i committed for epoch e.
func (a *arena) bundle(i int, e ledger.Epoch) *evidence.Bundle {
	a.t.Helper()
	com, err := ledger.LoadCommitted(a.now(), netuid, e, a.hot[i].Public())
	if err != nil || com == nil {
		a.t.Fatalf("validator %d committed nothing for epoch %d: %v", i, e, err)
	}
	a.mu.Lock()
	file := a.files[com.Evidence]
	a.mu.Unlock()
	b, err := evidence.Decode(file, com.Evidence)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// equal replays every bundle of epoch e and wants nothing to differ.
func (a *arena) equal(e ledger.Epoch) []*evidence.Bundle {
	a.t.Helper()
	var out []*evidence.Bundle
	for i := range validators {
		b := a.bundle(i, e)
		r, err := evidence.Replay(a.ctx, a.now(), a.module, b, nil)
		if err != nil {
			a.t.Fatalf("replay of validator %d: %v", i, err)
		}
		if !r.Equal() {
			a.t.Errorf("replay of validator %d: %s", i, r.Diff)
		}
		out = append(out, b)
	}
	return out
}
