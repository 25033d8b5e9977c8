package plugins

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Errors of a policy, for what the operator's configuration does not let happen.
var (
	ErrDenied = errors.New("module denied by the configuration")
	ErrPinned = errors.New("subnet is tied to another module by the configuration")
)

// Policy is what the operator decided of modules.
type Policy struct {
	Allow   []ID              // when there are any, no other module runs
	Deny    []ID              // these do not run
	Limits  Limits            // for all; a field of 0 leaves the host's
	Subnets map[uint16]Choice // by netuid; a subnet without one follows the chain
}

// Choice is what the operator decided of one subnet's module.
type Choice struct {
	Pin    ID     // the only module to run, zero for the chain's
	File   string // where to take the module from, empty for the store and the peers
	Limits Limits // tighter than Policy.Limits; a field of 0 leaves those
}

// SourceChain says that a subnet runs the module that the chain names.
const SourceChain = "chain"

// Source decides where a subnet's module comes from, as an operator writes it:
// NETUID=chain, NETUID=HASH (64 hexadecimal digits) or NETUID=FILE, a path with a
// slash or the ending .wasm. A relative path is one below dir.
func (p *Policy) Source(s, dir string) error {
	netuid, value, err := forSubnet(s)
	if err != nil {
		return err
	}
	c := p.Subnets[netuid]
	c.Pin, c.File = ID{}, ""
	id, err := ParseID(value)
	switch {
	case value == SourceChain:
	case err == nil:
		c.Pin = id
	case strings.ContainsRune(value, '/') || strings.HasSuffix(value, ".wasm"):
		c.File = value
		if !filepath.IsAbs(value) {
			c.File = filepath.Join(dir, value)
		}
	default:
		return fmt.Errorf("module source %q: must be NETUID=chain, NETUID= and 64 hexadecimal digits, or NETUID= and a file", s)
	}
	p.set(netuid, c)
	return nil
}

// Limit decides on bounds, as an operator writes them: NETUID=fuel:N pages:N log:N
// or all=…, each part optional.
func (p *Policy) Limit(s string) error {
	name, value, _ := strings.Cut(s, "=")
	var l Limits
	parts := strings.Fields(value)
	if len(parts) == 0 {
		parts = []string{""} // refused below
	}
	for _, part := range parts {
		what, number, _ := strings.Cut(part, ":")
		n, err := strconv.ParseUint(number, 10, 64)
		bound := map[string]uint64{"fuel": MaxFuel, "pages": MaxPages, "log": MaxLog}[what]
		if err != nil || bound == 0 || n == 0 || n > bound {
			return fmt.Errorf("module limit %q: %q: must be fuel:N, pages:N (of 64 KiB) or log:N (bytes), 1..%d", s, part, max(bound, 1))
		}
		switch what {
		case "fuel":
			l.Fuel = n
		case "pages":
			l.Pages = uint32(n)
		case "log":
			l.Log = int(n)
		}
	}
	if name == "all" {
		p.Limits = l
		return nil
	}
	netuid, _, err := forSubnet(s)
	if err != nil {
		return err
	}
	c := p.Subnets[netuid]
	c.Limits = l
	p.set(netuid, c)
	return nil
}

func (p *Policy) set(netuid uint16, c Choice) {
	if p.Subnets == nil {
		p.Subnets = map[uint16]Choice{}
	}
	p.Subnets[netuid] = c
}

func forSubnet(s string) (netuid uint16, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	n, err := strconv.ParseUint(name, 10, 16)
	if !ok || err != nil {
		return 0, "", fmt.Errorf("module setting %q: must begin with a netuid and =", s)
	}
	return uint16(n), value, nil
}

// permits reports ErrDenied when the module must not run.
func (p *Policy) permits(id ID) error {
	if slices.Contains(p.Deny, id) {
		return fmt.Errorf("%w: %s stands in modules.deny", ErrDenied, id)
	}
	if len(p.Allow) > 0 && !slices.Contains(p.Allow, id) {
		return fmt.Errorf("%w: %s does not stand in modules.allow", ErrDenied, id)
	}
	return nil
}

// limits returns the host's bounds, tightened.
func (p *Policy) limits(host Limits, netuid uint16) Limits {
	for _, l := range []Limits{p.Limits, p.Subnets[netuid].Limits} {
		if l.Fuel == 0 {
			l.Fuel = MaxFuel
		}
		if l.Pages == 0 {
			l.Pages = MaxPages
		}
		if l.Log == 0 {
			l.Log = MaxLog
		}
		host = host.Within(l)
	}
	return host
}
