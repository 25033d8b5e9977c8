package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
)

// finding is one thing that doctor looked at, as --json prints it.
type finding struct {
	Check  string `json:"check"`  // config, genesis, keys, disk, ports, peers, clock, data, kept, version
	Status string `json:"status"` // ok, warning, failed or skipped
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"` // what to do
}

const (
	fine    = "ok"
	warning = "warning"
	failed  = "failed"
	skipped = "skipped"
)

// Bounds that doctor holds.
const (
	leastDisk  = 2 << 30          // bytes free below which it warns; below a tenth it fails
	mostSkew   = 10 * time.Second // beyond the block time, that the newest block may be away from the clock
	doctorWait = 15 * time.Second
)

func doctorCommand() *cobra.Command {
	var f nodeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong with a node's machine and home",
		Long: `Looks at the configuration, the genesis, the modes of key files, the disk, the ports, whether
peers answer, how far the clock is from the blocks' time, and whether the data of the subnets
to validate is here. Changes nothing, needs no running node, and may run beside one. Exits with
1 if something failed.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			home, err := f.dir()
			if err != nil {
				return err
			}
			flags, err := f.flags()
			if err != nil {
				return err
			}
			all := examine(c.Context(), home, flags)
			bad := 0
			for _, x := range all {
				if x.Status == failed {
					bad++
				}
			}
			if asJSON {
				if err := printJSON(c, all); err != nil {
					return err
				}
			} else {
				for _, x := range all {
					fmt.Fprintf(c.OutOrStdout(), "%-8s %-8s %s\n", x.Status, x.Check, x.Detail)
					if x.Advice != "" {
						fmt.Fprintf(c.OutOrStdout(), "%17s %s\n", "", x.Advice)
					}
				}
			}
			if bad > 0 {
				return &coded{exitDiffers, fmt.Errorf("%d of %d checks failed", bad, len(all))}
			}
			return nil
		},
	}
	f.add(c)
	jsonFlag(c, &asJSON, []finding{})
	return c
}

// examine runs all checks. Those that need what another could not find are
// skipped.
func examine(ctx context.Context, home string, flags map[string]any) (out []finding) {
	v := thisVersion()
	out = append(out, finding{"version", fine, strings.TrimSpace("plexus " + v.Version + " " + v.Commit + ", " + v.Go + ", " + v.Platform), ""})
	cfg, err := config.Load(home, flags)
	if err != nil {
		return append(out, finding{"config", failed, err.Error(), "plexus config reference explains every key"})
	}
	out = append(out, finding{"config", fine, "of " + home, ""})
	gen, f := checkGenesis(&cfg)
	out = append(out, f)
	out = append(out, checkKeys(&cfg)...)
	out = append(out, checkDisk(home), checkKept(&cfg))
	out = append(out, checkPorts(&cfg)...)
	if gen == nil {
		return append(out, finding{"peers", skipped, "no genesis says which network", ""})
	}
	return append(out, checkPeers(ctx, &cfg, gen)...)
}

func checkGenesis(cfg *config.Config) (*ledger.Genesis, finding) {
	name := cfg.Path(cfg.Genesis)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, finding{"genesis", failed, err.Error(), "make a home with plexus init"}
	}
	gen, err := ledger.DecodeGenesis(b)
	if err != nil {
		return nil, finding{"genesis", failed, name + ": " + err.Error(), "get the network's genesis again, or make another home with plexus init --join"}
	}
	if _, err := cfg.JoinAddrs(gen.Hash()); err != nil {
		return nil, finding{"genesis", failed, err.Error(), ""}
	}
	hash := gen.Hash()
	return gen, finding{"genesis", fine, fmt.Sprintf("%s, %x", gen.ChainID, hash[:8]), ""}
}

func checkKeys(cfg *config.Config) []finding {
	named := map[string]bool{}
	for _, name := range []string{cfg.Hotkey, cfg.Consensus} {
		if name != "" {
			named[cfg.Path(name)] = true
		}
	}
	found, _ := filepath.Glob(filepath.Join(cfg.Home, "*.key")) // the pattern is a good one
	for _, file := range found {
		named[file] = true
	}
	var out []finding
	for file := range named {
		dir, name := filepath.Split(strings.TrimSuffix(file, ".key"))
		if err := keys.CheckMode(file); err != nil {
			out = append(out, finding{"keys", failed, err.Error(), ""})
			continue
		}
		n, err := (keys.Ring{Dir: filepath.Clean(dir)}).Info(name)
		switch {
		case err != nil:
			out = append(out, finding{"keys", failed, err.Error(), "restore it from your backup"})
		case n.Watched:
			out = append(out, finding{"keys", failed, file + " is watched only: a node needs the secret", ""})
		}
	}
	if len(out) == 0 {
		out = append(out, finding{"keys", fine, fmt.Sprintf("%d files, readable by you alone", len(named)), ""})
	}
	return out
}

func checkDisk(home string) finding {
	free, err := diskFree(home)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return finding{"disk", skipped, "free space cannot be read on this system", ""}
	case err != nil:
		return finding{"disk", failed, err.Error(), ""}
	}
	detail := fmt.Sprintf("%.1f GiB free at %s", float64(free)/(1<<30), home)
	switch {
	case free < leastDisk/10:
		return finding{"disk", failed, detail, "make room: a node stops when the disk is full"}
	case free < leastDisk:
		return finding{"disk", warning, detail, "make room, or set prune.keep"}
	}
	return finding{"disk", fine, detail, ""}
}

// checkPorts tries to listen where the node would. An address that is taken is
// as it should be while the node runs.
func checkPorts(cfg *config.Config) []finding {
	var out []finding
	try := func(name string, listen func() error) {
		switch err := listen(); {
		case err == nil:
			out = append(out, finding{"ports", fine, name + " is free", ""})
		case errors.Is(err, syscall.EADDRINUSE):
			out = append(out, finding{"ports", warning, name + " is in use", "as it should be if this node runs; else choose another address"})
		default:
			out = append(out, finding{"ports", failed, name + ": " + err.Error(), "choose another address"})
		}
	}
	for _, text := range cfg.Listen {
		try("listen "+text, func() error {
			a, err := multiaddr.NewMultiaddr(text)
			if err != nil {
				return err
			}
			network, addr, err := manet.DialArgs(a)
			if err != nil {
				return err
			}
			return listenOnce(network, addr)
		})
	}
	for name, addr := range map[string]string{"api.listen": cfg.API.Listen, "metrics.listen": cfg.Metrics.Listen} {
		if addr != "" {
			try(name+" "+addr, func() error { return listenOnce("tcp", addr) })
		}
	}
	if cfg.Transport == "tcp" {
		try("tcp.listen "+cfg.TCP.Listen, func() error { return listenOnce("tcp", cfg.TCP.Listen) })
	}
	return out
}

func listenOnce(network, addr string) error {
	if strings.HasPrefix(network, "udp") {
		l, err := net.ListenPacket(network, addr)
		if err == nil {
			err = l.Close()
		}
		return err
	}
	l, err := net.Listen(network, addr)
	if err == nil {
		err = l.Close()
	}
	return err
}

// checkPeers joins the network as a light client does, and compares the clock
// with the time of the newest block.
func checkPeers(ctx context.Context, cfg *config.Config, gen *ledger.Genesis) []finding {
	hash := gen.Hash()
	addrs, err := cfg.JoinAddrs(hash)
	if err != nil || len(addrs) == 0 {
		return []finding{{"peers", skipped, "join names no peers", ""}, {"clock", skipped, "no peer tells the time of a block", ""}}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	r, err := dial(ctx, remote.Join{Genesis: hash, Addrs: addrs}.String())
	if err != nil {
		return []finding{{"peers", failed, err.Error(), "are the addresses of join right, the ports open and a node of the network up?"},
			{"clock", skipped, "no peer tells the time of a block", ""}}
	}
	defer r.Close()
	out := []finding{{"peers", fine, fmt.Sprintf("%d of the network answer", max(1, len(r.Net.FullNodes()))), ""}}
	v, err := r.View(ctx)
	if err != nil {
		return append(out, finding{"clock", failed, err.Error(), "a header that does not verify may be another network's, or the clock may be far off"})
	}
	out = append(out, checkClock(v.Head().Height, time.UnixMilli(v.Head().Time), time.Now(), cfg.BlockTime))
	return append(out, checkData(cfg, v)...)
}

// checkClock judges the clock by the newest block, whose time is the median of
// what its producers' clocks said.
func checkClock(height uint64, block, now time.Time, blockTime time.Duration) finding {
	off := now.Sub(block)
	detail := fmt.Sprintf("block %d was made %s ago by this clock", height, off.Round(100*time.Millisecond))
	switch {
	case off < -mostSkew/10:
		return finding{"clock", failed, fmt.Sprintf("this clock is at least %s behind that of the producers (block %d)", (-off).Round(100*time.Millisecond), height), "set the clock, with NTP for one"}
	case off > 3*blockTime+mostSkew:
		return finding{"clock", warning, detail, "this clock is ahead, or the chain stands still"}
	}
	return finding{"clock", fine, detail, ""}
}
