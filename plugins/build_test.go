package plugins

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildReproducible builds one guest at two places: the bytes must not know
// where they were made.
func TestBuildReproducible(t *testing.T) {
	first, err := Build(t.Context(), "wasm/testdata/guest", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-tags=other")
	t.Setenv("GOWASM", "satconv")
	abs, _ := filepath.Abs("wasm/testdata/guest")
	again, err := Build(t.Context(), abs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, again) {
		t.Errorf("%v and %v", Digest(first), Digest(again))
	}
	m, err := ReadManifest(first)
	if err != nil || m.Name != "test-guest" {
		t.Errorf("%+v %v", m, err)
	}
}

func TestBuildFails(t *testing.T) {
	write := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	mod := "module guest\n\ngo 1.26\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // in the error or in the compiler's messages
	}{
		"no manifest":  {map[string]string{"go.mod": mod, "main.go": "package main\nfunc main() {}\n"}, ManifestFile},
		"bad manifest": {map[string]string{"go.mod": mod, "main.go": "package main\nfunc main() {}\n", ManifestFile: `{"nom": 1}`}, `"nom"`},
		"does not compile": {map[string]string{"go.mod": mod, "main.go": "package main\nfunc main() { undefinedThing() }\n",
			ManifestFile: manifestJSON}, "undefinedThing"},
	} {
		var out bytes.Buffer
		_, err := Build(t.Context(), write(c.files), &out)
		if err == nil || !strings.Contains(err.Error()+out.String(), c.want) {
			t.Errorf("%s: %v, %s", name, err, out.String())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, "wasm/testdata/guest", nil); err == nil {
		t.Error("built after the context's end")
	}
}
