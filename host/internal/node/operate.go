package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/validator"
)

// errQuit ends Run in order.
var errQuit = errors.New("node: asked to stop")

// Bounds of what the operator's socket answers.
const (
	maxListed  = 1000
	defaultBan = time.Hour
	longestBan = 365 * 24 * time.Hour
)

// wholeKeys are the keys that a running node takes together: the policy of modules,
// which subnets are validated with which data and budget, and what is kept.
var wholeKeys = []string{"modules.source", "modules.limits", "modules.allow", "modules.deny", "validate", "subnets", "data",
	"datasets.fetch", "datasets.quota", "datasets.warn", "evidence.keep", "evidence.archive", "budget.fuel", "budget.memory", "budget.bandwidth"}

// Control is what a node needs of its process to be operated while it runs. Any
// field may be nil.
type Control struct {
	Level  *slog.LevelVar                // of the log
	Config func() (config.Config, error) // reads the configuration anew
}

// Control gives the node the means to be operated; before Run.
func (n *Node) Control(c Control) { n.control = c }

// Reload reads the configuration anew and applies what can change while the node
// runs: the level of the log, the API's rate, which subnets are validated and with
// what, how long evidence is kept, and which modules run under which limits. Rounds
// in flight end as they began. It says what it did, and what needs a restart.
func (n *Node) Reload() (string, error) {
	if n.control.Config == nil {
		return "", errors.New("this node's configuration cannot be read again")
	}
	c, err := n.control.Config()
	if err != nil {
		return "", err
	}
	if len(c.Validated()) > 0 && n.modules.registry == nil {
		return "", fmt.Errorf("%w: the node was started without a hotkey: start it again to validate subnets", config.ErrConfig)
	}
	if err := n.data.own(); err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	// The policy of modules is applied as a whole: parts of it alone mean something
	// else.
	if err := n.modules.reload(&c); err != nil {
		return "", err
	}
	before := n.running
	n.running.Modules.Source, n.running.Modules.Limits, n.running.Modules.Allow, n.running.Modules.Deny =
		c.Modules.Source, c.Modules.Limits, c.Modules.Allow, c.Modules.Deny
	n.running.Validate, n.running.Subnets, n.running.Data = c.Validate, c.Subnets, c.Data
	n.running.Datasets, n.running.Budget, n.running.Evidence = c.Datasets, c.Budget, c.Evidence
	n.budget.SetBudget(validator.Budget(c.Budget))
	n.bundles.SetKeep(keptEpochs(&c))
	n.data.bound(c.Datasets)
	n.loops.ask(c.Validated())
	var done, later []string
	for _, k := range config.Keys() {
		was, is := k.Value(&before), k.Value(&c)
		if reflect.DeepEqual(was, is) {
			continue
		}
		change := fmt.Sprintf("%s %v -> %v", k.Name, was, is)
		switch {
		case slices.Contains(wholeKeys, k.Name):
			done = append(done, change)
		case k.Name == "log.level" && n.control.Level != nil:
			if err := n.setLevel(c.Log.Level); err != nil {
				return "", err
			}
			n.running.Log.Level = c.Log.Level
			done = append(done, change)
		case k.Name == "api.rate" && n.served.api != nil:
			n.served.api.SetRate(c.API.Rate)
			n.running.API.Rate = c.API.Rate
			done = append(done, change)
		default:
			later = append(later, change)
		}
	}
	text := "nothing has changed"
	if len(done) > 0 {
		text = "applied: " + strings.Join(done, ", ")
	}
	if len(later) > 0 {
		text += "; after a restart: " + strings.Join(later, ", ")
	}
	n.log.Info("configuration read again", "result", text)
	return text, nil
}

func (n *Node) setLevel(name string) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil || n.control.Level == nil {
		return fmt.Errorf("log level %q: want debug, info, warn or error", name)
	}
	n.control.Level.Set(l)
	return nil
}

