package gallery

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/forecast"
	"github.com/plexus-network/plexus/plugins"
)

// manifest reads the manifest beside a main package of ours.
func manifest(t *testing.T, path string) abi.Manifest {
	t.Helper()
	dir, ok := strings.CutPrefix(path, "github.com/plexus-network/plexus/examples/")
	if !ok {
		t.Fatalf("%s is no example", path)
	}
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(dir), plugins.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := plugins.ParseManifest(text)
	if err != nil {
		t.Fatal(path, err)
	}
	return m
}

// What the list says of a subnet fits its modules, its data and itself.
func TestSubnets(t *testing.T) {
	netuids := map[string]uint16{}
	for i, s := range Subnets() {
		netuids[s.Name] = uint16(i + 1)
	}
	if len(netuids) != len(Subnets()) {
		t.Error("two subnets of one name")
	}
	engines := map[string]bool{}
	for _, e := range Engines() {
		if engines[e.Name] || e.Run == nil {
			t.Errorf("engine %s twice, or without Run", e.Name)
		}
		engines[e.Name] = true
	}
	flags := map[string]bool{}
	for _, s := range Subnets() {
		t.Run(s.Name, func(t *testing.T) {
			m := manifest(t, s.Module)
			for _, op := range []abi.Op{abi.OpTask, abi.OpScore, abi.OpRank, abi.OpDescribe, abi.OpCheck} {
				if !m.Has(op) {
					t.Errorf("the module lacks %s", op)
				}
			}
			if s.Solver != "" {
				if solver := manifest(t, s.Solver); !solver.Has(abi.OpSolve) || solver.Answer > m.Answer {
					t.Errorf("solver answers %d bytes, the module takes %d", solver.Answer, m.Answer)
				}
			}
			if s.Flag != "" && flags[s.Flag] {
				t.Errorf("option --%s is another subnet's too", s.Flag)
			}
			flags[s.Flag] = true
			data(t, s, m)
			miners(t, s, engines)
			last := uint16(0)
			for _, r := range s.Rounds {
				if r <= last || r+2 >= s.Tempo {
					t.Errorf("rounds %v of %d blocks", s.Rounds, s.Tempo)
				}
				last = r
			}
			if s.Params != nil {
				params := s.Params(netuids)
				if again := s.Params(netuids); string(again) != string(params) {
					t.Error("parameters differ from call to call")
				}
				if s.Name != "forecast" {
					return
				}
				p, err := forecast.DecodeParams(params)
				if err != nil || len(p.NetUIDs) != len(netuids) {
					t.Errorf("%v: %v", p, err)
				}
				// The last round has enough blocks before it.
				end := uint64(s.Tempo) - 2
				if _, err := forecast.DrawTask(&abi.TaskRequest{Params: params, Height: uint64(last), Last: end}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// data cuts the default data, and refuses a file that is none.
func data(t *testing.T, s Subnet, m abi.Manifest) {
	if s.Cut == nil {
		return
	}
	d, err := s.Cut("")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Hidden) > 0 && (d.Slice <= 0 || d.Slice > int(m.Slice) || len(d.Hidden)/d.Slice < int(m.Slices)) {
		t.Errorf("%d slices of %d bytes, the module opens %d of at most %d", len(d.Hidden)/max(1, d.Slice), d.Slice, m.Slices, m.Slice)
	}
	if s.Flag == "" {
		return
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + "-not"} {
		if _, err := s.Cut(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("--%s %s: %v", s.Flag, file, err)
		}
	}
}

// miners holds the miners against the engines and the order they must come in.
func miners(t *testing.T, s Subnet, engines map[string]bool) {
	var names []string
	for _, m := range s.Miners {
		if slices.Contains(names, m.Name) || m.Say == "" {
			t.Errorf("miner %s twice, or nothing said of it", m.Name)
		}
		names = append(names, m.Name)
		if len(m.Engine) == 0 || !engines[m.Engine[0]] {
			t.Errorf("miner %s: no engine %q", m.Name, m.Engine)
		}
		if slices.Contains(m.Engine, "{solver}") && s.Solver == "" {
			t.Errorf("miner %s wants a solver module", m.Name)
		}
	}
	if len(names) < 4 || s.Tasks == 0 || len(s.Above) == 0 {
		t.Errorf("%d miners, order %v after %d tasks", len(names), s.Above, s.Tasks)
	}
	for _, p := range append(slices.Clone(s.Above), [2]string{names[0], names[1]}) {
		if !slices.Contains(names, p[0]) || !slices.Contains(names, p[1]) {
			t.Errorf("no such miners: %v", p)
		}
	}
	for _, n := range s.Nothing {
		if !slices.Contains(names, n) {
			t.Errorf("no miner %s", n)
		}
	}
}
