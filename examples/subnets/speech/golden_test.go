package speech_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/speech/model"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// request asks for a task of three recipes of middling difficulty.
func request(beta string) *abi.TaskRequest {
	return &abi.TaskRequest{Beta: sha256.Sum256([]byte(beta)), Slices: [][]byte{{2, 1, 1, 0}, {1, 2, 0, 1}, {2, 3, 2, 2}}}
}

func draw(t testing.TB, beta string) abi.Task {
	t.Helper()
	task, err := speech.DrawTask(request(beta))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// templates are what a development network gives its miners.
var templates = sync.OnceValue(func() []byte { return model.AppendTemplates(nil, model.Synthesised()) })

func solveRequest(mode string, public []byte) *abi.SolveRequest {
	return &abi.SolveRequest{Params: append([]byte(mode+"\n"), templates()...), Public: public}
}

func solve(t testing.TB, mode string, public []byte) []byte {
	t.Helper()
	b, err := model.Solve(solveRequest(mode, public))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func texts(list ...string) []byte { return speech.AppendTexts(nil, list) }

// adversary is an answer that tries something, and the score it must get.
type adversary struct {
	name    string
	payload []byte
	score   uint64
}

func adversaries(t testing.TB) []adversary {
	task := draw(t, "beta")
	good, baseline := solve(t, model.Good, task.Public), solve(t, model.Baseline, task.Public)
	truth, err := speech.DecodeTexts(task.Private, speech.Clips)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(speech.Words, " ")
	long := strings.Repeat("e ", speech.MaxWords)
	shouted := make([]string, len(truth))
	for i, s := range truth {
		shouted[i] = strings.ToUpper(s) + "!"
	}
	return []adversary{
		{"cepstra and warping", good, 3087006075},
		{"loudness and templates", baseline, 1528588085},
		{"copy of the first", bytes.Clone(good), 3087006075},
		{"truth leaked", task.Private, 4294967296},
		{"truth, shouted", texts(shouted...), 4294967296},
		{"answer to another task", solve(t, model.Good, draw(t, "another beta").Public), 0},
		{"constant", solve(t, model.Lazy, task.Public), 715828489},
		{"one word each", texts("one", "no", "two"), 0},
		{"the most frequent word", texts("no no no no", "no no no no", "no no no no"), 0},
		{"universal string: all words", texts(all, all, all), 0},
		{"longest", texts(long, long, long), 0},
		{"too many words", texts(long+"e", "", ""), 0},
		{"nothing heard", texts("", "", ""), 0},
		{"truth and rubbish after", texts(truth[0]+" and so on", truth[1], truth[2]), 3243596989},
		{"empty", nil, 0},
		{"empty array", []byte{0x80}, 0},
		{"two texts", texts(truth[:2]...), 0},
		{"malformed", good[:len(good)-1], 0},
		{"trailing byte", append(bytes.Clone(good), 0), 0},
		{"version 2", append([]byte{0x82, 2}, good[2:]...), 0},
		{"not UTF-8", bytes.Replace(texts("xx", "", ""), []byte("xx"), []byte{0xff, 0xfe}, 1), 0},
		{"oversize", bytes.Repeat([]byte{0x9f}, 1<<20), 0},
		{"huge array claimed", []byte{0x82, 1, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0},
		{"the question itself", task.Public, 0},
	}
}

func vectors(t testing.TB) []vector.Vector {
	task := draw(t, "beta")
	score := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for _, a := range adversaries(t) {
		score.Payloads = append(score.Payloads, a.payload)
	}
	rec := speech.Recording{Text: "Seven, 7!", Clip: bytes.Repeat([]byte{1, 130, 255}, 1000)}
	recorded, few, broken := request("beta"), request("beta"), request("beta")
	recorded.Slices[1] = rec.Append(nil)
	few.Slices = few.Slices[1:]
	broken.Slices[2] = rec.Append(nil)[:2000]
	rank := &abi.RankRequest{Rows: []abi.Row{{Scores: []uint64{abi.One, abi.One / 2, 12345}}, {}}}
	good := &abi.CheckRequest{Public: task.Public, Payload: score.Payloads[0]}
	bad := &abi.CheckRequest{Public: task.Public, Payload: texts(strings.Repeat("e ", 65), "", "")}
	blind := &abi.ScoreRequest{Public: task.Public, Payloads: score.Payloads[:1]}
	return []vector.Vector{
		{Name: "describe", Op: abi.OpDescribe, Input: nil},
		{Name: "task", Op: abi.OpTask, Input: request("beta").Append(nil)}, {Name: "task-other-beta", Op: abi.OpTask, Input: request("another beta").Append(nil)},
		{Name: "task-recorded", Op: abi.OpTask, Input: recorded.Append(nil)}, {Name: "task-too-few-slices", Op: abi.OpTask, Input: few.Append(nil)},
		{Name: "task-broken-recording", Op: abi.OpTask, Input: broken.Append(nil)}, {Name: "task-rubbish", Op: abi.OpTask, Input: []byte("rubbish")},
		{Name: "score", Op: abi.OpScore, Input: score.Append(nil)}, {Name: "score-without-truth", Op: abi.OpScore, Input: blind.Append(nil)},
		{Name: "rank", Op: abi.OpRank, Input: rank.Append(nil)},
		{Name: "check", Op: abi.OpCheck, Input: good.Append(nil)}, {Name: "check-bad", Op: abi.OpCheck, Input: bad.Append(nil)},
		{Name: "render", Op: abi.OpRender, Input: score.Payloads[0]}, {Name: "render-rubbish", Op: abi.OpRender, Input: []byte("rubbish")},
	}
}

// solverVectors are calls of the solver module with the beginning of one clip, since
// the interpreter takes long.
func solverVectors(t testing.TB) []vector.Vector {
	clips, err := speech.DecodeTask(draw(t, "beta").Public)
	if err != nil {
		t.Fatal(err)
	}
	public := speech.AppendTask(nil, [][]byte{clips[2][:6000]})
	call := func(name, mode string, public []byte) vector.Vector {
		return vector.Vector{Name: name, Op: abi.OpSolve, Input: solveRequest(mode, public).Append(nil)}
	}
	return []vector.Vector{
		call("good", model.Good, public), call("baseline", model.Baseline, public), call("lazy", model.Lazy, public),
		call("unknown", "best", public), call("bad-task", model.Good, []byte("rubbish")),
		{Name: "bad-templates", Op: abi.OpSolve, Input: (&abi.SolveRequest{Params: []byte("good\nrubbish"), Public: public}).Append(nil)},
	}
}

// TestGolden holds every byte that the subnet's operations give for fixed inputs. A
// difference means that the subnet has changed for its miners: it needs a new
// version of the module.
func TestGolden(t *testing.T) {
	vector.Native(t, speech.Module(), vectors(t), "testdata/golden.txt")
	vector.Native(t, sdk.Module{Solve: model.Solve}, solverVectors(t), "testdata/solver.txt")
}

func TestAdversaries(t *testing.T) {
	list := adversaries(t)
	task := draw(t, "beta")
	r := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for _, a := range list {
		r.Payloads = append(r.Payloads, a.payload)
	}
	scores, err := speech.Score(r)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := speech.Render(task.Private)
	heard, _ := speech.Render(list[0].payload)
	loud, _ := speech.Render(list[1].payload)
	t.Logf("said\n%sheard\n%sby loudness\n%s", said, heard, loud)
	for i, a := range list {
		t.Logf("%-30s %7d bytes  %.6f %d", a.name, len(a.payload), float64(scores[i])/float64(abi.One), scores[i])
		if scores[i] != a.score {
			t.Errorf("%s scores %d, want %d", a.name, scores[i], a.score)
		}
		if i > 4 && i != 13 && scores[i] >= scores[1]*2/3 {
			t.Errorf("%s scores %d, the baseline %d", a.name, scores[i], scores[1])
		}
	}
}
