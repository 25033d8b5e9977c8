package wasm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// ErrSuite is returned for a folder that holds no suite that can be run.
var ErrSuite = errors.New("wasm: not a compiled suite of WebAssembly")

// SuiteReport is what came of a suite.
type SuiteReport struct {
	Files    int            `json:"files"`
	Commands int            `json:"commands"` // run in the original, the compiler and the interpreter
	Skipped  int            `json:"skipped"`  // of a module that the gate refuses
	Refused  map[string]int `json:"refused"`  // modules of the suite refused by policy alone, by reason
	Failures []SuiteFailure `json:"failures"`
}

// SuiteFailure is a command whose outcome is not the same in all three.
type SuiteFailure struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Want string `json:"want"` // of the original in the compiler, or of the metered one there
	Got  string `json:"got"`
}

// RunSuite runs the official suites of WebAssembly that lie compiled below root:
// NAME.json files, as wast2json writes them, beside their modules, and
// testdata/spectest.wasm, the module they all import. Each command is
// run in the module as it is and in the gated and metered one on both engines, which must
// agree but for the bits of a NaN and for what the gate refuses. Files are taken when choose
// says so, all when it is nil; those of vector instructions, which no module may have, never.
// each is called before each file; it may be nil.
func RunSuite(ctx context.Context, root string, choose func(file string) bool, each func(done, total int)) (*SuiteReport, error) {
	var files []string
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		name, rest, _ := strings.Cut(filepath.Base(p), ".")
		if err == nil && !e.IsDir() && rest == "json" && !strings.HasPrefix(name, "simd") && (choose == nil || choose(p)) {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSuite, err)
	}
	common, err := os.ReadFile(filepath.Join(root, "testdata", "spectest.wasm"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%w: %s: want NAME.json files and testdata/spectest.wasm, as in internal/integration_test/spectest of wazero's source", ErrSuite, root)
	}
	r := &SuiteReport{Refused: map[string]int{}, Failures: []SuiteFailure{}}
	for i, f := range files {
		if each != nil {
			each(i, len(files))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.file(ctx, f, common); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrSuite, f, err)
		}
		r.Files++
	}
	return r, nil
}

const suiteFeatures = api.CoreFeaturesV2 &^ api.CoreFeatureSIMD

type suiteCommand struct {
	Type, Filename, Name, As string
	Line                     int
	Action                   suiteAction
}

type suiteAction struct {
	Type, Module, Field string
	Args                []struct{ Type, Value string }
}

// suiteRun executes one file on one configuration.
type suiteRun struct {
	ctx   context.Context
	rt    wazero.Runtime
	meter bool
	last  api.Module
	named map[string]api.Module
	all   []api.Module
}

func (s *suiteRun) instantiate(wasm []byte, name string) (api.Module, error) {
	rewritten := wasm
	if s.meter {
		var err error
		if rewritten, err = meter.InstrumentAny(wasm, meter.Options{Pages: 65536}); err != nil {
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
		if start := mod.ExportedFunction(meter.ExportStart); start != nil {
			if _, err := start.Call(s.ctx); err != nil {
				mod.Close(s.ctx)
				s.all = s.all[:len(s.all)-1]
				return nil, err
			}
		}
	}
	return mod, nil
}

func (s *suiteRun) refill() {
	for _, m := range s.all {
		m.ExportedGlobal(meter.ExportFuel).(api.MutableGlobal).Set(1 << 40)
		m.ExportedGlobal(meter.ExportDepth).(api.MutableGlobal).Set(meter.MaxDepth)
	}
}

// do runs a command and describes what came of it.
func (s *suiteRun) do(dir string, c suiteCommand, names map[string]string) string {
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
			if errors.Is(err, meter.ErrModule) {
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

func (s *suiteRun) act(a suiteAction) string {
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
		if t == api.ValueTypeExternref || t == 0x70 {
			fmt.Fprintf(&b, "ref %v ", res[i] == 0) // addresses differ
			continue
		}
		fmt.Fprintf(&b, "%x ", mask(res[i], t))
	}
	if s.meter {
		for _, m := range s.all {
			fmt.Fprintf(&b, "fuel %d ", m.ExportedGlobal(meter.ExportFuel).Get())
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

// file runs one file of a suite.
func (r *SuiteReport) file(ctx context.Context, file string, common []byte) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var suite struct{ Commands []suiteCommand }
	if err := json.Unmarshal(text, &suite); err != nil {
		return err
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
	var runs []*suiteRun
	defer func() {
		for _, s := range runs {
			s.rt.Close(ctx)
		}
	}()
	open := func(cfg wazero.RuntimeConfig, meter bool) (*suiteRun, error) {
		rt := wazero.NewRuntimeWithConfig(ctx, cfg.WithCoreFeatures(suiteFeatures))
		if _, err := rt.InstantiateWithConfig(ctx, common, wazero.NewModuleConfig().WithName("spectest")); err != nil {
			rt.Close(ctx)
			return nil, err
		}
		s := &suiteRun{ctx: ctx, rt: rt, meter: meter, named: map[string]api.Module{}}
		runs = append(runs, s)
		return s, nil
	}
	base, err := open(wazero.NewRuntimeConfigCompiler(), false)
	if err != nil {
		return err
	}
	compiler, err := open(wazero.NewRuntimeConfigCompiler(), true)
	if err != nil {
		return err
	}
	interpreter, err := open(wazero.NewRuntimeConfigInterpreter(), true)
	if err != nil {
		return err
	}
	fail := func(line int, want, got string) {
		r.Failures = append(r.Failures, SuiteFailure{File: file, Line: line, Want: want, Got: got})
	}
	dir := filepath.Dir(file)
	skip := map[string]bool{}
	for _, c := range suite.Commands {
		if skip[c.Action.Module] && c.Type != "module" {
			r.Skipped++
			continue
		}
		r.Commands++
		want, got, again := base.do(dir, c, names), compiler.do(dir, c, names), interpreter.do(dir, c, names)
		if c.Type == "module" {
			skip[""], skip[c.Name] = false, false
		}
		if got != again {
			fail(c.Line, "compiler: "+got, "interpreter: "+again)
		}
		switch {
		case strings.HasPrefix(got, "gate: "):
			if want == "module" {
				r.Refused[strings.TrimPrefix(got, "gate: ")]++
				skip[""], skip[c.Name] = true, true
			}
		case neutral(got) != neutral(want):
			fail(c.Line, "original: "+want, "metered: "+got)
		}
	}
	return nil
}
