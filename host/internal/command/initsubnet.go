package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/plugins"
)

// subnetFlags describe the subnet that a new network begins with.
type subnetFlags struct {
	module   string
	tempo    uint16
	rounds   string
	deadline time.Duration
	params   []string // NAME=VALUE
}

func (f *subnetFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.module, "subnet", "", "module of a subnet that the network begins with, as netuid 1, which all operators validate; it belongs to the first")
	c.Flags().Uint16Var(&f.tempo, "tempo", 360, "blocks of that subnet's epochs")
	c.Flags().StringVar(&f.rounds, "rounds", "", "its rounds, each by the block of the epoch at which it begins (default: three of them)")
	c.Flags().DurationVar(&f.deadline, "deadline", 3*time.Second, "time that its miners have to answer")
	c.Flags().StringArrayVar(&f.params, "param", nil, "a parameter of it, NAME=NUMBER, once for each; see 'plexus subnet params'")
}

// set sets the parameters that are given by name.
func (f *subnetFlags) set(p *ledger.SubnetParams) error {
	for _, s := range f.params {
		name, text, _ := strings.Cut(s, "=")
		v, err := strconv.ParseUint(text, 10, 64)
		if err == nil {
			err = p.Set(name, v, false)
		}
		if err != nil {
			return usage("--param %s: want NAME=NUMBER, the names are those of 'plexus subnet params': %v", s, err)
		}
	}
	return nil
}

// genesisPool is what the pool of a genesis subnet holds of each side.
const genesisPool = 1000 * unit.Coin

// genesis is the subnet with its module's bytes, of which the first operator is
// the owner.
func (f *subnetFlags) genesis(owner *operator) (g ledger.GenesisSubnet, code []byte, err error) {
	if code, err = os.ReadFile(f.module); err != nil {
		return g, nil, err
	}
	man, err := plugins.ReadManifest(code)
	if err != nil {
		return g, nil, fmt.Errorf("--subnet %s: %w", f.module, err)
	}
	if man.Slices > 0 {
		return g, nil, usage("--subnet %s: the module draws its tasks from data, which a genesis made here does not name: make the network without, then use 'plexus subnet create'", f.module)
	}
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.DeadlineMS = f.tempo, uint32(f.deadline.Milliseconds())
	if p.Rounds, err = f.starts(); err != nil {
		return g, nil, err
	}
	if err := f.set(&p); err != nil {
		return g, nil, err
	}
	if err := p.Validate(); err != nil {
		return g, nil, usage("the subnet: %v", err)
	}
	return ledger.GenesisSubnet{NetUID: 1, Lock: genesisPool, Subnet: ledger.Subnet{Owner: owner.cold.Public(), OwnerHotkey: owner.hot.Public(),
		Module: plugins.Digest(code), Meter: plugins.MeterVersion, ABI: abi.Version, Answer: man.Answer, Started: 1, Params: p}}, code, nil
}

// starts are the rounds' first blocks: by default a tenth, four and seven tenths
// into the epoch.
func (f *subnetFlags) starts() (out []uint16, err error) {
	if f.rounds == "" {
		return []uint16{f.tempo / 10, f.tempo * 4 / 10, f.tempo * 7 / 10}, nil
	}
	for _, s := range strings.Split(f.rounds, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
		if err != nil {
			return nil, usage("--rounds %q: want blocks after the epoch's first, like 2,7,12", f.rounds)
		}
		out = append(out, uint16(n))
	}
	return out, nil
}

// keepModule puts the subnet's module into an operator's home, since the chain
// has no copy of it.
func keepModule(home string, code []byte) error {
	dir := filepath.Join(home, "modules")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	store, err := plugins.OpenStore(dir)
	if err != nil {
		return err
	}
	_, err = store.Put(code)
	return err
}
