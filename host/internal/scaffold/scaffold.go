// Package scaffold writes the folder that a new subnet begins with: the example
// of a language, and its SDK beside it, so that nothing has to be fetched.
package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	plexus "github.com/plexus-network/plexus"
	"github.com/plexus-network/plexus/plugins"
)

// Errors of New.
var (
	ErrName   = errors.New("a subnet's name has 1 to 64 letters a to z, digits and dashes")
	ErrExists = errors.New("is there already")
)

var names = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// Languages are those that New knows.
var Languages = []plugins.Language{plugins.Go, plugins.Rust, plugins.C, plugins.AssemblyScript}

// file is one to write: where it comes from, and what becomes of it.
type file struct{ from, to string }

// New makes the folder dir with a subnet of that name and returns its files, in
// order. It is an error if dir exists and is not empty; nothing is left of a
// folder that could not be finished.
func New(dir, name string, language plugins.Language) (files []string, err error) {
	if !names.MatchString(name) {
		return nil, fmt.Errorf("%q: %w", name, ErrName)
	}
	list, err := sources(language)
	if err != nil {
		return nil, err
	}
	made := false
	if have, err := os.ReadDir(dir); err == nil && len(have) > 0 {
		return nil, fmt.Errorf("%s %w, and is not empty", dir, ErrExists)
	} else if errors.Is(err, fs.ErrNotExist) {
		made = true
	} else if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && made {
			os.RemoveAll(dir)
		}
	}()
	for _, f := range list {
		b, err := fs.ReadFile(plexus.Sources, f.from)
		if err != nil {
			return nil, err
		}
		if err := write(dir, f.to, rename(f.to, b, name)); err != nil {
			return nil, err
		}
		files = append(files, f.to)
	}
	for _, extra := range extras(name, language) {
		if err := write(dir, extra.to, []byte(extra.from)); err != nil {
			return nil, err
		}
		files = append(files, extra.to)
	}
	return files, nil
}

func write(dir, name string, b []byte) error {
	to := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}

// rename gives the files that carry the subnet's name the new one.
func rename(to string, b []byte, name string) []byte {
	switch to {
	case "manifest.json", "Cargo.toml", "package.json":
		return bytes.Replace(b, []byte(`"spell"`), []byte(`"`+name+`"`), 1)
	}
	return b
}

// sources lists what is copied for a language.
func sources(language plugins.Language) ([]file, error) {
	var list []file
	add := func(root, to string, keep func(name string) bool) error {
		return fs.WalkDir(plexus.Sources, root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if rel := strings.TrimPrefix(p, root+"/"); keep == nil || keep(rel) {
				list = append(list, file{p, path.Join(to, rel)})
			}
			return nil
		})
	}
	noTests := func(name string) bool {
		return !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "spell/")
	}
	switch language {
	case plugins.Go:
		for _, f := range []struct {
			root, to string
			keep     func(string) bool
		}{{"sdk-wasm/go/spell", "", nil}, {"abi", "plexus/abi", noTests}, {"sdk-wasm/go", "plexus/sdk-wasm/go", noTests}} {
			if err := add(f.root, f.to, f.keep); err != nil {
				return nil, err
			}
		}
	case plugins.Rust:
		if err := add("sdk-wasm/rust", "", nil); err != nil {
			return nil, err
		}
	case plugins.C:
		if err := add("sdk-wasm/c", "", nil); err != nil {
			return nil, err
		}
	case plugins.AssemblyScript:
		if err := add("sdk-wasm/assemblyscript", "", nil); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown language %q: go, rust, c or as", language)
	}
	return append(list, file{"LICENSE", "plexus/LICENSE"}), nil
}

// DevFile is the file of a subnet's folder that says how 'plexus dev --load' is to
// run it, and DevText what stands in it at first: the module answers its own tasks,
// and a copier tries to live off that.
const (
	DevFile = "dev.json"
	DevText = `{
  "tempo": 20,
  "rounds": [2, 7, 12],
  "deadline_ms": 3500,
  "miners": [
    {"name": "solver", "say": "the module's own solve", "engine": ["wasm", "--module", "{module}"]},
    {"name": "copier", "say": "repeats answers found in published evidence", "engine": ["copy", "--evidence", "{study}"]}
  ]
}
`
)

// extras are the files of a project that the repository's own copy does not need;
// from is their text.
func extras(name string, language plugins.Language) []file {
	list := []file{{"node_modules/\n*.wasm\n", ".gitignore"}, {DevText, DevFile}}
	if language == plugins.Go {
		list = append(list,
			file{"module " + name + "\n\ngo 1.26\n\nrequire github.com/plexus-network/plexus v0.0.0\n\n" +
				"// The SDK lies in the folder plexus, so that nothing is fetched.\n" +
				"replace github.com/plexus-network/plexus => ./plexus\n", "go.mod"},
			file{"module github.com/plexus-network/plexus\n\ngo 1.26\n", "plexus/go.mod"})
	}
	return list
}
