package study

import (
	"context"
	"errors"

	"github.com/plexus-network/plexus/plugins/engine"
)

// ErrNothing is the copier's refusal while it has found no answer.
var ErrNothing = errors.New("no answer was found in published evidence yet")

// RunCopier makes this process a miner that repeats the best-scored answer in dir,
// whoever gave it and to whatever it is asked now, word for word. While there is
// none it refuses with ErrNothing. It returns only an error: a process that was
// not started as an engine.
func RunCopier(dir string) error {
	if dir == "" {
		return errors.New("copy needs a folder of evidence: --evidence DIR")
	}
	f := NewFolder(dir)
	return engine.Serve(func(context.Context, engine.Task) ([]byte, error) {
		if best := f.Best(nil); best != nil {
			return best, nil
		}
		return nil, ErrNothing
	})
}
