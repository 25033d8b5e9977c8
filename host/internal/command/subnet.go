package command

import (
	"encoding/hex"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

func subnetCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "subnet", Short: "List, open and run subnets", Args: subcommands, RunE: showHelp,
		Long: `A subnet is a market for one kind of work: a pool of its own currency, alpha, a module that
scores answers, and the neurons that answer and judge. Its owner opens it, names its module
and data, sets its parameters and starts it.`,
		Example: `  plexus subnet new demo
  plexus subnet ls
  plexus subnet create --hotkey mine --from cold
  plexus subnet upgrade --netuid 2 --module score.wasm --from cold
  plexus subnet start --netuid 2 --from cold`,
	}
	c.AddCommand(subnetNewCommand(), subnetLs(), subnetShow(), subnetParams())
	c.AddCommand(subnetPaying()...)
	return c
}

// subnetPaying are the subnet commands that sign and pay.
func subnetPaying() []*cobra.Command {
	return []*cobra.Command{subnetCreate(), subnetStart(), subnetSet(), subnetIdentity(), subnetUpgrade(), subnetData(), subnetMechanisms(), subnetTrim()}
}

// subnetRow is a subnet in the list.
type subnetRow struct {
	NetUID    ledger.NetUID  `json:"netuid"`
	Name      string         `json:"name"`
	Owner     ledger.Coldkey `json:"owner"`
	Neurons   uint16         `json:"neurons"`
	MaxUIDs   uint16         `json:"max_uids"`
	Epoch     ledger.Epoch   `json:"epoch"`
	Tempo     uint16         `json:"tempo"`
	Started   ledger.Height  `json:"started"`       // first block of its first epoch, 0 before its start
	Earns     bool           `json:"earns"`         // whether TAO is emitted to it
	Price     string         `json:"price"`         // TAO per alpha, now
	Average   string         `json:"price_average"` // by which the emission is divided
	PoolTAO   unit.TAO       `json:"pool_rao"`
	PoolAlpha unit.Alpha     `json:"pool_alpha"`
	Staked    unit.Alpha     `json:"staked_alpha"`
	Burn      unit.TAO       `json:"registration_rao"` // price of a registration now
}

// subnetList is what subnet ls prints as JSON.
type subnetList struct {
	Height  ledger.Height `json:"height"`
	Cost    unit.TAO      `json:"creation_rao"` // price of a subnet in the next block
	Limit   uint16        `json:"limit"`        // subnets that there may be
	Subnets []subnetRow   `json:"subnets"`
}

// atOnce is how many records of a proved view are asked for at once.
const atOnce = 16

func loadSubnets(v ledger.View) (*subnetList, error) {
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	params, err := ledger.ChainParams(v)
	if err != nil {
		return nil, err
	}
	nets, err := ledger.Subnets(v)
	if err != nil {
		return nil, err
	}
	out := &subnetList{Height: tot.Height, Limit: params.SubnetLimit, Subnets: make([]subnetRow, len(nets))}
	if out.Cost, err = ledger.LockCost(v); err != nil {
		return nil, err
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, n := range nets {
		g.Go(func() error {
			row, _, err := loadSubnet(v, n, tot.Height)
			if err == nil {
				out.Subnets[i] = *row
			}
			return err
		})
	}
	return out, g.Wait()
}

// loadSubnet reads one subnet: a usage error when there is none.
func loadSubnet(v ledger.View, n ledger.NetUID, h ledger.Height) (*subnetRow, *ledger.Subnet, error) {
	sub, err := ownedSubnet(v, n)
	if err != nil {
		return nil, nil, err
	}
	m, err := ledger.LoadMarket(v, n)
	if err != nil {
		return nil, nil, err
	}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, nil, err
	}
	if m == nil || clock == nil {
		return nil, nil, fmt.Errorf("netuid %d: its market or its clock is missing: %w", n, ledger.ErrBroken)
	}
	who, err := ledger.LoadIdentity(v, n)
	if err != nil {
		return nil, nil, err
	}
	r := &subnetRow{NetUID: n, Owner: sub.Owner, Neurons: m.Neurons, MaxUIDs: sub.Params.MaxUIDs, Epoch: clock.Epoch, Tempo: sub.Params.Tempo,
		Started: sub.Started, Earns: sub.Earns(h+1, clock.Epoch), Price: m.SpotPrice().String(), Average: unit.I32F32(m.Price).String(),
		PoolTAO: m.TAO, PoolAlpha: m.Alpha, Staked: m.Staked, Burn: m.Burn}
	if who != nil {
		r.Name = who.Name
	}
	return r, sub, nil
}

