package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/p2p/internal/wire"
)

const (
	blobStall   = 10 * time.Second // without a chunk a peer is given up
	blobPeers   = 4                // at once
	blobAsked   = 16               // peers asked for the chunk list at once
	blobGather  = time.Second      // for other lists after the first
	blobTries   = 3                // passes over the peers without progress
	blobPause   = 300 * time.Millisecond
	blobMaxBusy = 5 * time.Second // longest pause that a busy peer is granted
)

// Fetch is the transfer of one blob from several peers at once.
//
// Each peer first says how the blob divides into chunks, by their hashes. Chunks
// that do not match the list most peers agree on are asked elsewhere, and a list
// whose whole fails Check gives way to the next one, of which only those chunks
// are fetched that differ: one liar costs the chunks about which it lied.
type Fetch struct {
	ID    [32]byte
	Peers []peer.ID // asked in this order
	Max   int64     // bytes; a larger blob is ErrBlobSize before anything is fetched
	// Check says whether the whole, of size bytes, is what the id names; nil
	// checks that the id is its SHA-256.
	Check func(r io.ReaderAt, size int64) error
	// Progress, if not nil, is told of the verified bytes so far and in all, from
	// several goroutines but not at once.
	Progress func(done, total int64)
}

// Memory fetches into memory.
func (f Fetch) Memory(ctx context.Context, h Opener) ([]byte, error) {
	m := &inMemory{}
	if err := f.into(ctx, h, m); err != nil {
		return nil, err
	}
	return m.b, nil
}

// File fetches to a file, which appears once it is whole and checked. Until then
// what came lies in path + ".part", of mode 0600, and a later Fetch goes on from
// there, in this process or another. Two at once for one path are not allowed.
func (f Fetch) File(ctx context.Context, h Opener, path string) error {
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("p2p: fetching %x: %w", f.ID[:8], err)
	}
	defer file.Close()
	if err := f.into(ctx, h, onDisk{file}); err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close(), os.Rename(part, path)); err != nil {
		return fmt.Errorf("p2p: fetching %x: %w", f.ID[:8], err)
	}
	return nil
}

// sink takes chunks.
type sink interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
}

type onDisk struct{ *os.File }

type inMemory struct{ b []byte }

func (m *inMemory) Truncate(n int64) error {
	if n > int64(len(m.b)) { // content comes before memory is spent on its size
		return nil
	}
	m.b = m.b[:n]
	return nil
}

func (m *inMemory) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(m.b)) {
		return 0, io.EOF
	}
	n := copy(p, m.b[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *inMemory) WriteAt(p []byte, at int64) (int, error) {
	if end := at + int64(len(p)); end > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, end-int64(len(m.b)))...)
	}
	return copy(m.b[at:], p), nil
}

// offer is a chunk list and who gave it.
type offer struct {
	size  uint64
	list  wire.ChunkList
	peers []peer.ID
}

// transfer is a Fetch under way.
type transfer struct {
	Fetch
	h Opener
	o *offer

	mu   sync.Mutex // guards what follows, and the sink's writes
	to   sink
	have map[int][32]byte // hash of each chunk that the sink holds
	todo [][2]int         // runs of chunks: first and number
	left int              // chunks missing
	done int64            // bytes of those that are there
	liar map[peer.ID]bool // sent what does not match its own list
	errs []error
}

func (f Fetch) into(ctx context.Context, h Opener, to sink) error {
	if f.Check == nil {
		f.Check = f.sha256
	}
	t := &transfer{Fetch: f, h: h, to: to, liar: map[peer.ID]bool{}}
	offers, err := t.gather(ctx)
	if err != nil {
		return err
	}
	if err := t.resume(offers); err != nil {
		return fmt.Errorf("p2p: fetching %x: %w", f.ID[:8], err)
	}
	for _, o := range offers {
		t.o = o
		if err = t.complete(ctx); err != nil {
			if ctx.Err() != nil {
				return err
			}
			continue
		}
		if err = to.Truncate(int64(o.size)); err != nil {
			return fmt.Errorf("p2p: fetching %x: %w", f.ID[:8], err)
		}
		if err = f.Check(to, int64(o.size)); err == nil {
			return nil
		}
		err = fmt.Errorf("%w: %x, as %d peers have it: %w", ErrBlobHash, f.ID[:8], len(o.peers), err)
	}
	return err
}

// sha256 is the default Check.
func (f Fetch) sha256(r io.ReaderAt, size int64) error {
	s := sha256.New()
	if _, err := io.Copy(s, io.NewSectionReader(r, 0, size)); err != nil {
		return err
	}
	if got := s.Sum(nil); [32]byte(got) != f.ID {
		return fmt.Errorf("sha-256 is %x", got[:8])
	}
	return nil
}

