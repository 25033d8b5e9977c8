package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// Pauses during which peers are left alone after they could not give a data set,
// or a grant; each is twice as long as the one before.
const (
	fetchFirst = time.Second
	fetchLast  = 30 * time.Second
)

// errQuota is why a set is not fetched.
var errQuota = errors.New("no room for another data set")

// datasets opens the data sets that subnets name: from where the operator says
// that they are, from the home's folder, or from peers. A set that takes long to
// open, or is not to be had, holds up no other.
//
// What lies in the home's folder datasets under its name is given to whoever asks;
// what the operator names with data is not, since who knows it may know answers.
type datasets struct {
	dir     string // the home's folder; "fetched" below it is the node's own
	hot     key.Seed
	log     *slog.Logger
	fetch   func(ctx context.Context, id [32]byte, path string, max int64, check func(io.ReaderAt, int64) error) error
	readers func(roots map[[32]byte]bool) ([]reader, error) // who may have the keys of these sets
	finder  dataset.Finder

	mu     sync.Mutex
	quota  int64                         // bytes of what was fetched, 0 for no bound
	asks   bool                          // whether peers are asked
	held   map[[32]byte]*heldSet         // by root
	uses   map[ledger.NetUID][2][32]byte // roots of the newest two sets of each subnet; others are dropped
	owned  map[[32]byte]*dataset.Sealed  // whose secrets lie in dir
	offers map[[32]byte]*offer           // by what they are asked for, see grants.go
	looked time.Time                     // when offers was made
}

// heldSet is one data set. Whoever took what busy holds works on it.
type heldSet struct {
	busy  chan struct{}
	set   *dataset.Set
	again time.Time // before which peers are not asked
	pause time.Duration
	err   error // why they could not give it
}

// failed notes that peers could not give what was asked for, nil that they could.
func (h *heldSet) failed(err error) {
	h.err = err
	if err == nil {
		h.again, h.pause = time.Time{}, 0
		return
	}
	h.pause = min(max(2*h.pause, fetchFirst), fetchLast)
	h.again = time.Now().Add(h.pause)
}

func newDatasets(dir string, hot key.Seed, log *slog.Logger) *datasets {
	return &datasets{dir: dir, hot: hot, log: log, held: map[[32]byte]*heldSet{}, uses: map[ledger.NetUID][2][32]byte{},
		owned: map[[32]byte]*dataset.Sealed{}, offers: map[[32]byte]*offer{}}
}

func (d *datasets) fetched() string { return filepath.Join(d.dir, "fetched") }

// bound sets what may be fetched from now on.
func (d *datasets) bound(c config.Datasets) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asks, d.quota = c.Fetch, c.Quota
}

// open returns the data set that a subnet names, ready for an epoch: place is the
// file or the folder that the operator names, empty for none.
func (d *datasets) open(ctx context.Context, netuid ledger.NetUID, place string, named ledger.DataSet, e ledger.Epoch) (*dataset.Set, error) {
	h := d.hold(netuid, named.Root)
	select {
	case h.busy <- struct{}{}:
		defer func() { <-h.busy }()
	case <-ctx.Done():
		return nil, fmt.Errorf("netuid %d: the data set %x is being fetched: %w", netuid, named.Root[:6], ctx.Err())
	}
	if h.set == nil || !h.set.Is(named) {
		s, err := d.find(ctx, h, place, named)
		if err != nil {
			return nil, fmt.Errorf("netuid %d: %w", netuid, err)
		}
		h.set = s
	}
	if x := h.set.Sealed(); x != nil {
		if err := d.unlock(ctx, h, x, named, e); err != nil {
			return nil, fmt.Errorf("netuid %d: %w", netuid, err)
		}
	}
	return h.set, nil
}

// find looks for a set in all places, then asks peers.
func (d *datasets) find(ctx context.Context, h *heldSet, place string, named ledger.DataSet) (*dataset.Set, error) {
	why := fmt.Errorf("%w: the subnet draws from %x: name its file, or a folder that has it, as data", dataset.ErrMissing, named.Root[:6])
	for _, p := range []string{place, d.dir, d.fetched()} {
		if p == "" {
			continue
		}
		s, err := d.finder.Find(p, named)
		if err == nil {
			return s, nil
		}
		if p == place {
			why = err
		}
	}
	d.mu.Lock()
	asks := d.asks
	d.mu.Unlock()
	if !asks {
		return nil, fmt.Errorf("%w; datasets.fetch is off", why)
	}
	if time.Now().Before(h.again) {
		return nil, h.err
	}
	err := d.get(ctx, named.Root)
	if err == nil {
		var s *dataset.Set
		if s, err = d.finder.Find(d.fetched(), named); err == nil {
			h.failed(nil)
			d.log.Info("a data set was fetched", "root", hex.EncodeToString(named.Root[:]), "slices", s.Len())
			return s, nil
		}
	}
	h.failed(fmt.Errorf("%w; peers: %w", why, err))
	return nil, h.err
}

