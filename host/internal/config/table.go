package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/plexus-network/plexus/host/internal/join"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// Key is one entry of the table.
type Key struct {
	Name    string // with dots between the levels, as in "api.listen"
	Kind    string // text, list, duration, netuids, subnets, number or bool
	Unit    string // what a number counts; empty for other kinds
	Meaning string
	Choices []string // of a text that has few
	Least   int64    // of a number
	Most    int64    // of a number

	field func(*Config) any             // pointer to the field
	valid func(string) error            // of a text, or of each text of a list
	whole func(c *Config, k *Key) error // of the field as a whole
}

// Env is the name of the environment variable that sets the key.
func (k *Key) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// Keys returns the table, in the order of the reference.
func Keys() []Key { return slices.Clone(table) }

// blocks that a number of blocks may be: a century of 1-second blocks.
const mostBlocks = 3_200_000_000

var table = []Key{
	{Name: "genesis", Meaning: "File of the genesis.", field: func(c *Config) any { return &c.Genesis }, valid: filled("name its file")},
	{Name: "listen", Meaning: "Multiaddrs to listen on. On loopback unless others are given.", field: func(c *Config) any { return &c.Listen },
		valid: isMultiaddr, whole: notEmpty},
	{Name: "join", Meaning: "Where to begin: join strings plexus://… or multiaddrs that end in /p2p/ and a peer id.",
		field: func(c *Config) any { return &c.Join }, valid: isJoin},
	{Name: "block_time", Meaning: "Time between blocks that is aimed at. All producers of a network should agree.", field: func(c *Config) any { return &c.BlockTime }},
	{Name: "hotkey", Meaning: "Key file of the hotkey. Empty: the node neither produces nor validates.", field: func(c *Config) any { return &c.Hotkey }},
	{Name: "consensus", Meaning: "Key file of the key that signs votes. Empty: the node produces no blocks. One key runs in one node only.",
		field: func(c *Config) any { return &c.Consensus }},
	{Name: "validate", Meaning: "Netuids of the subnets that the node validates with its hotkey.", field: func(c *Config) any { return &c.Validate }},
	{Name: "subnets", Meaning: "Subnets that the node validates, with what you decide of each; see below. Those of the key validate are validated too.",
		field: func(c *Config) any { return &c.Subnets }, whole: checkSubnets},
	{Name: "data", Meaning: "File of the data set that the subnets draw tasks from, or folder of data sets, of which each subnet takes the one that the chain names.", field: func(c *Config) any { return &c.Data }},
	{Name: "cache", Meaning: "Folder of compiled modules. Several nodes of one user may share it.", field: func(c *Config) any { return &c.Cache }},
	{Name: "workers", Unit: "processes", Least: 1, Most: 64, Meaning: "Child processes that run modules.", field: func(c *Config) any { return &c.Workers }},
	{Name: "max_call", Meaning: "Longest that one call of a module may take before its worker is ended.", field: func(c *Config) any { return &c.MaxCall }},
	{Name: "transport", Meaning: "What consensus talks over: libp2p, or the engine's own TCP.", Choices: []string{"libp2p", "tcp"},
		field: func(c *Config) any { return &c.Transport }},
	{Name: "tcp.listen", Meaning: "HOST:PORT for transport tcp.", field: func(c *Config) any { return &c.TCP.Listen }, valid: isHostPort},
	{Name: "tcp.peers", Meaning: "Peers of transport tcp, each ID@HOST:PORT.", field: func(c *Config) any { return &c.TCP.Peers }, valid: isTCPPeer},
	{Name: "p2p.relay", Meaning: "Relay for nodes that cannot be reached. Costs their traffic.", field: func(c *Config) any { return &c.P2P.Relay }},
	{Name: "p2p.hole_punching", Meaning: "Try for a direct connection with nodes behind a relay.", field: func(c *Config) any { return &c.P2P.HolePunching }},
	{Name: "p2p.max_peers", Unit: "connections", Least: 1, Most: 10_000, Meaning: "Connections above which the least useful are closed, down to a quarter.",
		field: func(c *Config) any { return &c.P2P.MaxPeers }},
	{Name: "p2p.prefix_peers", Unit: "connections", Least: 1, Most: 10_000, Meaning: "Connections from one IPv4 address or IPv6 /56; a /24 has four, a /48 eight times as many. Loopback is exempt.",
		field: func(c *Config) any { return &c.P2P.PrefixPeers }},
	{Name: "signer.listen", Meaning: "Address on which a remote signer is awaited: unix://FILE, tcp://127.0.0.1:PORT, or noise://SIGNER-PEER-ID@HOST:PORT from another machine. Empty: votes are signed with the key file.",
		field: func(c *Config) any { return &c.Signer.Listen }, valid: isSigner},
	{Name: "prune.keep", Unit: "blocks", Most: mostBlocks, Meaning: "Blocks to keep. 0: all.", field: func(c *Config) any { return &c.Prune.Keep }},
	{Name: "snapshot.interval", Unit: "blocks", Most: mostBlocks, Meaning: "Blocks between snapshots for nodes that join. 0: none.", field: func(c *Config) any { return &c.Snapshot.Interval }},
	{Name: "snapshot.keep", Unit: "snapshots", Least: 1, Most: 100, Meaning: "Snapshots to keep.", field: func(c *Config) any { return &c.Snapshot.Keep }},
	{Name: "statesync.enable", Meaning: "Start an empty home from a snapshot of others, instead of from the genesis.", field: func(c *Config) any { return &c.StateSync.Enable }},
	{Name: "statesync.trust", Meaning: "Block to trust, HEIGHT:HASH. Empty: the one in the join string.", field: func(c *Config) any { return &c.StateSync.Trust }, valid: isTrust},
	{Name: "api.listen", Meaning: "HOST:PORT of the HTTP API. Empty: none. Beyond loopback, put it behind a proxy that ends TLS.",
		field: func(c *Config) any { return &c.API.Listen }, valid: isHostPort},
	{Name: "api.rate", Unit: "requests/s", Least: 1, Most: 1_000_000, Meaning: "Requests a second that one address may make.", field: func(c *Config) any { return &c.API.Rate }},
	{Name: "api.body", Unit: "bytes", Least: 1024, Most: 64 << 20, Meaning: "Largest body of a request.", field: func(c *Config) any { return &c.API.Body }},
	{Name: "metrics.listen", Meaning: "HOST:PORT of the metrics alone. Empty: at /metrics of the API.", field: func(c *Config) any { return &c.Metrics.Listen }, valid: isHostPort},
	{Name: "admin.socket", Meaning: "Unix socket of the operator, of mode 0600. Empty: none.", field: func(c *Config) any { return &c.Admin.Socket }},
	{Name: "log.level", Meaning: "Least level that is logged.", Choices: []string{"debug", "info", "warn", "error"}, field: func(c *Config) any { return &c.Log.Level }},
	{Name: "log.format", Meaning: "Form of the log.", Choices: []string{"text", "json"}, field: func(c *Config) any { return &c.Log.Format }},
	{Name: "evidence.keep", Unit: "epochs", Least: evidence.LeastKeep, Most: 1 << 32, Meaning: "Epochs for which evidence is kept and served.", field: func(c *Config) any { return &c.Evidence.Keep }},
	{Name: "evidence.archive", Meaning: "Keep all evidence, whatever its age.", field: func(c *Config) any { return &c.Evidence.Archive }},
	{Name: "datasets.fetch", Meaning: "Ask peers for data sets, and for the keys of sealed ones, that subnets draw from and that are not here.", field: func(c *Config) any { return &c.Datasets.Fetch }},
	{Name: "datasets.quota", Unit: "bytes", Most: 1 << 50, Meaning: "Size above which fetched data sets that no subnet draws from any more are removed. 0: none.", field: func(c *Config) any { return &c.Datasets.Quota }},
	{Name: "datasets.warn", Unit: "windows", Most: 1 << 32, Meaning: "Windows left of a data set from which on the node warns.", field: func(c *Config) any { return &c.Datasets.Warn }},
	{Name: "budget.fuel", Unit: "fuel/s", Most: plugins.MaxFuel, Meaning: "Fuel a second that validating may use, all subnets together; each gets its part. 0: no bound.", field: func(c *Config) any { return &c.Budget.Fuel }},
	{Name: "budget.memory", Unit: "bytes", Most: 1 << 50, Meaning: "Memory of the calls of validating that run at once, all subnets together; one may always run. 0: no bound.", field: func(c *Config) any { return &c.Budget.Memory }},
	{Name: "budget.bandwidth", Unit: "bytes/s", Most: 1 << 50, Meaning: "Bytes a second of tasks sent and answers taken, all subnets together; rounds wait for it. 0: no bound.", field: func(c *Config) any { return &c.Budget.Bandwidth }},
	{Name: "modules.source", Meaning: "Where the modules of subnets come from, each NETUID=chain, NETUID=HASH (the only one to run) or NETUID=FILE. Not named: chain.",
		field: func(c *Config) any { return &c.Modules.Source }, valid: isModuleSource},
	{Name: "modules.allow", Meaning: "Hashes of modules that may run. None: all.", field: func(c *Config) any { return &c.Modules.Allow }, valid: isModule},
	{Name: "modules.deny", Meaning: "Hashes of modules that must not run.", field: func(c *Config) any { return &c.Modules.Deny }, valid: isModule},
	{Name: "modules.limits", Meaning: "Tighter bounds of one call, each NETUID=fuel:N pages:N log:N or all=…: units of fuel, pages of 64 KiB, bytes.",
		field: func(c *Config) any { return &c.Modules.Limits }, valid: isModuleLimit},
	{Name: "modules.quota", Unit: "bytes", Most: 1 << 50, Meaning: "Size above which modules that neither run nor are pinned are removed. 0: none.", field: func(c *Config) any { return &c.Modules.Quota }},
	{Name: "modules.inline", Unit: "fuel", Most: 20_000_000, Meaning: "Fuel that a call may use in the node's own process before it is made in a worker. 0: all calls in workers.",
		field: func(c *Config) any { return &c.Modules.Inline }},
	{Name: "modules.rate", Unit: "fuel/s", Most: plugins.MaxFuel, Meaning: "Fuel a second that one module may use. 0: no bound.", field: func(c *Config) any { return &c.Modules.Rate }},
	{Name: "modules.pages", Unit: "pages", Most: 1 << 32, Meaning: "Memory, in pages of 64 KiB, of the calls of one module that run at once; one may always run. 0: no bound.", field: func(c *Config) any { return &c.Modules.Pages }},
	{Name: "modules.workers", Unit: "calls", Most: 64, Meaning: "Calls of one module that run at once. 0: as many as there are workers.", field: func(c *Config) any { return &c.Modules.Workers }},
	{Name: "modules.total.rate", Unit: "fuel/s", Most: plugins.MaxFuel, Meaning: "Fuel a second that all modules together may use. 0: no bound.", field: func(c *Config) any { return &c.Modules.Total.Rate }},
	{Name: "modules.total.pages", Unit: "pages", Most: 1 << 32, Meaning: "Memory, in pages of 64 KiB, of all calls that run at once; one may always run. 0: no bound.", field: func(c *Config) any { return &c.Modules.Total.Pages }},
	{Name: "modules.referee", Unit: "calls", Most: 1_000_000, Meaning: "One in so many calls is repeated in the interpreter and compared. 0: none.", field: func(c *Config) any { return &c.Modules.Referee }},
}

