package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// Names of the file in a home; one of them at the most is there.
const (
	File     = "config.yaml"
	FileTOML = "config.toml"
)

// envPrefix begins the environment's names: PLEXUS_BLOCK_TIME sets block_time.
const envPrefix = "PLEXUS_"

// maxFile bounds the file in bytes.
const maxFile = 256 << 10

// Setting is one key's value with the layer that it comes from.
type Setting struct {
	Name   string `json:"name"`
	Value  any    `json:"value"` // see Key.Value
	Unit   string `json:"unit,omitempty"`
	Origin string `json:"origin"` // "default", the file's name, the variable's name, or "flag"
}

// Load reads the configuration of a home: defaults, the file if there is one,
// the environment, then flags by key. What is wrong with it is ErrConfig.
func Load(home string, flags map[string]any) (Config, error) {
	c, _, err := load(home, flags)
	return c, err
}

// Settings reads the configuration as Load does, and says where each value comes
// from.
func Settings(home string, flags map[string]any) ([]Setting, error) {
	c, origin, err := load(home, flags)
	if err != nil {
		return nil, err
	}
	out := make([]Setting, len(table))
	for i := range table {
		k := &table[i]
		out[i] = Setting{Name: k.Name, Value: k.Value(&c), Unit: k.Unit, Origin: origin[k.Name]}
	}
	return out, nil
}

// Written is the configuration that a new home begins with: the defaults and the
// given values by key, without the file and the environment.
func Written(home string, values map[string]any) (Config, error) {
	c := Default()
	c.Home = home
	for name, v := range values {
		k := find(name)
		if k == nil {
			return c, fmt.Errorf("%w: unknown key %q: did you mean %q?", ErrConfig, name, nearest(name))
		}
		if err := k.set(&c, v); err != nil {
			return c, fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	return c, c.Check()
}

func load(home string, flags map[string]any) (Config, map[string]string, error) {
	c := Default()
	c.Home = home
	merged := koanf.New(".")
	origin := map[string]string{}
	layer := func(values map[string]any, from func(name string) string) error {
		for name := range values {
			if find(name) == nil {
				return fmt.Errorf("%w: %s: unknown key %q: did you mean %q?", ErrConfig, from(name), name, nearest(name))
			}
			origin[name] = from(name)
		}
		if err := merged.Load(confmap.Provider(values, "."), nil); err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
		return nil
	}
	def := map[string]any{}
	for i := range table {
		def[table[i].Name] = table[i].Value(&c)
	}
	path, values, err := readFile(home)
	if err != nil {
		return c, nil, err
	}
	environment, err := readEnv()
	if err != nil {
		return c, nil, err
	}
	for _, err := range []error{
		layer(def, func(string) string { return "default" }),
		layer(values, func(string) string { return path }),
		layer(environment, func(name string) string { return find(name).Env() }),
		layer(flags, func(string) string { return "flag" }),
	} {
		if err != nil {
			return c, nil, err
		}
	}
	for i := range table {
		if err := table[i].set(&c, merged.Get(table[i].Name)); err != nil {
			return c, nil, fmt.Errorf("%w: %s: %w", ErrConfig, origin[table[i].Name], err)
		}
	}
	return c, origin, c.Check()
}

// readFile reads the file of a home into values by key. There may be none.
func readFile(home string) (path string, values map[string]any, err error) {
	var parse func([]byte) (map[string]any, error)
	for name, p := range map[string]func([]byte) (map[string]any, error){File: yaml.Parser().Unmarshal, FileTOML: toml.Parser().Unmarshal} {
		_, err := os.Stat(filepath.Join(home, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		if path != "" {
			return "", nil, fmt.Errorf("%w: %s has both %s and %s: remove one", ErrConfig, home, File, FileTOML)
		}
		path, parse = filepath.Join(home, name), p
	}
	if path == "" {
		return "", nil, nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%s: %d bytes, at most %d", path, info.Size(), maxFile)
	}
	if err != nil {
		return path, nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return path, nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	values, err = decode(b, parse)
	if err != nil {
		return path, nil, fmt.Errorf("%w: %s: %s", ErrConfig, path, strings.Join(strings.Fields(err.Error()), " "))
	}
	return path, values, nil
}

// decode parses a file into values by key, dots or nesting alike.
func decode(b []byte, parse func([]byte) (map[string]any, error)) (map[string]any, error) {
	tree, err := parse(b)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	return values, flatten(values, "", tree)
}

// flatten puts a tree's leaves into values. A section without entries, as when
// all of them are comments, is none.
func flatten(values map[string]any, prefix string, tree map[string]any) error {
	for name, v := range tree {
		full := prefix + name
		switch v := v.(type) {
		case map[string]any:
			if err := flatten(values, full+".", v); err != nil {
				return err
			}
			continue
		case map[any]any:
			return fmt.Errorf("%s: a section whose names are not texts", full)
		case nil:
			if isSection(full) {
				continue
			}
		}
		if isSection(full) {
			return fmt.Errorf("%s is a section: its keys are nested below it, as in %s", full, nearest(full+"."))
		}
		if _, twice := values[full]; twice {
			return fmt.Errorf("%s is set twice", full)
		}
		values[full] = v
	}
	return nil
}

func isSection(name string) bool {
	for i := range table {
		if strings.HasPrefix(table[i].Name, name+".") {
			return true
		}
	}
	return false
}

// readEnv reads the environment into values by key. Names that are no key's are
// left to other programs, unless they look like a slip of the pen.
func readEnv() (map[string]any, error) {
	byEnv := map[string]string{}
	for i := range table {
		byEnv[table[i].Env()] = table[i].Name
	}
	values := map[string]any{}
	var slip error
	k := koanf.New(".")
	err := k.Load(env.Provider(".", env.Opt{Prefix: envPrefix, TransformFunc: func(name, v string) (string, any) {
		if key, ok := byEnv[name]; ok {
			values[key] = v
		} else if near := find(nearest(strings.ToLower(strings.TrimPrefix(name, envPrefix)))); edits(name, near.Env()) <= 2 {
			slip = fmt.Errorf("%w: environment: unknown key %q: did you mean %q?", ErrConfig, name, near.Env())
		}
		return "", nil
	}}), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: environment: %w", ErrConfig, err)
	}
	return values, slip
}

func find(name string) *Key {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

// nearest is the key with the fewest edits from name.
func nearest(name string) string {
	best, least := "", 1<<30
	for i := range table {
		// A nested name given without its section is nearer than its letters say.
		d := min(edits(name, table[i].Name), 1+edits(name, table[i].Name[strings.LastIndexByte(table[i].Name, '.')+1:]))
		if d < least {
			best, least = table[i].Name, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			prev, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, prev+cost)
		}
	}
	return row[len(b)]
}
