package speech_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/speech/model"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/golden.txt anew")

// vector is one call with a fixed input.
type vector struct {
	name  string
	op    abi.Op
	input []byte
}

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

func solve(t testing.TB, mode string, public []byte) []byte {
	t.Helper()
	b, err := model.Solve(&abi.SolveRequest{Params: append([]byte(mode+"\n"), templates()...), Public: public})
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
		{"cepstra and warping", good, 3123612578},
		{"loudness and templates", baseline, 1561806289},
		{"copy of the first", bytes.Clone(good), 3123612578},
		{"truth leaked", task.Private, 4294967296},
		{"truth, shouted", texts(shouted...), 4294967296},
		{"answer to another task", solve(t, model.Good, draw(t, "another beta").Public), 0},
		{"constant", solve(t, model.Lazy, task.Public), 780903144},
		{"one word each", texts("one", "no", "two"), 0},
		{"the most frequent word", texts("no no no no", "no no no no", "no no no no"), 0},
		{"universal string: all words", texts(all, all, all), 0},
		{"longest", texts(long, long, long), 0},
		{"too many words", texts(long+"e", "", ""), 0},
		{"nothing heard", texts("", "", ""), 0},
		{"truth and rubbish after", texts(truth[0]+" and so on", truth[1], truth[2]), 3123612578},
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

func vectors(t testing.TB) []vector {
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
	return []vector{
		{"describe", abi.OpDescribe, nil},
		{"task", abi.OpTask, request("beta").Append(nil)}, {"task-other-beta", abi.OpTask, request("another beta").Append(nil)},
		{"task-recorded", abi.OpTask, recorded.Append(nil)}, {"task-too-few-slices", abi.OpTask, few.Append(nil)},
		{"task-broken-recording", abi.OpTask, broken.Append(nil)}, {"task-rubbish", abi.OpTask, []byte("rubbish")},
		{"score", abi.OpScore, score.Append(nil)}, {"score-without-truth", abi.OpScore, blind.Append(nil)},
		{"rank", abi.OpRank, rank.Append(nil)},
		{"check", abi.OpCheck, good.Append(nil)}, {"check-bad", abi.OpCheck, bad.Append(nil)},
		{"render", abi.OpRender, score.Payloads[0]}, {"render-rubbish", abi.OpRender, []byte("rubbish")},
	}
}

// outcome is what a vector gives, as one line: the reply's digest, or the
// refusal.
func outcome(v vector, body []byte, refusal string) string {
	if refusal != "" {
		return fmt.Sprintf("%s %s in %x: refused: %s", v.op, v.name, sha256.Sum256(v.input), refusal)
	}
	return fmt.Sprintf("%s %s in %x: %d bytes %x", v.op, v.name, sha256.Sum256(v.input), len(body), sha256.Sum256(body))
}

// TestGolden holds every byte that the subnet's operations give for fixed inputs. A
// difference means that the subnet has changed for its miners: it needs a new
// version of the module.
func TestGolden(t *testing.T) {
	var got strings.Builder
	for _, v := range vectors(t) {
		body, err := sdk.Call(speech.Module(), v.op, v.input)
		refusal := ""
		if err != nil {
			refusal = err.(*sdk.Refusal).Text
		}
		fmt.Fprintln(&got, outcome(v, body, refusal))
	}
	if *rewrite {
		if err := os.WriteFile("testdata/golden.txt", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
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
