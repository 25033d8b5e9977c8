package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// grantAhead is how many windows a grant goes beyond the running one, so that who
// loses the permit does not keep the rest of the set for ever.
const grantAhead = 256

// offersFor is how long it is remembered who may have keys.
const offersFor = time.Second

// reader is a permit holder of a subnet that draws from a sealed set.
type reader struct {
	root   [32]byte
	window uint64 // of the running epoch
	enc    key.ID
}

// offer is a grant that may be asked for, made when it is.
type offer struct {
	reader
	from uint64 // first window of box
	box  []byte // sealed to the reader; nil until asked for
}

// unlock sees to it that the keys of an epoch's window are here: from the secret
// of the set's owner, from a grant in the home, or from a peer's.
func (d *datasets) unlock(ctx context.Context, h *heldSet, x *dataset.Sealed, named ledger.DataSet, e ledger.Epoch) error {
	if _, count := named.Draw(e); count == 0 {
		return nil // who draws says so
	}
	w := e - named.From
	ready := func() bool { return x.Has(w) && (w+1 == x.Windows() || x.Has(w+1)) } // the next epoch begins between two blocks
	if ready() {
		return nil
	}
	if d.local(x); ready() {
		return nil
	}
	if err := d.remote(ctx, h, x); err != nil && !x.Has(w) {
		return fmt.Errorf("%w: window %d of the data set %x: %w", dataset.ErrLocked, w, named.Root[:6], err)
	}
	if !x.Has(w) {
		return fmt.Errorf("%w: window %d of the data set %x: the grant that peers gave does not reach it", dataset.ErrLocked, w, named.Root[:6])
	}
	return nil
}

// local takes what keys the home has. A file that opens nothing is none.
func (d *datasets) local(x *dataset.Sealed) {
	root := x.Root()
	for _, dir := range []string{d.dir, d.fetched()} {
		secret, err := keys.LoadSeed(filepath.Join(dir, dataset.SecretName(root)), nil)
		if err == nil {
			err = x.UnlockAll(secret)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.log.Warn("the secret of a sealed data set does not open it", "root", hex.EncodeToString(root[:]), "err", err)
		}
		b, err := os.ReadFile(filepath.Join(dir, dataset.GrantName(root, d.reader())))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var g *dataset.Grant
		if err == nil {
			g, err = dataset.OpenGrant(d.hot, b)
		}
		if err == nil {
			err = x.Unlock(g)
		}
		if err != nil {
			d.log.Warn("a grant of a sealed data set is of no use", "root", hex.EncodeToString(root[:]), "err", err)
		}
	}
}

// reader is the node's own encryption key.
func (d *datasets) reader() key.ID {
	w, _ := d.hot.Work(false)
	return w.Enc
}

// remote asks peers for a grant.
func (d *datasets) remote(ctx context.Context, h *heldSet, x *dataset.Sealed) error {
	d.mu.Lock()
	asks := d.asks
	d.mu.Unlock()
	if !asks {
		return errors.New("datasets.fetch is off")
	}
	if time.Now().Before(h.again) {
		return h.err
	}
	var got *dataset.Grant
	check := func(r io.ReaderAt, size int64) error {
		b := make([]byte, min(size, dataset.MaxGrant))
		if _, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		g, err := dataset.OpenGrant(d.hot, b)
		if err == nil {
			err = x.Unlock(g)
		}
		got = g
		return err
	}
	root := x.Root()
	err := os.MkdirAll(d.fetched(), 0o700)
	if err == nil {
		err = d.fetch(ctx, dataset.GrantID(root, d.reader()), filepath.Join(d.fetched(), dataset.GrantName(root, d.reader())), dataset.MaxGrant, check)
	}
	h.failed(err)
	if err == nil {
		d.log.Info("keys of a sealed data set were granted", "root", hex.EncodeToString(root[:]), "first_window", got.First, "windows", len(got.Keys))
	}
	return err
}

