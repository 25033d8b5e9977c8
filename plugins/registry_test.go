package plugins

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
)

// fake is what a loader makes of a module here: it answers with its version and
// its limits, and notes when it is closed. How modules really run is the business
// of the packages wasm and worker; their walk-through is in worker.
type fake struct {
	id     ID
	man    abi.Manifest
	lim    Limits
	gate   chan struct{} // calls wait for it, when there is one
	closed chan struct{}
}

func (f *fake) ID() ID                 { return f.id }
func (f *fake) Manifest() abi.Manifest { return f.man }
func (f *fake) Close() error           { close(f.closed); return nil }
func (f *fake) Call(ctx context.Context, _ abi.Op, _ []byte, _ [32]byte) (Reply, error) {
	select {
	case <-f.closed:
		return Reply{}, errors.New("called after it was closed")
	default:
	}
	if f.gate != nil {
		<-f.gate
	}
	return Reply{Body: []byte(f.man.Version), Fuel: f.lim.Fuel}, nil
}

// versionOf makes modules that differ.
func versionOf(t *testing.T, version string) []byte {
	t.Helper()
	b, err := AppendManifest(empty, abi.Manifest{Name: "m", Version: version, Meter: MeterVersion, Ops: []abi.Op{abi.OpSolve}, Fuel: 1, Pages: 1, Answer: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// shop is a registry whose loads are noted.
type shop struct {
	*Registry
	mu     sync.Mutex
	loaded []*fake
	peers  map[ID][]byte
	gate   chan struct{}
}

func newShop(t *testing.T, cfg RegistryConfig) *shop {
	t.Helper()
	s := &shop{peers: map[ID][]byte{}}
	store, err := OpenStore(filepath.Join(t.TempDir(), "modules"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Store = store
	cfg.Fetch = func(_ context.Context, id ID) ([]byte, error) {
		if b := s.peers[id]; b != nil {
			return b, nil
		}
		return nil, ErrNotFound
	}
	cfg.Load = func(_ context.Context, module []byte, lim Limits) (Caller, error) {
		m, err := ReadManifest(module)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		f := &fake{id: Digest(module), man: m, lim: lim, gate: s.gate, closed: make(chan struct{})}
		s.loaded = append(s.loaded, f)
		return f, nil
	}
	if s.Registry, err = NewRegistry(cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) offer(b []byte) ID {
	s.peers[Digest(b)] = b
	return Digest(b)
}

func call(t *testing.T, c Caller) (string, uint64) {
	t.Helper()
	r, err := c.Call(t.Context(), abi.OpSolve, nil, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Body), r.Fuel
}

func isClosed(f *fake) bool {
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}

func TestRegistryFollowsTheChain(t *testing.T) {
	s := newShop(t, RegistryConfig{})
	one, two := s.offer(versionOf(t, "1")), s.offer(versionOf(t, "2"))
	c1, err := s.Open(t.Context(), 7, one)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Warm(t.Context(), 7, two); err != nil {
		t.Fatal(err)
	}
	// The change of version loads nothing: both are warm.
	loads := len(s.loaded)
	c2, err := s.Open(t.Context(), 7, two)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := call(t, c1); v != "1" {
		t.Error("the old one answers", v)
	}
	if v, _ := call(t, c2); v != "2" {
		t.Error("the new one answers", v)
	}
	if len(s.loaded) != loads || loads != 2 {
		t.Errorf("%d loads, then %d", loads, len(s.loaded))
	}
	if _, err := s.Open(t.Context(), 7, ID{9}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a module that nobody has: %v", err)
	}
	s.peers[ID{8}] = versionOf(t, "3")
	if _, err := s.Open(t.Context(), 7, ID{8}); err == nil || !strings.Contains(err.Error(), "bytes are those of") {
		t.Errorf("a peer that lies: %v", err)
	}
	if _, err := s.Open(t.Context(), 7, ID{}); err == nil || !strings.Contains(err.Error(), "modules.source") {
		t.Errorf("no module at all: %v", err)
	}
	if got := s.Active(); len(got) != 2 || !slices.Contains(got, one) || !slices.Contains(got, two) {
		t.Errorf("active %v", got)
	}
}

// TestPolicyByConfig: an operator ties, limits, forbids and replaces a module by
// what stands in the configuration, and calls in flight end.
func TestPolicyByConfig(t *testing.T) {
	s := newShop(t, RegistryConfig{Limits: Limits{Fuel: 1000, Pages: 10, Log: 10}})
	one, two := s.offer(versionOf(t, "1")), s.offer(versionOf(t, "2"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.wasm"), versionOf(t, "own"), 0o600); err != nil {
		t.Fatal(err)
	}
	policy := func(sources, limits []string, allow, deny []ID) {
		t.Helper()
		p := Policy{Allow: allow, Deny: deny}
		for _, v := range sources {
			if err := p.Source(v, dir); err != nil {
				t.Fatal(err)
			}
		}
		for _, v := range limits {
			if err := p.Limit(v); err != nil {
				t.Fatal(err)
			}
		}
		s.Apply(p)
	}
	policy([]string{"7=" + one.String()}, []string{"7=fuel:500"}, nil, nil)
	c, err := s.Open(t.Context(), 7, ID{})
	if err != nil {
		t.Fatal(err)
	}
	if v, fuel := call(t, c); v != "1" || fuel != 500 {
		t.Errorf("version %s with %d", v, fuel)
	}
	if _, err := s.Open(t.Context(), 7, two); !errors.Is(err, ErrPinned) || !strings.Contains(err.Error(), "7=chain") {
		t.Errorf("tied, and the chain runs another: %v", err)
	}
	// Looser than the host's is not to be had.
	policy([]string{"7=" + one.String()}, []string{"7=fuel:99999", "all=pages:5 log:9"}, nil, nil)
	if _, fuel := call(t, c); fuel != 1000 {
		t.Errorf("fuel %d, the host's bound is 1000", fuel)
	}
	if lim := s.loaded[len(s.loaded)-1].lim; lim.Pages != 5 || lim.Log != 9 || !isClosed(s.loaded[0]) {
		t.Errorf("%+v, and the one under the old limits is closed: %v", lim, isClosed(s.loaded[0]))
	}
	policy([]string{"7=own.wasm"}, nil, nil, nil)
	own, err := s.Open(t.Context(), 7, ID{})
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := call(t, own); v != "own" {
		t.Errorf("version %s of a file", v)
	}
	policy(nil, nil, nil, []ID{one})
	if _, err := s.Open(t.Context(), 7, one); !errors.Is(err, ErrDenied) {
		t.Errorf("denied: %v", err)
	}
	if _, err := c.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); !errors.Is(err, ErrDenied) {
		t.Errorf("denied, by a Caller from before: %v", err)
	}
	policy(nil, nil, []ID{one}, nil)
	if _, err := s.Open(t.Context(), 7, two); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "modules.allow") {
		t.Errorf("not allowed: %v", err)
	}

	// A call that runs while its module is forbidden ends; only then it is closed.
	s.gate = make(chan struct{})
	policy(nil, []string{"7=log:1"}, nil, nil)
	slow, err := s.Open(t.Context(), 7, two)
	if err != nil {
		t.Fatal(err)
	}
	f := s.loaded[len(s.loaded)-1]
	done := make(chan error, 1)
	go func() {
		_, err := slow.Call(context.Background(), abi.OpSolve, nil, [32]byte{})
		done <- err
	}()
	for inFlight := false; !inFlight; time.Sleep(time.Millisecond) {
		s.Registry.mu.Lock()
		for _, m := range s.Registry.loaded {
			inFlight = inFlight || m.refs > 0
		}
		s.Registry.mu.Unlock()
	}
	policy(nil, nil, nil, []ID{two})
	if isClosed(f) {
		t.Error("closed under a running call")
	}
	close(s.gate)
	if err := <-done; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	if !isClosed(f) {
		t.Error("not closed after its last call")
	}
	s.Close()
	if _, err := own.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); !errors.Is(err, ErrRegistryClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestPolicyErrors(t *testing.T) {
	for _, v := range []string{"", "7", "x=chain", "70000=chain", "7=", "7=abc", "=chain"} {
		if err := new(Policy).Source(v, ""); err == nil {
			t.Errorf("source %q accepted", v)
		}
	}
	for _, v := range []string{"", "7", "all", "7=fuel", "7=fuel:0", "7=fuel:-1", "7=pages:99999", "7=heat:1", "x=fuel:1", "7=fuel:1,pages:2", "7= "} {
		if err := new(Policy).Limit(v); err == nil {
			t.Errorf("limit %q accepted", v)
		}
	}
}

func TestCollect(t *testing.T) {
	s, err := OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var ids []ID
	old := time.Now().Add(-time.Hour)
	for i, v := range []string{"1", "2", "3", "4"} {
		id, err := s.Put(versionOf(t, v))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		at := old.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(s.path(id), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Pin(ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.Pin(ID{1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("pinned what is not there: %v", err)
	}
	if err := s.noteActive(ids[2:3]); err != nil {
		t.Fatal(err)
	}
	l, err := s.List()
	if err != nil || len(l) != 4 {
		t.Fatalf("%v %v", l, err)
	}
	size := l[0].Size
	has := func(want ...ID) {
		t.Helper()
		for _, id := range ids {
			if _, err := os.Stat(s.path(id)); (err == nil) != slices.Contains(want, id) {
				t.Errorf("module %v there: %v", id, err == nil)
			}
		}
	}
	gone, err := s.Collect(nil, 3*size, true)
	if err != nil || len(gone) != 1 || gone[0].ID != ids[1] {
		t.Fatalf("would remove %v, %v", gone, err)
	}
	has(ids...)
	if _, err := s.Collect(ids[3:], 3*size, false); err != nil {
		t.Fatal(err)
	}
	has(ids[0], ids[2], ids[3]) // the oldest is pinned, so the second oldest goes
	if _, err := s.Collect(ids[3:], size, false); !errors.Is(err, ErrQuota) {
		t.Errorf("over the quota with what must stay: %v", err)
	}
	has(ids[0], ids[2], ids[3])
	if err := s.Unpin(ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(nil, 0, false); err != nil {
		t.Fatal(err)
	}
	has(ids[2]) // active by the node's own word
}
