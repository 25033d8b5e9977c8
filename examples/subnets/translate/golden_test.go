package translate_test

import (
	"bytes"
	"crypto/sha256"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/translate"
	"github.com/plexus-network/plexus/examples/subnets/translate/model"
)

// A few pairs of its own, so that no other table can change the vectors.
var own = []translate.Pair{
	{"the white house", "la casa blanca"}, {"a white horse", "un caballo blanco"}, {"the old man", "el hombre viejo"},
	{"Good morning, friend!", "¡Buenos días, amigo!"}, {"the sea is blue", "el mar es azul"}, {"an old house", "una casa vieja"},
	{"my brother sings", "mi hermano canta"}, {"where is the station?", "¿dónde está la estación?"}, {"water", "agua"},
	{"she drinks water", "ella bebe agua"}, {"the blue door", "la puerta azul"}, {"he reads a book", "él lee un libro"},
	{"the book is old", "el libro es viejo"}, {"two white doors", "dos puertas blancas"}, {"my friend drinks", "mi amigo bebe"},
	{"the man sings", "el hombre canta"}, {"a station", "una estación"}, {"the morning", "la mañana"},
	{"friends", "amigos"}, {"the horse drinks water", "el caballo bebe agua"}, {"the sea", "el mar"}, {"my house", "mi casa"},
	{"a blue book", "un libro azul"}, {"the friend of my brother", "el amigo de mi hermano"},
}

