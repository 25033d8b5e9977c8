package chain

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/lp2p"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"
)

// The transports of consensus. Everything else of a node is on libp2p with
// either of them. All nodes of a network use the same one.
const (
	TransportLibp2p = "libp2p" // on Config.Host
	TransportTCP    = "tcp"    // CometBFT's own, with a port, a key and an address book of its own
)

// TCPConfig is CometBFT's own transport.
type TCPConfig struct {
	// Listen is HOST:PORT; the port must not be 0.
	Listen string
	// Peers are ID@HOST:PORT, as a node's TCPAddress gives it: they are dialled
	// again whenever they are lost, and others are found through them.
	Peers []string
}

// tcpRedial bounds the pause between attempts to reach a lost peer.
const tcpRedial = 20 * time.Second

// validate reports the first rule that the configuration of a transport breaks.
func (c *Config) validateTransport() error {
	switch c.Transport {
	case "", TransportLibp2p:
		if c.Host == nil {
			return fmt.Errorf("chain: config: the transport libp2p needs a host")
		}
		return nil
	case TransportTCP:
	default:
		return fmt.Errorf("chain: config: transport %q: want %s or %s", c.Transport, TransportLibp2p, TransportTCP)
	}
	host, port, err := net.SplitHostPort(c.TCP.Listen)
	if err != nil || port == "0" || port == "" {
		return fmt.Errorf("chain: config: transport tcp: address %q: want HOST:PORT with a port above 0", c.TCP.Listen)
	}
	if host != "" && net.ParseIP(host) == nil {
		return fmt.Errorf("chain: config: transport tcp: address %q: want an IP address to listen on", c.TCP.Listen)
	}
	for _, p := range c.TCP.Peers {
		if _, err := p2p.NewNetAddressString(p); err != nil {
			return fmt.Errorf("chain: config: transport tcp: peer %q: want ID@HOST:PORT: %w", p, err)
		}
	}
	return nil
}

// nodeKey is the identity of this node on CometBFT's transport, kept in its home.
func nodeKey(home string) (*p2p.NodeKey, error) {
	file := filepath.Join(home, "node-key.json")
	k, err := p2p.LoadOrGenNodeKey(file)
	if err != nil {
		return nil, fmt.Errorf("chain: key of this node: %w", err)
	}
	// CometBFT writes it so; a copy may have lost that.
	if err := os.Chmod(file, 0o600); err != nil {
		return nil, fmt.Errorf("chain: key of this node: %w", err)
	}
	return k, nil
}

// newTCP puts the reactors on CometBFT's own transport.
func (e *engine) newTCP(c *Config, cc *config.Config, info p2p.DefaultNodeInfo, k *p2p.NodeKey, reactors []lp2p.SwitchReactor, lg log.Logger) error {
	host, port, err := net.SplitHostPort(c.TCP.Listen)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host)
	if host == "" {
		host, ip = "0.0.0.0", net.IPv4zero
	}
	addr, err := p2p.NewNetAddressString(p2p.IDAddressString(k.ID(), net.JoinHostPort(host, port)))
	if err != nil {
		return fmt.Errorf("chain: transport tcp: %w", err)
	}
	// Within a machine or a site neighbours share addresses, which are not ones
	// of the internet.
	site := ip.IsLoopback() || ip.IsPrivate()
	cc.P2P.AllowDuplicateIP, cc.P2P.AddrBookStrict = site, !site
	cc.P2P.PersistentPeersMaxDialPeriod = tcpRedial
	// Other genesis, other network: the handshake compares this name.
	info.Network = fmt.Sprintf("%s/%x", info.Network, genesisTag(c))
	info.ListenAddr = "tcp://" + net.JoinHostPort(host, port)
	info.DefaultNodeID = k.ID()
	for _, r := range reactors {
		for _, ch := range r.GetChannels() {
			info.Channels = append(info.Channels, ch.ID)
		}
	}
	info.Channels = append(info.Channels, pex.PexChannel)
	if err := info.Validate(); err != nil {
		return fmt.Errorf("chain: transport tcp: %w", err)
	}
	transport := p2p.NewMultiplexTransport(info, *k, p2p.MConnConfig(cc.P2P))
	if !site {
		p2p.MultiplexTransportConnFilters(p2p.ConnDuplicateIPFilter())(transport)
	}
	p2p.MultiplexTransportMaxIncomingConnections(cc.P2P.MaxNumInboundPeers)(transport)
	sw := p2p.NewSwitch(cc.P2P, transport)
	sw.SetLogger(lg)
	for _, r := range reactors {
		sw.AddReactor(r.Name, r.Reactor)
	}
	sw.SetNodeInfo(info)
	sw.SetNodeKey(k)
	book := pex.NewAddrBook(filepath.Join(c.Home, "addresses.json"), cc.P2P.AddrBookStrict)
	book.SetLogger(lg)
	book.AddOurAddress(addr)
	sw.SetAddrBook(book)
	px := pex.NewReactor(book, &pex.ReactorConfig{SeedDisconnectWaitPeriod: 28 * time.Hour, PersistentPeersMaxDialPeriod: tcpRedial})
	px.SetLogger(lg)
	px.SetEnsurePeersPeriod(10 * time.Second) // of half a minute
	sw.AddReactor("PEX", px)
	if err := sw.AddPersistentPeers(c.TCP.Peers); err != nil {
		return fmt.Errorf("chain: transport tcp: peers: %w", err)
	}
	e.sw, e.tcp = sw, addr
	e.start = func() error {
		if err := transport.Listen(*addr); err != nil {
			return fmt.Errorf("transport tcp: listening on %s: %w: is the port in use?", addr.DialString(), err)
		}
		if err := sw.Start(); err != nil {
			return errors.Join(err, transport.Close())
		}
		return sw.DialPeersAsync(c.TCP.Peers)
	}
	e.shut = func() error { return errors.Join(sw.Stop(), transport.Close()) }
	return nil
}

func genesisTag(c *Config) []byte { h := c.Genesis.Hash(); return h[:8] }

// TCPAddress is what other nodes give as a peer, ID@HOST:PORT, when the
// transport is tcp, and empty otherwise. HOST is what this node listens on:
// 0.0.0.0 has to be replaced by an address that others reach.
func (n *Node) TCPAddress() string {
	if n.engine.tcp == nil {
		return ""
	}
	return n.engine.tcp.String()
}
