package trial

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// compiled keeps the example's code between the tests.
var compiled string

func spell(t *testing.T) plugins.Caller {
	t.Helper()
	code, err := plugins.Build(t.Context(), filepath.Join("..", "..", "sdk-wasm", "go", "spell"), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasm.NewEngine(wasm.Config{CacheDir: compiled})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Load(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

func TestPlaySpell(t *testing.T) {
	m := spell(t)
	last := 0
	r, err := Play(t.Context(), m, Options{Progress: func(done, total int) {
		if done != last+1 || total != 16 {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	}})
	if err != nil || last != 16 {
		t.Fatal(err, last)
	}
	means := map[string]uint64{}
	for _, x := range r.Results {
		means[x.Player] = x.Mean
		if x.Least > x.Mean || x.Mean > x.Most || x.Most > abi.One {
			t.Errorf("%+v", x)
		}
	}
	if means["leak"] != abi.One || means["solver"] < abi.One/2 || means["solver"] != means["copy"] {
		t.Errorf("honest answers: %v", means)
	}
	for _, name := range []string{"empty", "constant", "universal", "malformed", "stale", "longest"} {
		if means[name] > means["solver"]/2 {
			t.Errorf("%s earns %s beside the solver's %s", name, Decimal(means[name]), Decimal(means["solver"]))
		}
	}
	if len(r.Costs) != 5 || r.Costs[0].Op != "task" || r.Costs[0].Calls != 16 || r.Costs[0].Mean == 0 || r.Costs[0].Most < r.Costs[0].Mean {
		t.Errorf("costs %+v", r.Costs)
	}

	file := filepath.Join(t.TempDir(), "golden.json")
	if err := Compare(r, file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no golden file: %v", err)
	}
	text, err := Golden(r)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if write(text); Compare(r, file) != nil {
		t.Error("a report differs from itself")
	}
	for _, c := range []struct{ old, now, says string }{
		{`"leak": "1.0000000000"`, `"leak": "0.5000000000"`, "leak scores 1.0000000000, there 0.5000000000"},
		{`"task": "`, `"task": "ff`, "task "},
		{"[\n  {", "[\n\n  {", "form"},
		{"[", "{", "invalid"},
	} {
		write(bytes.Replace(text, []byte(c.old), []byte(c.now), 1))
		if err := Compare(r, file); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q for %q: %v", c.now, c.old, err)
		}
	}
	again, err := Play(t.Context(), m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if other, _ := Golden(again); !bytes.Equal(other, text) {
		t.Error("two trials of the same seeds differ")
	}
}

func TestLintSpell(t *testing.T) {
	w, err := Lint(t.Context(), spell(t), Options{Tasks: 6})
	if err != nil || len(w) > 0 {
		t.Errorf("%v %v", w, err)
	}
}

// module is a subnet's module without a sandbox, whose faults are the test's.
type module struct {
	task  func(beta [32]byte) abi.Task
	score func(r *abi.ScoreRequest, i int) uint64
	keep  bool
	fuel  uint64
}

func (m module) ID() plugins.ID { return plugins.ID{} }

func (m module) Manifest() abi.Manifest {
	return abi.Manifest{Name: "bad", Version: "1", Ops: []abi.Op{abi.OpTask, abi.OpScore, abi.OpRank}, Fuel: 1000, Pages: 1, Answer: 8, Keep: m.keep}
}

func (m module) Call(_ context.Context, op abi.Op, in []byte, _ [32]byte) (plugins.Reply, error) {
	switch op {
	case abi.OpTask:
		r, err := abi.DecodeTaskRequest(in)
		t := abi.Task{Public: r.Beta[:], Private: r.Beta[1:4]}
		if m.task != nil {
			t = m.task(r.Beta)
		}
		return plugins.Reply{Body: t.Append(nil), Fuel: 1}, err
	case abi.OpScore:
		r, err := abi.DecodeScoreRequest(in)
		s := make(abi.Scores, len(r.Payloads))
		for i := range s {
			s[i] = m.score(&r, i)
		}
		return plugins.Reply{Body: s.Append(nil), Fuel: 1 + m.fuel*uint64(len(s))}, err
	}
	r, err := abi.DecodeRankRequest(in)
	return plugins.Reply{Body: make(abi.Ranks, len(r.Rows)).Append(nil), Fuel: 1}, err
}

func TestLintFinds(t *testing.T) {
	right := func(r *abi.ScoreRequest, i int) uint64 {
		if bytes.Equal(r.Payloads[i], r.Private) {
			return abi.One
		}
		return 0
	}
	hidden := func(beta [32]byte) abi.Task { return abi.Task{Public: beta[8:], Private: beta[:4]} }
	for _, c := range []struct {
		rule string
		m    module
	}{
		{"fresh tasks", module{task: func([32]byte) abi.Task { return abi.Task{Public: []byte("always"), Private: []byte{1}} }, score: right}},
		{"hidden truth", module{score: right}},
		{"order", module{task: hidden, score: func(_ *abi.ScoreRequest, i int) uint64 { return uint64(i) }}},
		{"equality", module{task: hidden, score: func(r *abi.ScoreRequest, i int) uint64 {
			for j := range i {
				if bytes.Equal(r.Payloads[i], r.Payloads[j]) {
					return 0
				}
			}
			return abi.One
		}}},
		{"copies", module{task: hidden, score: right, keep: true}},
		{"cheap answers: empty", module{task: hidden, score: func(r *abi.ScoreRequest, i int) uint64 {
			if len(r.Payloads[i]) == 0 {
				return abi.One
			}
			return right(r, i)
		}}},
		{"worst case", module{task: hidden, score: right, fuel: 10}},
	} {
		// A second answer of no bytes, beside the echo's of an empty task, is needed
		// to see equal answers differ.
		if c.rule == "equality" {
			c.m.task = func(beta [32]byte) abi.Task { return abi.Task{Private: beta[:4]} }
		}
		w, err := Lint(t.Context(), c.m, Options{Tasks: 4})
		if err != nil {
			t.Fatal(c.rule, err)
		}
		found := false
		for _, x := range w {
			found = found || x.Rule == c.rule && x.Detail != ""
		}
		if !found {
			t.Errorf("%s was not found: %+v", c.rule, w)
		}
	}
	if w, err := Lint(t.Context(), module{task: hidden, score: right}, Options{Tasks: 4}); err != nil || len(w) > 0 {
		t.Errorf("a fair module: %v %v", w, err)
	}
}

func TestDecimal(t *testing.T) {
	for s, want := range map[uint64]string{0: "0.0000000000", abi.One: "1.0000000000", abi.One / 2: "0.5000000000", 1: "0.0000000002"} {
		if got := Decimal(s); got != want {
			t.Errorf("%d: %s, want %s", s, got, want)
		}
	}
}

// A merge sees each answer once, in the order of the hashes, beside the artifact.
func TestMergeRequest(t *testing.T) {
	m := spell(t)
	answers := [][]byte{[]byte("abcdef"), []byte("b"), []byte("abcdef"), []byte("longest")}
	b, err := Request(t.Context(), m, Options{Artifact: []byte("abcd")}, abi.OpMerge, answers)
	if err != nil {
		t.Fatal(err)
	}
	r, err := abi.DecodeMergeRequest(b)
	if err != nil || string(r.Artifact) != "abcd" || len(r.Payloads) != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	for i := 1; i < len(r.Payloads); i++ {
		x, y := sha256.Sum256(r.Payloads[i-1]), sha256.Sum256(r.Payloads[i])
		if bytes.Compare(x[:], y[:]) >= 0 {
			t.Error("not in the order of the hashes")
		}
	}
	reply, err := m.Call(t.Context(), abi.OpMerge, b, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := abi.DecodeMerged(reply.Body); err != nil || string(got.Artifact) != "longest" {
		t.Errorf("%q, %v", got.Artifact, err)
	}
}
