package dev

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/plexus-network/plexus/examples/gallery"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Errors of the choice of subnets.
var (
	ErrNoSubnet = errors.New("no such subnet")
	ErrNoFile   = errors.New("this subnet takes no file")
)

// subnet is one of the network's subnets.
type subnet struct {
	gallery.Subnet
	netuid ledger.NetUID
	data   ledger.DataSet // what the chain names; zero for none
	slices bool           // the module draws slices of it
	own    *own           // of one that is not the gallery's
	dir    string         // its sources, likewise
	answer uint64         // bytes of the largest answer, as the module declares
}

// account is the development name of one of the subnet's miners.
func (s *subnet) account(miner string) string { return s.Name + "-" + miner }

// owner is the development name of the subnet's owner.
func (s *subnet) owner() string { return s.Name + "-owner" }

// asked is how many miners a round asks: all of the gallery's, and some that join.
func (s *subnet) asked() uint16 { return uint16(len(s.Miners) + 2) }

// leastDeadlineMS is what a miner gets at least: the models of all subnets share
// this machine, and half of it is for the answer's hash.
const leastDeadlineMS = 5000

// params are the parameters of the subnet as the genesis has them. at is the
// subnet's place in the network: epochs begin together, so that rounds are moved
// by some blocks for each, else all would begin in the same block.
func (s *subnet) params(at int, netuids map[string]uint16) ledger.SubnetParams {
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.Immunity, p.DeadlineMS, p.SkipMax, p.Asked = s.Tempo, 3*s.Tempo, max(s.DeadlineMS, leastDeadlineMS), 500, s.asked()
	p.Rounds = stagger(s.Rounds, s.Tempo, p.DeadlineMS, at)
	if s.Params != nil {
		p.Module = s.Params(netuids)
	}
	return p
}

// stagger moves rounds by as many blocks as at says, as far as the pause between
// two of them and the end of the epoch leave room.
func stagger(rounds []uint16, tempo uint16, deadlineMS uint32, at int) []uint16 {
	if len(rounds) == 0 {
		return nil
	}
	room := int(tempo)
	for i := 1; i < len(rounds); i++ {
		room = min(room, int(rounds[i]-rounds[i-1]))
	}
	last := int(rounds[len(rounds)-1]) + int(deadlineMS)/int(blockTime.Milliseconds()) + 1
	room = min(room, int(tempo)-last)
	out := slices.Clone(rounds)
	if room > 1 {
		for i := range out {
			out[i] += uint16(at % room)
		}
	}
	return out
}

// find is a subnet by its name, nil for none.
func find(all []*subnet, name string) *subnet {
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// choose takes the subnets of these names, in the gallery's order and with the
// netuids of their places there; no names are all.
func choose(names []string) ([]*subnet, error) {
	var all []*subnet
	for i, g := range gallery.Subnets() {
		all = append(all, &subnet{Subnet: g, netuid: ledger.NetUID(i + 1)})
	}
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, s := range all {
		known = append(known, s.Name)
	}
	for _, n := range names {
		if find(all, n) == nil {
			return nil, fmt.Errorf("%w %q: there are %s", ErrNoSubnet, n, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(all, func(s *subnet) bool { return !slices.Contains(names, s.Name) }), nil
}

// netuids are the netuids by name.
func netuids(all []*subnet) map[string]uint16 {
	out := map[string]uint16{}
	for _, s := range all {
		out[s.Name] = uint16(s.netuid)
	}
	return out
}

// everyMiner are the names of the gallery's miners by hotkey.
var everyMiner = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	all, _ := choose(nil) // without names nothing can be unknown
	for _, s := range all {
		for _, m := range s.Miners {
			out[hotkeyOf(s.account(m.Name)).String()] = m.Name
		}
	}
	return out
})

// IsMiner reports whether a hotkey is that of a miner of the gallery.
func IsMiner(hotkey string) bool { return everyMiner()[hotkey] != "" }

// hotkeyOf is a development name's hotkey.
func hotkeyOf(name string) key.ID { return hotSeed(name).Public() }