func request(t testing.TB, beta string) *abi.TaskRequest {
	t.Helper()
	hidden, _, err := translate.Cut(own, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	r := &abi.TaskRequest{Beta: sha256.Sum256([]byte(beta))}
	for i := range translate.Slices {
		r.Slices = append(r.Slices, hidden[i*translate.SliceLen:(i+1)*translate.SliceLen])
	}
	return r
}

// known is a task with what nobody but the test knows.
type known struct {
	task   abi.Task
	public translate.Public
	truth  []string
}

func draw(t testing.TB, r *abi.TaskRequest) (k known) {
	t.Helper()
	var err error
	if k.task, err = translate.DrawTask(r); err != nil {
		t.Fatal(err)
	}
	if k.public, err = translate.DecodePublic(k.task.Public); err != nil {
		t.Fatal(err)
	}
	d := cbor.NewDecoder(k.task.Private)
	d.Array(2)
	d.Uint()
	for range d.ArrayMax(100) {
		k.truth = append(k.truth, d.Text(1000))
	}
	if d.End() != nil || len(k.truth) != len(k.public.Sources) {
		t.Fatal(d.Err(), len(k.truth), len(k.public.Sources))
	}
	return k
}

func solve(t testing.TB, name string, p *translate.Public) translate.Answer {
	t.Helper()
	_, public, err := translate.Cut(own, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := model.Pairs(public)
	if err != nil {
		t.Fatal(err)
	}
	a, err := model.Answer(name, pairs, p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// each makes an answer by a rule.
func each(n int, f func(i int) string) []byte {
	a := make(translate.Answer, n)
	for i := range a {
		a[i] = f(i)
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
	k := draw(t, request(t, "beta"))
	n := len(k.truth)
	good, dictionary := solve(t, model.Good, &k.public), solve(t, model.Baseline, &k.public)
	other := draw(t, request(t, "another beta"))
	old := solve(t, model.Good, &other.public)
	return []adversary{
		{"good", good.Append(nil), 2511244880},
		{"copy of the good", bytes.Clone(good.Append(nil)), 2511244880},
		{"dictionary", dictionary.Append(nil), 1665736412},
		{"truth leaked", translate.Answer(k.truth).Append(nil), 4294967296},
		{"the good's answer to another task", old.Append(nil), 504439089},
		{"echo", translate.Answer(k.public.Sources).Append(nil), 0},
		{"constant", each(n, func(int) string { return "el libro de la casa" }), 0},
		{"the first example always", each(n, func(int) string { return k.public.Examples[0].Target }), 174253911},
		{"universal string", each(n, func(int) string { return "de la el en os as es un ta na ma" }), 0},
		{"longest", each(n, func(int) string { return strings.Repeat("la casa ", 60)[:479] }), 0},
		{"the good's words backwards", each(n, func(i int) string {
			w := strings.Fields(good[i])
			slices.Reverse(w)
			return strings.Join(w, " ")
		}), 1621548356},
		{"the good twice", each(n, func(i int) string { return good[i] + " " + good[i] }), 1119284883},
		{"the dictionary padded", each(n, func(i int) string { return dictionary[i] + " de la el" }), 1157849854},
		{"first half of the good", each(n, func(i int) string {
			return strings.TrimSpace(good[i][:strings.LastIndex(good[i][:len(good[i])/2+1], " ")+1])
		}), 327493237},
		{"truth in form NFD", each(n, func(i int) string { return norm.NFD.String(k.truth[i]) }), 3811679302},
		{"the good with a character of no width", each(n, func(i int) string { return good[i] + "\u200b" }), 0},
		{"empty", nil, 0},
		{"empty sentences", each(n, func(int) string { return "" }), 0},
		{"one sentence short", good[1:].Append(nil), 0},
		{"malformed", good.Append(nil)[:200], 0},
		{"trailing byte", append(good.Append(nil), 0), 0},
		{"oversize", bytes.Repeat([]byte{0x82}, 1<<20), 0},
		{"huge array claimed", []byte{0x82, 1, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0},
		{"not UTF-8", each(n, func(int) string { return "la casa \xff" }), 0},
		{"the question itself", k.task.Public, 0},
	}
}

func vectors(t testing.TB) []vector.Vector {
	r, other := request(t, "beta"), request(t, "another beta")
	few := request(t, "beta")
	few.Slices = few.Slices[1:]
	bad := request(t, "beta")
	bad.Slices[2] = make([]byte, translate.SliceLen)
	k := draw(t, r)
	score := &abi.ScoreRequest{Public: k.task.Public, Private: k.task.Private}
	for _, a := range adversaries(t) {
		score.Payloads = append(score.Payloads, a.payload)
	}
	rank := &abi.RankRequest{Rows: []abi.Row{
		{Scores: []uint64{abi.One, abi.One / 2, 12345}}, {Scores: []uint64{0}}, {},
		{Carry: []byte{0x82, 1, 0x1a, 0x80, 0, 0, 0}, Scores: []uint64{abi.One}}, {Carry: []byte("rubbish"), Scores: []uint64{7}},
	}}
	check := func(name, adversary string) vector.Vector {
		for _, a := range adversaries(t) {
			if a.name == adversary {
				return vector.Vector{Name: name, Op: abi.OpCheck, Input: (&abi.CheckRequest{Public: k.task.Public, Payload: a.payload}).Append(nil)}
			}
		}
		t.Fatal(adversary)
		return vector.Vector{}
	}
	return []vector.Vector{
		{Name: "describe", Op: abi.OpDescribe},
		{Name: "task", Op: abi.OpTask, Input: r.Append(nil)}, {Name: "task-other-beta", Op: abi.OpTask, Input: other.Append(nil)},
		{Name: "task-too-few-slices", Op: abi.OpTask, Input: few.Append(nil)}, {Name: "task-empty-slice", Op: abi.OpTask, Input: bad.Append(nil)},
		{Name: "task-rubbish", Op: abi.OpTask, Input: []byte("rubbish")},
		{Name: "score", Op: abi.OpScore, Input: score.Append(nil)}, {Name: "rank", Op: abi.OpRank, Input: rank.Append(nil)},
		check("check", "good"), check("check-nfd", "truth in form NFD"), check("check-short", "one sentence short"),
		{Name: "render", Op: abi.OpRender, Input: score.Payloads[0]}, {Name: "render-rubbish", Op: abi.OpRender, Input: []byte("rubbish")},
		{Name: "parse", Op: abi.OpParse, Input: []byte("the house = la casa\n\n the  white house\nwater\n")},
		{Name: "parse-nothing", Op: abi.OpParse, Input: []byte("a = b\n")}, {Name: "parse-binary", Op: abi.OpParse, Input: []byte("a\x00b\n")},
	}
}

// solverVectors are calls of the solver module.
func solverVectors(t testing.TB) []vector.Vector {
	k := draw(t, request(t, "beta"))
	_, public, err := translate.Cut(own, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	call := func(params string) []byte {
		return (&abi.SolveRequest{Params: []byte(params), Public: k.task.Public}).Append(nil)
	}
	return []vector.Vector{
		{Name: "good", Op: abi.OpSolve, Input: call("good\n" + string(public))}, {Name: "baseline", Op: abi.OpSolve, Input: call("baseline\n" + string(public))},
		{Name: "good-alone", Op: abi.OpSolve, Input: call("good")}, {Name: "lazy", Op: abi.OpSolve, Input: call("lazy")},
		{Name: "unknown", Op: abi.OpSolve, Input: call("oracle")}, {Name: "bad-pairs", Op: abi.OpSolve, Input: call("good\nno tab")},
	}
}

// TestGolden holds every byte that the operations give for fixed inputs. A
// difference means that the subnet has changed for its miners: it needs a new
// version of the module.
func TestGolden(t *testing.T) {
	vector.Native(t, translate.Module(), vectors(t), "testdata/golden.txt")
	vector.Native(t, model.Module(), solverVectors(t), "testdata/solver.txt")
}

// oracle is chrF++ by its definition, in floats, with the subnet's two rules
// about length and precision.
func oracle(answer, truth string) float64 {
	runes := func(s string) []string { return strings.Split(strings.ReplaceAll(s, " ", ""), "") }
	if a, b := len(runes(answer)), len(runes(truth)); answer == "" || 2*a < b || a > 2*b {
		return 0
	}
	split := func(s string) (out []string) {
		for _, w := range strings.Fields(s) {
			const marks = `¡!¿?.,;:()"'-&`
			if c := []rune(w); len(c) > 1 && strings.ContainsRune(marks, c[len(c)-1]) {
				out = append(out, string(c[:len(c)-1]), string(c[len(c)-1:]))
			} else if len(c) > 1 && strings.ContainsRune(marks, c[0]) {
				out = append(out, string(c[:1]), string(c[1:]))
			} else {
				out = append(out, w)
			}
		}
		return out
	}
	count := func(list []string, n int) map[string]int {
		m := map[string]int{}
		for i := n; i <= len(list); i++ {
			m[strings.Join(list[i-n:i], "\x00")]++
		}
		return m
	}
	var p, r, orders, chars, charOrders float64
	for o := range 8 {
		n, of := o+1, runes
		if o >= 6 {
			n, of = o-5, split
		}
		a, b := count(of(answer), n), count(of(truth), n)
		var same, left, right float64
		for g, c := range a {
			same += float64(min(c, b[g]))
			left += float64(c)
		}
		for _, c := range b {
			right += float64(c)
		}
		if left+right == 0 {
			continue
		}
		orders++
		if o < 6 {
			charOrders++
		}
		if left > 0 && right > 0 {
			p, r = p+same/left, r+same/right
			if o < 6 {
				chars += same / left
			}
		}
	}
	if p, r = p/orders, r/orders; chars/charOrders < 0.3 || p == 0 || r == 0 {
		return 0
	}
	return 5 * p * r / (4*p + r)
}

func TestAdversaries(t *testing.T) {
	list := adversaries(t)
	k := draw(t, request(t, "beta"))
	r := &abi.ScoreRequest{Public: k.task.Public, Private: k.task.Private}
	for _, a := range list {
		r.Payloads = append(r.Payloads, a.payload)
	}
	scores, err := translate.Score(r)
	if err != nil {
		t.Fatal(err)
	}
	// The same by definition: what each sentence of each answer is worth, and what
	// the field misses of it.
	worth := map[string][]float64{}
	missed, answers := make([]float64, len(k.truth)), 0.
	for _, a := range list {
		answer, err := translate.DecodeAnswer(a.payload, len(k.truth))
		if _, known := worth[string(a.payload)]; known || err != nil {
			continue
		}
		answers++
		v := make([]float64, len(answer))
		for j, s := range answer {
			if translate.CheckLine(s) == nil {
				v[j] = oracle(s, k.truth[j])
			}
			missed[j] += 1 - v[j]
		}
		worth[string(a.payload)] = v
	}
	for i, a := range list {
		t.Logf("%-38s %7d bytes  %.6f", a.name, len(a.payload), float64(scores[i])/float64(abi.One))
		if scores[i] != a.score {
			t.Errorf("%s scores %d, want %d", a.name, scores[i], a.score)
		}
		var sum, all float64
		for j, v := range worth[string(a.payload)] {
			w := 1 + 3*missed[j]/answers
			sum, all = sum+w*v, all+w
		}
		want := sum / max(all, 1)
		if got := float64(scores[i]) / float64(abi.One); math.Abs(got-want) > 1e-4 {
			t.Errorf("%s scores %.10f, want %.10f", a.name, got, want)
		}
	}
}
