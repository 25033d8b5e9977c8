package p2p

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
)

// DefaultListen is where a host listens when nothing is configured: a port of
// the system's choice, on loopback only.
const DefaultListen = "/ip4/127.0.0.1/udp/0/quic-v1"

// Defaults of Config.
const (
	DefaultMaxPeers    = 400
	DefaultPrefixPeers = 8
)

// ErrConfig: a Config that breaks a rule.
var ErrConfig = errors.New("p2p: config")

// Config of a Host. Seed and Genesis are required.
type Config struct {
	// Seed of the ed25519 peer key.
	Seed [32]byte
	// Listen has the multiaddrs to listen on; none means DefaultListen. QUIC
	// always works; TCP (noise, yamux) only if an address here is a TCP one.
	Listen []string
	// Hidden listens nowhere, whatever Listen says: the host is reached through
	// relays only, at which it reserves places without finding out first whether it
	// could do without.
	Hidden bool
	// Genesis is the hash of the chain's genesis, whose first 8 bytes name the
	// network in all protocol ids.
	Genesis [32]byte
	// Client makes the DHT ask but not answer: for short-lived processes, which
	// would be dead entries in the tables of others.
	Client bool
	// Announce keeps this host's signed addresses in the DHT: for those who are
	// asked for by their peer id, nodes and miners.
	Announce bool
	// Relay offers to relay for peers that cannot be reached, within limits. Only
	// a host that can be reached itself should, and is then taken to be.
	Relay bool
	// HolePunching tries to replace a relayed connection by a direct one.
	HolePunching bool
	// MaxPeers is how many connections there may be before those used least are
	// closed down to a quarter of it, those to relays and gossip's own never; 0 means
	// DefaultMaxPeers.
	MaxPeers int
	// PrefixPeers is how many connections one IPv4 address or IPv6 /56 may have;
	// an IPv4 /24 may have four times, an IPv6 /48 eight times as many. Loopback
	// has no limit. 0 means DefaultPrefixPeers.
	PrefixPeers int
	// Book keeps the peers across restarts; nil forgets them.
	Book Book
	// Log receives what an operator may want to know; nil discards.
	Log *slog.Logger

	// What only tests set: whether the host can be reached, which connections it
	// takes, and who hears of hole punching.
	reach network.Reachability
	gater connmgr.ConnectionGater
	punch holepunch.EventTracer
}

// Book is where a host keeps the peers it knows: a small part of a key-value
// store.
type Book interface {
	// Get returns a value, nil when there is none.
	Get(key []byte) ([]byte, error)
	// Put keeps a value for good.
	Put(key, value []byte) error
}

// Validate says which rule the configuration breaks.
func (c *Config) Validate() error {
	switch {
	case c.Seed == [32]byte{}:
		return fmt.Errorf("%w: seed is all zeros: make one with crypto/rand", ErrConfig)
	case c.Hidden && c.Relay:
		return fmt.Errorf("%w: a hidden host cannot relay for others", ErrConfig)
	case c.MaxPeers < 0 || c.MaxPeers > 100_000:
		return fmt.Errorf("%w: max peers %d: must be 1..100000, or 0 for %d", ErrConfig, c.MaxPeers, DefaultMaxPeers)
	case c.PrefixPeers < 0 || c.PrefixPeers > 100_000:
		return fmt.Errorf("%w: peers of a prefix %d: must be 1..100000, or 0 for %d", ErrConfig, c.PrefixPeers, DefaultPrefixPeers)
	}
	return nil
}

func (c *Config) defaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Hidden:
		c.Listen = nil
	case len(c.Listen) == 0:
		c.Listen = []string{DefaultListen}
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = DefaultMaxPeers
	}
	if c.PrefixPeers == 0 {
		c.PrefixPeers = DefaultPrefixPeers
	}
}
