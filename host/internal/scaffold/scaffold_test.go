package scaffold

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/plugins"
)

// What New writes is built with what it wrote alone.
func TestNewBuilds(t *testing.T) {
	for _, l := range Languages {
		t.Run(string(l), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "demo")
			files, err := New(dir, "demo-1", l)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(files, "manifest.json") || !slices.Contains(files, "README.md") || !slices.Contains(files, ".gitignore") {
				t.Errorf("files %v", files)
			}
			for _, f := range files {
				if strings.HasSuffix(f, "_test.go") && strings.HasPrefix(f, "plexus/") {
					t.Errorf("%s: tests of the SDK do not belong there", f)
				}
			}
			if got, err := plugins.LanguageOf(dir); err != nil || got != l {
				t.Errorf("language %q: %v", got, err)
			}
			code, err := plugins.Build(t.Context(), dir, os.Stderr)
			if errors.Is(err, plugins.ErrTool) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if m, err := plugins.ReadManifest(code); err != nil || m.Name != "demo-1" {
				t.Errorf("manifest %+v: %v", m, err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	for _, c := range []struct {
		dir, name string
		language  plugins.Language
		want      string
	}{
		{full, "demo", plugins.Go, "is there already, and is not empty"},
		{filepath.Join(full, "x"), "demo", plugins.Go, "x"},
		{filepath.Join(empty, "a"), "Demo", plugins.Go, "letters a to z"},
		{filepath.Join(empty, "a"), "../up", plugins.Go, "letters a to z"},
		{filepath.Join(empty, "a"), "", plugins.Go, "letters a to z"},
		{filepath.Join(empty, "a"), "demo", "cobol", "go, rust, c or as"},
	} {
		if _, err := New(c.dir, c.name, c.language); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q %s: %v", c.dir, c.name, c.language, err)
		}
	}
	if have, _ := os.ReadDir(empty); len(have) > 0 {
		t.Error("a refused folder was made")
	}
	if _, err := New(empty, "demo", plugins.C); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}
