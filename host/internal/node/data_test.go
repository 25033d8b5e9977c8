package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// lines is a set of n lines that say which.
func lines(t *testing.T, name string, n int) *dataset.Set {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s, line %d\n", name, i)
	}
	s, _, err := dataset.Read(strings.NewReader(b.String()), dataset.Source{Format: dataset.Lines})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// home is a node's data sets in a folder of their own.
func newData(t *testing.T, seed byte, peers ...*datasets) *datasets {
	t.Helper()
	d := newDatasets(filepath.Join(t.TempDir(), "datasets"), key.Seed{seed}, testLog())
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.bound(config.Datasets{Fetch: true})
	d.fetch = func(_ context.Context, id [32]byte, path string, max int64, check func(io.ReaderAt, int64) error) error {
		err := p2p.ErrNoBlob
		for _, p := range peers {
			f, size, e := p.serve(id)
			if e != nil {
				continue
			}
			b, _ := io.ReadAll(f)
			f.Close()
			if size > max {
				return p2p.ErrBlobSize
			}
			if err = check(bytes.NewReader(b), size); err == nil {
				return os.WriteFile(path, b, 0o600)
			}
		}
		return err
	}
	return d
}

func save(t *testing.T, d *datasets, s *dataset.Set) {
	t.Helper()
	if err := dataset.Save(filepath.Join(d.dir, dataset.FileName(s.Named().Root)), s.Encode(nil)); err != nil {
		t.Fatal(err)
	}
}

