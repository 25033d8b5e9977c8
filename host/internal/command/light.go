package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/internal/why"
	"github.com/plexus-network/plexus/ledger/chain"
)

const (
	// lightListen is beside the port of a node, so that both fit on a machine.
	lightListen = "127.0.0.1:9651"
	// lightPause is between two looks for a new block.
	lightPause = 2 * time.Second
	maxSaved   = 1 << 20
)

// lightFlags say which network a light client reads and where it keeps what it
// has verified.
type lightFlags struct {
	join, home string
}

func (f *lightFlags) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.join, "join", "", joinUsage)
	c.PersistentFlags().StringVar(&f.home, "home", "", "directory for the last verified header (default: ~/.plexus/light)")
}

// file is where the last verified header of a network is kept.
func (f *lightFlags) file(genesis [32]byte) (string, error) {
	home := f.home
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		home = filepath.Join(user, ".plexus", "light")
	}
	return filepath.Join(home, fmt.Sprintf("%x.header", genesis[:8])), os.MkdirAll(home, 0o700)
}

// open joins the network, starting from the newest header verified before.
func (f *lightFlags) open(ctx context.Context, log *slog.Logger) (*remote.Remote, remote.Join, error) {
	s, err := joinString(f.join)
	if err != nil {
		return nil, remote.Join{}, err
	}
	j, err := remote.ParseJoin(s)
	if err != nil {
		return nil, j, err
	}
	file, err := f.file(j.Genesis)
	if err != nil {
		return nil, j, err
	}
	saved, err := readBounded(file, maxSaved)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, j, err
	}
	r, err := openKept(ctx, remote.Config{Join: j, Saved: saved, Save: func(b []byte) error { return writeAtomic(file, b) }, Log: log}, file)
	return r, j, err
}

// openLenient is open for a command that reads once, which does without the
// header kept when its file cannot be read or written.
func (f *lightFlags) openLenient(ctx context.Context) (*remote.Remote, error) {
	s, err := joinString(f.join)
	if err != nil {
		return nil, err
	}
	j, err := remote.ParseJoin(s)
	if err != nil {
		return nil, err
	}
	c := remote.Config{Join: j, Log: slog.New(slog.DiscardHandler)}
	file, err := f.file(j.Genesis)
	if err != nil {
		return openKept(ctx, c, "")
	}
	if saved, err := readBounded(file, maxSaved); err == nil {
		c.Saved = saved
	}
	c.Save = func(b []byte) error {
		writeAtomic(file, b) // else the join string is good for the trusting period only
		return nil
	}
	return openKept(ctx, c, file)
}

// openKept opens with what was saved in a file.
func openKept(ctx context.Context, c remote.Config, file string) (*remote.Remote, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r, err := remote.Open(ctx, c)
	if err != nil && c.Saved != nil && (errors.Is(err, chain.ErrVerify) || errors.Is(err, chain.ErrOtherGenesis)) {
		err = fmt.Errorf("%w (it was to start from %s)", err, file)
	}
	return r, err
}

// writeAtomic writes a file of mode 0600 that is there whole or as it was.
func writeAtomic(file string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

func lightCommand() *cobra.Command {
	var f lightFlags
	var listen, level string
	var asJSON bool
	c := &cobra.Command{
		Use:   "light",
		Short: "Follow a network without a node, every value proved",
		Long: `Runs a light client: it joins a network by its join string, verifies the header of each new
block, and serves the read routes of a node's API on this machine. Every answer is proved
against a verified header, so that no node is trusted. The newest header is kept in --home, so
that it can start again later, for as long as the trusting period.

The root of trust is the block in the join string, plexus://GENESIS@HEIGHT:HASH/ADDRESS, else
the header kept, else the genesis of a network that is young enough. 'plexus light get' reads
one value and ends.`,
		Example: "  plexus light --join plexus://GENESIS@812:HASH/ADDRESS\n  plexus status --node http://" + lightListen + "\n  plexus light get account 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --json",
		Args:    subcommands,
		RunE: func(c *cobra.Command, _ []string) error {
			log, _ := openLog(c.ErrOrStderr(), config.Log{Level: level, Format: "text"})
			r, j, err := f.open(c.Context(), log)
			if err != nil {
				return err
			}
			defer r.Close()
			conf := api.Config{Listen: listen, Genesis: r.Genesis, Version: thisVersion().Version, Log: log}
			conf.UseLight(r.View)
			conf.Why = why.Sources{Bundle: fetcher(r, nil)}.Explain
			server, err := api.New(conf)
			if err != nil {
				return err
			}
			if err := server.Listen(); err != nil {
				return err
			}
			out := c.OutOrStdout()
			url := "http://" + server.Addr()
			if asJSON {
				event.NewWriter(out, "light").Emit(event.Event{Kind: "ready", API: url})
			} else {
				fmt.Fprintf(out, "network %s, genesis %x\napi %s: try plexus status --node %s\n", r.Genesis.ChainID, r.Genesis.Hash(), url, url)
			}
			g, ctx := errgroup.WithContext(c.Context())
			g.Go(func() error { return server.Run(ctx) })
			g.Go(func() error { return follow(ctx, r, j, log, func(h chain.Head) { sayHead(out, h, asJSON) }) })
			return g.Wait()
		},
	}
	f.add(c)
	c.Flags().StringVar(&listen, "listen", lightListen, "HOST:PORT of the HTTP API")
	c.Flags().StringVar(&level, "log", "warn", "least level that is logged: debug, info, warn, error")
	jsonFlag(c, &asJSON, event.Event{})
	c.AddCommand(lightGet(&f))
	return c
}

func sayHead(out io.Writer, h chain.Head, asJSON bool) {
	if asJSON {
		event.NewWriter(out, "light").Emit(event.Event{Kind: "block", Height: h.Height, Time: h.Time, Root: fmt.Sprintf("%x", h.Root)})
		return
	}
	fmt.Fprintf(out, "block %d verified, %s, header %x\n", h.Height, time.UnixMilli(h.Time).Local().Format(time.DateTime), h.Hash[:8])
}

// follow verifies each new head until ctx ends. That nodes are away for a while
// is waited out; an attack, or a root of trust that has grown too old, ends it.
func follow(ctx context.Context, r *remote.Remote, j remote.Join, log *slog.Logger, fn func(chain.Head)) error {
	var last chain.Head
	wasDown := false
	for {
		h, err := r.Light.Head(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, chain.ErrAttack), errors.Is(err, chain.ErrTrust), err != nil && isFileError(err):
			return err
		case err != nil:
			if !wasDown {
				log.Warn("no new block can be verified; trying again", "err", err)
			}
			wasDown = true
			if cerr := r.Net.Connect(ctx, j.Addrs...); cerr != nil {
				log.Debug("joining again", "err", cerr)
			}
		case h != last:
			if wasDown {
				log.Warn("blocks are verified again", "height", h.Height)
			}
			last, wasDown = h, false
			fn(h)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lightPause):
		}
	}
}
