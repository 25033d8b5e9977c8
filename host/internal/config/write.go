package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Save writes the configuration as config.yaml of mode 0600 in the home: what
// differs from the defaults as it is, the rest as comments.
func (c *Config) Save() error {
	file := filepath.Join(c.Home, File)
	if err := os.WriteFile(file+".new", c.encode(), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func (c *Config) encode() []byte {
	var b bytes.Buffer
	b.WriteString("# Configuration of a Plexus node. Lines that are comments show the defaults.\n# Names of files are relative to this folder. See: plexus config reference\n")
	def := Default()
	section := ""
	for i := range table {
		k := &table[i]
		indent, name := "", k.Name
		if s, rest, ok := strings.Cut(k.Name, "."); ok {
			if s != section {
				fmt.Fprintf(&b, "\n%s:\n", s)
			}
			section, indent, name = s, "  ", rest
		}
		mark := ""
		v := k.Value(c)
		if reflect.DeepEqual(v, k.Value(&def)) {
			mark = "# "
		}
		fmt.Fprintf(&b, "\n%s# %s%s\n%s%s%s: %s\n", indent, k.Meaning, k.note(), indent, mark, name, scalar(v))
	}
	return b.Bytes()
}

// note is the unit or the choices of a key, in brackets.
func (k *Key) note() string {
	switch {
	case len(k.Choices) > 0:
		return " (" + strings.Join(k.Choices, ", ") + ")"
	case k.Kind == "number":
		return " (" + k.bounds() + ")"
	}
	return ""
}

// scalar writes a value as JSON, which is YAML and, but for its spaces, TOML.
func scalar(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("config: " + err.Error()) // values are texts, lists, numbers and bools
	}
	return string(b)
}

// Reference is the reference of all keys in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

A node reads, later over earlier: the defaults, ` + "`config.yaml` or `config.toml`" + ` in its home,
the environment, the flags of its command. Keys with a dot are nested in the file, or written
with the dot. Names of files are relative to the home. ` + "`plexus config show --origin`" + ` tells
which layer set what.

| key | kind | default | environment | meaning |
| --- | --- | --- | --- | --- |
`)
	def := Default()
	def.Cache = "the user's cache folder/plexus/modules"
	for i := range table {
		k := &table[i]
		fmt.Fprintf(&b, "| `%s` | %s%s | `%s` | `%s` | %s |\n", k.Name, k.Kind, k.note(), scalar(k.Value(&def)), k.Env(), k.Meaning)
	}
	return b.String() + subnetsReference()
}
