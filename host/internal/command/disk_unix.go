//go:build linux || darwin

package command

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskFree is how many bytes this user may still write at a folder, or at the
// nearest one above that exists.
func diskFree(dir string) (uint64, error) {
	for {
		var s unix.Statfs_t
		err := unix.Statfs(dir, &s)
		if err == nil {
			return s.Bavail * uint64(s.Bsize), nil
		}
		up := filepath.Dir(dir)
		if err != unix.ENOENT || up == dir {
			return 0, err
		}
		dir = up
	}
}
