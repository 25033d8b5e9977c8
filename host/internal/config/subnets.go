package config

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/plexus-network/plexus/ledger"
)

// Subnet is what an operator decides of one subnet that the node validates: an
// entry of the key subnets.
type Subnet struct {
	NetUID    ledger.NetUID `json:"netuid"`
	Data      string        `json:"data,omitempty"`      // empty: Config.Data
	Fuel      uint64        `json:"fuel,omitempty"`      // a second, 0 for no bound of its own
	Memory    uint64        `json:"memory,omitempty"`    // bytes of its calls that run at once, 0 for no bound of its own
	Bandwidth uint64        `json:"bandwidth,omitempty"` // bytes a second of its tasks and answers, 0 for no bound of its own
}

// maxSubnets bounds the entries.
const maxSubnets = 1024

// entry is one name within an entry of the key subnets. One of text and number is
// set, but for netuid.
type entry struct {
	name    string
	unit    string
	meaning string
	most    uint64
	text    func(*Subnet) *string
	number  func(*Subnet) *uint64
}

var entries = []entry{
	{name: "netuid", meaning: "The subnet. Needed, and once."},
	{name: "data", meaning: "File of its data set, or folder of data sets. Not given: the key data.", text: func(s *Subnet) *string { return &s.Data }},
	{name: "fuel", unit: "fuel/s", most: 1 << 50, meaning: "Fuel a second that its module may use. 0: no bound of its own.", number: func(s *Subnet) *uint64 { return &s.Fuel }},
	{name: "memory", unit: "bytes", most: 1 << 50, meaning: "Memory of its module's calls that run at once; one may always run. 0: no bound of its own.", number: func(s *Subnet) *uint64 { return &s.Memory }},
	{name: "bandwidth", unit: "bytes/s", most: 1 << 50, meaning: "Tasks and answers a second, both ways. 0: no bound of its own.", number: func(s *Subnet) *uint64 { return &s.Bandwidth }},
}

// Validated are the subnets that the node validates, in rising order: those of
// the key subnets, and with nothing decided those that the key validate alone
// names.
func (c *Config) Validated() []Subnet {
	out := append([]Subnet{}, c.Subnets...)
	named := map[ledger.NetUID]bool{}
	for _, s := range out {
		named[s.NetUID] = true
	}
	for _, n := range c.Validate {
		if !named[n] {
			named[n] = true
			out = append(out, Subnet{NetUID: n})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].NetUID < out[j].NetUID })
	return out
}

// readSubnets reads the value of the key subnets as a layer wrote it. The
// environment and the flags have it in one text, like the file's.
func readSubnets(v any) ([]Subnet, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []Subnet:
		return append([]Subnet(nil), v...), nil
	case string:
		if strings.TrimSpace(v) == "" {
			return nil, nil
		}
		tree, err := yaml.Parser().Unmarshal([]byte("subnets: " + v))
		if err != nil {
			return nil, fmt.Errorf("subnets %q: want a list like [{netuid: 1, data: FILE}]", v)
		}
		if _, again := tree["subnets"].(string); again {
			return nil, fmt.Errorf("subnets %q: want a list like [{netuid: 1, data: FILE}]", v)
		}
		return readSubnets(tree["subnets"])
	case []map[string]any: // as TOML has it
		all := make([]any, len(v))
		for i := range v {
			all[i] = v[i]
		}
		return readSubnets(all)
	case []any:
		var out []Subnet
		for i, e := range v {
			s, err := readSubnet(e)
			if err != nil {
				return nil, fmt.Errorf("subnets, entry %d: %w", i+1, err)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("subnets %v: want a list like [{netuid: 1, data: FILE}]", v)
}

func readSubnet(v any) (s Subnet, err error) {
	m, ok := v.(map[string]any)
	if !ok {
		return s, fmt.Errorf("%v: want an entry like {netuid: 1, data: FILE}", v)
	}
	for name, v := range m {
		e := findEntry(name)
		if e == nil {
			return s, fmt.Errorf("unknown key %q: did you mean %q?", name, nearestEntry(name))
		}
		if err := e.set(&s, v); err != nil {
			return s, err
		}
	}
	if s.NetUID == 0 {
		return s, fmt.Errorf("netuid is needed: 1..65535")
	}
	return s, nil
}

func findEntry(name string) *entry {
	for i := range entries {
		if entries[i].name == name {
			return &entries[i]
		}
	}
	return nil
}

func nearestEntry(name string) string {
	best := entries[0].name
	for _, e := range entries {
		if edits(name, e.name) < edits(name, best) {
			best = e.name
		}
	}
	return best
}

func (e *entry) set(s *Subnet, v any) error {
	if e.text != nil {
		t, ok := v.(string)
		if !ok {
			return fmt.Errorf("%s %v: want a text", e.name, v)
		}
		*e.text(s) = t
		return nil
	}
	if e.number == nil {
		n, err := strconv.ParseUint(fmt.Sprint(v), 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("netuid %v: must be 1..65535", v)
		}
		s.NetUID = ledger.NetUID(n)
		return nil
	}
	n, err := strconv.ParseUint(fmt.Sprint(v), 10, 64)
	if err != nil || n > e.most {
		return fmt.Errorf("%s %v: must be 0..%d %s", e.name, v, e.most, e.unit)
	}
	*e.number(s) = n
	return nil
}

// checkSubnets holds what no entry alone can break.
func checkSubnets(c *Config, _ *Key) error {
	if len(c.Subnets) > maxSubnets {
		return fmt.Errorf("subnets: %d entries: at most %d", len(c.Subnets), maxSubnets)
	}
	seen := map[ledger.NetUID]bool{}
	for i := range c.Subnets {
		s := &c.Subnets[i]
		switch {
		case s.NetUID == 0:
			return fmt.Errorf("subnets, entry %d: netuid is needed: 1..65535", i+1)
		case seen[s.NetUID]:
			return fmt.Errorf("subnets: netuid %d stands there twice: make it one entry", s.NetUID)
		}
		seen[s.NetUID] = true
		for _, e := range entries {
			if e.number != nil && *e.number(s) > e.most {
				return fmt.Errorf("subnets: netuid %d: %s %d: must be 0..%d %s", s.NetUID, e.name, *e.number(s), e.most, e.unit)
			}
		}
	}
	return nil
}

// String writes an entry as it may stand in the file.
func (s Subnet) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("config: " + err.Error()) // texts and numbers
	}
	return string(b)
}

// subnetsReference is the reference of an entry in Markdown.
func subnetsReference() string {
	var b strings.Builder
	b.WriteString(`
## Entries of ` + "`subnets`" + `

Each subnet has a loop of its own: what goes wrong in one touches no other. In the environment
and with ` + "`--set`" + ` the list is one text, ` + "`[{netuid: 1, data: hidden.set}, {netuid: 7, fuel: 500000000}]`" + `.
All are within the section budget, which holds for all subnets together. A running node takes a changed list when it is reloaded: rounds in flight end as they began.

| name | meaning |
| --- | --- |
`)
	for _, e := range entries {
		unit := ""
		if e.unit != "" {
			unit = " (" + e.unit + ")"
		}
		fmt.Fprintf(&b, "| `%s`%s | %s |\n", e.name, unit, e.meaning)
	}
	return b.String()
}
