package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ManifestFile stands beside a guest's main.go.
const ManifestFile = "manifest.json"

// Build compiles the guest in dir and appends the manifest made from its
// manifest.json. Its files tell the language; see LanguageOf. The same sources
// and tools give the same bytes, wherever they lie. Messages of the compiler go
// to out, which may be nil. A missing tool is ErrTool and says what to install.
//
// What was built before of a Go guest comes from Go's own build cache; a first
// build takes some seconds.
func Build(ctx context.Context, dir string, out io.Writer) ([]byte, error) {
	return compile(ctx, dir, build{out: out})
}

// BuildOptimised is Build with a run of wasm-opt before the manifest is put in. The
// bytes then depend on the version of wasm-opt too.
func BuildOptimised(ctx context.Context, dir string, out io.Writer) ([]byte, error) {
	return compile(ctx, dir, build{out: out, small: true})
}

// BuildNamed is Build with the functions' names kept in the module, for profiles. The
// code is that of Build, the module another.
func BuildNamed(ctx context.Context, dir string, out io.Writer) ([]byte, error) {
	return compile(ctx, dir, build{out: out, named: true})
}

func compile(ctx context.Context, dir string, b build) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("build module in %s: %w", dir, err) }
	text, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: it stands beside a module's sources: 'plexus subnet new NAME' makes a folder that has one", err)
	}
	if err != nil {
		return fail(err)
	}
	manifest, err := ParseManifest(text)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", ManifestFile, err))
	}
	language, err := LanguageOf(dir)
	if err != nil {
		return fail(err)
	}
	if b.out == nil {
		b.out = io.Discard
	}
	tmp, err := os.MkdirTemp("", "plexus-build-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(tmp)
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fail(err)
	}
	b.ctx, b.dir, b.tmp, b.to = ctx, abs, tmp, filepath.Join(tmp, "module.wasm")
	err = b.run(language)
	if err == nil && b.small {
		err = b.optimise()
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fail(err)
	}
	module, err := os.ReadFile(b.to)
	if err != nil {
		return fail(err)
	}
	return AppendManifest(module, manifest)
}

// Language names what a guest is written in.
type Language string

// The languages that Build knows.
const (
	Go             Language = "go"
	Rust           Language = "rust"
	C              Language = "c"
	AssemblyScript Language = "as"
)

// LanguageOf tells a guest's language by its files: main.go, src/lib.rs, module.c
// or assembly/index.ts.
func LanguageOf(dir string) (Language, error) {
	for _, l := range []struct {
		file string
		is   Language
	}{{"main.go", Go}, {"src/lib.rs", Rust}, {"module.c", C}, {"assembly/index.ts", AssemblyScript}} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(l.file))); err == nil {
			return l.is, nil
		}
	}
	return "", errors.New("no main.go, src/lib.rs, module.c or assembly/index.ts: a guest's language is told by one of them")
}

// ErrTool is returned when a language's tools are not installed.
var ErrTool = errors.New("toolchain not installed")

// build is one run of a language's tools.
type build struct {
	ctx          context.Context
	dir, tmp, to string
	out          io.Writer
	small        bool // wasm-opt is to make it smaller
	named        bool // functions keep their names
}

func (b *build) run(l Language) error {
	switch l {
	case Go:
		return b.golang()
	case Rust:
		return b.rust()
	case C:
		return b.c()
	case AssemblyScript:
		return b.assemblyScript()
	}
	return fmt.Errorf("unknown language %q", l)
}

// tool runs a program in the guest's folder.
func (b *build) tool(env []string, name string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, name, args...)
	cmd.Dir = b.dir
	cmd.Stdout, cmd.Stderr = b.out, b.out
	cmd.Env = env
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}

func (b *build) golang() error {
	flags := "-ldflags=-s -w -buildid="
	if b.named {
		flags = "-ldflags=-w -buildid="
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("%w: go: install Go 1.26 or newer from https://go.dev/dl", ErrTool)
	}
	return b.tool(append(neutral(os.Environ()), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GO111MODULE=on",
		"GOFLAGS=", "GOEXPERIMENT=", "GOWASM=", "PWD="+b.dir),
		tool, "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", flags, "-o", b.to, ".")
}

// neutral drops the variables that would make the bytes depend on the machine.
func neutral(env []string) []string {
	var kept []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "GOOS", "GOARCH", "CGO_ENABLED", "GO111MODULE", "GOFLAGS", "GOEXPERIMENT", "GOWASM", "PWD":
		default:
			kept = append(kept, v)
		}
	}
	return kept
}
