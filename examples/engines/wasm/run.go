package wasm

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"time"

	"github.com/plexus-network/plexus/plugins/engine"
)

// exitSlow is the code with which a process ends whose module ran out of time.
const exitSlow = 3

// Run compiles the module and answers tasks until the host ends the process. An
// answer that takes longer than wall ends it too. It returns only an error: a
// module that cannot be run, or a process that was not started as an engine.
func Run(c Config, wall time.Duration) error {
	if wall <= 0 {
		return fmt.Errorf("--timeout %v: must be above 0", wall)
	}
	// Serving replaces os.Stderr by one whose content is lost with the process.
	stderr := os.Stderr
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	// The clock needs a thread beside the module's, which nothing interrupts.
	if runtime.GOMAXPROCS(0) < 2 {
		runtime.GOMAXPROCS(2)
	}
	s, err := Open(context.Background(), c)
	if err != nil {
		return err
	}
	return engine.Serve(func(ctx context.Context, t engine.Task) ([]byte, error) {
		clock := time.AfterFunc(wall, func() {
			fmt.Fprintf(stderr, "the solver module took longer than %v (--timeout): it is started anew\n", wall)
			os.Exit(exitSlow)
		})
		defer clock.Stop()
		return s.Answer(ctx, t.Public)
	})
}

// DefaultCache is the folder that a node of this user keeps compiled modules in,
// or empty when the user has no home. An engine has no environment, so the home is
// asked of the system.
func DefaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		u, err := user.Current()
		if err != nil || u.HomeDir == "" {
			return ""
		}
		dir = filepath.Join(u.HomeDir, ".cache")
		if runtime.GOOS == "darwin" {
			dir = filepath.Join(u.HomeDir, "Library", "Caches")
		}
	}
	return filepath.Join(dir, "plexus", "modules")
}
