package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// pin copies the program into a new directory that only this user can write to,
// hashing what it copies, and returns the directory and the command that runs
// the copy. What was checked is thus what runs. With others, another user may run
// it.
func pin(command []string, want [32]byte, others bool) (dir string, pinned []string, err error) {
	if len(command) == 0 {
		return "", nil, errors.New("engine: Command is empty")
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return "", nil, fmt.Errorf("engine: %w", err)
	}
	src, err := os.Open(path)
	if err != nil {
		return "", nil, fmt.Errorf("engine: %w", err)
	}
	defer src.Close()
	if dir, err = os.MkdirTemp("", "plexus-engine-"); err != nil {
		return "", nil, fmt.Errorf("engine: %w", err)
	}
	name := filepath.Join(dir, filepath.Base(path))
	if err = copyPinned(name, src, want); err == nil && others {
		if err = os.Chmod(name, 0o555); err == nil {
			err = os.Chmod(dir, 0o755)
		}
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("engine: %s: %w", path, err)
	}
	return dir, append([]string{name}, command[1:]...), nil
}

func copyPinned(name string, src io.Reader, want [32]byte) error {
	dst, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(dst, h), src)
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if [32]byte(h.Sum(nil)) != want {
		return fmt.Errorf("%w: it is %x", ErrPin, h.Sum(nil))
	}
	return os.Chmod(name, 0o500)
}

func (e *Engine) unpin() {
	if e.pinned != "" {
		_ = os.RemoveAll(e.pinned)
	}
}
