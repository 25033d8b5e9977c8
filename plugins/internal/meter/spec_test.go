package meter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The official suites of WebAssembly lie, compiled, in wazero's module. Each
// command runs on the original and on the rewritten modules, which must agree.
// PLEXUS_SPEC=full runs all of them; the default is a sample.

const specFeatures = api.CoreFeaturesV2 &^ api.CoreFeatureSIMD

// specSample has a file for each thing that the rewriter touches.
var specSample = []string{"block", "br_if", "br_table", "bulk", "call_indirect", "custom", "elem", "fac", "float_exprs",
	"func", "global", "if", "imports", "labels", "linking", "loop", "memory_grow", "return", "select", "start",
	"table_grow", "table_init", "type", "unreached-invalid", "unwind"}

type specCommand struct {
	Type, Filename, Name, As string
	Line                     int
	Action                   specAction
}

type specAction struct {
	Type, Module, Field string
	Args                []struct{ Type, Value string }
}

// specRun executes one file on one configuration.
type specRun struct {
	ctx   context.Context
	rt    wazero.Runtime
	meter bool
	last  api.Module
	named map[string]api.Module
	all   []api.Module
}

func specDir(t *testing.T) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal/integration_test/spectest")
}

func anyImport(string, string, byte, funcType) error { return nil }

func (s *specRun) instantiate(wasm []byte, name string) (api.Module, error) {
	rewritten := wasm
	if s.meter {
		m, err := decode(wasm, anyImport)
		if err == nil {
			rewritten, err = m.rewrite(Options{Pages: 65536})
		}
		if err != nil {
			return nil, err
		}
	}
	c, err := s.rt.CompileModule(s.ctx, rewritten)
	if err != nil {
		return nil, err
	}
	mod, err := s.rt.InstantiateModule(s.ctx, c, wazero.NewModuleConfig().WithName(name).WithStartFunctions())
	if err != nil {
		return nil, err
	}
	if s.meter {
		s.all = append(s.all, mod)
		s.refill()
		if start := mod.ExportedFunction(ExportStart); start != nil {
			if _, err := start.Call(s.ctx); err != nil {
				mod.Close(s.ctx)
				s.all = s.all[:len(s.all)-1]
				return nil, err
			}
		}
	}
	return mod, nil
}

func (s *specRun) refill() {
	for _, m := range s.all {
		m.ExportedGlobal(ExportFuel).(api.MutableGlobal).Set(1 << 40)
		m.ExportedGlobal(ExportDepth).(api.MutableGlobal).Set(MaxDepth)
	}
}

// do runs a command and describes what came of it.
func (s *specRun) do(dir string, c specCommand, names map[string]string) string {
	switch c.Type {
	case "module", "assert_invalid", "assert_malformed", "assert_unlinkable", "assert_uninstantiable":
		if !strings.HasSuffix(c.Filename, ".wasm") {
			return "text"
		}
		wasm, err := os.ReadFile(filepath.Join(dir, c.Filename))
		if err != nil {
			return err.Error()
		}
		name := ""
		if c.Type == "module" {
			name = names[c.Filename]
		}
		m, err := s.instantiate(wasm, name)
		if err != nil {
			if errors.Is(err, ErrModule) {
				return "gate: " + err.Error()
			}
			return "no module"
		}
		if c.Type == "module" {
			s.last = m
			if c.Name != "" {
				s.named[c.Name] = m
			}
		}
		return "module"
	case "assert_return", "assert_trap", "assert_exhaustion", "action":
		return s.act(c.Action)
	}
	return ""
}

func (s *specRun) act(a specAction) string {
	m := s.last
	if a.Module != "" {
		m = s.named[a.Module]
	}
	if m == nil {
		return "no module"
	}
	if a.Type == "get" {
		g := m.ExportedGlobal(a.Field)
		return fmt.Sprint(mask(g.Get(), g.Type()))
	}
	f := m.ExportedFunction(a.Field)
	if f == nil {
		return "no function"
	}
	var args []uint64
	for _, v := range a.Args {
		n, _ := strconv.ParseUint(v.Value, 10, 64) // null references become 0
		args = append(args, n)
	}
	s.refill()
	res, err := f.Call(s.ctx, args...)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		line = strings.TrimPrefix(line, "wasm error: ")
		if line == "stack overflow" {
			line = "unreachable" // the depth bound comes first
		}
		return "trap: " + line
	}
	var b strings.Builder
	for i, t := range f.Definition().ResultTypes() {
		if t == api.ValueTypeExternref || t == typeFuncRef {
			fmt.Fprintf(&b, "ref %v ", res[i] == 0) // addresses differ
			continue
		}
		fmt.Fprintf(&b, "%x ", mask(res[i], t))
	}
	if s.meter {
		for _, m := range s.all {
			fmt.Fprintf(&b, "fuel %d ", m.ExportedGlobal(ExportFuel).Get())
		}
	}
	return b.String()
}

