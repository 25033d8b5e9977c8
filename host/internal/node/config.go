package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p"
)

// ConfigFile is the name of the configuration in a node's home.
const ConfigFile = "config.yaml"

// envPrefix begins the environment's names: PLEXUS_BLOCK_TIME sets block_time.
const envPrefix = "PLEXUS_"

// Config is a node's configuration. File names are relative to the home.
type Config struct {
	Home      string        // the node's directory; not part of the file
	Genesis   string        // file of the genesis
	Listen    []string      // multiaddrs to listen on
	Join      []string      // addresses of nodes to begin with
	BlockTime time.Duration // aimed at
	Hotkey    string        // key file of the hotkey, empty for a node that does not work
	Consensus string        // key file of the consensus key, empty for a node that does not produce
	Validate  []ledger.NetUID
	Data      string // file of the data set that the subnets draw from
	Cache     string // folder of compiled modules, shared by all processes of the user
	Workers   int    // child processes that run modules
	MaxCall   time.Duration
}

// DefaultConfig is a full node of the public cadence on loopback.
func DefaultConfig() Config {
	return Config{Genesis: "genesis.cbor", Listen: []string{p2p.DefaultListen}, BlockTime: 12 * time.Second,
		Cache: DefaultCache(), Workers: 1, MaxCall: 30 * time.Second}
}

// DefaultCache is the folder of compiled modules in the user's cache.
func DefaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "plexus", "modules")
}

// ErrConfig is returned for a configuration that breaks a rule.
var ErrConfig = errors.New("config")

func (c *Config) fields() map[string]any {
	nets := make([]int, len(c.Validate))
	for i, n := range c.Validate {
		nets[i] = int(n)
	}
	return map[string]any{"genesis": c.Genesis, "listen": c.Listen, "join": c.Join, "block_time": c.BlockTime.String(),
		"hotkey": c.Hotkey, "consensus": c.Consensus, "validate": nets, "data": c.Data, "cache": c.Cache,
		"workers": c.Workers, "max_call": c.MaxCall.String()}
}

// LoadConfig reads the configuration of a home in layers: defaults, the file
// config.yaml if there is one, the environment, then overrides (from flags).
// An unknown key is an error that names the known ones.
func LoadConfig(home string, overrides map[string]any) (Config, error) {
	def := DefaultConfig()
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(def.fields(), "."), nil); err != nil {
		return def, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	known := map[string]bool{}
	for name := range def.fields() {
		known[name] = true
	}
	path := filepath.Join(home, ConfigFile)
	if _, err := os.Stat(path); err == nil {
		f := koanf.New(".")
		if err := f.Load(file.Provider(path), yaml.Parser()); err != nil {
			return def, fmt.Errorf("%w: %s: %s", ErrConfig, path, strings.Join(strings.Fields(err.Error()), " "))
		}
		for _, name := range f.Keys() {
			if !known[name] {
				return def, fmt.Errorf("%w: %s: unknown key %q: did you mean %q?", ErrConfig, path, name, nearest(name, known))
			}
		}
		if err := k.Merge(f); err != nil {
			return def, fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
		}
	}
	environment := env.Provider(".", env.Opt{Prefix: envPrefix, TransformFunc: func(name, v string) (string, any) {
		name = strings.ToLower(strings.TrimPrefix(name, envPrefix))
		if !known[name] {
			return "", nil // other programs use the prefix too, tests for one
		}
		return name, v
	}})
	if err := k.Load(environment, nil); err != nil {
		return def, fmt.Errorf("%w: environment: %w", ErrConfig, err)
	}
	if err := k.Load(confmap.Provider(overrides, "."), nil); err != nil {
		return def, fmt.Errorf("%w: flags: %w", ErrConfig, err)
	}
	c := Config{Home: home}
	if err := c.take(k); err != nil {
		return c, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return c, c.check()
}

// take reads the merged layers. koanf's own readers make an empty value of one
// of the wrong kind.
func (c *Config) take(k *koanf.Koanf) error {
	for name, to := range map[string]*string{"genesis": &c.Genesis, "hotkey": &c.Hotkey, "consensus": &c.Consensus, "data": &c.Data, "cache": &c.Cache} {
		s, ok := k.Get(name).(string)
		if !ok {
			return fmt.Errorf("%s %v: want a text", name, k.Get(name))
		}
		*to = s
	}
	for name, to := range map[string]*[]string{"listen": &c.Listen, "join": &c.Join} {
		for _, v := range list(k.Get(name)) {
			s, ok := v.(string)
			if !ok {
				return fmt.Errorf("%s %v: want a list of texts", name, v)
			}
			*to = append(*to, s)
		}
	}
	for name, to := range map[string]*time.Duration{"block_time": &c.BlockTime, "max_call": &c.MaxCall} {
		text := fmt.Sprint(k.Get(name))
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf("%s %q: want a duration above 0, like 12s", name, text)
		}
		*to = d
	}
	for _, v := range list(k.Get("validate")) {
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil || n <= 0 || n > 65535 {
			return fmt.Errorf("validate: netuid %v: must be 1..65535", v)
		}
		c.Validate = append(c.Validate, ledger.NetUID(n))
	}
	n, err := strconv.Atoi(fmt.Sprint(k.Get("workers")))
	if err != nil {
		return fmt.Errorf("workers %v: must be 1..64", k.Get("workers"))
	}
	c.Workers = n
	return nil
}

