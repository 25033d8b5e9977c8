package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtrecord "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/multiformats/go-multiaddr"
)

const (
	// MaxRecord is the longest peer record in bytes.
	MaxRecord = 2048
	// maxRecordAddrs is how many addresses a record may have.
	maxRecordAddrs = 16
	// recordSpace is the DHT's name space of peer records.
	recordSpace = "peer"
	// recordsKept bounds the records of others that a host keeps for the DHT:
	// 32 MiB at most.
	recordsKept = 16384
	// recordEvery is how often a host announces itself again; the DHT forgets a
	// record after two days.
	recordEvery = 6 * time.Hour
	recordRetry = 10 * time.Second
	// recordSettle is how long a host waits after its addresses changed: several
	// changes come together. relayLook is how often it looks for a place at a relay.
	recordSettle, relayLook = 2 * time.Second, time.Second
	recordTTL               = time.Hour // of its addresses, once read
)

// ErrRecord: a peer record is malformed or not signed by the peer that it names.
var ErrRecord = errors.New("p2p: bad peer record")

// Record is what a peer says, under its signature, of where it is. The chain
// names peers and never addresses: a record binds addresses to the peer id that
// the chain names.
type Record struct {
	Peer  peer.ID
	Seq   uint64 // a newer record has a higher one
	Addrs []multiaddr.Multiaddr
	env   *record.Envelope
}

// DecodeRecord reads a signed peer record (a libp2p envelope) and checks who
// signed it: ErrRecord if that is not the peer in it.
func DecodeRecord(b []byte) (Record, error) {
	if len(b) > MaxRecord {
		return Record{}, fmt.Errorf("%w: %d bytes, at most %d", ErrRecord, len(b), MaxRecord)
	}
	var r peer.PeerRecord
	env, err := record.ConsumeTypedEnvelope(b, &r)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	signer, err := peer.IDFromPublicKey(env.PublicKey)
	switch {
	case err != nil:
		return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
	case signer != r.PeerID:
		return Record{}, fmt.Errorf("%w: of %s, signed by %s", ErrRecord, r.PeerID, signer)
	case len(r.Addrs) > maxRecordAddrs:
		return Record{}, fmt.Errorf("%w: %d addresses, at most %d", ErrRecord, len(r.Addrs), maxRecordAddrs)
	}
	return Record{Peer: r.PeerID, Seq: r.Seq, Addrs: r.Addrs, env: env}, nil
}

// seal makes this host's record.
func (h *Host) seal() ([]byte, error) {
	addrs := append(h.host.Addrs(), h.relayed()...)
	r := peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: h.ID(), Addrs: addrs[:min(len(addrs), maxRecordAddrs)]})
	env, err := record.Seal(r, h.host.Peerstore().PrivKey(h.ID()))
	if err != nil {
		return nil, fmt.Errorf("p2p: signing the peer record: %w", err)
	}
	return env.Marshal()
}

// learn remembers a record's addresses.
func (h *Host) learn(r Record) error {
	book, ok := peerstore.GetCertifiedAddrBook(h.host.Peerstore())
	if !ok {
		return errors.New("p2p: no book of signed records")
	}
	_, err := book.ConsumePeerRecord(r.env, recordTTL)
	return err
}

// Announce puts this host's signed addresses into the DHT. A host whose Config
// says Announce does so by itself.
func (h *Host) Announce(ctx context.Context) error {
	b, err := h.seal()
	if err != nil {
		return err
	}
	if err := h.dht.PutValue(ctx, recordKey(h.ID()), b); err != nil {
		return fmt.Errorf("p2p: announcing the peer record: %w", err)
	}
	return nil
}

// Lookup asks the DHT for a peer's record and remembers its addresses:
// ErrNotFound if there is none.
func (h *Host) Lookup(ctx context.Context, id peer.ID) (Record, error) {
	b, err := h.dht.GetValue(ctx, recordKey(id), dht.Quorum(1))
	if err != nil {
		return Record{}, fmt.Errorf("%w: %s: %w", ErrNotFound, id, err)
	}
	r, err := DecodeRecord(b)
	if err != nil {
		return r, err
	}
	return r, h.learn(r)
}

func recordKey(id peer.ID) string { return "/" + recordSpace + "/" + string(id) }

// keeper lets the DHT keep peer records and nothing else.
type keeper struct{}

// Validate accepts a record of the peer that the key names.
func (keeper) Validate(key string, value []byte) error {
	_, id, err := dhtrecord.SplitKey(key)
	if err != nil {
		return err
	}
	r, err := DecodeRecord(value)
	if err != nil {
		return err
	}
	if string(r.Peer) != id {
		return fmt.Errorf("%w: of %s under another key", ErrRecord, r.Peer)
	}
	return nil
}

// Select prefers the newest.
func (keeper) Select(_ string, values [][]byte) (int, error) {
	best, seq := -1, uint64(0)
	for i, v := range values {
		if r, err := DecodeRecord(v); err == nil && (best < 0 || r.Seq > seq) {
			best, seq = i, r.Seq
		}
	}
	if best < 0 {
		return 0, ErrRecord
	}
	return best, nil
}