// own loads the sealed sets whose secrets lie in the home's folder: who sealed a
// set grants its keys, whether or not the node validates.
func (d *datasets) own() error {
	entries, err := os.ReadDir(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	owned := map[[32]byte]*dataset.Sealed{}
	for _, e := range entries {
		root, err := hex.DecodeString(strings.TrimSuffix(e.Name(), ".secret"))
		if err != nil || len(root) != 32 || !strings.HasSuffix(e.Name(), ".secret") {
			continue
		}
		s, err := dataset.Load(filepath.Join(d.dir, dataset.FileName([32]byte(root))))
		if err != nil {
			return fmt.Errorf("the sealed data set of the secret %s: %w", e.Name(), err)
		}
		x := s.Sealed()
		if x == nil || x.Root() != [32]byte(root) {
			return fmt.Errorf("%w: %s is not what its name says", dataset.ErrRoot, dataset.FileName([32]byte(root)))
		}
		d.local(x)
		owned[x.Root()] = x
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owned = owned
	return nil
}

// sealed are the sealed sets of which keys may be here, by root.
func (d *datasets) sealed() map[[32]byte]*dataset.Sealed {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[[32]byte]*dataset.Sealed{}
	for root, h := range d.held {
		select { // one that is being fetched has nothing to give
		case h.busy <- struct{}{}:
			if h.set != nil && h.set.Sealed() != nil {
				out[root] = h.set.Sealed()
			}
			<-h.busy
		default:
		}
	}
	for root, x := range d.owned {
		out[root] = x
	}
	return out
}

// grant makes the grant of a permit holder who asks. It is encrypted to that
// holder, so that it does not matter who receives it.
func (d *datasets) grant(id [32]byte) (io.ReadSeekCloser, int64, error) {
	sets := d.sealed()
	if len(sets) == 0 || d.readers == nil {
		return nil, 0, fs.ErrNotExist
	}
	if err := d.look(sets); err != nil {
		return nil, 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.offers[id]
	if o == nil || sets[o.root] == nil {
		return nil, 0, fs.ErrNotExist
	}
	// What peers are told must stay the same while they fetch it.
	if o.box == nil || o.window > o.from+grantAhead/2 {
		g, err := sets[o.root].Grant(o.window, grantAhead+1)
		if err != nil {
			return nil, 0, err
		}
		if o.box, err = g.SealTo(o.enc); err != nil {
			return nil, 0, err
		}
		o.from = o.window
	}
	return nopCloser{bytes.NewReader(o.box)}, int64(len(o.box)), nil
}

// look finds out who may have keys, at most every offersFor.
func (d *datasets) look(sets map[[32]byte]*dataset.Sealed) error {
	d.mu.Lock()
	fresh := time.Since(d.looked) < offersFor
	d.mu.Unlock()
	if fresh {
		return nil
	}
	roots := map[[32]byte]bool{}
	for root := range sets {
		roots[root] = true
	}
	all, err := d.readers(roots)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	offers := map[[32]byte]*offer{}
	for _, r := range all {
		id := dataset.GrantID(r.root, r.enc)
		o := &offer{reader: r}
		if was := d.offers[id]; was != nil {
			o.from, o.box = was.from, was.box
		}
		offers[id] = o
	}
	d.offers, d.looked = offers, time.Now()
	return nil
}

// readers are the permit holders of the subnets that draw from sealed sets.
func (n *Node) readers(roots map[[32]byte]bool) (out []reader, err error) {
	v := n.chain.View()
	defer v.Close()
	nets, err := ledger.Subnets(v)
	if err != nil {
		return nil, err
	}
	for _, netuid := range nets {
		sub, err := ledger.LoadSubnet(v, netuid)
		if err != nil {
			return nil, err
		}
		clock, err := ledger.LoadClock(v, netuid)
		if err != nil {
			return nil, err
		}
		if sub == nil || clock == nil {
			continue
		}
		named := []ledger.DataSet{sub.Data}
		if p, err := ledger.LoadPlanned(v, netuid); err != nil {
			return nil, err
		} else if p != nil {
			named = append(named, p.Data)
		}
		for _, d := range named {
			if !roots[d.Root] || d.Window == 0 {
				continue
			}
			roster, err := ledger.LoadRoster(v, netuid, clock.Epoch)
			if err != nil {
				return nil, err
			}
			window := uint64(0)
			if clock.Epoch > d.From {
				window = clock.Epoch - d.From
			}
			for i := range roster {
				if roster[i].Permit {
					out = append(out, reader{d.Root, window, roster[i].Work.Enc})
				}
			}
		}
	}
	return out, nil
}

// fetchFile gets a blob from the peers of the moment.
func (n *Node) fetchFile(ctx context.Context, id [32]byte, path string, max int64, check func(io.ReaderAt, int64) error) error {
	return p2p.Fetch{ID: id, Peers: n.net.Peers(), Max: max, Check: check}.File(ctx, n.net, path)
}