// list is the elements of a list, however the layer wrote it: the environment
// has them in one text, with commas between.
func list(v any) (out []any) {
	switch v := v.(type) {
	case nil:
	case []any:
		return v
	case []string:
		for _, s := range v {
			out = append(out, s)
		}
	case []int:
		for _, n := range v {
			out = append(out, n)
		}
	case string:
		for _, s := range strings.Split(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	default:
		out = append(out, v)
	}
	return out
}

func (c *Config) check() error {
	for _, a := range c.Listen {
		if _, err := multiaddr.NewMultiaddr(a); err != nil {
			return fmt.Errorf("%w: listen %q: want a multiaddr like %s", ErrConfig, a, p2p.DefaultListen)
		}
	}
	for _, a := range c.Join {
		if _, err := peer.AddrInfoFromString(a); err != nil {
			return fmt.Errorf("%w: join %q: want a multiaddr that ends in /p2p/ and a peer id", ErrConfig, a)
		}
	}
	switch {
	case len(c.Listen) == 0:
		return fmt.Errorf("%w: listen is empty: want at least one multiaddr like %s", ErrConfig, p2p.DefaultListen)
	case c.Genesis == "":
		return fmt.Errorf("%w: genesis is empty: name its file", ErrConfig)
	case len(c.Validate) > 0 && c.Hotkey == "":
		return fmt.Errorf("%w: validate needs a hotkey", ErrConfig)
	case c.Consensus != "" && c.Hotkey == "":
		return fmt.Errorf("%w: consensus needs a hotkey, whose VRF opens the blocks", ErrConfig)
	case c.Workers < 1 || c.Workers > 64:
		return fmt.Errorf("%w: workers %d: must be 1..64", ErrConfig, c.Workers)
	}
	return nil
}

// path makes a file name of the configuration absolute.
func (c *Config) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Home, name)
}

// Save writes the configuration's file of mode 0600.
func (c *Config) Save() error {
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(c.fields(), "."), nil); err != nil {
		return err
	}
	b, err := k.Marshal(yaml.Parser())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.Home, ConfigFile), b, 0o600)
}

// nearest is the known name with the fewest edits from name.
func nearest(name string, known map[string]bool) string {
	best, least := "", 1<<30
	for k := range known {
		if d := edits(name, k); d < least || d == least && k < best {
			best, least = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			prev, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, prev+cost)
		}
	}
	return row[len(b)]
}
