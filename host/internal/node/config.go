package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/plexus-network/plexus/ledger"
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
	return Config{Genesis: "genesis.cbor", Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, BlockTime: 12 * time.Second,
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
			return def, fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
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
	c := Config{Home: home, Genesis: k.String("genesis"), Listen: k.Strings("listen"), Join: k.Strings("join"),
		Hotkey: k.String("hotkey"), Consensus: k.String("consensus"), Data: k.String("data"), Cache: k.String("cache"), Workers: k.Int("workers")}
	for name, to := range map[string]*time.Duration{"block_time": &c.BlockTime, "max_call": &c.MaxCall} {
		d, err := time.ParseDuration(k.String(name))
		if err != nil || d <= 0 {
			return c, fmt.Errorf("%w: %s %q: want a duration above 0, like 12s", ErrConfig, name, k.String(name))
		}
		*to = d
	}
	for _, n := range k.Ints("validate") {
		if n <= 0 || n > 65535 {
			return c, fmt.Errorf("%w: validate: netuid %d: must be 1..65535", ErrConfig, n)
		}
		c.Validate = append(c.Validate, ledger.NetUID(n))
	}
	return c, c.check()
}

func (c *Config) check() error {
	switch {
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
