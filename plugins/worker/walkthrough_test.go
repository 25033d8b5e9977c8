package worker

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// TestWalkThrough is the operator's story of the README of plugins, in real
// workers: a module is loaded from a file, tied by its hash, limited and replaced
// by what stands in the configuration alone, while calls run.
func TestWalkThrough(t *testing.T) {
	g, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	// The same guest under another name is another module.
	second := append(append([]byte(nil), g...), 0, 5, 4, 'n', 'o', 't', 'e')
	dir := t.TempDir()
	for name, b := range map[string][]byte{"one.wasm": g, "two.wasm": second} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := Open(Config{CacheDir: cacheDir, Inline: DefaultInline})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store, err := plugins.OpenStore(filepath.Join(dir, "modules"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := plugins.NewRegistry(plugins.RegistryConfig{Store: store, Load: pool.LoadLimited, Quota: int64(len(g) + len(second) + 100)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	apply := func(source, limit string) {
		t.Helper()
		var p plugins.Policy
		if err := p.Source(source, dir); err != nil {
			t.Fatal(err)
		}
		if limit != "" {
			if err := p.Limit(limit); err != nil {
				t.Fatal(err)
			}
		}
		r.Apply(p)
	}
	call := func(c plugins.Caller, in string) (plugins.Reply, error) {
		return c.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{1})
	}

	apply("7=one.wasm", "")
	one, err := r.Open(t.Context(), 7, plugins.ID{})
	if err != nil || one.ID() != plugins.Digest(g) {
		t.Fatalf("from a file: %v", err)
	}
	if out, err := call(one, "ehello"); err != nil || string(out.Body) != "hello" {
		t.Fatalf("%q %v", out.Body, err)
	}

	apply("7="+plugins.Digest(g).String(), "") // tied to what is in the store by now
	if _, err := r.Open(t.Context(), 7, plugins.Digest(second)); !errors.Is(err, plugins.ErrPinned) {
		t.Fatalf("the chain runs another: %v", err)
	}

	apply("7="+plugins.Digest(g).String(), "7=fuel:3000000")
	var f *plugins.Fault
	if _, err := call(one, "l"); !errors.As(err, &f) || f.Kind != plugins.ErrFuel || f.Fuel != 3000000 {
		t.Fatalf("limited: %v", err)
	}

	// Replaced while a long call runs in the old one, which ends as it would have.
	apply("7=one.wasm", "")
	done := make(chan error, 1)
	go func() {
		_, err := call(one, "g")
		done <- err
	}()
	running(t, pool)
	apply("7=two.wasm", "")
	two, err := r.Open(t.Context(), 7, plugins.ID{})
	if err != nil || two.ID() != plugins.Digest(second) {
		t.Fatalf("replaced: %v", err)
	}
	if out, err := call(two, "enew"); err != nil || string(out.Body) != "new" {
		t.Fatalf("%q %v", out.Body, err)
	}
	if err := <-done; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	all, err := store.List()
	if err != nil || len(all) != 2 || !all[0].Active && !all[1].Active {
		t.Errorf("%+v %v", all, err)
	}
}
