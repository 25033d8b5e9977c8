package plugins

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ManifestFile stands beside a guest's main.go.
const ManifestFile = "manifest.json"

// Build compiles the Go guest in dir, a package main with the exports of
// sdk-wasm/go, and appends the manifest made from its manifest.json. The same
// sources and toolchain give the same bytes, wherever they lie. Messages of the
// compiler go to out, which may be nil. What was built before comes from Go's own
// build cache; a first build of a guest takes some seconds.
func Build(ctx context.Context, dir string, out io.Writer) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		return nil, fmt.Errorf("build module: %w", err)
	}
	manifest, err := ParseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("build module: %s: %w", filepath.Join(dir, ManifestFile), err)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("build module: the Go toolchain is needed: %w", err)
	}
	tmp, err := os.MkdirTemp("", "plexus-build-")
	if err != nil {
		return nil, fmt.Errorf("build module: %w", err)
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "module.wasm")
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("build module: %w", err)
	}
	if out == nil {
		out = io.Discard
	}
	cmd := exec.CommandContext(ctx, tool, "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -buildid=", "-o", file, ".")
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(neutral(os.Environ()), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GO111MODULE=on",
		"GOFLAGS=", "GOEXPERIMENT=", "GOWASM=", "PWD="+dir)
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("build module in %s: go build: %w", dir, err)
	}
	module, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("build module: %w", err)
	}
	return AppendManifest(module, manifest)
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
