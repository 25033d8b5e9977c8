package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// guestFlags say how a command of an author finds and runs a module.
type guestFlags struct {
	interpreter bool
	cache       string
}

func (f *guestFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.interpreter, "interpreter", false, "run in the interpreter, the referee, instead of the compiler")
	f.addCache(c)
}

func (f *guestFlags) addCache(c *cobra.Command) {
	c.Flags().StringVar(&f.cache, "cache", config.DefaultCache(), "folder of compiled modules")
}

// guest is a module that an author works on.
type guest struct {
	code   []byte
	dir    string // its sources, empty for a file
	module *wasm.Module
}

// guestCode reads the module in a file, or builds the one in a folder.
func guestCode(ctx context.Context, target string, messages io.Writer) (code []byte, dir string, err error) {
	info, err := os.Stat(target)
	if err != nil {
		return nil, "", usage("%v: give a module's file or the folder of its sources", err)
	}
	if info.IsDir() {
		code, err = plugins.Build(ctx, target, messages)
		return code, target, err
	}
	code, err = readModule(target)
	return code, "", err
}

// readModule reads the module in a file.
func readModule(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > plugins.MaxModule {
		return nil, fmt.Errorf("%s has %d bytes: a module has at most %d", name, info.Size(), plugins.MaxModule)
	}
	return os.ReadFile(name)
}

// open builds or reads a module and loads it under its manifest's limits.
func (f *guestFlags) open(c *cobra.Command, target string) (*guest, error) {
	code, dir, err := guestCode(c.Context(), target, c.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	engine, err := f.engine(code)
	if err != nil {
		return nil, err
	}
	m, err := engine.Load(c.Context(), code)
	if err != nil {
		return nil, err
	}
	return &guest{code: code, dir: dir, module: m}, nil
}

// engine is one with the limits of the module's manifest.
func (f *guestFlags) engine(code []byte) (*wasm.Engine, error) {
	man, err := plugins.ReadManifest(code)
	if err != nil {
		return nil, err
	}
	return wasm.NewEngine(wasm.Config{Interpreter: f.interpreter, CacheDir: f.cache, Log: slog.New(slog.DiscardHandler),
		Limits: plugins.DefaultLimits().Within(plugins.Limits{Fuel: min(man.Fuel, plugins.MaxFuel), Pages: uint32(min(man.Pages, plugins.MaxPages)), Log: plugins.MaxLog})})
}

func (g *guest) close() { g.module.Close(context.Background()) }

// oneArg is an argument check with our exit code.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("%s takes %s", c.CommandPath(), what)
		}
		return nil
	}
}

// built is what plugin build prints as JSON.
type built struct {
	Module  string `json:"module"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Bytes   int    `json:"bytes"`
	File    string `json:"file"`
}

func pluginBuildCommand() *cobra.Command {
	var out string
	var asJSON, optimise bool
	c := &cobra.Command{
		Use:   "build DIR",
		Short: "Compile a module with its language's own tools",
		Long: `Compiles the module in a folder and puts its manifest into it. The same sources and
tools give the same bytes, so others can check what the chain names. Prints the
module's name, which is the SHA-256 of the file.`,
		Args: oneArg("the folder of a module's sources"),
		RunE: func(c *cobra.Command, args []string) error {
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return usage("%s is not a folder: begin one with 'plexus subnet new NAME'", args[0])
			}
			build := plugins.Build
			if optimise {
				build = plugins.BuildOptimised
			}
			code, err := build(c.Context(), args[0], c.ErrOrStderr())
			if err != nil {
				return err
			}
			if _, err := wasm.Instrument(code, plugins.DefaultLimits()); err != nil {
				return fmt.Errorf("built, but no node would run it: %w", err)
			}
			man, err := plugins.ReadManifest(code)
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join(args[0], man.Name+".wasm")
			}
			if err := os.WriteFile(out, code, 0o644); err != nil {
				return err
			}
			b := built{plugins.Digest(code).String(), man.Name, man.Version, len(code), out}
			if asJSON {
				return printJSON(c, b)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s %s, %d bytes, in %s\nmodule %s\n", b.Name, b.Version, b.Bytes, b.File, b.Module)
			return nil
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "file to write (default: NAME.wasm in the folder)")
	c.Flags().BoolVar(&optimise, "wasm-opt", false, "let wasm-opt, which must be installed, make it smaller; its version then decides the bytes too")
	jsonFlag(c, &asJSON, built{})
	return c
}

// foundFault is the error of a command that found what it looked for: it has printed
// it, and ends with code 1.
func foundFault(format string, args ...any) error {
	return &coded{exitDiffers, fmt.Errorf(format, args...)}
}
