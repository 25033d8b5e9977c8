package exec

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/plexus-network/plexus/plugins/engine"
)

// Run answers tasks with a program until the host ends the process. It returns only
// an error: a program that cannot be found, or a process that was not started as an
// engine.
func Run(c Config) error {
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	p, err := New(c)
	if err != nil {
		return err
	}
	return engine.ServeStream(func(ctx context.Context, t engine.Task, w io.Writer) error { return p.Answer(ctx, t, w) })
}