// get fetches a set from peers.
func (d *datasets) get(ctx context.Context, root [32]byte) error {
	if err := os.MkdirAll(d.fetched(), 0o700); err != nil {
		return err
	}
	max, err := d.room()
	if err != nil {
		return err
	}
	if err := d.fetch(ctx, root, filepath.Join(d.fetched(), dataset.FileName(root)), max, dataset.Check(root)); err != nil {
		return err
	}
	return d.collect()
}

// used reports whether a subnet draws from a set.
func (d *datasets) used() map[[32]byte]bool {
	used := map[[32]byte]bool{}
	for _, u := range d.uses {
		used[u[0]], used[u[1]] = true, true
	}
	return used
}

// room is how long a set may be that is fetched now.
func (d *datasets) room() (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.quota == 0 {
		return dataset.MaxFile, nil
	}
	left := d.quota
	used := d.used()
	files, err := d.listFetched()
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if used[f.root] {
			left -= f.size
		}
	}
	if left <= 0 {
		return 0, fmt.Errorf("%w: those in use fill datasets.quota (%d bytes): raise it", errQuota, d.quota)
	}
	return min(left, dataset.MaxFile), nil
}

// collect removes sets that were fetched and that no subnet draws from any more,
// the oldest first, until the rest is within the quota.
func (d *datasets) collect() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.quota == 0 {
		return nil
	}
	files, err := d.listFetched()
	if err != nil {
		return err
	}
	total := int64(0)
	for _, f := range files {
		total += f.size
	}
	used := d.used()
	for _, f := range files {
		if total <= d.quota {
			break
		}
		if used[f.root] {
			continue
		}
		if err := os.Remove(filepath.Join(d.fetched(), dataset.FileName(f.root))); err != nil {
			return err
		}
		total -= f.size
		d.log.Info("a fetched data set was removed", "root", hex.EncodeToString(f.root[:]), "bytes", f.size)
	}
	return nil
}

// fetchedSet is a file of the folder fetched.
type fetchedSet struct {
	root [32]byte
	size int64
	at   time.Time
}

// listFetched lists the fetched sets, the oldest first.
func (d *datasets) listFetched() (out []fetchedSet, err error) {
	entries, err := os.ReadDir(d.fetched())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		b, bad := hex.DecodeString(strings.TrimSuffix(e.Name(), ".set"))
		info, gone := e.Info()
		if bad != nil || len(b) != 32 || gone != nil {
			continue
		}
		out = append(out, fetchedSet{[32]byte(b), info.Size(), info.ModTime()})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].at.Before(out[j].at) })
	return out, err
}

// hold returns the place of a set and drops what no subnet uses any more.
func (d *datasets) hold(netuid ledger.NetUID, root [32]byte) *heldSet {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u := d.uses[netuid]; u[0] != root && u[1] != root {
		d.uses[netuid] = [2][32]byte{root, u[0]}
		d.drop()
	}
	h := d.held[root]
	if h == nil {
		h = &heldSet{busy: make(chan struct{}, 1)}
		d.held[root] = h
	}
	return h
}

// forget drops what only this subnet used.
func (d *datasets) forget(netuid ledger.NetUID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.uses, netuid)
	d.drop()
}

func (d *datasets) drop() {
	used := d.used()
	for root := range d.held {
		if !used[root] {
			delete(d.held, root)
		}
	}
}

// serve opens what lies in the home's folder under a name, and makes grants.
func (d *datasets) serve(id [32]byte) (io.ReadSeekCloser, int64, error) {
	name := hex.EncodeToString(id[:])
	for _, path := range []string{filepath.Join(d.dir, name+".set"), filepath.Join(d.fetched(), name+".set"), filepath.Join(d.dir, name+".grant")} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			f.Close()
			continue
		}
		return f, info.Size(), nil
	}
	return d.grant(id)
}
