package p2p

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	dhtrecord "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/p2p/internal/conduct"
	"github.com/plexus-network/plexus/p2p/internal/slots"
)

// Errors that callers tell apart.
var (
	// ErrClosed: the host was closed.
	ErrClosed = errors.New("p2p: host closed")
	// ErrNotFound: no address of the peer is known and the DHT has none.
	ErrNotFound = errors.New("p2p: peer not found")
)

// Host is a libp2p host with what Plexus needs on top of it. It runs from New
// until Close; all methods may be called concurrently.
type Host struct {
	host    host.Host
	dht     *dht.IpfsDHT
	pubsub  *pubsub.PubSub
	prefix  string
	log     *slog.Logger
	ctx     context.Context // ends in Close
	cancel  context.CancelFunc
	group   *errgroup.Group
	once    sync.Once
	found   *discovery
	book    *book // nil when none is kept
	slots   slots.Slots
	stats   tally
	scores  scores
	conduct conduct.Conduct
	table   atomic.Pointer[dht.IpfsDHT] // dht, for what runs while the host is made
}

// Prefix is what all protocol ids of the network with this genesis begin with:
// "/plexus/" and 16 hexadecimal digits.
func Prefix(genesis [32]byte) string { return "/plexus/" + hex.EncodeToString(genesis[:8]) }

// ConsensusPrefix is what the ids of the consensus engine's protocols begin
// with. A peer that speaks one of them is a full node.
func ConsensusPrefix(genesis [32]byte) string { return Prefix(genesis) + "/consensus/" }

// New starts a host.
func New(c Config) (*Host, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.defaults()
	key, err := privateKey(c.Seed)
	if err != nil {
		return nil, err
	}
	limits, err := resources(c)
	if err != nil {
		return nil, fmt.Errorf("p2p: resource limits: %w", err)
	}
	conns, err := connmgr.NewConnManager(max(c.MaxPeers/4, 1), c.MaxPeers, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("p2p: connection manager: %w", err)
	}
	h := &Host{prefix: Prefix(c.Genesis), log: c.Log}
	opts := []libp2p.Option{
		libp2p.Identity(key), libp2p.UserAgent("plexus"),
		libp2p.ResourceManager(limits), libp2p.ConnectionManager(conns),
		libp2p.Transport(quic.NewTransport), libp2p.Ping(true),
	}
	if c.Hidden {
		opts = append(opts, libp2p.NoListenAddrs)
	} else {
		opts = append(opts, libp2p.ListenAddrStrings(c.Listen...))
	}
	opts = append(opts, h.reachability(c)...)
	for _, a := range c.Listen {
		if strings.Contains(a, "/tcp/") {
			// With port reuse a second node would listen on the same port in silence.
			opts = append(opts, libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()), libp2p.Security(noise.ID, noise.New), libp2p.DefaultMuxers)
			break
		}
	}
	lh, err := libp2p.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("p2p: listening on %s: %w", strings.Join(c.Listen, ", "), err)
	}
	// libp2p is content when one of several addresses works.
	for _, a := range missing(lh, c.Listen) {
		if err := lh.Network().Listen(a); err != nil {
			lh.Close()
			return nil, fmt.Errorf("p2p: listening on %s: %w", a, err)
		}
	}
	h.host = lh
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.group, h.ctx = errgroup.WithContext(h.ctx)
	if err := h.start(c); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// missing lists the wanted addresses, of those that name IP and port, on which
// the host does not listen.
func missing(h host.Host, want []string) (out []multiaddr.Multiaddr) {
	have := h.Network().ListenAddresses()
	for _, w := range want {
		a, err := multiaddr.NewMultiaddr(w)
		free := strings.Contains(w+"/", "/udp/0/") || strings.Contains(w+"/", "/tcp/0/")
		if err == nil && strings.HasPrefix(w, "/ip") && !free && !slices.ContainsFunc(have, a.Equal) {
			out = append(out, a)
		}
	}
	return out
}

func (h *Host) start(c Config) (err error) {
	mode := dht.ModeServer
	if c.Client {
		mode = dht.ModeClient
	}
	// Besides providers of the rendezvous names, the DHT keeps peer records only,
	// and few enough of them: else it would be other people's storage.
	h.dht, err = dht.New(h.host, dht.Mode(mode), dht.ProtocolPrefix(protocol.ID(h.prefix)),
		dht.Validator(dhtrecord.NamespacedValidator{recordSpace: keeper{}}), dht.ValueDatastore(newShelf()))
	if err != nil {
		return fmt.Errorf("p2p: starting the DHT: %w", err)
	}
	h.table.Store(h.dht)
	if err := h.dht.Bootstrap(h.ctx); err != nil {
		return fmt.Errorf("p2p: starting the DHT: %w", err)
	}
	if h.pubsub, err = h.newGossip(c); err != nil {
		return fmt.Errorf("p2p: starting gossip: %w", err)
	}
	if h.found, err = newDiscovery(h, ConsensusPrefix(c.Genesis)); err != nil {
		return fmt.Errorf("p2p: starting discovery: %w", err)
	}
	h.group.Go(func() error { return h.found.run(h.ctx) })
	if c.Announce {
		h.group.Go(func() error { return h.announce(h.ctx) })
	}
	if c.Book != nil {
		h.book = openBook(h, c.Book)
		h.group.Go(func() error { return h.book.run(h.ctx) })
	}
	return nil
}

