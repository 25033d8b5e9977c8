package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a waiting process looks whether the other has compiled.
const lockPoll = 20 * time.Millisecond

// artefact is a module's place in the cache: a folder that wazero writes to, a
// file beside it with the digest of what it wrote, and a lock.
type artefact struct{ folder, sum, lock string }

// artefact names the place by all that the code depends on: the metered bytes
// (hence the module, the meter version and the memory bound). wazero adds its own
// version and the machine's architecture inside the folder.
func (e *Engine) artefact(metered []byte) artefact {
	h := sha256.Sum256(metered)
	base := filepath.Join(e.cfg.CacheDir, fmt.Sprintf("m%d-%s", MeterVersion, hex.EncodeToString(h[:16])))
	return artefact{folder: base, sum: base + ".sum", lock: base + ".lock"}
}

// compile fills in m's runtime, by way of the cache where there is one.
func (e *Engine) compile(ctx context.Context, m *Module, metered []byte, pages uint32) error {
	if e.cfg.CacheDir == "" || e.cfg.Interpreter {
		return e.open(ctx, m, metered, pages, "")
	}
	a := e.artefact(metered)
	if a.whole() && e.open(ctx, m, metered, pages, a.folder) == nil {
		return nil
	}
	lock := flock.New(a.lock, flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("wasm: lock cache: %w", err)
	}
	defer lock.Close()
	if a.whole() { // another process was faster
		if err := e.open(ctx, m, metered, pages, a.folder); err == nil {
			return nil
		}
	}
	if _, err := os.Stat(a.sum); err == nil {
		e.log.Warn("compiled module was damaged, compiling again", "module", m.id.String(), "folder", a.folder)
	}
	if err := errors.Join(os.RemoveAll(a.folder), os.RemoveAll(a.sum)); err != nil {
		return fmt.Errorf("wasm: clear cache: %w", err)
	}
	start := time.Now()
	if err := e.open(ctx, m, metered, pages, a.folder); err != nil {
		return err
	}
	e.log.Info("compiled module", "module", m.id.String(), "took", time.Since(start).Round(time.Millisecond))
	if err := a.seal(); err != nil {
		// The code is in memory and right; only the next start compiles again.
		e.log.Warn("compiled module could not be kept", "module", m.id.String(), "error", err)
	}
	return nil
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

// seal writes the digest, last of all.
func (a artefact) seal() error {
	sum, err := a.digest()
	if err != nil {
		return err
	}
	if sum == "" {
		return errors.New("nothing was written")
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
