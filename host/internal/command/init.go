package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Names of files in a home that init writes.
const (
	genesisFile   = "genesis.cbor"
	hotkeyFile    = "hotkey.key"
	consensusFile = "consensus.key"
)

// initialised is what init prints as JSON.
type initialised struct {
	Home    string   `json:"home"`
	ChainID string   `json:"chain_id"`
	Genesis string   `json:"genesis"` // its hash
	Hotkey  string   `json:"hotkey,omitempty"`
	Homes   []string `json:"homes,omitempty"` // of a network's operators
	Join    string   `json:"join,omitempty"`  // join string of a network
}

type initFlags struct {
	node                nodeFlags
	genesis, join       string
	hotkey, json, clear bool
	password            passwordFlags
	network             networkFlags
}

func initCommand() *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a node's home, or a whole network of one's own",
		Long: `Writes a home: config.yaml, the genesis, and keys if asked for. The genesis comes from a file,
or from the network of a join string, whose hash it must have. --set values are written to
config.yaml.

With --network N it makes a new network instead: its genesis, and a home for each of N
operators who produce its blocks, with their keys, addresses and each other's addresses. Move
each home to its machine. The operators' coldkeys, which own the stake, are written apart.`,
		Example: `  plexus init --join plexus://GENESIS/ADDRESS
  plexus init --home /srv/plexus --genesis genesis.cbor --hotkey --no-password
  plexus init --network 4 --home net --chain-id my-chain --host a.example --host b.example --host c.example --host d.example`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			home, err := f.node.dir()
			if err != nil {
				return err
			}
			var out initialised
			if f.network.operators != 0 {
				if f.genesis != "" || f.join != "" {
					return usage("--network makes a genesis: it excludes --genesis and --join")
				}
				out, err = f.makeNetwork(c, home)
			} else {
				out, err = f.makeHome(c, home)
			}
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(c, out)
			}
			out.print(c)
			return nil
		},
	}
	f.node.add(c)
	c.Flags().StringVar(&f.genesis, "genesis", "", "file of the network's genesis")
	c.Flags().StringVar(&f.join, "join", "", "join string of the network: its genesis is fetched, and it becomes the configuration's join")
	c.Flags().BoolVar(&f.hotkey, "hotkey", false, "make a hotkey in the home, as validators and producers need")
	jsonFlag(c, &f.json, initialised{})
	f.password.add(c)
	clearFlag(c, &f.clear)
	f.network.add(c)
	return c
}

func (o *initialised) print(c *cobra.Command) {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "network  %s, genesis %s\n", o.ChainID, o.Genesis)
	if o.Hotkey != "" {
		fmt.Fprintf(w, "hotkey   %s\n", o.Hotkey)
	}
	if len(o.Homes) == 0 {
		fmt.Fprintf(w, "home     %s\nstart it with: plexus start --home %s\n", o.Home, o.Home)
		return
	}
	for _, h := range o.Homes {
		fmt.Fprintf(w, "home     %s\n", h)
	}
	fmt.Fprintf(w, "join     %s\nstart each with: plexus start --home HOME\n", o.Join)
}

// fresh refuses a home that has a node.
func fresh(home string) error {
	for _, name := range []string{config.File, config.FileTOML, genesisFile, "chain"} {
		if _, err := os.Lstat(filepath.Join(home, name)); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			return fmt.Errorf("%s has a node already (%s): choose another --home", home, name)
		}
	}
	return nil
}

// makeHome writes the home of one node. The configuration comes last: a home
// that has it is complete.
func (f *initFlags) makeHome(c *cobra.Command, home string) (out initialised, err error) {
	if (f.genesis == "") == (f.join == "") {
		return out, usage("give the network: --genesis FILE or --join STRING, or make one with --network N")
	}
	if err := fresh(home); err != nil {
		return out, err
	}
	flags, err := f.node.flags()
	if err != nil {
		return out, err
	}
	if f.hotkey {
		flags["hotkey"] = hotkeyFile
	}
	if f.join != "" {
		if _, err := remote.ParseJoin(f.join); err != nil {
			return out, err
		}
		flags["join"] = f.join
	}
	cfg, err := config.Written(home, flags)
	if err != nil {
		return out, err
	}
	gen, err := f.findGenesis(c.Context())
	if err != nil {
		return out, err
	}
	hash := gen.Hash()
	out = initialised{Home: home, ChainID: gen.ChainID, Genesis: fmt.Sprintf("%x", hash)}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return out, err
	}
	if err := os.WriteFile(filepath.Join(home, genesisFile), gen.Encode(), 0o600); err != nil {
		return out, err
	}
	if f.hotkey {
		s, err := keys.Generate(key.ED25519, 12)
		if err != nil {
			return out, err
		}
		var password []byte
		if !f.clear {
			if password, err = f.password.ask(c, "the hotkey", true)(); err != nil {
				return out, err
			}
		}
		if err := (keys.Ring{Dir: home}).Add("hotkey", s, password); err != nil && !errors.Is(err, keys.ErrExists) {
			return out, err
		}
		n, err := (keys.Ring{Dir: home}).Info("hotkey")
		if err != nil {
			return out, err
		}
		out.Hotkey = n.ID.String()
	}
	return out, cfg.Save()
}

// findGenesis reads the genesis from a file, or fetches it from the network.
func (f *initFlags) findGenesis(ctx context.Context) (*ledger.Genesis, error) {
	if f.join != "" {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		r, err := dial(ctx, f.join)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.Genesis, nil
	}
	info, err := os.Stat(f.genesis)
	if err != nil {
		return nil, err
	}
	if info.Size() > ledger.MaxGenesis {
		return nil, fmt.Errorf("%s: %w: %d bytes, at most %d", f.genesis, ledger.ErrGenesis, info.Size(), ledger.MaxGenesis)
	}
	b, err := os.ReadFile(f.genesis)
	if err != nil {
		return nil, err
	}
	gen, err := ledger.DecodeGenesis(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: get the network's genesis again", f.genesis, err)
	}
	return gen, nil
}
