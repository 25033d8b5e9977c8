package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/node"
	"github.com/plexus-network/plexus/p2p"
)

// maxLogged bounds a text in the log, which may be what a stranger sent.
const maxLogged = 512

// openLog is the log of a node, as text or JSON, with its level, which may be
// changed while it runs; what libp2p logs goes there too.
func openLog(w io.Writer, c config.Log) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	var l slog.Level
	if l.UnmarshalText([]byte(c.Level)) == nil {
		level.Set(l)
	}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: shorten}
	var h slog.Handler = slog.NewTextHandler(w, o)
	if c.Format == "json" {
		h = slog.NewJSONHandler(w, o)
	}
	p2p.LogTo(h)
	return slog.New(h), level
}

// shorten cuts long texts and turns what is neither a number nor a group into a
// text first, so that no value escapes the bound.
func shorten(_ []string, a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	text := v.String()
	if v.Kind() == slog.KindAny {
		text = fmt.Sprint(v.Any())
	} else if v.Kind() != slog.KindString {
		return a
	}
	if len(text) > maxLogged {
		text = text[:maxLogged] + fmt.Sprintf("… (%d bytes)", len(text))
	} else if v.Kind() == slog.KindAny {
		if _, isErr := v.Any().(error); !isErr {
			return a
		}
	}
	return slog.String(a.Key, text)
}

// operate lets a node be operated: it reads its configuration again when asked
// or on SIGHUP, until ctx ends.
func operate(ctx context.Context, n *node.Node, level *slog.LevelVar, load func() (config.Config, error), log *slog.Logger) {
	n.Control(node.Control{Level: level, Config: load})
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() { // ends with ctx
		defer signal.Stop(hup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if _, err := n.Reload(); err != nil {
					log.Error("reading the configuration again", "err", err)
				}
			}
		}
	}()
}