func init() {
	for i := range table {
		table[i].Kind = kindOf(table[i].field(&Config{}))
	}
}

func kindOf(field any) string {
	switch field.(type) {
	case *string:
		return "text"
	case *[]string:
		return "list"
	case *time.Duration:
		return "duration"
	case *[]ledger.NetUID:
		return "netuids"
	case *[]Subnet:
		return "subnets"
	case *bool:
		return "bool"
	}
	return "number"
}

// Value is the key's value in c: a text, a list of texts, a number, a bool or a
// list of subnets.
// Durations are texts like "12s".
func (k *Key) Value(c *Config) any {
	switch p := k.field(c).(type) {
	case *string:
		return *p
	case *[]string:
		return append([]string{}, *p...)
	case *time.Duration:
		return p.String()
	case *[]ledger.NetUID:
		out := make([]int, len(*p))
		for i, n := range *p {
			out[i] = int(n)
		}
		return out
	case *[]Subnet:
		return append([]Subnet{}, *p...)
	case *bool:
		return *p
	case *int:
		return int64(*p)
	case *int64:
		return *p
	case *uint64:
		return int64(*p)
	}
	panic("config: " + k.Name + " has a field of no known kind") // the table is fixed: a test reads every key
}

// set reads a value as a layer wrote it.
func (k *Key) set(c *Config, v any) error {
	text := fmt.Sprint(v)
	switch p := k.field(c).(type) {
	case *string:
		s, ok := v.(string)
		if !ok {
			return fmt.Errorf("%s %v: want a text", k.Name, v)
		}
		*p = s
	case *[]string:
		*p = nil
		for _, e := range list(v) {
			s, ok := e.(string)
			if !ok {
				return fmt.Errorf("%s %v: want a list of texts", k.Name, e)
			}
			*p = append(*p, s)
		}
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s %q: want a duration above 0, like 12s", k.Name, text)
		}
		*p = d
	case *[]ledger.NetUID:
		*p = nil
		for _, e := range list(v) {
			n, err := strconv.ParseUint(fmt.Sprint(e), 10, 16)
			if err != nil || n == 0 {
				return fmt.Errorf("%s: netuid %v: must be 1..65535", k.Name, e)
			}
			*p = append(*p, ledger.NetUID(n))
		}
	case *[]Subnet:
		all, err := readSubnets(v)
		if err != nil {
			return err
		}
		*p = all
	case *bool:
		switch text {
		case "true":
			*p = true
		case "false":
			*p = false
		default:
			return fmt.Errorf("%s %q: want true or false", k.Name, text)
		}
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < k.Least || n > k.Most {
			return fmt.Errorf("%s %s: must be %s", k.Name, text, k.bounds())
		}
		switch p := p.(type) {
		case *int:
			*p = int(n)
		case *int64:
			*p = n
		case *uint64:
			*p = uint64(n)
		}
	}
	return nil
}

