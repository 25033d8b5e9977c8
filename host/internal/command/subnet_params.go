package command

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
)

// parameter is a parameter with its value.
type parameter struct {
	Name   string  `json:"name"`
	Value  uint64  `json:"value"`
	Next   *uint64 `json:"next,omitempty"` // from the next epoch on, when that differs
	Unit   string  `json:"unit"`
	Least  uint64  `json:"least"`
	Most   uint64  `json:"most"`
	Setter string  `json:"set_by"` // owner or vote
	// Bounds of what an owner may set, for those that one may.
	OwnerLeast uint64 `json:"owner_least,omitempty"`
	OwnerMost  uint64 `json:"owner_most,omitempty"`
	Doc        string `json:"doc"`
}

// parameters is what subnet params prints as JSON.
type parameters struct {
	Height ledger.Height  `json:"height"`
	NetUID *ledger.NetUID `json:"netuid,omitempty"` // absent for those of the chain
	Rounds []uint16       `json:"rounds,omitempty"` // start of each round, in blocks after the epoch's first
	Module string         `json:"module,omitempty"` // parameters handed to the module, in hexadecimal
	Params []parameter    `json:"params"`
}

func row(p ledger.Parameter, value uint64) parameter {
	out := parameter{Name: p.Name, Value: value, Unit: p.Unit, Least: p.Least, Most: p.Most, Setter: "vote", Doc: p.Doc}
	if p.Owner {
		out.Setter, out.OwnerLeast, out.OwnerMost = "owner", p.OwnerLeast, p.OwnerMost
	}
	return out
}

// loadParameters lists the parameters of a subnet, or of the chain for netuid 0.
func loadParameters(v ledger.View, n ledger.NetUID) (*parameters, error) {
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	out := &parameters{Height: tot.Height}
	if n == 0 {
		chain, err := ledger.ChainParams(v)
		for _, p := range ledger.ChainParameters() {
			value, _ := chain.Get(p.Name)
			out.Params = append(out.Params, row(p, value))
		}
		return out, err
	}
	sub, err := ownedSubnet(v, n)
	if err != nil {
		return nil, err
	}
	plan, err := ledger.LoadPlanned(v, n)
	if err != nil {
		return nil, err
	}
	out.NetUID, out.Rounds, out.Module = &n, sub.Params.Rounds, hex.EncodeToString(sub.Params.Module)
	for _, p := range ledger.SubnetParameters() {
		value, _ := sub.Params.Get(p.Name)
		r := row(p, value)
		if plan != nil {
			if next, _ := plan.Params.Get(p.Name); next != value {
				r.Next = &next
			}
		}
		out.Params = append(out.Params, r)
	}
	return out, nil
}

