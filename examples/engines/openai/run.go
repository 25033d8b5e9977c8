package openai

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/plexus-network/plexus/plugins/engine"
)

// Run answers tasks of a form, one of Forms, with a server until the host ends the
// process. It returns only an error: a configuration that cannot be, or a process
// that was not started as an engine. The server may be down meanwhile: that costs the
// tasks of that time.
func Run(c Config, name string, o Options) error {
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if !slices.Contains(Forms(), name) {
		return fmt.Errorf("no form %q: --for takes one of %s", name, strings.Join(Forms(), ", "))
	}
	client, err := New(c)
	if err != nil {
		return err
	}
	return engine.ServeStream(func(ctx context.Context, t engine.Task, w io.Writer) error {
		return client.Answer(ctx, name, o, t, w)
	})
}