// gather asks the peers for their chunk lists and returns the different ones,
// that of most peers first.
func (t *transfer) gather(ctx context.Context) ([]*offer, error) {
	var offers []*offer
	errs := []error{fmt.Errorf("%w: %x at %d peers", ErrNoBlob, t.ID[:8], len(t.Peers))}
	for at := 0; at < len(t.Peers) && len(offers) == 0; at += blobAsked {
		offers, errs = t.ask(ctx, t.Peers[at:min(at+blobAsked, len(t.Peers))], errs)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(offers) == 0 {
		return nil, errors.Join(errs[:min(len(errs), 8)]...)
	}
	return offers, nil
}

func (t *transfer) ask(ctx context.Context, peers []peer.ID, errs []error) ([]*offer, []error) {
	type answer struct {
		at int
		o  *offer
		e  error
	}
	ctx, cancel := context.WithTimeout(ctx, blobStall)
	defer cancel()
	answers := make(chan answer)
	for i, p := range peers {
		go func() {
			o, err := t.list(ctx, p)
			answers <- answer{i, o, err}
		}()
	}
	got := make([]*offer, len(peers)) // in the order of the peers, whoever was first
	for range peers {
		a := <-answers
		if a.e != nil {
			errs = append(errs, a.e)
			continue
		}
		got[a.at] = a.o
		// The others have a moment more; all goroutines end with ctx.
		time.AfterFunc(blobGather, cancel)
	}
	var out []*offer
	for _, o := range got {
		if o == nil {
			continue
		}
		same := false
		for _, x := range out {
			if same = x.size == o.size && string(x.list.Append(nil)) == string(o.list.Append(nil)); same {
				x.peers = append(x.peers, o.peers...)
				break
			}
		}
		if !same {
			out = append(out, o)
		}
	}
	for i := 1; i < len(out); i++ { // stable, so that ties go to the peers named first
		for j := i; j > 0 && len(out[j].peers) > len(out[j-1].peers); j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out, errs
}

// list gets one peer's chunk list, again if the peer is busy.
func (t *transfer) list(ctx context.Context, p peer.ID) (*offer, error) {
	for {
		o, err := t.listOnce(ctx, p)
		var busy *BusyError
		if !errors.As(err, &busy) || !pause(ctx, min(busy.Retry, blobMaxBusy)) {
			return o, err
		}
	}
}

func (t *transfer) listOnce(ctx context.Context, p peer.ID) (*offer, error) {
	s, err := t.h.Open(ctx, p, blobName)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	size, err := t.request(s, 0, 0)
	if err != nil {
		return nil, err
	}
	raw, err := s.Recv(sha256.Size * wire.Chunks(size))
	if err != nil {
		return nil, err
	}
	list, err := wire.DecodeChunkList(raw, size)
	if err != nil {
		return nil, fmt.Errorf("p2p: peer %s: %w", p, err)
	}
	return &offer{size: size, list: list, peers: []peer.ID{p}}, nil
}

// request asks for chunks, or the list, and returns the size that the peer says.
func (t *transfer) request(s *Stream, from, count int) (uint64, error) {
	if err := s.Send(wire.BlobRequest{ID: t.ID, From: uint32(from), Count: uint32(count)}.Append(nil)); err != nil {
		return 0, err
	}
	raw, err := s.Recv(wire.BlobHead)
	if err != nil {
		return 0, err
	}
	a, err := wire.DecodeBlobAnswer(raw)
	switch {
	case err != nil:
		return 0, fmt.Errorf("p2p: peer %s: blob answer: %w", s.Remote(), err)
	case !a.Found:
		return 0, fmt.Errorf("%w at peer %s", ErrNoBlob, s.Remote())
	case a.Size > uint64(max(t.Max, 0)):
		return 0, fmt.Errorf("%w: peer %s says %d bytes, at most %d", ErrBlobSize, s.Remote(), a.Size, t.Max)
	}
	return a.Size, nil
}

// resume hashes what the sink holds already, up to the largest offer's size.
func (t *transfer) resume(offers []*offer) error {
	t.have = map[int][32]byte{}
	var size uint64
	for _, o := range offers {
		size = max(size, o.size)
	}
	buf := make([]byte, wire.BlobChunk)
	for i := range wire.Chunks(size) {
		n, err := t.to.ReadAt(buf, int64(i)*wire.BlobChunk)
		if err != nil && err != io.EOF {
			return err
		}
		if n == 0 {
			break
		}
		// The last chunk of an offer may be a part of what is there.
		t.have[i] = sha256.Sum256(buf[:n])
		for _, o := range offers {
			if i == len(o.list)-1 && n >= wire.ChunkLen(o.size, i) {
				if h := sha256.Sum256(buf[:wire.ChunkLen(o.size, i)]); h == o.list[i] {
					t.have[i] = h
				}
			}
		}
	}
	return nil
}

// complete gets the chunks of the current offer that are missing.
func (t *transfer) complete(ctx context.Context) error {
	t.plan()
	for idle := 0; t.left > 0 && idle < blobTries; {
		before := t.left
		if idle > 0 && !pause(ctx, blobPause) {
			return ctx.Err()
		}
		t.pass(ctx, slices.DeleteFunc(slices.Clone(t.o.peers), func(p peer.ID) bool { return t.liar[p] }))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if idle++; t.left < before {
			idle = 0
		}
		t.plan()
	}
	if t.left > 0 {
		n := len(t.errs)
		return fmt.Errorf("p2p: fetching %x: %d of %d chunks missing: %w", t.ID[:8], t.left, len(t.o.list), errors.Join(t.errs[max(0, n-8):]...))
	}
	return nil
}

// plan lists the runs of missing chunks.
func (t *transfer) plan() {
	t.todo, t.left, t.done = nil, 0, 0
	// Short blobs are divided too, so that each peer has a part.
	run := min(max(len(t.o.list)/(2*min(len(t.o.peers), blobPeers)), 1), wire.MaxRun)
	for i, h := range t.o.list {
		if t.have[i] == h {
			t.done += int64(wire.ChunkLen(t.o.size, i))
			continue
		}
		t.left++
		if n := len(t.todo); n > 0 && t.todo[n-1][1] < run && t.todo[n-1][0]+t.todo[n-1][1] == i {
			t.todo[n-1][1]++
		} else {
			t.todo = append(t.todo, [2]int{i, 1})
		}
	}
	t.report()
}

func (t *transfer) report() {
	if t.Progress != nil {
		t.Progress(t.done, int64(t.o.size))
	}
}

// pass has the peers work off the runs, each until it fails. A run whose peer
// failed goes to the others.
func (t *transfer) pass(ctx context.Context, peers []peer.ID) {
	queue := make(chan peer.ID, len(peers))
	for _, p := range peers {
		queue <- p
	}
	close(queue)
	var wg sync.WaitGroup
	for range min(blobPeers, len(peers)) {
		wg.Go(func() {
			for p := range queue {
				err := t.work(ctx, p)
				var busy *BusyError
				if errors.As(err, &busy) && pause(ctx, min(busy.Retry, blobMaxBusy)) {
					err = t.work(ctx, p)
				}
				if err != nil {
					t.mu.Lock()
					t.errs = append(t.errs, err)
					t.liar[p] = t.liar[p] || errors.Is(err, ErrBlobHash)
					t.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// work fetches runs from one peer until there are none.
func (t *transfer) work(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(blobStall, cancel)
	defer stall.Stop()
	s, err := t.h.Open(ctx, p, blobName)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		t.mu.Lock()
		if len(t.todo) == 0 {
			t.mu.Unlock()
			return nil
		}
		run := t.todo[0]
		t.todo = t.todo[1:]
		t.mu.Unlock()
		got, err := t.run(s, stall, run)
		if err != nil {
			t.mu.Lock()
			t.todo = append(t.todo, [2]int{run[0] + got, run[1] - got})
			t.mu.Unlock()
			return err
		}
	}
}

// run fetches one run and returns how many of its chunks came.
func (t *transfer) run(s *Stream, stall *time.Timer, run [2]int) (int, error) {
	size, err := t.request(s, run[0], run[1])
	if err != nil {
		return 0, err
	}
	if size != t.o.size {
		return 0, fmt.Errorf("%w: peer %s says %d bytes, and %d before", ErrBlobHash, s.Remote(), size, t.o.size)
	}
	for n := range run[1] {
		i := run[0] + n
		b, err := s.Recv(wire.ChunkLen(size, i))
		if err != nil {
			return n, err
		}
		h := sha256.Sum256(b)
		if h != t.o.list[i] {
			return n, fmt.Errorf("%w: chunk %d of %x from peer %s", ErrBlobHash, i, t.ID[:8], s.Remote())
		}
		stall.Reset(blobStall)
		t.mu.Lock()
		_, err = t.to.WriteAt(b, int64(i)*wire.BlobChunk)
		if err == nil {
			t.have[i] = h
			t.left--
			t.done += int64(len(b))
			t.report()
		}
		t.mu.Unlock()
		if err != nil {
			return n, err
		}
	}
	return run[1], nil
}

// pause waits and says whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
