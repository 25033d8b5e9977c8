package chain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/ledger/key"
)

// remote starts CometBFT's own signer, which calls a node at addr.
func remote(t *testing.T, seed key.Seed, state, addr string) (stop func()) {
	t.Helper()
	pv, err := openPrivval(seed, state)
	if err != nil {
		t.Fatal(err)
	}
	dial := privval.DialUnixFn(strings.TrimPrefix(addr, "unix://"))
	if tcp, ok := strings.CutPrefix(addr, "tcp://"); ok {
		dial = privval.DialTCPFn(tcp, 3*time.Second, ed25519.GenPrivKey())
	}
	e := privval.NewSignerDialerEndpoint(log.NewNopLogger(), dial, privval.SignerDialerEndpointConnRetries(300),
		privval.SignerDialerEndpointRetryWaitInterval(50*time.Millisecond))
	s := privval.NewSignerServer(e, "test", pv)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return func() { s.Stop() }
}

// A producer whose key is elsewhere makes blocks; the signer may go and come
// back, and the node may restart. What the signer signed before it will not sign
// again differently.
func TestRemoteSigner(t *testing.T) {
	t.Parallel()
	net, home := newTestnet(t, 1), t.TempDir()
	record := t.TempDir() + "/last-vote.json"
	for _, addr := range []string{"unix://" + t.TempDir() + "/signer", "tcp://" + freePort()} {
		away := func(c *Config) { c.ConsensusSeed, c.SignerListen = key.Seed{}, addr }
		stop := remote(t, net.consensus[0], record, addr)
		n := net.launch(t, home, 0, away)
		n.reach(t, n.Head().Height+3)
		stop()
		time.Sleep(300 * time.Millisecond)
		at := n.Head().Height
		time.Sleep(300 * time.Millisecond)
		if now := n.Head().Height; now > at+1 {
			t.Fatalf("%s: blocks without the signer: %d, then %d", addr, at, now)
		}
		stop = remote(t, net.consensus[0], record, addr)
		n.reach(t, at+3)
		if err := n.shut(t); err != nil {
			t.Fatal(err)
		}
		stop()
	}

	// The record outlives the signer: a vote for another block of the last height
	// is refused.
	pv, err := openPrivval(net.consensus[0], record)
	if err != nil {
		t.Fatal(err)
	}
	last := pv.LastSignState
	id := types.BlockID{Hash: make([]byte, 32), PartSetHeader: types.PartSetHeader{Total: 1, Hash: make([]byte, 32)}}
	id.Hash[0] = 1
	addr := "unix://" + t.TempDir() + "/signer"
	e, err := privval.NewSignerListenerFromAddr(addr, ed25519.GenPrivKey(), log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	client, err := privval.NewSignerClient(e, "test")
	if err != nil {
		t.Fatal(err)
	}
	stop := remote(t, net.consensus[0], record, addr)
	defer stop()
	if err := client.WaitForConnection(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]int64{"the last height": last.Height, "the one before": last.Height - 1} {
		v := &types.Vote{Type: cmtproto.PrecommitType, Height: h, Round: last.Round, BlockID: id, Timestamp: time.Now(), ValidatorAddress: pv.GetAddress()}
		if err := client.SignVote("test", v.ToProto()); err == nil {
			t.Errorf("%s was signed again", name)
		}
	}
	v := &types.Vote{Type: cmtproto.PrecommitType, Height: last.Height + 1, BlockID: id, Timestamp: time.Now(), ValidatorAddress: pv.GetAddress()}
	if err := client.SignVote("test", v.ToProto()); err != nil {
		t.Errorf("the next height: %v", err)
	}
}

func TestTransportAndSignerConfig(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 1)
	h := newHost(t)
	defer h.Close()
	base := Config{Home: t.TempDir(), DB: memory(t), Genesis: net.genesis, Host: h}
	for name, x := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no host":            {func(c *Config) { c.Host = nil }, "needs a host"},
		"unknown transport":  {func(c *Config) { c.Transport = "udp" }, "want libp2p or tcp"},
		"tcp without a port": {func(c *Config) { c.Transport, c.TCP.Listen = "tcp", "127.0.0.1" }, "want HOST:PORT"},
		"tcp on port 0":      {func(c *Config) { c.Transport, c.TCP.Listen = "tcp", "127.0.0.1:0" }, "want HOST:PORT"},
		"tcp on a name":      {func(c *Config) { c.Transport, c.TCP.Listen = "tcp", "localhost:1" }, "want an IP address"},
		"a peer without id": {func(c *Config) {
			c.Transport, c.TCP = "tcp", TCPConfig{Listen: "127.0.0.1:1", Peers: []string{"127.0.0.1:2"}}
		}, "want ID@HOST:PORT"},
		"a key and a signer":        {func(c *Config) { c.ConsensusSeed, c.SignerListen = net.consensus[0], "unix:///x" }, "give one of them"},
		"a signer for everybody":    {func(c *Config) { c.SignerListen = "tcp://0.0.0.0:1" }, "loopback only"},
		"a signer on another":       {func(c *Config) { c.SignerListen = "tcp://192.0.2.1:1" }, "loopback only"},
		"a signer without a scheme": {func(c *Config) { c.SignerListen = "127.0.0.1:1" }, "want unix://"},
	} {
		c := base
		x.change(&c)
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A port in use is found when the node starts.
	busy := newHost(t)
	defer busy.Close()
	one := net.launch(t, t.TempDir(), -1, func(c *Config) { c.Transport, c.TCP.Listen = TransportTCP, freePort() })
	_, at, _ := strings.Cut(one.TCPAddress(), "@")
	eventually(t, 5*time.Second, "listening", func() bool { return one.engine.sw.IsRunning() })
	n, err := Open(t.Context(), Config{Home: t.TempDir(), DB: memory(t), Genesis: net.genesis, Transport: TransportTCP, TCP: TCPConfig{Listen: at}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "port in use") || errors.Is(err, ErrBroken) {
		t.Errorf("a port in use: %v", err)
	}
}