// shelf is the DHT's memory, which anyone may fill, and so a bounded one: what is
// beyond replaces something else.
type shelf struct {
	ds.Batching
	mu   sync.Mutex
	keys map[ds.Key]bool
}

func newShelf() *shelf {
	return &shelf{Batching: dssync.MutexWrap(ds.NewMapDatastore()), keys: map[ds.Key]bool{}}
}

func (s *shelf) Put(ctx context.Context, k ds.Key, v []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.keys[k] && len(s.keys) >= recordsKept {
		for old := range s.keys { // any: who fills the shelf cannot choose which
			delete(s.keys, old)
			if err := s.Batching.Delete(ctx, old); err != nil {
				return err
			}
			break
		}
	}
	s.keys[k] = true
	return s.Batching.Put(ctx, k, v)
}

func (s *shelf) Delete(ctx context.Context, k ds.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, k)
	return s.Batching.Delete(ctx, k)
}

// Batch goes through Put and Delete.
func (s *shelf) Batch(context.Context) (ds.Batch, error) { return ds.NewBasicBatch(s), nil }

// announce keeps this host's record in the DHT until ctx ends.
func (h *Host) announce(ctx context.Context) error {
	return h.whenMoved(ctx, func(ctx context.Context) error {
		if h.dht.RoutingTable().Size() == 0 {
			return errNobody
		}
		return h.Announce(ctx)
	})
}

// errNobody: there is nobody to tell yet.
var errNobody = errors.New("p2p: nobody to tell")

// whenMoved calls tell at once, whenever the host's addresses change, and each
// recordEvery, until ctx ends. What fails is tried again.
func (h *Host) whenMoved(ctx context.Context, tell func(context.Context) error) error {
	moved, err := h.host.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated), eventbus.Name("plexus"))
	if err != nil {
		return err
	}
	defer moved.Close()
	next := time.NewTimer(0)
	defer next.Stop()
	look := time.NewTicker(relayLook)
	defer look.Stop()
	var places []multiaddr.Multiaddr // at relays, of which no event tells
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-moved.Out():
			next.Reset(recordSettle)
			continue
		case <-look.C:
			if now := h.relayed(); !slices.EqualFunc(now, places, multiaddr.Multiaddr.Equal) {
				places = now
				next.Reset(0)
			}
			continue
		case <-next.C:
		}
		c, cancel := context.WithTimeout(ctx, time.Minute)
		switch err := tell(c); err {
		case nil:
			next.Reset(recordEvery)
		case errNobody:
			next.Reset(time.Second)
		default:
			h.log.Debug("announcing this host", "err", err)
			next.Reset(recordRetry)
		}
		cancel()
	}
}

// Records is the exchange of peer records on a topic.
type Records struct {
	h     *Host
	topic Topic

	mu   sync.Mutex
	last map[peer.ID]uint64 // the newest record seen of each peer that named named
}

// Records joins the topic of a group's peer records, such as a subnet's. named
// says whether the chain names a peer in that group; records of others are not
// passed on. fn, which may be nil, is told of each record that is new; by then
// the host knows its addresses. Both must be quick.
func (h *Host) Records(group string, named func(peer.ID) bool, fn func(Record)) (*Records, error) {
	r := &Records{h: h, last: map[peer.ID]uint64{}}
	t, err := h.Join(group+"/peers", func(_ peer.ID, b []byte) Verdict {
		rec, err := DecodeRecord(b)
		switch {
		case err != nil:
			return Reject
		case !named(rec.Peer) || !r.newer(rec):
			return Ignore
		}
		if err := h.learn(rec); err != nil {
			return Ignore
		}
		if fn != nil {
			fn(rec)
		}
		return Accept
	})
	if err != nil {
		return nil, err
	}
	r.topic = t
	h.group.Go(func() error { // what was judged is known already
		for {
			if _, _, err := t.Next(h.ctx); err != nil {
				return nil
			}
		}
	})
	return r, nil
}

// newer notes a record unless one as new is known.
func (r *Records) newer(rec Record) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec.Seq <= r.last[rec.Peer] {
		return false
	}
	r.last[rec.Peer] = rec.Seq
	return true
}

// Announce tells the group where this host is.
func (r *Records) Announce(ctx context.Context) error {
	b, err := r.h.seal()
	if err != nil {
		return err
	}
	return r.topic.Publish(ctx, b)
}

// Run announces this host to the group once it has members, when its addresses
// change, and every few hours, until ctx ends. Who comes later finds it in the DHT.
func (r *Records) Run(ctx context.Context) error {
	return r.h.whenMoved(ctx, func(ctx context.Context) error {
		if len(r.topic.Peers()) == 0 {
			return errNobody
		}
		return r.Announce(ctx)
	})
}

// Peers returns the connected members of the topic.
func (r *Records) Peers() []peer.ID { return slices.Clone(r.topic.Peers()) }

// Close leaves the topic.
func (r *Records) Close() error { return r.topic.Close() }