// A set that is in the home of one node comes to another that needs it; a file that
// only the operator's configuration names does not.
func TestDataIsFetched(t *testing.T) {
	a := newData(t, 1)
	b := newData(t, 2, a)
	public, private := lines(t, "public", 10), lines(t, "private", 10)
	save(t, a, public)
	file := filepath.Join(t.TempDir(), "mine")
	if err := dataset.Save(file, private.Encode(nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.open(t.Context(), 2, file, private.Named(), 1); err != nil {
		t.Fatal(err)
	}
	got, err := b.open(t.Context(), 1, "", public.Named(), 1)
	if err != nil || !got.Is(public.Named()) {
		t.Fatal(err)
	}
	if _, err := b.open(t.Context(), 2, "", private.Named(), 1); !errors.Is(err, p2p.ErrNoBlob) || !errors.Is(err, dataset.ErrMissing) || !strings.Contains(err.Error(), "netuid 2") {
		t.Errorf("a private set: %v", err)
	}
	again := newData(t, 2) // nobody to ask, the same home
	again.dir = b.dir
	if _, err := again.open(t.Context(), 1, "", public.Named(), 1); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	c := newData(t, 3, b)
	if _, err := c.open(t.Context(), 1, "", public.Named(), 1); err != nil {
		t.Errorf("from one that has fetched it: %v", err)
	}
	off := newData(t, 4, a)
	off.bound(config.Datasets{})
	if _, err := off.open(t.Context(), 1, "", public.Named(), 1); err == nil || !strings.Contains(err.Error(), "datasets.fetch") {
		t.Errorf("told not to ask: %v", err)
	}
	liar := newData(t, 5)
	if err := dataset.Save(filepath.Join(liar.dir, dataset.FileName(public.Named().Root)), private.Encode(nil)); err != nil {
		t.Fatal(err)
	}
	d := newData(t, 6, liar)
	if _, err := d.open(t.Context(), 1, "", public.Named(), 1); !errors.Is(err, dataset.ErrRoot) {
		t.Errorf("another set under the name: %v", err)
	}
	if _, _, err := b.serve([32]byte{1}); err == nil {
		t.Error("something is served for any name")
	}
}

// Who could not be served leaves peers alone for a while, and a waiting round ends
// with its context.
func TestDataPauses(t *testing.T) {
	d := newData(t, 1)
	asked := 0
	d.fetch = func(context.Context, [32]byte, string, int64, func(io.ReaderAt, int64) error) error {
		asked++
		return p2p.ErrNoBlob
	}
	named := lines(t, "x", 3).Named()
	for range 3 {
		if _, err := d.open(t.Context(), 1, "", named, 1); !errors.Is(err, p2p.ErrNoBlob) {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("peers were asked %d times", asked)
	}
	d.held[named.Root].again = time.Time{}
	begun, end := make(chan struct{}), make(chan struct{})
	d.fetch = func(context.Context, [32]byte, string, int64, func(io.ReaderAt, int64) error) error {
		close(begun)
		<-end
		return p2p.ErrNoBlob
	}
	done := make(chan struct{})
	go func() { defer close(done); d.open(context.Background(), 1, "", named, 1) }()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := d.open(ctx, 1, "", named, 1); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "fetched") {
		t.Errorf("while another fetches: %v", err)
	}
	other := lines(t, "y", 3)
	save(t, d, other)
	if _, err := d.open(t.Context(), 2, "", other.Named(), 1); err != nil {
		t.Errorf("another subnet's set meanwhile: %v", err)
	}
	close(end)
	<-done
}

func TestDataQuota(t *testing.T) {
	a := newData(t, 1)
	b := newData(t, 2, a)
	var sets []*dataset.Set
	for i := range 4 {
		s := lines(t, fmt.Sprint("set ", i), 50)
		sets = append(sets, s)
		save(t, a, s)
	}
	size := int64(len(sets[0].Encode(nil)))
	b.bound(config.Datasets{Fetch: true, Quota: 2*size + size/2})
	has := func() (out string) {
		for _, s := range sets {
			c := "-"
			if _, err := os.Stat(filepath.Join(b.fetched(), dataset.FileName(s.Named().Root))); err == nil {
				c = "x"
			}
			out += c
		}
		return out
	}
	open := func(netuid ledger.NetUID, i int) error {
		_, err := b.open(t.Context(), netuid, "", sets[i].Named(), 1)
		old := time.Now().Add(time.Duration(i-100) * time.Hour)
		os.Chtimes(filepath.Join(b.fetched(), dataset.FileName(sets[i].Named().Root)), old, old)
		return err
	}
	for i, want := range []string{"x---", "xx--"} {
		if err := open(1, i); err != nil || has() != want {
			t.Fatalf("set %d: %v, %s", i, err, has())
		}
	}
	if err := open(2, 2); !errors.Is(err, p2p.ErrBlobSize) || has() != "xx--" {
		t.Errorf("two are in use, and a third would not fit: %v, %s", err, has())
	}
	b.forget(1)
	b.held[sets[2].Named().Root].again = time.Time{}
	if err := open(2, 2); err != nil || has() != "-xx-" {
		t.Errorf("the oldest of no use goes: %v, %s", err, has())
	}
	b.bound(config.Datasets{Fetch: true, Quota: size})
	if err := open(2, 3); !errors.Is(err, errQuota) || !strings.Contains(err.Error(), "datasets.quota") {
		t.Errorf("no room at all: %v", err)
	}
	save(t, b, sets[0]) // the operator's own is never removed
	if err := b.collect(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, dataset.FileName(sets[0].Named().Root))); err != nil {
		t.Error(err)
	}
}

// A sealed set goes to everybody, its keys to permit holders alone: from its
// owner, and from each other.
func TestSealedData(t *testing.T) {
	secret := key.Seed{77}
	x, err := dataset.Seal(lines(t, "hidden", 12), 4, secret)
	if err != nil {
		t.Fatal(err)
	}
	named := x.Set().Named()
	named.From = 10
	owner := newData(t, 1)
	save(t, owner, x.Set())
	if err := keys.Save(filepath.Join(owner.dir, dataset.SecretName(x.Root())), secret); err != nil {
		t.Fatal(err)
	}
	if err := owner.own(); err != nil {
		t.Fatal(err)
	}
	permits := []byte{2, 3}
	at := uint64(1) // window of the running epoch
	readers := func(roots map[[32]byte]bool) (out []reader, err error) {
		if !roots[x.Root()] {
			return nil, nil
		}
		for _, s := range permits {
			w, _ := key.Seed{s}.Work(false)
			out = append(out, reader{x.Root(), at, w.Enc})
		}
		return out, nil
	}
	owner.readers = readers
	b := newData(t, 2, owner)
	b.readers = readers
	s, err := b.open(t.Context(), 7, "", named, 11)
	if err != nil {
		t.Fatal(err)
	}
	first, count := named.Draw(11)
	for i := first; i < first+count; i++ {
		d, proof, err := s.Slice(i)
		if err != nil || string(d) != fmt.Sprintf("hidden, line %d", i) || dataset.Verify(named, i, d, proof) != nil {
			t.Errorf("slice %d: %q, %v", i, d, err)
		}
	}
	if s.Sealed().Has(0) {
		t.Error("a key of a window that is dead was granted")
	}
	c := newData(t, 3, b) // the owner is away
	if _, err := c.open(t.Context(), 7, "", named, 11); err != nil {
		t.Errorf("from another holder: %v", err)
	}
	again := newData(t, 3) // nobody is there
	again.dir = c.dir
	if _, err := again.open(t.Context(), 7, "", named, 12); err != nil {
		t.Errorf("from the grant that was kept: %v", err)
	}
	out := newData(t, 4, owner, b)
	if _, err := out.open(t.Context(), 7, "", named, 11); !errors.Is(err, dataset.ErrLocked) || !strings.Contains(err.Error(), "window 1") {
		t.Errorf("without a permit: %v", err)
	}
	if _, _, err := owner.serve(dataset.GrantID(x.Root(), work(4))); err == nil {
		t.Error("a grant for one without a permit is served")
	}
	// A new permit counts at the next look; the holder needs nobody's doing.
	permits = append(permits, 4)
	owner.looked = time.Time{}
	for _, h := range out.held {
		h.again = time.Time{}
	}
	if _, err := out.open(t.Context(), 7, "", named, 11); err != nil {
		t.Errorf("with a new permit: %v", err)
	}
	// An epoch without a window draws nothing, which needs no key.
	none := newData(t, 5, owner)
	if _, err := none.open(t.Context(), 7, "", named, 14); err != nil {
		t.Errorf("after the last window: %v", err)
	}
	// What another set's holder has, or a broken file, opens nothing.
	for name, b := range map[string][]byte{"rubbish": []byte("x"), "empty": nil} {
		d := newData(t, 6, out)
		os.MkdirAll(d.fetched(), 0o700)
		if err := dataset.Save(filepath.Join(d.dir, dataset.GrantName(x.Root(), work(6))), b); err != nil {
			t.Fatal(err)
		}
		if _, err := d.open(t.Context(), 7, "", named, 11); !errors.Is(err, dataset.ErrLocked) {
			t.Errorf("a grant that is %s: %v", name, err)
		}
	}
}

func work(s byte) key.ID {
	w, _ := key.Seed{s}.Work(false)
	return w.Enc
}

// An owner's folder that does not fit together is told at the start.
func TestOwnedData(t *testing.T) {
	x, err := dataset.Seal(lines(t, "hidden", 4), 2, key.Seed{1})
	if err != nil {
		t.Fatal(err)
	}
	d := newData(t, 1)
	if err := keys.Save(filepath.Join(d.dir, dataset.SecretName(x.Root())), key.Seed{1}); err != nil {
		t.Fatal(err)
	}
	if err := d.own(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), ".secret") {
		t.Errorf("a secret without its set: %v", err)
	}
	if err := dataset.Save(filepath.Join(d.dir, dataset.FileName(x.Root())), lines(t, "open", 3).Encode(nil)); err != nil {
		t.Fatal(err)
	}
	if err := d.own(); !errors.Is(err, dataset.ErrRoot) {
		t.Errorf("a secret of another set: %v", err)
	}
	save(t, d, x.Set())
	if err := d.own(); err != nil || !d.owned[x.Root()].Has(1) {
		t.Errorf("both: %v", err)
	}
}

func TestWindowsLeft(t *testing.T) {
	d := ledger.DataSet{Slices: 23, Window: 5, From: 10}
	for e, want := range map[ledger.Epoch]uint64{0: 4, 9: 4, 10: 4, 11: 3, 13: 1, 14: 0, 15: 0, 1 << 60: 0} {
		windows, left := d.Windows(e)
		if windows != 4 || left != want {
			t.Errorf("epoch %d: %d of %d, want %d of 4", e, left, windows, want)
		}
		if _, count := d.Draw(e); e >= d.From && (count > 0) != (left > 0) {
			t.Errorf("epoch %d: the ledger draws %d slices, %d windows are left", e, count, left)
		}
	}
	d.Window = 0
	if windows, _ := d.Windows(12); windows != 0 {
		t.Error("a set without windows has some")
	}
}
