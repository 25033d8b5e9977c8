package selftest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/plugins"
)

// TestEveryLanguage: the SDK's example in each language shows one reply and one
// fuel value in a thousand calls on the compiler and twenty on the interpreter. Ten
// on another processor are TestOtherMachine's.
func TestEveryLanguage(t *testing.T) {
	for language, folder := range examples {
		t.Run(language, func(t *testing.T) {
			code, err := plugins.Build(t.Context(), filepath.Join("..", "..", "sdk-wasm", filepath.FromSlash(folder)), os.Stderr)
			if errors.Is(err, plugins.ErrTool) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			compiled, slow := 1000, 20
			if testing.Short() {
				compiled, slow = 100, 2
			}
			all := append(workload(t, code, false, compiled), workload(t, code, true, slow)...)
			for i, got := range all {
				if got != all[0] {
					t.Fatalf("call %d: %s; the first: %s", i, got, all[0])
				}
			}
			t.Logf("%d calls: %s", len(all), all[0])
		})
	}
}
