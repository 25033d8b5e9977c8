package text_test

import (
	"bytes"
	"crypto/sha256"
	"math"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/text"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const words = "the light of a ray and its colour which when reflected or refracted by glass makes an angle\n"

// slices are a text of its own, so that no other file can change the vectors.
func slices() (s [][]byte) {
	r := sdk.NewRand([32]byte{42}, 7)
	list := strings.Fields(words)
	for range text.Contexts {
		var b []byte
		for len(b) < text.SliceLen {
			b = append(append(b, list[r.Intn(len(list))]...), ' ')
		}
		s = append(s, b[:text.SliceLen])
	}
	return s
}

func golden(t testing.TB) abi.Task {
	t.Helper()
	r := &abi.TaskRequest{Beta: sha256.Sum256([]byte("beta")), Slices: slices()}
	task, err := text.DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func all(d text.Distribution) []byte {
	a := make(text.Answer, text.Contexts)
	for i := range a {
		a[i] = d
	}
	return a.Append(nil)
}

// adversary is an answer that tries something, and the score it must get.
type adversary struct {
	name    string
	payload []byte
	score   uint64
}

func adversaries(t testing.TB) []adversary {
	task := golden(t)
	contexts, err := text.DecodeContexts(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	honest, err := text.Solve(&abi.SolveRequest{Public: task.Public})
	if err != nil {
		t.Fatal(err)
	}
	long := text.Distribution{Escape: text.Total}
	for i := range byte(text.MaxNamed) {
		long.Symbols, long.Masses = append(long.Symbols, 240+i), append(long.Masses, 256)
		long.Escape -= 256
	}
	last, leak := make(text.Answer, text.Contexts), make(text.Answer, text.Contexts)
	truth := task.Private[len(task.Private)-text.Contexts:]
	for i, c := range contexts {
		last[i] = text.Distribution{Escape: 1, Symbols: c[len(c)-1:], Masses: []uint16{65535}}
		leak[i] = text.Distribution{Escape: 1, Symbols: truth[i : i+1], Masses: []uint16{65535}}
	}
	return []adversary{
		{"honest order-0", honest, 1811732334},
		{"copy of the honest", bytes.Clone(honest), 1811732334},
		{"truth leaked", leak.Append(nil), 4294955477},
		{"constant", all(text.Distribution{Escape: text.Total * 5 / 8, Symbols: []byte(" e"), Masses: []uint16{text.Total / 4, text.Total / 8}}), 341099008},
		{"flat", all(text.Distribution{Escape: text.Total}), 0},
		{"longest", all(long), 0},
		{"sure of the last byte again", last.Append(nil), 0},
		{"sure and without escape", all(text.Distribution{Symbols: []byte("ae"), Masses: []uint16{65535, 1}}), 0},
		{"empty", nil, 0},
		{"empty array", []byte{0x80}, 0},
		{"no contexts", []byte{0x82, 1, 0x80}, 0},
		{"malformed", honest[:len(honest)-1], 0},
		{"trailing byte", append(bytes.Clone(honest), 0), 0},
		{"version 2", append([]byte{0x82, 2}, honest[2:]...), 0},
		{"oversize", bytes.Repeat([]byte{0x9f}, 1<<20), 0},
		{"huge array claimed", []byte{0x82, 1, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0},
		{"deep nesting", bytes.Repeat([]byte{0x81}, 5000), 0},
		{"universal string", []byte(strings.Repeat("e the and ", 200)), 0},
		{"the question itself", task.Public, 0},
	}
}

func vectors(t testing.TB) []vector.Vector {
	task := golden(t)
	score := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for _, a := range adversaries(t) {
		score.Payloads = append(score.Payloads, a.payload)
	}
	req := &abi.TaskRequest{Beta: sha256.Sum256([]byte("beta")), Slices: slices()}
	other := &abi.TaskRequest{Beta: sha256.Sum256([]byte("another beta")), Slices: slices()}
	few := &abi.TaskRequest{Slices: slices()[1:]}
	rank := &abi.RankRequest{Rows: []abi.Row{
		{Scores: []uint64{abi.One, abi.One / 2, 12345}}, {Scores: []uint64{0}}, {},
		{Carry: []byte{0x82, 1, 0x1a, 0x80, 0, 0, 0}, Scores: []uint64{abi.One}}, {Carry: []byte("rubbish"), Scores: []uint64{7}},
	}}
	honest := score.Payloads[0]
	solve := &abi.SolveRequest{Public: task.Public}
	good := &abi.CheckRequest{Public: task.Public, Payload: honest}
	bad := &abi.CheckRequest{Public: task.Public, Payload: honest[1:]}
	return []vector.Vector{
		{Name: "describe", Op: abi.OpDescribe, Input: nil},
		{Name: "task", Op: abi.OpTask, Input: req.Append(nil)}, {Name: "task-other-beta", Op: abi.OpTask, Input: other.Append(nil)},
		{Name: "task-too-few-slices", Op: abi.OpTask, Input: few.Append(nil)}, {Name: "task-rubbish", Op: abi.OpTask, Input: []byte("rubbish")},
		{Name: "score", Op: abi.OpScore, Input: score.Append(nil)}, {Name: "rank", Op: abi.OpRank, Input: rank.Append(nil)},
		{Name: "check", Op: abi.OpCheck, Input: good.Append(nil)}, {Name: "check-bad", Op: abi.OpCheck, Input: bad.Append(nil)},
		{Name: "solve", Op: abi.OpSolve, Input: solve.Append(nil)}, {Name: "render", Op: abi.OpRender, Input: honest},
		{Name: "render-rubbish", Op: abi.OpRender, Input: []byte("rubbish")},
	}
}

// TestGolden holds every byte that the subnet's operations give for fixed
// inputs. A difference means that the subnet has changed for its miners: it
// needs a new version of the module.
func TestGolden(t *testing.T) {
	vector.Native(t, text.Module(), vectors(t), "testdata/golden.txt")
}

// expect computes a score anew, in floats and from the rule as the README
// states it.
func expect(t *testing.T, payload, truth []byte) float64 {
	t.Helper()
	a, err := text.DecodeAnswer(payload, len(truth))
	if err != nil {
		return 0
	}
	bits := 0.0
	for i, d := range a {
		p := float64(d.Escape) / float64(256-len(d.Symbols)) / text.Total
		for j, s := range d.Symbols {
			if s == truth[i] {
				p = float64(d.Masses[j]) / text.Total
			}
		}
		bits += min(-math.Log2(p), 24)
	}
	return max(0, 8-bits/float64(len(truth))) / 8
}

func TestAdversaries(t *testing.T) {
	list := adversaries(t)
	task := golden(t)
	r := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for _, a := range list {
		r.Payloads = append(r.Payloads, a.payload)
	}
	scores, err := text.Score(r)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range list {
		t.Logf("%-28s %7d bytes  %.6f", a.name, len(a.payload), float64(scores[i])/float64(abi.One))
		if scores[i] != a.score {
			t.Errorf("%s scores %d, want %d", a.name, scores[i], a.score)
		}
		want := expect(t, a.payload, task.Private[len(task.Private)-text.Contexts:])
		if got := float64(scores[i]) / float64(abi.One); math.Abs(got-want) > 1e-8 {
			t.Errorf("%s scores %.10f, want %.10f", a.name, got, want)
		}
	}
}