// noSubnet is the error of a netuid that no subnet has.
func noSubnet(n ledger.NetUID) error {
	return usage("no subnet has netuid %d: see 'plexus subnet ls'", n)
}

// ownedSubnet reads what rarely changes of a subnet.
func ownedSubnet(v ledger.View, n ledger.NetUID) (*ledger.Subnet, error) {
	sub, err := ledger.LoadSubnet(v, n)
	if err == nil && sub == nil {
		err = noSubnet(n)
	}
	return sub, err
}

func subnetLs() *cobra.Command {
	var join string
	var asJSON bool
	c := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the subnets", Args: noArgs,
		Long: `Lists all subnets with their pools and prices, and what another one would cost. Every value is
proved against a block header, so no node is trusted.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return look(c, join, func(v ledger.View) error {
				list, err := loadSubnets(v)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, list)
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "netuid\tname\tneurons\tepoch\ttempo\tprice TAO\tpool TAO\tstaked α\tregistration TAO\tstate")
				for _, s := range list.Subnets {
					state := "earns"
					switch {
					case s.Started == 0:
						state = "not started"
					case !s.Earns:
						state = "earns nothing"
					}
					fmt.Fprintf(w, "%d\t%s\t%d/%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", s.NetUID, s.Name, s.Neurons, s.MaxUIDs, s.Epoch, s.Tempo, s.Price,
						coins(uint64(s.PoolTAO)), coins(uint64(s.Staked)), coins(uint64(s.Burn)), state)
				}
				if err := w.Flush(); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%d of %d at block %d; another one costs %s\n", len(list.Subnets), list.Limit, list.Height, list.Cost)
				return nil
			})
		},
	}
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, subnetList{})
	return c
}

// look joins a network and shows something of its proved state.
func look(c *cobra.Command, join string, fn func(v ledger.View) error) error {
	r, err := dial(c.Context(), join)
	if err != nil {
		return err
	}
	defer r.Close()
	v, err := r.View(c.Context())
	if err != nil {
		return err
	}
	return fn(v)
}

// subnetShown is what subnet show prints as JSON.
type subnetShown struct {
	subnetRow
	OwnerHotkey ledger.Hotkey    `json:"owner_hotkey"`
	Created     ledger.Height    `json:"created"`
	First       ledger.Height    `json:"first"`       // first block of the running epoch
	NextEpoch   ledger.Height    `json:"next_epoch"`  // first block of the next, unless its step is put off
	StartsFrom  ledger.Height    `json:"starts_from"` // first block at which it may start; 0 once it has
	Issued      unit.Alpha       `json:"issued_alpha"`
	Pending     unit.Alpha       `json:"pending_alpha"` // set aside for steps
	Split       []uint16         `json:"split"`         // mechanisms' parts over 65,535; empty for one
	Module      *moduleShown     `json:"module"`
	Next        *moduleShown     `json:"next_module"`
	Data        *dataShown       `json:"data"`
	Identity    *ledger.Identity `json:"identity"`
}

// moduleShown is a module in use, or one that follows.
type moduleShown struct {
	Module string       `json:"module"` // SHA-256 in hexadecimal
	Answer uint64       `json:"answer_bytes"`
	Epoch  ledger.Epoch `json:"from_epoch"` // 0 for the one in use
	Stored bool         `json:"stored"`     // whether the chain has its bytes
}

// dataShown is a data set.
type dataShown struct {
	Root   string `json:"root"`
	Slices uint64 `json:"slices"`
	Slice  uint64 `json:"slice_bytes"`
	Window uint64 `json:"window"` // slices of one epoch, 0 for all of them in every one
}

func shownModule(v ledger.View, hash [32]byte, answer uint64, e ledger.Epoch) (*moduleShown, error) {
	if hash == ([32]byte{}) {
		return nil, nil
	}
	m, err := ledger.LoadModule(v, hash)
	return &moduleShown{hex.EncodeToString(hash[:]), answer, e, m != nil}, err
}

func showSubnet(v ledger.View, n ledger.NetUID) (*subnetShown, error) {
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	row, sub, err := loadSubnet(v, n, tot.Height)
	if err != nil {
		return nil, err
	}
	out := &subnetShown{subnetRow: *row, OwnerHotkey: sub.OwnerHotkey, Created: sub.Created, Split: sub.Split}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, err
	}
	m, err := ledger.LoadMarket(v, n)
	if err != nil {
		return nil, err
	}
	out.Issued, out.Pending = m.Issued, m.Pending
	if sub.Started > 0 {
		out.First, out.NextEpoch = clock.First, clock.First+uint64(sub.Params.Tempo)
	} else {
		params, err := ledger.ChainParams(v)
		if err != nil {
			return nil, err
		}
		out.StartsFrom = sub.Created + params.StartDelay
	}
	if out.Module, err = shownModule(v, sub.Module, sub.Answer, 0); err != nil {
		return nil, err
	}
	if out.Next, err = shownModule(v, sub.Next.Module, sub.Next.Answer, sub.Next.Epoch); err != nil {
		return nil, err
	}
	if d := sub.Data; d.Slices > 0 {
		out.Data = &dataShown{hex.EncodeToString(d.Root[:]), d.Slices, d.Slice, d.Window}
	}
	out.Identity, err = ledger.LoadIdentity(v, n)
	return out, err
}

func subnetShow() *cobra.Command {
	var join string
	var asJSON bool
	c := &cobra.Command{
		Use: "show NETUID", Short: "Show one subnet: owner, module, data, pool, clock",
		Long: `Shows one subnet as the chain has it, every value proved. Its neurons are in 'plexus metagraph',
its parameters in 'plexus subnet params'.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes the number of a subnet", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			n, err := parseNetUID(args[0])
			if err != nil {
				return err
			}
			return look(c, join, func(v ledger.View) error {
				s, err := showSubnet(v, n)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, s)
				}
				return s.print(c)
			})
		},
	}
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, subnetShown{})
	return c
}

