package miners

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/subnets/miner"
)

// ErrFile is returned for a configuration that breaks a rule.
var ErrFile = errors.New("miner configuration")

// maxFile bounds a configuration in bytes.
const maxFile = 256 << 10

// File is the configuration of `plexus miner --config`. What is empty in it is
// taken from the command's flags.
type File struct {
	Hotkey   string
	Join     string
	Home     string
	Listen   []string
	Metrics  string
	Services []Service
}

// rawFile is a File as YAML has it. See host/OPERATING.md.
type rawFile struct {
	Hotkey  string      `koanf:"hotkey"`
	Join    string      `koanf:"join"`
	Home    string      `koanf:"home"`
	Listen  []string    `koanf:"listen"`
	Metrics string      `koanf:"metrics"`
	Subnets []rawSubnet `koanf:"subnets"`
}

type rawSubnet struct {
	NetUID   int      `koanf:"netuid"`
	Engine   any      `koanf:"engine"` // words in one string, or a list of words
	Parallel int      `koanf:"parallel"`
	Queue    *int     `koanf:"queue"`
	Timeout  string   `koanf:"timeout"`
	Open     bool     `koanf:"open"`
	MinStake string   `koanf:"min_stake"`
	Allow    []string `koanf:"allow"`
	Deny     []string `koanf:"deny"`
	Quota    int      `koanf:"quota"`
}

var fileKeys, subnetKeys = []string{"hotkey", "join", "home", "listen", "metrics", "subnets"},
	[]string{"netuid", "engine", "parallel", "queue", "timeout", "open", "min_stake", "allow", "deny", "quota"}

// ReadFile reads a configuration; what is wrong with it is ErrFile.
func ReadFile(path string) (f File, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return f, err
	}
	if info.Size() > maxFile {
		return f, fmt.Errorf("%w: %s: %d bytes, at most %d", ErrFile, path, info.Size(), maxFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if f, err = DecodeFile(b); err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrFile, path, err)
	}
	return f, err
}

// DecodeFile reads the text of a configuration, YAML.
func DecodeFile(b []byte) (f File, err error) {
	values, err := yaml.Parser().Unmarshal(b)
	if err != nil {
		return f, err
	}
	for name := range values {
		if !slices.Contains(fileKeys, name) {
			return f, fmt.Errorf("unknown key %q: the keys are %s", name, strings.Join(fileKeys, ", "))
		}
	}
	list, _ := values["subnets"].([]any)
	for i, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			return f, fmt.Errorf("subnets: entry %d is not a list of keys", i+1)
		}
		for name := range m {
			if !slices.Contains(subnetKeys, name) {
				return f, fmt.Errorf("subnets: entry %d: unknown key %q: the keys are %s", i+1, name, strings.Join(subnetKeys, ", "))
			}
		}
	}
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(values, ""), nil); err != nil {
		return f, err
	}
	var raw rawFile
	if err := k.Unmarshal("", &raw); err != nil {
		return f, err
	}
	f = File{Hotkey: raw.Hotkey, Join: raw.Join, Home: raw.Home, Listen: raw.Listen, Metrics: raw.Metrics}
	if len(raw.Subnets) == 0 {
		return f, errors.New("subnets: none: list at least one with its netuid and engine")
	}
	for i := range raw.Subnets {
		s, err := raw.Subnets[i].service()
		if err != nil {
			return f, fmt.Errorf("subnets: entry %d: %w", i+1, err)
		}
		f.Services = append(f.Services, s)
	}
	return f, nil
}

func (r *rawSubnet) service() (s Service, err error) {
	if r.NetUID < 1 || r.NetUID > 65535 {
		return s, fmt.Errorf("netuid %d: want 1 to 65535", r.NetUID)
	}
	s = Service{NetUID: ledger.NetUID(r.NetUID), Parallel: r.Parallel, Policy: miner.Policy{Open: r.Open, Quota: r.Quota}}
	switch e := r.Engine.(type) {
	case string:
		s.Engine = strings.Fields(e)
	case []any:
		for _, w := range e {
			s.Engine = append(s.Engine, fmt.Sprint(w))
		}
	}
	if len(s.Engine) == 0 || s.Engine[0] == "" {
		return s, fmt.Errorf("netuid %d: engine: name a model, or a program and its arguments", r.NetUID)
	}
	if r.Queue != nil {
		if s.Queue = *r.Queue; s.Queue <= 0 {
			s.Queue = -1
		}
	}
	if r.Timeout != "" {
		if s.Timeout, err = time.ParseDuration(r.Timeout); err != nil || s.Timeout <= 0 {
			return s, fmt.Errorf("timeout %q: want a time like 20s", r.Timeout)
		}
	}
	if r.MinStake != "" {
		a, err := unit.ParseAlpha(r.MinStake)
		if err != nil {
			return s, fmt.Errorf("min_stake %q: %w", r.MinStake, err)
		}
		s.Policy.MinStake = uint64(a)
	}
	for _, l := range []struct {
		name string
		from []string
		to   *[]ledger.Hotkey
	}{{"allow", r.Allow, &s.Policy.Allow}, {"deny", r.Deny, &s.Policy.Deny}} {
		for _, text := range l.from {
			id, err := key.Parse(text)
			if err != nil {
				return s, fmt.Errorf("%s: %q: %w", l.name, text, err)
			}
			*l.to = append(*l.to, id)
		}
	}
	c := miner.Config{Subnets: []miner.Subnet{{NetUID: s.NetUID, Policy: s.Policy, Parallel: s.Parallel, Queue: s.Queue}}}
	return s, c.Validate()
}
