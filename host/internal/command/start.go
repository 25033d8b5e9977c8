package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/node"
)

func startCommand() *cobra.Command {
	var f nodeFlags
	var password passwordFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "start",
		Short: "Run a node from its home",
		Long: `Runs the node of a home that 'plexus init' made, until Ctrl-C or SIGTERM. What it is and does
is in the home's configuration: see 'plexus config show'. It says on standard output how far
it is, and logs to standard error as log.level and log.format say. With --json the events of
the node are printed, one a line.`,
		Example: "  plexus start\n  plexus start --home /srv/plexus --set log.format=json",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runNode(c, f.load, &password, asJSON) },
	}
	f.add(c)
	password.add(c)
	jsonFlag(c, &asJSON, event.Event{})
	return c
}

// runNode runs the node of a configuration, which load reads again when the node is
// told to.
func runNode(c *cobra.Command, load func() (config.Config, error), password *passwordFlags, asJSON bool) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Path(cfg.Genesis)); errors.Is(err, fs.ErrNotExist) {
		return &coded{exitConfig, fmt.Errorf("%s has no genesis (%s): make a home with plexus init", cfg.Home, cfg.Genesis)}
	}
	if err := roomFor(cfg.Home); err != nil {
		return err
	}
	cfg.Password = password.ask(c, "the node's keys in "+cfg.Home, false)
	out := c.OutOrStdout()
	var events io.Writer = out
	if !asJSON {
		events = &following{out: out, blockTime: cfg.BlockTime, now: time.Now, live: out == os.Stdout && term.IsTerminal(int(os.Stdout.Fd()))}
	}
	w := event.NewWriter(events, filepath.Base(cfg.Home))
	log, level := openLog(c.ErrOrStderr(), cfg.Log)
	n, err := node.Open(c.Context(), cfg, log, w)
	if err != nil {
		return err
	}
	operate(c.Context(), n, level, load, log)
	if !asJSON {
		hash := n.Genesis().Hash()
		fmt.Fprintf(out, "network %s, genesis %x\n", n.Genesis().ChainID, hash)
		for _, a := range n.Addrs() {
			fmt.Fprintf(out, "address %s\n", a)
		}
		if api := n.API(); api != "" {
			fmt.Fprintf(out, "api %s\n", api)
		}
	}
	w.Emit(event.Event{Kind: "ready", Addrs: n.Addrs(), API: n.API()})
	err = n.Run(c.Context())
	w.Emit(event.Event{Kind: "stopped"})
	return errors.Join(err, n.Close())
}

// following turns a node's events, as their writer writes them one at a time, into
// lines for people.
type following struct {
	out       io.Writer
	blockTime time.Duration
	now       func() time.Time
	live      bool // a terminal, whose last line may be written over
	last      time.Time
	over      bool // the last line is to be written over
}

// Write takes one event.
func (p *following) Write(b []byte) (int, error) {
	var e event.Event
	if json.Unmarshal(b, &e) != nil {
		return len(b), nil
	}
	line, passing := p.line(e)
	switch {
	case line == "":
	case p.live:
		if p.over {
			fmt.Fprint(p.out, "\r\x1b[K")
		}
		fmt.Fprint(p.out, line)
		if p.over = passing; !passing {
			fmt.Fprintln(p.out)
		}
	default:
		fmt.Fprintln(p.out, line)
	}
	return len(b), nil
}

// line is what an event says, and whether the next line may take its place. A
// node that is behind makes many blocks a second: one line a second is told.
func (p *following) line(e event.Event) (text string, passing bool) {
	switch e.Kind {
	case "block":
		now := p.now()
		behind := now.Sub(time.UnixMilli(e.Time))
		if missing := int64(behind/p.blockTime) - 1; missing > 3 { // how many there are is known from their pace only
			if now.Sub(p.last) < time.Second {
				return "", false
			}
			p.last = now
			return fmt.Sprintf("syncing block %d of about %d, %s behind", e.Height, int64(e.Height)+missing, behind.Round(time.Second)), true
		}
		plural := "s"
		if e.Entries == 2 {
			plural = ""
		}
		return fmt.Sprintf("block %d, %d transaction%s", e.Height, max(0, e.Entries-1), plural), true // the first entry is the proposer's
	case "restoring":
		return fmt.Sprintf("restoring a snapshot, chunk %d of %d", e.Done, e.Total), e.Done < e.Total
	case "rejected":
		return fmt.Sprintf("block %d refused %.12s: %s", e.Height, e.Root, e.Err), false
	case "my-round":
		return fmt.Sprintf("netuid %d epoch %d round %d: %d answers scored", e.Netuid, e.Epoch, e.Round, len(e.Scores)), false
	case "my-skipped":
		return fmt.Sprintf("netuid %d epoch %d round %d skipped: %s", e.Netuid, e.Epoch, e.Round, e.Err), false
	case "my-evidence":
		return fmt.Sprintf("netuid %d epoch %d closed: evidence of %d bytes, root %.12s", e.Netuid, e.Epoch, e.Bytes, e.Root), false
	case "my-commit":
		return fmt.Sprintf("netuid %d epoch %d: weights committed", e.Netuid, e.Epoch), false
	case "my-reveal":
		return fmt.Sprintf("netuid %d epoch %d: weights revealed", e.Netuid, e.Epoch), false
	case "my-permit-gone":
		return fmt.Sprintf("netuid %d epoch %d: the hotkey has no permit, so nothing is validated until it has one: it must be registered and hold enough stake", e.Netuid, e.Epoch), false
	case "my-permit-back":
		return fmt.Sprintf("netuid %d epoch %d: the permit is back", e.Netuid, e.Epoch), false
	case "subnet-fault":
		return fmt.Sprintf("netuid %d: %s", e.Netuid, e.Err), false
	case "stopped":
		return "stopped in order", false
	}
	return "", false
}

// leastRoom is what a store needs to open after a crash, in bytes.
const leastRoom = 16 << 20

// roomFor refuses a full disk before the store is opened, which on one would try
// to write its log again and again.
func roomFor(home string) error {
	if free, err := diskFree(home); err == nil && free < leastRoom {
		return fmt.Errorf("%s: %w: %d KiB are free, %d are needed to start: make room and start again, nothing is lost", home, syscall.ENOSPC, free>>10, leastRoom>>10)
	}
	return nil
}
