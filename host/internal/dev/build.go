package dev

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/plugins"
)

// ErrSource is returned when the sources of the examples are not at hand.
var ErrSource = errors.New("the subnets' sources are not here")

// builder makes modules out of packages of this project's source, and keeps each
// under a hash of all that went into it.
type builder struct {
	dir string // of what was built before; empty builds anew
	out io.Writer
	say func(string)
}

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	SFiles     []string
	EmbedFiles []string
	Deps       []string
	Error      *struct{ Err string }
}

// build returns the modules of the packages, by import path.
func (b *builder) build(ctx context.Context, paths []string) (map[string][]byte, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	all, err := list(ctx, paths)
	if err != nil {
		return nil, err
	}
	version, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	out, missing := map[string][]byte{}, []string{}
	kept := map[string]string{} // file by package
	for _, path := range paths {
		sum, err := sourceHash(all, path, strings.TrimSpace(string(version)))
		if err != nil {
			return nil, err
		}
		kept[path] = filepath.Join(b.dir, sum+".wasm")
		module, err := os.ReadFile(kept[path])
		if err != nil || b.dir == "" || !whole(module) {
			missing = append(missing, path)
			continue
		}
		out[path] = module
	}
	if len(out) > 0 {
		b.say(fmt.Sprintf("%d of %d modules were built before from the same sources", len(out), len(paths)))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	done := 0
	for _, path := range missing {
		g.Go(func() error {
			module, err := plugins.Build(ctx, all[path].Dir, b.out)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			out[path] = module
			done++
			b.say(fmt.Sprintf("built module %d of %d: %s, %d KiB", done, len(missing), short(path), len(module)>>10))
			if b.dir == "" {
				return nil
			}
			return keepFile(kept[path], module)
		})
	}
	return out, g.Wait()
}

// short is an import path without the project's.
func short(path string) string {
	_, rest, ok := strings.Cut(path, "/examples/subnets/")
	if !ok {
		return path
	}
	return rest
}

// whole reports whether a file holds a module to its end, where the manifest is.
func whole(module []byte) bool {
	_, err := plugins.ReadManifest(module)
	return err == nil
}

// temporary begins the names of files that are being written.
const temporary = ".new-"

// keepFile writes a file whole or not at all; its folder is made.
func keepFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), temporary+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// list describes the packages and all that they import, as built for a guest.
func list(ctx context.Context, paths []string) (map[string]*pkg, error) {
	c := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-e",
		"-json=ImportPath,Dir,Standard,GoFiles,SFiles,EmbedFiles,Deps,Error", "--"}, paths...)...)
	c.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	text, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: run this in a clone of the project, with Go installed: %v: %s", ErrSource, err, strings.TrimSpace(stderr.String()))
	}
	all := map[string]*pkg{}
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		p := &pkg{}
		if err := d.Decode(p); err != nil {
			return nil, err
		}
		all[p.ImportPath] = p
	}
	for _, path := range paths {
		p := all[path]
		if p == nil || p.Dir == "" || p.Error != nil {
			why := "it is not found"
			if p != nil && p.Error != nil {
				why = p.Error.Err
			}
			return nil, fmt.Errorf("%w: %s: %s: run this in a clone of the project", ErrSource, path, why)
		}
	}
	return all, nil
}

// sourceHash is the hash of everything that decides a module's bytes: the
// toolchain, the files of the package and of what it imports, and its manifest.
func sourceHash(all map[string]*pkg, path, toolchain string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "1\n%s\n%s\n", toolchain, path)
	deps := append([]string{path}, all[path].Deps...)
	sort.Strings(deps)
	for _, d := range deps {
		p := all[d]
		if p == nil || p.Standard {
			continue // the toolchain's version stands for its library
		}
		files := append(append(append([]string{}, p.GoFiles...), p.SFiles...), p.EmbedFiles...)
		if d == path {
			files = append(files, plugins.ManifestFile)
		}
		for _, f := range files {
			content, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, "%s/%s %d\n", d, f, len(content))
			h.Write(content)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
