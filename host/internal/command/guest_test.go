package command

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// From nothing to a tested module in three commands.
func TestAuthorsLoop(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "demo")
	cache := t.TempDir()
	must := func(args ...string) string {
		t.Helper()
		out, code, err := run(t, args...)
		if err != nil || code != 0 {
			t.Fatalf("plexus %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	if out := must("subnet", "new", "demo", "--dir", dir, "--lang", "go"); !strings.Contains(out, "plexus plugin build") {
		t.Errorf("it does not say what comes next: %s", out)
	}
	var b built
	if err := json.Unmarshal([]byte(must("plugin", "build", dir, "--json")), &b); err != nil || b.Name != "demo" || len(b.Module) != 64 || b.Bytes == 0 {
		t.Fatalf("%+v %v", b, err)
	}
	file := filepath.Join(dir, "demo.wasm")
	if b.File != file {
		t.Errorf("built %s, want %s", b.File, file)
	}
	var again built
	if err := json.Unmarshal([]byte(must("plugin", "build", dir, "--json", "-o", filepath.Join(t.TempDir(), "x.wasm"))), &again); err != nil || again.Module != b.Module {
		t.Errorf("built twice: %s and %s: %v", b.Module, again.Module, err)
	}

	out := must("plugin", "test", dir, "--cache", cache, "--tasks", "4")
	for _, want := range []string{"solver", "leak", "universal", "malformed", "no golden file"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, code, err := run(t, "plugin", "test", file, "--cache", cache, "--update"); code != exitUsage || !strings.Contains(err.Error(), "sources") {
		t.Errorf("--update of a file: %d %v", code, err)
	}
	must("plugin", "test", dir, "--cache", cache, "--tasks", "4", "--update")
	if out := must("plugin", "test", dir, "--cache", cache, "--tasks", "4"); !strings.Contains(out, "golden.json: equal") {
		t.Errorf("after --update:\n%s", out)
	}
	main := filepath.Join(dir, "main.go")
	source, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(main, []byte(strings.Replace(string(source), "scores[i] = abi.One *", "scores[i] = abi.One / 2 *", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code, err := run(t, "plugin", "test", dir, "--cache", cache, "--tasks", "4"); code != exitDiffers || !strings.Contains(err.Error(), ", there ") {
		t.Errorf("a changed score: code %d, %v", code, err)
	}

	if out := must("plugin", "conform", file, "--cache", cache, "--tasks", "1"); strings.Count(out, "passed") < 8 {
		t.Errorf("conform:\n%s", out)
	}
	if out := must("plugin", "lint", file, "--cache", cache, "--tasks", "2"); !strings.Contains(out, "nothing found") {
		t.Errorf("lint:\n%s", out)
	}
	if out := must("plugin", "run", file, "--cache", cache, "--op", "task", "--seed", "7"); !strings.Contains(out, "private") || !strings.Contains(out, "fuel") {
		t.Errorf("run:\n%s", out)
	}
	if out := must("plugin", "run", file, "--cache", cache, "--op", "score", "--answer", "", "--answer", "0x6162"); strings.Count(out, "score  ") != 2 {
		t.Errorf("run score:\n%s", out)
	}
	if _, code, err := run(t, "plugin", "run", file, "--cache", cache, "--op", "parse"); code != exitUsage || !strings.Contains(err.Error(), "offers describe, task") {
		t.Errorf("an operation that is not there: %d %v", code, err)
	}
	whole, bare := filepath.Join(cache, "whole.wasm"), filepath.Join(cache, "bare.wasm")
	must("plugin", "meter", file, whole)
	var m metered
	if err := json.Unmarshal([]byte(must("plugin", "meter", file, bare, "--no-fuel", "--no-depth", "--no-nan", "--json")), &m); err != nil || m.Module != b.Module || len(m.LeftOut) != 3 {
		t.Errorf("meter: %+v %v", m, err)
	}
	if with, without := fileSize(t, whole), fileSize(t, bare); with <= without || int64(m.After) != without || m.Before != b.Bytes {
		t.Errorf("metered %d bytes, without its parts %d: %+v", with, without, m)
	}
	var in inspected
	if err := json.Unmarshal([]byte(must("plugin", "inspect", file, "--json")), &in); err != nil || in.Module != b.Module || in.Runs != "yes" || in.Functions < 500 || len(in.Largest) != 10 {
		t.Errorf("inspect: %+v %v", in, err)
	}
	// Without its manifest, which stands at the end, no node runs it.
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(whole, []byte(strings.Replace(string(code), "plexus.manifest", "plexus.manifesx", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(must("plugin", "inspect", whole, "--json")), &in); err != nil || in.Runs != "its manifest is wrong" || !strings.Contains(in.Manifest, "0 sections") {
		t.Errorf("inspect without a manifest: %+v %v", in, err)
	}
	// A published module has lost its functions' names; they have numbers then.
	pb := filepath.Join(cache, "score.pb.gz")
	if out := must("plugin", "profile", file, "--cache", cache, "--op", "task,score", "--seed", "7", "-o", pb); !strings.Contains(out, "function ") || !strings.Contains(out, "score") || fileSize(t, pb) < 1000 {
		t.Errorf("profile:\n%s", out)
	}
	if out, err := exec.Command("go", "tool", "pprof", "-top", pb).CombinedOutput(); err != nil || !strings.Contains(string(out), "Type: fuel") {
		t.Errorf("pprof: %v\n%s", err, out)
	}
	if out := must("plugin", "run", file, "--cache", cache, "--op", "rank", "--answer", "abc"); !strings.Contains(out, "weight") {
		t.Errorf("run rank:\n%s", out)
	}
}

func fileSize(t *testing.T, name string) int64 {
	t.Helper()
	i, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return i.Size()
}

func TestPluginSelftest(t *testing.T) {
	out, _, err := run(t, "plugin", "selftest", "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantSchema(t, "plugin selftest", out)
}

func TestAuthorsMistakes(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	empty := t.TempDir()
	file := filepath.Join(empty, "x.wasm")
	if err := os.WriteFile(file, []byte("#!/bin/sh"), 0o600); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(empty, "home")
	for _, c := range []struct {
		args string
		code int
		say  string
	}{
		{"subnet new", exitUsage, "takes a name"},
		{"subnet new Demo", exitUsage, "letters a to z"},
		{"subnet new demo --lang cobol", exitUsage, "go, rust, c or as"},
		{"subnet new demo --dir " + empty, exitUsage, "not empty"},
		{"plugin build " + file, exitUsage, "not a folder"},
		{"plugin build " + empty, exitIO, "manifest.json"},
		{"plugin build " + empty, exitIO, "plexus subnet new NAME"},
		{"plugin inspect " + file, exitDiffers, "plexus plugin build"},
		{"plugin meter " + file + " " + file, exitUsage, "overwritten"},
		{"plugin meter " + file + " " + file + "2 --pages 0", exitUsage, "--pages 0"},
		{"plugin verify abcd --home " + home, exitUsage, "holds no modules"},
		{"plugin conform " + file + " --params nowhere", exitIO, "--params"},
		{"plugin conform " + file + " --seed 7", exitUsage, "--seed"},
		{"plugin test nowhere", exitUsage, "nowhere"},
		{"plugin test " + file, exitDiffers, "breaks the contract"},
		{"plugin conform " + file, exitDiffers, "breaks the contract"},
		{"plugin run " + file + " --op fly", exitUsage, "--op fly"},
	} {
		_, code, err := run(t, strings.Fields(c.args)...)
		if err == nil || code != c.code || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: code %d, want %d: %v", c.args, code, c.code, err)
		}
	}
}
