package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plexus-network/plexus/host/internal/join"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/worker"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// Defaults that are package p2p's too, which a test of package node holds equal:
// its library takes too long to build for the fuzzing of this package.
const (
	defaultListen      = "/ip4/127.0.0.1/udp/0/quic-v1"
	defaultMaxPeers    = 400
	defaultPrefixPeers = 8
)

// Errors of a configuration.
var (
	// ErrConfig is returned for a configuration that breaks a rule.
	ErrConfig = errors.New("config")
	// ErrOtherNetwork is returned for a join string of another network than the
	// home's.
	ErrOtherNetwork = errors.New("config: join string of another network")
)

// Config is a node's configuration. What each field means, its unit and bounds
// are in the table of Keys, by the name beside the field.
type Config struct {
	Home string // the node's directory; not a key
	// Password asks for the password of an encrypted key file; not a key. Nil: such
	// a file is refused.
	Password  func() ([]byte, error)
	Genesis   string          // genesis
	Listen    []string        // listen
	Join      []string        // join
	BlockTime time.Duration   // block_time
	Hotkey    string          // hotkey; empty for a node that does not work
	Consensus string          // consensus; empty for a node that does not produce
	Validate  []ledger.NetUID // validate
	Subnets   []Subnet        // subnets
	Data      string          // data
	Datasets  Datasets        // datasets.*
	Cache     string          // cache
	Workers   int             // workers
	MaxCall   time.Duration   // max_call
	Transport string          // transport: "libp2p" or "tcp"
	TCP       TCP             // tcp.*
	P2P       P2P             // p2p.*
	Signer    Signer          // signer.*
	Prune     Prune           // prune.*
	Snapshot  Snapshot        // snapshot.*
	StateSync StateSync       // statesync.*
	API       API             // api.*
	Metrics   Metrics         // metrics.*
	Admin     Admin           // admin.*
	Log       Log             // log.*
	Modules   Modules         // modules.*
	Evidence  Evidence        // evidence.*
	Budget    Budget          // budget.*
}

// Budget is what the node gives to validating, all subnets together. Zero bounds
// nothing.
type Budget struct {
	Fuel      uint64 // a second
	Memory    uint64 // bytes of the calls that run at once
	Bandwidth uint64 // bytes a second of tasks and answers
}

// Evidence configures how long a validator's evidence is kept and served.
type Evidence struct {
	Keep    uint64 // epochs
	Archive bool   // keep all
}

// Datasets configures how the data sets of subnets are got and kept.
type Datasets struct {
	Fetch bool   // ask peers
	Quota int64  // bytes of what was fetched, 0 for no bound
	Warn  uint64 // windows
}

// Modules configures where modules come from and what bounds them.
type Modules struct {
	Source  []string // NETUID=chain, NETUID=HASH or NETUID=FILE
	Allow   []string // hashes; none: all
	Deny    []string // hashes
	Limits  []string // NETUID=fuel:N pages:N log:N, or all=…
	Quota   int64    // bytes of the store, 0 for no bound
	Inline  uint64   // fuel of a call in the node's own process, 0 for none
	Rate    uint64   // fuel a second of one module, 0 for no bound
	Pages   uint64   // memory of the calls of one module that run at once, in pages, 0 for no bound
	Workers int      // calls of one module that run at once, 0 for no bound
	Total   Total    // of all modules together
	Referee int      // every so-manieth call is repeated in the interpreter, 0 for none
}

// Total bounds all modules together; how many of their calls run at once is
// Config.Workers.
type Total struct {
	Rate  uint64 // fuel a second, 0 for no bound
	Pages uint64 // memory of the calls that run at once, in pages, 0 for no bound
}

// Policy is what the configuration decided of modules.
func (c *Config) Policy() (p plugins.Policy, err error) {
	for _, s := range c.Modules.Source {
		err = errors.Join(err, p.Source(s, c.Home))
	}
	for _, s := range c.Modules.Limits {
		err = errors.Join(err, p.Limit(s))
	}
	for _, l := range []struct {
		from []string
		to   *[]plugins.ID
	}{{c.Modules.Allow, &p.Allow}, {c.Modules.Deny, &p.Deny}} {
		for _, s := range l.from {
			id, e := plugins.ParseID(s)
			*l.to = append(*l.to, id)
			err = errors.Join(err, e)
		}
	}
	return p, err
}

// TCP configures the engine's own transport, for transport "tcp".
type TCP struct {
	Listen string   // HOST:PORT
	Peers  []string // ID@HOST:PORT
}

// P2P configures the libp2p host.
type P2P struct {
	Relay        bool // offer to relay for others
	HolePunching bool
	MaxPeers     int
	PrefixPeers  int
}