func subnetParams() *cobra.Command {
	var join string
	var asJSON bool
	var netuid uint16
	c := &cobra.Command{
		Use: "params [--netuid N]", Short: "Show the parameters of a subnet, or of the chain",
		Long: `Shows every parameter of a subnet with its value, its unit, its bounds, and who may change it:
the owner, with 'plexus subnet set', or a vote of the chain. --netuid 0 shows the parameters
of the whole chain, which only a vote changes.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return look(c, join, func(v ledger.View) error {
				p, err := loadParameters(v, ledger.NetUID(netuid))
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, p)
				}
				return p.print(c)
			})
		},
	}
	c.Flags().Uint16Var(&netuid, "netuid", 1, "subnet; 0 for the chain")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, parameters{})
	return c
}

func (p *parameters) print(c *cobra.Command) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\tvalue\tnext\tunit\tby\tbounds\tmeaning")
	for _, r := range p.Params {
		next, bounds := "", fmt.Sprintf("%d..%d", r.Least, r.Most)
		if r.Next != nil {
			next = fmt.Sprint(*r.Next)
		}
		if r.Setter == "owner" && (r.OwnerLeast != r.Least || r.OwnerMost != r.Most) {
			bounds = fmt.Sprintf("%d..%d (owner), %s", r.OwnerLeast, r.OwnerMost, bounds)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.Value, next, r.Unit, r.Setter, bounds, r.Doc)
	}
	if p.NetUID != nil {
		fmt.Fprintf(w, "rounds\t%s\t\tblocks\towner\t\tstart of each round after the epoch's first block\n", strings.Trim(fmt.Sprint(p.Rounds), "[]"))
		fmt.Fprintf(w, "module\t%s\t\tbytes\towner\t\thanded to the module as they are\n", p.Module)
	}
	return w.Flush()
}

func subnetSet() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	c := &cobra.Command{
		Use:   "set --netuid N NAME=VALUE… --from KEY",
		Short: "Set parameters of a subnet",
		Long: `Changes parameters of a subnet that its owner may set; 'plexus subnet params' lists them with
their bounds. Before the start they hold at once, afterwards from the next epoch on; the same
parameter may be set again after two tempos, and none in the last blocks of an epoch. rounds
takes the starts of the rounds, like rounds=2,8; module takes hexadecimal digits or @FILE.`,
		Example: "  plexus subnet set --netuid 2 asked=16 rounds=10,100,200 --from cold --dry-run",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("%s takes NAME=VALUE: 'plexus subnet params' lists the names", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			numbers, bytes, err := settings(args)
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				sub, err := ownedSubnet(v, n)
				if err != nil {
					return nil, nil, err
				}
				what, err := effect(v, n, sub, numbers)
				if err != nil {
					return nil, nil, err
				}
				for _, b := range bytes {
					what = append(what, b.Name)
				}
				when := "at once"
				if sub.Started > 0 {
					clock, err := ledger.LoadClock(v, n)
					if err != nil {
						return nil, nil, err
					}
					when = fmt.Sprintf("from epoch %d on, block %d", clock.Epoch+1, clock.First+uint64(sub.Params.Tempo))
				}
				list := strings.Join(what, ", ")
				return &payment{what: fmt.Sprintf("%s of netuid %d, %s", list, n, when), done: fmt.Sprintf("set %s of netuid %d, %s", list, n, when)},
					&ledger.SetParams{NetUID: n, Numbers: numbers, Bytes: bytes}, nil
			})
		},
	}
	f.add(c)
	subnet.add(c, "subnet whose parameters to set")
	return c
}

// settings reads NAME=VALUE arguments, and puts them in the order that the chain
// asks for.
func settings(args []string) (numbers []ledger.Setting, bytes []ledger.ByteSetting, err error) {
	seen := map[string]bool{}
	for _, a := range args {
		name, text, ok := strings.Cut(a, "=")
		name = strings.ReplaceAll(name, "-", "_")
		if !ok || name == "" {
			return nil, nil, usage("%q: want NAME=VALUE, like asked=16", a)
		}
		if seen[name] {
			return nil, nil, usage("%s is set twice", name)
		}
		seen[name] = true
		switch name {
		case "rounds":
			b, err := roundStarts(text)
			if err != nil {
				return nil, nil, err
			}
			bytes = append(bytes, ledger.ByteSetting{Name: name, Value: b})
		case "module":
			b, err := hexOrFile(text)
			if err != nil {
				return nil, nil, err
			}
			bytes = append(bytes, ledger.ByteSetting{Name: name, Value: b})
		default:
			v, err := settingValue(name, text)
			if err != nil {
				return nil, nil, err
			}
			numbers = append(numbers, ledger.Setting{Name: name, Value: v})
		}
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i].Name < numbers[j].Name })
	sort.Slice(bytes, func(i, j int) bool { return bytes[i].Name < bytes[j].Name })
	return numbers, bytes, nil
}

// settingValue reads a number, or yes and no for a flag, within an owner's bounds.
func settingValue(name, text string) (uint64, error) {
	all := ledger.SubnetParameters()
	for i := range all {
		p := &all[i]
		if p.Name != name {
			continue
		}
		if !p.Owner {
			return 0, usage("%s: only a vote changes it: see 'plexus gov propose'", name)
		}
		v, err := parameterValue(p, text)
		if err != nil {
			return 0, err
		}
		if err := p.Check(v, true); err != nil {
			return 0, &coded{exitUsage, err}
		}
		return v, nil
	}
	return 0, usage("no parameter %q of a subnet%s", name, nearestName(name, all))
}

// parameterValue reads a parameter's value.
func parameterValue(p *ledger.Parameter, text string) (uint64, error) {
	if p.Most == 1 {
		switch text {
		case "true", "yes", "on":
			return 1, nil
		case "false", "no", "off":
			return 0, nil
		}
	}
	v, err := strconv.ParseUint(strings.ReplaceAll(text, "_", ""), 10, 64)
	if err != nil {
		return 0, usage("%s=%q: want a whole number, %d..%d %s", p.Name, text, p.Least, p.Most, p.Unit)
	}
	return v, nil
}

// nearestName suggests the parameter whose name shares the longest beginning.
func nearestName(name string, all []ledger.Parameter) string {
	best, length := "", 2
	for _, p := range all {
		n := 0
		for n < len(name) && n < len(p.Name) && name[n] == p.Name[n] {
			n++
		}
		if n > length {
			best, length = p.Name, n
		}
	}
	if best == "" {
		return ": see 'plexus subnet params'"
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

func roundStarts(text string) ([]byte, error) {
	var b []byte
	for _, s := range strings.Split(text, ",") {
		v, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
		if err != nil {
			return nil, usage("rounds=%q: want the start of each round in blocks, like 2,8", text)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b, nil
}

func hexOrFile(text string) ([]byte, error) {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		if info.Size() > 1<<20 {
			return nil, usage("%s has %d bytes: parameters of a module are at most 16 KiB", file, info.Size())
		}
		return os.ReadFile(file)
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, usage("module=%q: want hexadecimal digits or @FILE", text)
	}
	return b, nil
}

// effect says what numbers change, against what the next epoch would have.
func effect(v ledger.View, n ledger.NetUID, sub *ledger.Subnet, numbers []ledger.Setting) (out []string, err error) {
	now := sub.Params
	if plan, err := ledger.LoadPlanned(v, n); err != nil {
		return nil, err
	} else if plan != nil {
		now = plan.Params
	}
	for _, s := range numbers {
		old, _ := now.Get(s.Name)
		out = append(out, fmt.Sprintf("%s %d -> %d", s.Name, old, s.Value))
	}
	return out, nil
}
