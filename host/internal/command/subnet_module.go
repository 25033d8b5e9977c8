package command

import (
	"encoding/hex"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/plugins"
)

// upgraded is what subnet upgrade prints as JSON.
type upgraded struct {
	Module       string `json:"module"`       // SHA-256 in hexadecimal
	Size         int    `json:"size"`         // bytes
	Packed       uint64 `json:"packed"`       // bytes that the chain stores
	Storing      string `json:"storing"`      // burned for storing what is not stored yet
	Transactions []sent `json:"transactions"` // made; with --dry-run the next one
	Left         int    `json:"left"`         // transactions that would follow
}

func subnetUpgrade() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	var file string
	c := &cobra.Command{
		Use:   "upgrade --netuid N --module FILE --from KEY",
		Short: "Store a module on the chain and name it for a subnet",
		Long: `Reads the manifest of a WebAssembly module, stores the module on the chain in chunks if it is not
there yet, and names it for the subnet. Before the subnet's start the module holds at once;
afterwards it is announced and holds after the upgrade delay, so that miners and validators
see it coming. Storing burns a price per packed byte. A run that broke off goes on where it
was.`,
		Example: "  plexus subnet upgrade --netuid 2 --module score.wasm --from cold",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			if err := need(&file, "module", "FILE", "Module", "build one with an SDK"); err != nil {
				return err
			}
			u, err := readUpgrade(file)
			if err != nil {
				return err
			}
			p, err := f.open(c)
			if err != nil {
				return err
			}
			defer p.r.Close()
			out, err := u.run(p, n)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(c, out)
			}
			return out.print(c, f.wait)
		},
	}
	f.addTo(c, upgraded{})
	subnet.add(c, "subnet that the module scores")
	c.Flags().StringVar(&file, "module", "", "WebAssembly file with a manifest")
	c.MarkFlagFilename("module", "wasm")
	return c
}

// upgrade is a module on its way to the chain.
type upgrade struct {
	size     int
	manifest abi.Manifest
	store    *ledger.StoreModule
	chunks   []ledger.StoreChunk
}

func readUpgrade(file string) (*upgrade, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > ledger.MaxModule {
		return nil, usage("%s has %d bytes, a module at most %d", file, info.Size(), ledger.MaxModule)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	u := &upgrade{size: len(b)}
	if u.manifest, err = plugins.ReadManifest(b); err != nil {
		return nil, err
	}
	u.store, u.chunks, err = ledger.PackModule(b)
	return u, err
}

// left lists the payloads that are still to be made, with the price of storing.
func (u *upgrade) left(v ledger.View, p *payer, n ledger.NetUID) (todo []ledger.Payload, price unit.TAO, err error) {
	if _, err := ownedSubnet(v, n); err != nil {
		return nil, 0, err
	}
	account := p.account
	if p.txFlags.as != "" {
		account = p.as
	}
	stored, err := ledger.LoadModule(v, u.store.Module)
	if err != nil {
		return nil, 0, err
	}
	if stored == nil {
		up, err := ledger.LoadUpload(v, account, u.store.Module)
		if err != nil {
			return nil, 0, err
		}
		from := 0
		if up != nil {
			from = int(min(up.Have, uint64(len(u.chunks))))
		} else {
			params, err := ledger.ChainParams(v)
			if err != nil {
				return nil, 0, err
			}
			price = unit.TAO(u.store.Packed) * params.ModuleByte // at most 2^23 · 10^6
			todo = append(todo, u.store)
		}
		for i := range u.chunks[from:] {
			todo = append(todo, &u.chunks[from+i])
		}
	}
	m := &u.manifest
	return append(todo, &ledger.NameModule{NetUID: n, Module: u.store.Module, Meter: m.Meter, ABI: abi.Version, Answer: m.Answer, NeedsData: m.Slices > 0}), price, nil
}

func (u *upgrade) run(p *payer, n ledger.NetUID) (*upgraded, error) {
	v, err := p.r.View(p.c.Context())
	if err != nil {
		return nil, err
	}
	todo, price, err := u.left(v, p, n)
	if err != nil {
		return nil, err
	}
	out := &upgraded{Module: hex.EncodeToString(u.store.Module[:]), Size: u.size, Packed: u.store.Packed, Storing: price.String(), Transactions: []sent{}}
	if p.unsigned != "" && len(todo) > 1 {
		return nil, usage("--unsigned: %d transactions are needed to store the module, and each waits for the one before: store it with another account first", len(todo))
	}
	wait := p.wait
	for i, payload := range todo {
		pm := u.describe(payload, n)
		if i == 0 {
			pm.amount = price
			pm.what += fmt.Sprintf(" (%d transactions in all)", len(todo))
		}
		if i+1 < len(todo) && !p.dry {
			p.wait = waitFinal // the next one builds on it
		} else {
			p.wait = wait
		}
		s, err := p.send(func(ledger.View) (*payment, ledger.Payload, error) { return pm, payload, nil })
		if err != nil {
			return nil, err
		}
		out.Transactions = append(out.Transactions, *s)
		if p.dry {
			out.Left = len(todo) - 1
			return out, nil
		}
		p.yes = true // the question was for all of them
	}
	return out, nil
}

func (u *upgrade) describe(payload ledger.Payload, n ledger.NetUID) *payment {
	switch x := payload.(type) {
	case *ledger.StoreModule:
		return &payment{what: fmt.Sprintf("room for a module of %d bytes, %d packed", u.size, x.Packed), done: "announced the module"}
	case *ledger.StoreChunk:
		return &payment{what: fmt.Sprintf("chunk %d of %d", x.Index+1, len(u.chunks)), done: fmt.Sprintf("stored chunk %d of %d", x.Index+1, len(u.chunks))}
	}
	return &payment{what: fmt.Sprintf("the naming of module %x for netuid %d", u.store.Module[:6], n), done: fmt.Sprintf("named module %x for netuid %d", u.store.Module, n)}
}

func (out *upgraded) print(c *cobra.Command, wait string) error {
	for i := range out.Transactions {
		if err := out.Transactions[i].print(c, wait); err != nil {
			return err
		}
	}
	if out.Left > 0 {
		fmt.Fprintf(c.OutOrStdout(), "%d transactions would follow\n", out.Left)
	}
	return nil
}
