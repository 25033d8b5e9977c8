package plugins

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// c compiles the .c files of the guest's folder and of its folder plexus, and
// links them. The compiler does not link itself, since it would call optimisers
// that happen to be installed.
func (b *build) c() error {
	clang, err := find("clang", "install clang and lld (Debian: apt install clang lld)")
	if err != nil {
		return err
	}
	linker, err := find("wasm-ld", "install lld (Debian: apt install lld)")
	if err != nil {
		return err
	}
	sources, err := b.sources("*.c", "plexus/*.c")
	if err != nil {
		return err
	}
	strip := "--strip-all"
	if b.named {
		strip = "--strip-debug"
	}
	link := []string{"--no-entry", strip, "--gc-sections", "-z", "stack-size=262144", "-o", b.to}
	for i, source := range sources {
		object := filepath.Join(b.tmp, fmt.Sprintf("%d.o", i))
		if err := b.tool(os.Environ(), clang, "--target=wasm32", "-O2", "-ffreestanding", "-fno-builtin", "-mbulk-memory",
			"-Wall", "-c", source, "-o", object); err != nil {
			return err
		}
		link = append(link, object)
	}
	return b.tool(os.Environ(), linker, link...)
}

// rust compiles the SDK in the folder plexus and the guest against it, with rustc
// alone.
func (b *build) rust() error {
	linker, err := find("wasm-ld", "install lld (Debian: apt install lld)")
	if err != nil {
		return err
	}
	rustc, err := b.rustc()
	if err != nil {
		return err
	}
	rlib := filepath.Join(b.tmp, "libplexus.rlib")
	flags := []string{"--edition=2021", "--target=wasm32-unknown-unknown", "-Copt-level=2", "-Cpanic=abort",
		"-Ctarget-feature=+bulk-memory", "-Ccodegen-units=1", "--remap-path-prefix=" + b.dir + "=."}
	if err := b.tool(os.Environ(), rustc, append(flags, "--crate-name=plexus", "--crate-type=rlib", "-o", rlib,
		filepath.Join("plexus", "src", "lib.rs"))...); err != nil {
		return err
	}
	strip := "-Cstrip=symbols"
	if b.named {
		strip = "-Cstrip=debuginfo"
	}
	return b.tool(os.Environ(), rustc, append(flags, "--crate-name=module", "--crate-type=cdylib", "-o", b.to,
		"-Clinker="+linker, "-Clinker-flavor=wasm-ld", strip, "--extern=plexus="+rlib, filepath.Join("src", "lib.rs"))...)
}

// rustc finds a compiler that has the Wasm target: several may be installed, and
// a distribution's often has it where the first on the path does not.
func (b *build) rustc() (string, error) {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/bin") {
		name := filepath.Join(dir, "rustc")
		out, err := exec.CommandContext(b.ctx, name, "--print=target-libdir", "--target=wasm32-unknown-unknown").Output()
		if err != nil {
			continue
		}
		if libs, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "libcore-*.rlib")); err == nil && len(libs) > 0 {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: rustc with the target wasm32-unknown-unknown: rustup target add wasm32-unknown-unknown (Debian: apt install rustc libstd-rust-dev-wasm32)", ErrTool)
}

// assemblyScript runs the compiler of the guest's node_modules, of PLEXUS_ASC, or
// on the path.
func (b *build) assemblyScript() error {
	asc := filepath.Join(b.dir, "node_modules", ".bin", "asc")
	if _, err := os.Stat(asc); err != nil {
		asc = os.Getenv("PLEXUS_ASC")
	}
	if asc == "" {
		var err error
		if asc, err = find("asc", "run npm install in "+b.dir+", or npm install --global assemblyscript"); err != nil {
			return err
		}
	}
	args := []string{"--outFile", b.to} // the rest stands in the guest's asconfig.json
	if b.named {
		args = append(args, "--debug")
	}
	return b.tool(os.Environ(), asc, args...)
}

// optimise makes the compiled module smaller, with the features that the gate
// lets through.
func (b *build) optimise() error {
	tool, err := find("wasm-opt", "install binaryen (Debian: apt install binaryen; npm: npm install --global binaryen)")
	if err != nil {
		return err
	}
	return b.tool(os.Environ(), tool, "-O2", "--mvp-features", "--enable-bulk-memory", "--enable-sign-ext", "--enable-mutable-globals",
		"--enable-nontrapping-float-to-int", "--enable-multivalue", b.to, "-o", b.to)
}

// sources are the files that match, relative to the guest's folder, in order.
func (b *build) sources(patterns ...string) ([]string, error) {
	var all []string
	for _, p := range patterns {
		files, err := filepath.Glob(filepath.Join(b.dir, p))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			rel, err := filepath.Rel(b.dir, f)
			if err != nil {
				return nil, err
			}
			all = append(all, rel)
		}
	}
	sort.Strings(all)
	return all, nil
}

// find looks a tool up by its name, or by its name and a version behind a dash.
func find(name, install string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for v := 30; v >= 11; v-- {
		if path, err := exec.LookPath(fmt.Sprintf("%s-%d", name, v)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s: %s", ErrTool, name, install)
}