func mask(v uint64, t api.ValueType) uint64 {
	switch t {
	case api.ValueTypeI32, api.ValueTypeF32:
		return uint64(uint32(v)) // the rest is garbage in the compiler
	}
	return v
}

// neutral drops what the two may differ in: fuel, and the bits of NaN.
func neutral(s string) string {
	s, _, _ = strings.Cut(s, "fuel ")
	fields := strings.Fields(s)
	for i, f := range fields {
		v, err := strconv.ParseUint(f, 16, 64)
		if err != nil || strings.HasPrefix(s, "trap") {
			continue
		}
		if v>>23&0xff == 0xff && v&(1<<23-1) != 0 && v>>32 == 0 || v>>52&0x7ff == 0x7ff && v&(1<<52-1) != 0 {
			fields[i] = "nan"
		}
	}
	return strings.Join(fields, " ")
}

func TestSpec(t *testing.T) {
	root := specDir(t)
	files, err := filepath.Glob(filepath.Join(root, "v2/testdata/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no suite in %s: %v", root, err)
	}
	full := os.Getenv("PLEXUS_SPEC") == "full"
	if full {
		v1, _ := filepath.Glob(filepath.Join(root, "v1/testdata/*.json"))
		files = append(files, v1...)
	}
	spectest, err := os.ReadFile(filepath.Join(root, "testdata/spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	commands, refused := 0, map[string]int{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		if strings.HasPrefix(name, "simd") || !full && !slices.Contains(specSample, name) {
			continue
		}
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(f)))+"/"+name, func(t *testing.T) {
			commands += specFile(t, f, spectest, refused)
		})
	}
	t.Logf("%d commands; refused by the gate alone: %v", commands, refused)
	if commands < 3000 {
		t.Errorf("only %d commands ran", commands)
	}
}

func specFile(t *testing.T, file string, spectest []byte, refused map[string]int) int {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var suite struct{ Commands []specCommand }
	if err := json.Unmarshal(text, &suite); err != nil {
		t.Fatal(err)
	}
	// A module's name in the engine is what a later command registers it as.
	names := map[string]string{}
	for i, c := range suite.Commands {
		if c.Type == "register" {
			for j := i - 1; j >= 0; j-- {
				if p := suite.Commands[j]; p.Type == "module" && (c.Name == "" || c.Name == p.Name) {
					names[p.Filename] = c.As
					break
				}
			}
		}
	}
	ctx := context.Background()
	open := func(cfg wazero.RuntimeConfig, meter bool) *specRun {
		rt := wazero.NewRuntimeWithConfig(ctx, cfg.WithCoreFeatures(specFeatures))
		if _, err := rt.InstantiateWithConfig(ctx, spectest, wazero.NewModuleConfig().WithName("spectest")); err != nil {
			t.Fatal(err)
		}
		return &specRun{ctx: ctx, rt: rt, meter: meter, named: map[string]api.Module{}}
	}
	base := open(wazero.NewRuntimeConfigCompiler(), false)
	compiler := open(wazero.NewRuntimeConfigCompiler(), true)
	interpreter := open(wazero.NewRuntimeConfigInterpreter(), true)
	defer func() {
		for _, s := range []*specRun{base, compiler, interpreter} {
			s.rt.Close(ctx)
		}
	}()
	dir := filepath.Dir(file)
	skip := map[string]bool{}
	for _, c := range suite.Commands {
		if skip[c.Action.Module] && c.Type != "module" {
			continue
		}
		want, got, again := base.do(dir, c, names), compiler.do(dir, c, names), interpreter.do(dir, c, names)
		if c.Type == "module" {
			skip[""], skip[c.Name] = false, false
		}
		if got != again {
			t.Errorf("line %d: compiler %q, interpreter %q", c.Line, got, again)
		}
		switch {
		case strings.HasPrefix(got, "gate: "):
			if want == "module" {
				refused[strings.TrimPrefix(got, "gate: ")]++
				skip[""], skip[c.Name] = true, true
			}
		case neutral(got) != neutral(want):
			t.Errorf("line %d: %s: original %q, rewritten %q", c.Line, c.Type, want, got)
		}
	}
	return len(suite.Commands)
}