// LogTo sends what libp2p itself logs to a handler, for the whole process; it
// works only before the first New. Without it libp2p writes to standard error.
func LogTo(h slog.Handler) { gologshim.SetDefaultHandler(h) }

// ID returns the host's peer id.
func (h *Host) ID() peer.ID { return h.host.ID() }

// Libp2p returns the host underneath, for protocols that live beside ours on
// the same identity and port.
func (h *Host) Libp2p() host.Host { return h.host }

// Addrs returns the addresses to give to others, each ending in /p2p/ and the
// peer id.
func (h *Host) Addrs() []string {
	var out []string
	for _, a := range h.host.Addrs() {
		out = append(out, a.String()+"/p2p/"+h.ID().String())
	}
	return out
}

// Connect dials the given addresses, which end in /p2p/ and a peer id. It
// succeeds when at least one peer was reached.
func (h *Host) Connect(ctx context.Context, addrs ...string) error {
	byPeer := map[peer.ID][]multiaddr.Multiaddr{}
	for _, a := range addrs {
		i, err := peer.AddrInfoFromString(a)
		if err != nil {
			return fmt.Errorf("p2p: address %q: must be a multiaddr ending in /p2p/PEER: %w", a, err)
		}
		byPeer[i.ID] = append(byPeer[i.ID], i.Addrs...)
	}
	delete(byPeer, h.ID())
	if len(byPeer) == 0 {
		return nil
	}
	ctx = network.WithAllowLimitedConn(ctx, "connect")
	errs := make(chan error, len(byPeer))
	for id, as := range byPeer {
		go func() { errs <- h.host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: as}) }()
	}
	var all []error
	for range byPeer {
		if err := <-errs; err != nil {
			all = append(all, err)
		}
	}
	if len(all) == len(byPeer) {
		return fmt.Errorf("p2p: no peer reached: %w", errors.Join(all...))
	}
	return nil
}

// Find sees to it that id can be dialled: by a connection, a remembered
// address, or a search of the DHT. ErrNotFound when none of these helps.
func (h *Host) Find(ctx context.Context, id peer.ID) error {
	switch h.host.Network().Connectedness(id) {
	case network.Connected, network.Limited:
		return nil
	}
	if id == h.ID() {
		return nil
	}
	ctx = network.WithAllowLimitedConn(ctx, "find")
	if len(h.host.Peerstore().Addrs(id)) > 0 && h.host.Connect(ctx, peer.AddrInfo{ID: id}) == nil {
		return nil
	}
	// The peer's own record goes first: what others remember of it may be where it
	// was, or an address that only they can reach.
	rec, err := h.Lookup(ctx, id)
	if err == nil {
		if err = h.host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: rec.Addrs}); err == nil {
			return nil
		}
	}
	info, e := h.dht.FindPeer(ctx, id)
	if e != nil {
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%w: %s: %w", ErrNotFound, id, e)
		}
		return fmt.Errorf("p2p: dialling %s: %w", id, err)
	}
	if err := h.host.Connect(ctx, info); err != nil {
		return fmt.Errorf("p2p: dialling %s: %w", id, err)
	}
	return nil
}

// Stats returns what the host counted so far.
func (h *Host) Stats() Stats {
	s := h.stats.snapshot()
	s.Known = len(h.FullNodes())
	for _, id := range h.Peers() {
		s.Peers++
		if h.host.Network().Connectedness(id) == network.Limited {
			s.Relayed++
		}
	}
	return s
}

// Peers returns the connected peers.
func (h *Host) Peers() []peer.ID { return h.host.Network().Peers() }

// Close ends all handlers and closes the host. It is safe to call twice.
func (h *Host) Close() (err error) {
	h.once.Do(func() {
		h.cancel()
		if h.book != nil {
			h.book.save()
		}
		if h.dht != nil {
			err = h.dht.Close()
		}
		if e := h.host.Close(); err == nil {
			err = e
		}
		h.group.Wait()
		h.slots.Wait()
	})
	return err
}