// Signer configures where votes are signed.
type Signer struct {
	Listen string // empty: with the key file named by consensus
}

// Prune configures what is forgotten.
type Prune struct {
	Keep uint64 // blocks, 0 for all
}

// Snapshot configures the snapshots offered to nodes that join.
type Snapshot struct {
	Interval uint64 // blocks, 0 for none
	Keep     int
}

// StateSync configures the start from a snapshot of others.
type StateSync struct {
	Enable bool
	Trust  string // HEIGHT:HASH, empty for the join string's
}

// API configures the HTTP API.
type API struct {
	Listen string // HOST:PORT, empty for none
	Rate   int    // requests a second and address
	Body   int64  // bytes
}

// Metrics configures where metrics are served.
type Metrics struct {
	Listen string // HOST:PORT, empty for the API's
}

// Admin configures the socket of the operator.
type Admin struct {
	Socket string
}

// Log configures what is written to standard error.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// Default is a full node of the public cadence whose listeners are all on
// loopback.
func Default() Config {
	return Config{Genesis: "genesis.cbor", Listen: []string{defaultListen}, BlockTime: 12 * time.Second,
		Cache: DefaultCache(), Workers: 1, MaxCall: 30 * time.Second, Transport: "libp2p",
		TCP:      TCP{Listen: "127.0.0.1:26656"},
		P2P:      P2P{HolePunching: true, MaxPeers: defaultMaxPeers, PrefixPeers: defaultPrefixPeers},
		Snapshot: Snapshot{Keep: 2},
		Datasets: Datasets{Fetch: true, Quota: 4 << 30, Warn: 8},
		API:      API{Listen: "127.0.0.1:9650", Rate: 50, Body: 1 << 20},
		Admin:    Admin{Socket: "admin.sock"}, Log: Log{Level: "info", Format: "text"},
		Modules:  Modules{Quota: 1 << 30, Inline: worker.DefaultInline, Referee: 256},
		Evidence: Evidence{Keep: 2 * evidence.LeastKeep}}
}

// DefaultCache is the folder of compiled modules in the user's cache.
func DefaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "plexus", "modules")
}

// Path makes a file name of the configuration absolute; an empty one stays so.
func (c *Config) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Home, name)
}

// JoinAddrs are the multiaddrs to begin with, taken out of the join strings.
// genesis is the hash of the home's own: a join string that names another one is
// ErrOtherNetwork.
func (c *Config) JoinAddrs(genesis [32]byte) ([]string, error) {
	var out []string
	for _, s := range c.Join {
		if !strings.HasPrefix(s, "plexus://") {
			out = append(out, s)
			continue
		}
		j, err := join.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		if j.Genesis != genesis {
			return nil, fmt.Errorf("%w: it names genesis %s, the home has %s: give the network's own join string, or make a home for the other one with plexus init",
				ErrOtherNetwork, hex.EncodeToString(j.Genesis[:6]), hex.EncodeToString(genesis[:6]))
		}
		out = append(out, j.Addrs...)
	}
	return out, nil
}

// Anchor is the block that a state sync trusts: that of statesync.trust, else that
// of the first join string that names one; nil for none, which leaves the genesis.
func (c *Config) Anchor() (*ledger.Anchor, error) {
	if c.StateSync.Trust != "" {
		a, err := join.ParseAnchor(c.StateSync.Trust)
		if err != nil {
			return nil, fmt.Errorf("%w: statesync.trust: %w", ErrConfig, err)
		}
		return a, nil
	}
	for _, s := range c.Join {
		if j, err := join.Parse(s); err == nil && j.Anchor != nil {
			return j.Anchor, nil
		}
	}
	return nil, nil
}

// Check reports the first rule that the configuration breaks, as ErrConfig.
func (c *Config) Check() error {
	for i := range table {
		if err := table[i].check(c); err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	switch {
	case len(c.Validate)+len(c.Subnets) > 0 && c.Hotkey == "":
		return fmt.Errorf("%w: validate and subnets need a hotkey", ErrConfig)
	case c.Consensus != "" && c.Hotkey == "":
		return fmt.Errorf("%w: consensus needs a hotkey, whose VRF opens the blocks", ErrConfig)
	case c.Signer.Listen != "" && c.Hotkey == "":
		return fmt.Errorf("%w: signer.listen needs a hotkey, whose VRF opens the blocks", ErrConfig)
	case c.Signer.Listen != "" && c.Consensus != "":
		return fmt.Errorf("%w: signer.listen and consensus are both set: the key is with the remote signer or in a file, never in two places", ErrConfig)
	}
	return nil
}
