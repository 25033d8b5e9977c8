package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// lockPoll is how often a waiting process looks whether the other has compiled.
const lockPoll = 20 * time.Millisecond

// artefact is a module's place in the cache: a folder with the metered module and
// what wazero makes of it, a file beside it with the digest of all that, and a
// lock.
type artefact struct{ folder, sum, lock string }

// meteredName is the metered module's name in the folder.
const meteredName = "metered.wasm"

// artefact names the place by all that the code depends on: the module, the meter
// and the memory bound. wazero adds its own version and the machine's architecture
// inside the folder.
func (e *Engine) artefact(id plugins.ID, pages uint32) artefact {
	base := filepath.Join(e.cfg.CacheDir, fmt.Sprintf("m%d.%d-%s-%d", MeterVersion, meter.Revision, id, pages))
	return artefact{folder: base, sum: base + ".sum", lock: base + ".lock"}
}

// compile fills in m's runtime, by way of the cache where there is one.
func (e *Engine) compile(ctx context.Context, m *Module, module []byte) error {
	if e.cfg.CacheDir == "" || e.cfg.Interpreter {
		metered, err := m.instrument(module)
		if err != nil {
			return err
		}
		return e.open(ctx, m, metered, "")
	}
	a := e.artefact(m.id, m.pages)
	if e.reopen(ctx, m, a) {
		return nil
	}
	metered, err := m.instrument(module) // a refused module leaves nothing in the cache
	if err != nil {
		return err
	}
	lock := flock.New(a.lock, flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("wasm: lock cache: %w", err)
	}
	defer lock.Close()
	if e.reopen(ctx, m, a) { // another process was faster
		return nil
	}
	if _, err := os.Stat(a.sum); err == nil {
		e.log.Warn("compiled module was damaged, compiling again", "module", m.id.String(), "folder", a.folder)
	}
	if err := errors.Join(os.RemoveAll(a.folder), os.RemoveAll(a.sum)); err != nil {
		return fmt.Errorf("wasm: clear cache: %w", err)
	}
	start := time.Now()
	if err := e.open(ctx, m, metered, a.folder); err != nil {
		return err
	}
	e.log.Info("compiled module", "module", m.id.String(), "took", time.Since(start).Round(time.Millisecond))
	if err := a.seal(metered); err != nil {
		// The code is in memory and right; only the next start compiles again.
		e.log.Warn("compiled module could not be kept", "module", m.id.String(), "error", err)
	}
	return nil
}

// reopen takes the metered module and its code from the cache, if they are there
// and whole.
func (e *Engine) reopen(ctx context.Context, m *Module, a artefact) bool {
	if !a.whole() {
		return false
	}
	metered, err := os.ReadFile(filepath.Join(a.folder, meteredName))
	return err == nil && e.open(ctx, m, metered, a.folder) == nil
}

// instrument gates and meters the module.
func (m *Module) instrument(module []byte) ([]byte, error) {
	metered, err := Instrument(module, Limits{Pages: m.pages})
	switch {
	case errors.Is(err, meter.ErrPages):
		return nil, &plugins.Fault{Kind: plugins.ErrMemory, ID: m.id, Detail: clip(err.Error())}
	case err != nil:
		return nil, &plugins.Fault{Kind: plugins.ErrABI, ID: m.id, Detail: clip(err.Error())}
	}
	return metered, nil
}

// whole reports whether the folder holds what was sealed.
func (a artefact) whole() bool {
	want, err := os.ReadFile(a.sum)
	if err != nil {
		return false
	}
	got, err := a.digest()
	return err == nil && got == string(want)
}

// seal writes the metered module and, last of all, the digest.
func (a artefact) seal(metered []byte) error {
	if err := os.WriteFile(filepath.Join(a.folder, meteredName), metered, 0o600); err != nil {
		return err
	}
	sum, err := a.digest()
	if err != nil {
		return err
	}
	if strings.Count(sum, "\n") < 2 {
		return errors.New("the engine wrote nothing")
	}
	tmp := a.sum + ".tmp"
	if err := os.WriteFile(tmp, []byte(sum), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, a.sum)
}

// digest hashes the files of the folder: a line of digest and name for each.
func (a artefact) digest() (string, error) {
	var lines strings.Builder
	err := filepath.WalkDir(a.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".tmp") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		name, err := filepath.Rel(a.folder, path)
		fmt.Fprintf(&lines, "%x %s\n", h.Sum(nil), name)
		return err
	})
	return lines.String(), err
}