func (k *Key) bounds() string {
	return strings.TrimSpace(fmt.Sprintf("%d..%d %s", k.Least, k.Most, k.Unit))
}

// check reports what is wrong with the key's value in c.
func (k *Key) check(c *Config) error {
	texts := []string(nil)
	switch p := k.field(c).(type) {
	case *string:
		texts = []string{*p}
	case *[]string:
		texts = *p
	case *time.Duration:
		if *p <= 0 {
			return fmt.Errorf("%s %q: want a duration above 0, like 12s", k.Name, *p)
		}
	case *[]ledger.NetUID:
		for _, n := range *p {
			if n == 0 {
				return fmt.Errorf("%s: netuid 0: must be 1..65535", k.Name)
			}
		}
	case *int, *int64, *uint64:
		if n := k.Value(c).(int64); n < k.Least || n > k.Most {
			return fmt.Errorf("%s %d: must be %s", k.Name, n, k.bounds())
		}
	}
	for _, s := range texts {
		if len(k.Choices) > 0 && !slices.Contains(k.Choices, s) {
			return fmt.Errorf("%s %q: must be %s", k.Name, s, strings.Join(k.Choices, " or "))
		}
		if k.valid == nil {
			continue
		}
		if err := k.valid(s); err != nil {
			return fmt.Errorf("%s %q: %w", k.Name, s, err)
		}
	}
	if k.whole != nil {
		return k.whole(c, k)
	}
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

func filled(want string) func(string) error {
	return func(s string) error {
		if s == "" {
			return fmt.Errorf("is empty: %s", want)
		}
		return nil
	}
}

func notEmpty(c *Config, k *Key) error {
	if p, ok := k.field(c).(*[]string); ok && len(*p) == 0 {
		return fmt.Errorf("%s is empty: want at least one multiaddr like %s", k.Name, defaultListen)
	}
	return nil
}

func isMultiaddr(s string) error {
	if _, err := multiaddr.NewMultiaddr(s); err != nil {
		return fmt.Errorf("want a multiaddr like %s", defaultListen)
	}
	return nil
}

func isJoin(s string) error {
	if strings.HasPrefix(s, "plexus://") {
		_, err := join.Parse(s)
		return err
	}
	a, err := multiaddr.NewMultiaddr(s)
	if err != nil || len(a) < 2 || a[len(a)-1].Protocol().Code != multiaddr.P_P2P {
		return fmt.Errorf("want a join string plexus://… or a multiaddr that ends in /p2p/ and a peer id")
	}
	return nil
}

// isHostPort takes HOST:PORT with a numeric port, and nothing at all.
func isHostPort(s string) error {
	if s == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("want HOST:PORT, like 127.0.0.1:9650")
	}
	return nil
}

