package command

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/p2p"
)

// networkFlags describe a network of one's own.
type networkFlags struct {
	operators      int
	chainID        string
	hosts          []string
	port           int
	stake, balance string
	subnet         subnetFlags
}

func (f *networkFlags) add(c *cobra.Command) {
	c.Flags().IntVar(&f.operators, "network", 0, "make a network of so many operators, 1 to 100")
	c.Flags().StringVar(&f.chainID, "chain-id", "", "name of the new network (default: "+developmentNetwork+" and the time)")
	c.Flags().StringArrayVar(&f.hosts, "host", nil, "address or name of an operator's machine, once for each (default: all on 127.0.0.1, with a port each)")
	c.Flags().IntVar(&f.port, "port", 4001, "port of the operators, UDP and TCP; on one machine the first of several")
	c.Flags().StringVar(&f.stake, "stake", "1000", "TAO of root stake behind each operator")
	f.subnet.add(c)
	c.Flags().StringVar(&f.balance, "balance", "10000", "TAO on each operator's coldkey")
}

// operator is one producer of a new network.
type operator struct {
	name                 string
	home                 string
	cold                 keys.Secret
	hot, consensus       key.Seed
	host                 string
	port, api            int
	listen, dial, peerID string
}

// newSeed makes the seed of a new key.
func newSeed() (key.Seed, error) {
	s, err := keys.Generate(key.ED25519, 12)
	if err != nil {
		return key.Seed{}, err
	}
	return s.Seed()
}

func (f *networkFlags) operator(i int, home string) (o operator, err error) {
	o = operator{name: fmt.Sprintf("operator%d", i+1), host: "127.0.0.1", port: f.port, api: 9650}
	o.home = filepath.Join(home, o.name)
	if len(f.hosts) > 0 {
		o.host = f.hosts[i]
	} else {
		o.port, o.api = f.port+i, o.api+i
	}
	if o.cold, err = keys.Generate(key.ED25519, 24); err != nil {
		return o, err
	}
	if o.hot, err = newSeed(); err != nil {
		return o, err
	}
	if o.consensus, err = newSeed(); err != nil {
		return o, err
	}
	id := o.hot.Derive("peer").Public() // as a node of this hotkey takes it
	pub, err := crypto.UnmarshalEd25519PublicKey(id[:])
	if err != nil {
		return o, err
	}
	pid, err := peer.IDFromPublicKey(pub)
	if err != nil {
		return o, err
	}
	o.peerID = pid.String()
	kind, all := "dns", "/ip4/0.0.0.0"
	if ip := net.ParseIP(o.host); ip != nil {
		kind = "ip4"
		if ip.To4() == nil {
			kind, all = "ip6", "/ip6/::"
		}
		if ip.IsLoopback() {
			all = "/" + kind + "/" + o.host
		}
	}
	o.listen = all
	o.dial = "/" + kind + "/" + o.host
	return o, nil
}

func (o *operator) addrs(base string) []string {
	return []string{fmt.Sprintf("%s/udp/%d/quic-v1", base, o.port), fmt.Sprintf("%s/tcp/%d", base, o.port)}
}

