package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/examples/gallery"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/miners"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// listenNowhere is the value of --listen for a miner that only relays reach.
const listenNowhere = "none"

// minerFlags are those of the miner's command.
type minerFlags struct {
	join, dir, hotkey, train, home, metrics, config string
	engine, serve, listen                           []string
	from                                            string
	register                                        bool
	netuid                                          uint16
}

func minerCommand() *cobra.Command {
	var f minerFlags
	var names []string
	for _, e := range gallery.Engines() {
		names = append(names, e.Name)
	}
	c := &cobra.Command{
		Use:   "miner --hotkey KEY (--engine NAME | --serve N=ENGINE… | --config FILE)",
		Short: "Answer subnets' tasks with models",
		Long: fmt.Sprintf(`Joins a network without a node and answers tasks for a registered hotkey. A model is one of
%s,
or a program of your own and its arguments; see 'plexus engine' and plugins/engine for what it
must speak. --engine gives one model, its arguments each with an --engine of their own, to the
subnet of --netuid; --serve gives several subnets theirs; --config reads a file that also says
who may ask, how much, and what one model works on at once (see host/OPERATING.md).

A miner listens on all interfaces when it joins a network beyond this machine, and on loopback
otherwise. Who cannot be reached directly is reached through nodes that relay, from where a
direct way is tried; --listen %s uses relays alone. Requests taken are remembered in --home, so
that none is answered twice, and validators' receipts for answers are kept there, which 'plexus
evidence claim' holds against what they publish. Events are printed as JSON, one a line; Ctrl-C ends it.`, strings.Join(names, ", "), listenNowhere),
		Example: `  plexus miner --hotkey alice --engine text-order0
  plexus miner --hotkey alice --netuid 4 --engine ./my-model --engine --fast
  plexus miner --hotkey alice --serve 1=text-order0 --serve "4=./my-model --fast"
  plexus miner --hotkey alice --register --from cold --engine text-order0
  plexus miner --config miner.yaml --metrics 127.0.0.1:9652`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().Uint16Var(&f.netuid, "netuid", 1, "subnet that --engine answers")
	keyNameFlag(c, &f.hotkey, "hotkey", "registered key")
	keysFlag(c, &f.dir)
	c.Flags().BoolVar(&f.register, "register", false, "buy the hotkey a place where it has none, at half above the price now at the most")
	keyNameFlag(c, &f.from, "from", "key whose account pays for --register (default: the hotkey)")
	c.Flags().StringArrayVar(&f.engine, "engine", nil, "model, or program and arguments")
	c.Flags().StringVar(&f.train, "train", "", "text that text-mix learns from")
	c.Flags().StringArrayVar(&f.serve, "serve", nil, "subnet and its model, NETUID=ENGINE; several times for several")
	c.Flags().StringVar(&f.config, "config", "", "YAML file of subnets, models and policies")
	c.Flags().StringVar(&f.home, "home", "", "directory for the requests taken and the receipts (default: one for network and hotkey in ~/.plexus/miner)")
	c.Flags().StringArrayVar(&f.listen, "listen", nil, "multiaddr to listen on, or "+listenNowhere)
	c.Flags().StringVar(&f.metrics, "metrics", "", "address to serve Prometheus figures on")
	joinFlag(c, &f.join)
	return c
}

// file is what the flags and the configuration say together: a flag that is set
// goes before the file.
func (f *minerFlags) file(c *cobra.Command) (out miners.File, err error) {
	if f.config != "" {
		if len(f.engine)+len(f.serve) > 0 || c.Flags().Changed("netuid") {
			return out, usage("--config names the subnets and their models: leave out --engine, --serve and --netuid")
		}
		if out, err = miners.ReadFile(f.config); err != nil {
			return out, err
		}
	}
	for _, s := range []struct {
		flag string
		to   *string
	}{{f.hotkey, &out.Hotkey}, {f.join, &out.Join}, {f.home, &out.Home}, {f.metrics, &out.Metrics}} {
		if s.flag != "" {
			*s.to = s.flag
		}
	}
	if len(f.listen) > 0 {
		out.Listen = f.listen
	}
	if len(f.engine) > 0 {
		words := slices.Clone(f.engine)
		if f.train != "" {
			words = append(words, "--train", f.train)
		}
		out.Services = append(out.Services, miners.Service{NetUID: ledger.NetUID(f.netuid), Engine: words})
	}
	for _, text := range f.serve {
		s, err := miners.ParseService(text)
		if err != nil {
			return out, usage("--serve %v", err)
		}
		out.Services = append(out.Services, s)
	}
	if out.Hotkey == "" || len(out.Services) == 0 {
		return out, usage("--hotkey KEY and a model are needed: --engine NAME, --serve N=ENGINE, or --config FILE")
	}
	seen := map[ledger.NetUID]bool{}
	for i := range out.Services {
		s := &out.Services[i]
		if seen[s.NetUID] {
			return out, usage("netuid %d has two models: one answers a subnet", s.NetUID)
		}
		seen[s.NetUID] = true
		if s.Engine, err = miners.Command(s.Engine); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (f *minerFlags) run(c *cobra.Command) error {
	file, err := f.file(c)
	if err != nil {
		return err
	}
	hot, err := loadKey(c, f.dir, file.Hotkey)
	if err != nil {
		return err
	}
	text, err := joinString(file.Join)
	if err != nil {
		return err
	}
	join, err := remote.ParseJoin(text)
	if err != nil {
		return err
	}
	if f.from != "" && !f.register {
		return usage("--from pays for --register, which is not given")
	}
	if f.register {
		from := hot
		if f.from != "" {
			if from, err = loadKey(c, f.dir, f.from); err != nil {
				return err
			}
		}
		var nets []ledger.NetUID
		for _, s := range file.Services {
			nets = append(nets, s.NetUID)
		}
		if err := registerIn(c.Context(), join, hot, from, nets); err != nil {
			return err
		}
	}
	a := miners.Axon{Name: file.Hotkey, Hotkey: hot, Join: join, Services: file.Services, Home: file.Home, Listen: file.Listen, Metrics: file.Metrics}
	if a.Home == "" {
		if a.Home, err = minerHome(join, hot.Public()); err != nil {
			return err
		}
	}
	switch {
	case slices.Contains(a.Listen, listenNowhere):
		if len(a.Listen) > 1 {
			return usage("--listen %s goes with no other address", listenNowhere)
		}
		a.Listen, a.Hidden = nil, true
	case len(a.Listen) == 0:
		a.Listen = miners.Reachable(join)
	}
	events := event.NewWriter(c.OutOrStdout(), file.Hotkey)
	return a.Run(c.Context(), stderrLog("warn"), events, func() {
		for _, s := range a.Services {
			events.Emit(event.Event{Kind: "ready", Hotkey: hot.Public().String(), Netuid: uint16(s.NetUID)})
		}
	})
}

// minerHome is where a miner of a network remembers what it took.
func minerHome(j remote.Join, hot key.ID) (string, error) {
	user, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w: give --home", err)
	}
	return filepath.Join(user, ".plexus", "miner", fmt.Sprintf("%x-%s", j.Genesis[:8], hot)), nil
}
