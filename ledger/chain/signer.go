package chain

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/ledger/key"
)

const (
	// A signer that went away is waited for that long within one vote; the round
	// then goes on without it.
	signerRetries = 50
	signerRetry   = 100 * time.Millisecond
	// signerPatience is how long opening waits for the signer to call.
	signerPatience = 30 * time.Second
)

// validateSigner reports a signer's address that is no good.
func (c *Config) validateSigner() error {
	if c.SignerListen == "" {
		return nil
	}
	if c.ConsensusSeed != (key.Seed{}) {
		return fmt.Errorf("chain: config: a consensus key and a remote signer: give one of them, two would sign twice")
	}
	scheme, rest, ok := strings.Cut(c.SignerListen, "://")
	switch {
	case ok && (scheme == "unix" && rest != "" || scheme == "noise"):
		return nil
	case ok && scheme == "tcp":
		if host, _, err := net.SplitHostPort(rest); err == nil && net.ParseIP(host).IsLoopback() {
			return nil
		}
		return fmt.Errorf("chain: config: remote signer at %q: whoever connects to tcp:// can sign, so it may listen on loopback only: use noise://SIGNER-PEER-ID@HOST:PORT", c.SignerListen)
	}
	return fmt.Errorf("chain: config: remote signer at %q: want unix://FILE, tcp://127.0.0.1:PORT or noise://SIGNER-PEER-ID@HOST:PORT", c.SignerListen)
}

// openPrivval returns what signs votes, with the record on disk of the last
// thing it signed. The key itself is never written.
func openPrivval(seed key.Seed, file string) (*privval.FilePV, error) {
	pub := seed.Public()
	pv := privval.NewFilePV(ed25519.PrivKey(append(seed[:len(seed):len(seed)], pub[:]...)), "", file)
	b, err := os.ReadFile(file)
	switch {
	case os.IsNotExist(err):
		return pv, nil
	case err != nil:
		return nil, fmt.Errorf("chain: reading the last vote: %w", err)
	}
	if err := cmtjson.Unmarshal(b, &pv.LastSignState); err != nil {
		return nil, brokenf("last vote in %s: %v", file, err)
	}
	return pv, nil
}

// signer returns what signs votes, its address, and the height of its last vote
// as far as that is known here. All are zero for a node that does not vote.
func (e *engine) signer(c *Config, lg log.Logger) (pv types.PrivValidator, address types.Address, voted int64, err error) {
	if c.SignerListen != "" {
		return e.remoteSigner(c, lg)
	}
	if c.ConsensusSeed == (key.Seed{}) {
		return nil, nil, 0, nil
	}
	f, err := openPrivval(c.ConsensusSeed, filepath.Join(c.Home, "last-vote.json"))
	if err != nil {
		return nil, nil, 0, err
	}
	return f, f.GetAddress(), f.LastSignState.Height, nil
}

// remoteSigner waits for a signer to call, which keeps the key and the record of
// its votes elsewhere.
func (e *engine) remoteSigner(c *Config, lg log.Logger) (types.PrivValidator, types.Address, int64, error) {
	fail := func(err error) (types.PrivValidator, types.Address, int64, error) {
		return nil, nil, 0, fmt.Errorf("%w at %s: %w", ErrSigner, c.SignerListen, err)
	}
	k, err := nodeKey(c.Home)
	if err != nil {
		return fail(err)
	}
	if file, ok := strings.CutPrefix(c.SignerListen, "unix://"); ok {
		// What a killed node left behind keeps the next one from listening.
		if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
			return fail(err)
		}
	}
	endpoint, err := privval.NewSignerListenerFromAddr(c.SignerListen, k.PrivKey, lg)
	if err != nil {
		return fail(err)
	}
	client, err := privval.NewSignerClient(endpoint, c.Genesis.ChainID)
	if err != nil {
		return fail(err)
	}
	e.stop = append(e.stop, endpoint.Stop)
	c.Log.Info("waiting for the remote signer", "address", c.SignerListen)
	if err := client.WaitForConnection(signerPatience); err != nil {
		return fail(fmt.Errorf("no signer called within %v: start it and have it dial this address: %w", signerPatience, err))
	}
	pub, err := client.GetPubKey()
	if err != nil {
		return fail(err)
	}
	if _, ok := pub.(ed25519.PubKey); !ok {
		return fail(fmt.Errorf("its key is of type %s, consensus keys are ed25519", pub.Type()))
	}
	retry := privval.NewRetrySignerClient(client, signerRetries, signerRetry)
	e.hush = retry.Close
	return retry, pub.Address(), 0, nil
}