func (s *subnetShown) print(c *cobra.Command) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	line("netuid", "%d %s", s.NetUID, s.Name)
	line("owner", "%s, with the hotkey %s", s.Owner, s.OwnerHotkey)
	switch {
	case s.Started == 0:
		line("state", "created at block %d, may start from block %d", s.Created, s.StartsFrom)
	case s.Earns:
		line("state", "started at block %d, earns", s.Started)
	default:
		line("state", "started at block %d, earns nothing: it needs a module, registrations open, and data if the module draws any", s.Started)
	}
	if s.Started > 0 {
		line("epoch", "%d since block %d, the next begins at block %d", s.Epoch, s.First, s.NextEpoch)
	}
	line("price", "%s TAO per alpha, on average %s", s.Price, s.Average)
	line("pool", "%s and %s", s.PoolTAO, s.PoolAlpha)
	line("alpha", "%s issued, %s staked, %s set aside", s.Issued, s.Staked, s.Pending)
	line("neurons", "%d of %d, a registration costs %s", s.Neurons, s.MaxUIDs, s.Burn)
	for _, m := range []*moduleShown{s.Module, s.Next} {
		if m == nil {
			continue
		}
		when := "module"
		if m.Epoch > 0 {
			when = fmt.Sprintf("from epoch %d", m.Epoch)
		}
		where := "on the chain"
		if !m.Stored {
			where = "not on the chain: nodes fetch it from each other"
		}
		line(when, "%s, answers of at most %d bytes, %s", m.Module, m.Answer, where)
	}
	if d := s.Data; d != nil {
		line("data", "%d slices of %d bytes, %d an epoch (0: all), root %s", d.Slices, d.Slice, d.Window, d.Root)
	}
	if len(s.Split) > 0 {
		line("mechanisms", "%v of 65535", s.Split)
	}
	if i := s.Identity; i != nil {
		for _, f := range [][2]string{{"url", i.URL}, {"source", i.Source}, {"contact", i.Contact}, {"says", i.Description}} {
			if f[1] != "" {
				line(f[0], "%q", f[1])
			}
		}
	}
	return w.Flush()
}