// operate answers a request of the operator.
func (n *Node) operate(ctx context.Context, r admin.Request) (*admin.Answer, error) {
	switch r.Do {
	case "reload":
		text, err := n.Reload()
		return &admin.Answer{Text: text}, err
	case "log-level":
		return &admin.Answer{Text: "log level " + r.Level}, n.setLevel(r.Level)
	case "peers":
		return &admin.Answer{Peers: n.peers()}, nil
	case "ban", "unban":
		return n.banOrNot(r)
	case "mempool":
		return &admin.Answer{Waiting: n.waiting(), Text: fmt.Sprintf("%d wait", n.chain.Waiting())}, nil
	case "settings":
		return n.settings()
	case "subnets":
		return n.validating(), nil
	case "reindex":
		if n.served.index == nil {
			return nil, errors.New("there is no history, as api.listen is empty")
		}
		n.served.index.Again()
		return &admin.Answer{Text: "the history is being made again from the stored blocks"}, nil
	case "snapshot":
		return n.takeSnapshot(ctx)
	case "shutdown":
		n.log.Info("asked to stop")
		select {
		case n.quit <- struct{}{}:
		default:
		}
		return &admin.Answer{Text: "stopping"}, nil
	}
	return nil, fmt.Errorf("unknown request %q", r.Do)
}

// keptEpochs is for how many epochs evidence is kept, 0 for ever.
func keptEpochs(c *config.Config) ledger.Epoch {
	if c.Evidence.Archive {
		return 0
	}
	return c.Evidence.Keep
}

// settings are the keys with which the node runs, and what the disk holds of what
// they bound.
func (n *Node) settings() (*admin.Answer, error) {
	n.mu.Lock()
	running := n.running
	n.mu.Unlock()
	a := &admin.Answer{}
	for _, k := range config.Keys() {
		a.Settings = append(a.Settings, admin.Setting{Name: k.Name, Value: k.Value(&running), Unit: k.Unit})
	}
	kept, err := n.bundles.List()
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(filepath.Join(n.cfg.Home, "evidence"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil { // else it was dropped since
			a.Evidence += info.Size()
		}
	}
	fetched, err := n.data.listFetched()
	for _, s := range fetched {
		a.Fetched += s.size
	}
	a.Text = fmt.Sprintf("%d bundles of evidence, %d bytes; %d fetched data sets, %d bytes", len(kept), a.Evidence, len(fetched), a.Fetched)
	return a, err
}

// validating lists the subnets that the node validates.
func (n *Node) validating() *admin.Answer {
	a := &admin.Answer{Subnets: n.loops.list(), Text: "no subnet is validated"}
	if len(a.Subnets) > 0 {
		a.Text = ""
	}
	for i := range a.Subnets {
		s := &a.Subnets[i]
		s.Data = n.place(config.Subnet{Data: s.Data})
	}
	return a
}

func (n *Node) banOrNot(r admin.Request) (*admin.Answer, error) {
	id, err := peer.Decode(r.Peer)
	if err != nil {
		return nil, fmt.Errorf("peer %q: want a peer id like 12D3KooW…", r.Peer)
	}
	if r.Do == "unban" {
		was, err := n.served.bans.unban(id)
		if !was && err == nil {
			return &admin.Answer{Text: id.String() + " was not banned"}, nil
		}
		return &admin.Answer{Text: id.String() + " may connect again"}, err
	}
	if r.For == 0 {
		r.For = defaultBan
	}
	if r.For < time.Second || r.For > longestBan {
		return nil, fmt.Errorf("ban for %v: from 1s to %v", r.For, longestBan)
	}
	until, err := n.served.bans.ban(id, r.For)
	return &admin.Answer{Text: fmt.Sprintf("%s is banned until %s", id, until.Format(time.RFC3339))}, err
}

func (n *Node) peers() (out []admin.Peer) {
	full := map[string]bool{}
	for _, id := range n.chain.ConsensusPeers() {
		full[id] = true
	}
	net := n.net.Libp2p().Network()
	for _, id := range net.Peers() {
		p := admin.Peer{ID: id.String(), Full: full[id.String()]}
		for _, c := range net.ConnsToPeer(id) {
			p.Addrs = append(p.Addrs, c.RemoteMultiaddr().String())
			p.Inbound = p.Inbound || c.Stat().Direction == network.DirInbound
		}
		out = append(out, p)
	}
	for id, until := range n.served.bans.list() {
		out = append(out, admin.Peer{ID: id.String(), Banned: &until})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out[:min(len(out), maxListed)]
}

func (n *Node) waiting() (out []admin.Waiting) {
	for _, raw := range n.chain.Queue(maxListed) {
		t, err := ledger.DecodeTx(raw)
		if err != nil {
			continue
		}
		out = append(out, admin.Waiting{ID: fmt.Sprintf("%x", t.ID()), Kind: t.Kind.String(), Account: t.Account.String(), Nonce: t.Nonce, Expiry: t.Expiry, Bytes: t.Size()})
	}
	return out
}