// makeNetwork writes the genesis and the homes of a new network below home.
func (f *initFlags) makeNetwork(c *cobra.Command, home string) (out initialised, err error) {
	n := &f.network
	if n.operators < 1 || n.operators > 100 {
		return out, usage("--network %d: 1 to 100 operators", n.operators)
	}
	if len(n.hosts) > 0 && len(n.hosts) != n.operators {
		return out, usage("%d --host for %d operators: give one for each, or none", len(n.hosts), n.operators)
	}
	if n.port < 1 || n.port+n.operators > 65535 {
		return out, usage("--port %d: 1 to 65535, with room for every operator", n.port)
	}
	stake, err := unit.ParseTAO(n.stake)
	if err != nil {
		return out, usage("--stake: %v", err)
	}
	balance, err := unit.ParseTAO(n.balance)
	if err != nil {
		return out, usage("--balance: %v", err)
	}
	flags, err := f.node.flags()
	if err != nil {
		return out, err
	}
	now := time.Now()
	if n.chainID == "" {
		n.chainID = developmentNetwork + now.UTC().Format("20060102-150405")
	}
	gen := &ledger.Genesis{ChainID: n.chainID, Time: now.UnixMilli(), Params: ledger.DefaultParams()}
	var ops []operator
	for i := range n.operators {
		o, err := n.operator(i, home)
		if err != nil {
			return out, err
		}
		if err := fresh(o.home); err != nil {
			return out, err
		}
		ops = append(ops, o)
		gen.Accounts = append(gen.Accounts, ledger.Allocation{Account: o.cold.Public(), Balance: balance})
		gen.Producers = append(gen.Producers, ledger.NewGenesisProducer(o.hot, o.cold.Public(), o.consensus, stake))
	}
	var module []byte
	if n.subnet.module != "" {
		sub, code, err := n.subnet.genesis(&ops[0])
		if err != nil {
			return out, err
		}
		gen.Subnets, module = []ledger.GenesisSubnet{sub}, code
	}
	slices.SortFunc(gen.Accounts, func(a, b ledger.Allocation) int { return slices.Compare(a.Account[:], b.Account[:]) })
	slices.SortFunc(gen.Producers, func(a, b ledger.GenesisProducer) int { return slices.Compare(a.Consensus[:], b.Consensus[:]) })
	if err := gen.Validate(); err != nil {
		return out, err
	}
	var password []byte
	if !f.clear {
		if password, err = f.password.ask(c, "the operators' coldkeys", true)(); err != nil {
			return out, err
		}
	}
	hash := gen.Hash()
	out = initialised{Home: home, ChainID: gen.ChainID, Genesis: fmt.Sprintf("%x", hash)}
	join := remote.Join{Genesis: hash}
	for i := range ops {
		if err := ops[i].write(gen, ops, flags); err != nil {
			return out, err
		}
		if module != nil {
			if err := keepModule(ops[i].home, module); err != nil {
				return out, err
			}
		}
		if err := (keys.Ring{Dir: filepath.Join(home, "coldkeys")}).Add(ops[i].name, ops[i].cold, password); err != nil {
			return out, err
		}
		out.Homes = append(out.Homes, ops[i].home)
		join.Addrs = append(join.Addrs, ops[i].addrs(ops[i].dial)[0]+"/p2p/"+ops[i].peerID)
	}
	out.Join = join.String()
	return out, errors.Join(os.WriteFile(filepath.Join(home, genesisFile), gen.Encode(), 0o600),
		os.WriteFile(filepath.Join(home, "join"), []byte(out.Join+"\n"), 0o600))
}

// write writes the home of an operator. Its hotkey and its consensus key lie in
// the clear, of mode 0600, since it starts without a person.
func (o *operator) write(gen *ledger.Genesis, all []operator, flags map[string]any) error {
	if err := errors.Join(keys.Save(filepath.Join(o.home, hotkeyFile), o.hot), keys.Save(filepath.Join(o.home, consensusFile), o.consensus)); err != nil {
		return err
	}
	set := map[string]any{"hotkey": hotkeyFile, "consensus": consensusFile, "listen": o.addrs(o.listen), "api.listen": fmt.Sprintf("127.0.0.1:%d", o.api)}
	var join []string
	for i := range all {
		if other := &all[i]; other.name != o.name {
			join = append(join, other.addrs(other.dial)[0]+"/p2p/"+other.peerID)
		}
	}
	set["join"] = join
	if len(gen.Subnets) > 0 {
		set["validate"] = []int{1}
	}
	// Miners behind routers are reached through relays, and at a network's beginning
	// there is nobody else who could be one.
	set["p2p.relay"] = !p2p.Loopback(o.addrs(o.listen)[0])
	for name, v := range flags {
		set[name] = v
	}
	cfg, err := config.Written(o.home, set)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.home, genesisFile), gen.Encode(), 0o600); err != nil {
		return err
	}
	return cfg.Save()
}