func isTCPPeer(s string) error {
	id, addr, ok := strings.Cut(s, "@")
	if !ok || len(id) != 40 || isHostPort(addr) != nil || addr == "" {
		return fmt.Errorf("want ID@HOST:PORT with an id of 40 hexadecimal digits")
	}
	return nil
}

func isSigner(s string) error {
	if s == "" {
		return nil
	}
	if addr, ok := strings.CutPrefix(s, "tcp://"); ok && addr != "" && isHostPort(addr) == nil {
		return nil
	}
	if file, ok := strings.CutPrefix(s, "unix://"); ok && file != "" {
		return nil
	}
	if peer, ok := strings.CutPrefix(s, "noise://"); ok && strings.Contains(peer, "@") {
		return nil
	}
	return fmt.Errorf("want unix://FILE, tcp://127.0.0.1:PORT or noise://SIGNER-PEER-ID@HOST:PORT")
}

func isTrust(s string) error {
	if s == "" {
		return nil
	}
	height, hash, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(height, 10, 63)
	if !ok || err != nil || n == 0 || len(hash) != 64 || strings.Trim(strings.ToLower(hash), "0123456789abcdef") != "" {
		return fmt.Errorf("want HEIGHT:HASH with a hash of 64 hexadecimal digits")
	}
	return nil
}

func isModule(s string) error {
	_, err := plugins.ParseID(s)
	return err
}

func isModuleSource(s string) error { return new(plugins.Policy).Source(s, "") }

func isModuleLimit(s string) error { return new(plugins.Policy).Limit(s) }
