package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/order"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Besides the models, what else might be answered.
const (
	copier    = "copier"    // the better model's answer to the task before
	oneWord   = "one word"  // a word for each clip
	universal = "universal" // all words, for each clip
)

var names = []string{Good, Baseline, Lazy, copier, oneWord, universal}

var claim = order.Claim{
	Expected: map[string]float64{Good: 0.93, Baseline: 0.54, Lazy: 0.05, copier: 0.04, oneWord: 0.06, universal: 0},
	Above:    [][2]string{{Good, Baseline}, {Baseline, Lazy}, {Baseline, copier}, {Baseline, oneWord}, {Baseline, universal}},
	Margin:   0.05, Few: 8,
}

var templates = sync.OnceValue(Synthesised)

// task draws a task of three recipes of the default data, as a node does.
func task(t testing.TB, seed uint64) abi.Task {
	t.Helper()
	data := speech.Recipes()
	r := &abi.TaskRequest{}
	binary.LittleEndian.PutUint64(r.Beta[:], seed)
	rnd := rand.New(rand.NewPCG(seed, 7))
	for range speech.Clips {
		at := rnd.IntN(len(data)/speech.RecipeLen) * speech.RecipeLen
		r.Slices = append(r.Slices, data[at:at+speech.RecipeLen])
	}
	out, err := speech.DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func answer(t testing.TB, mode string, public []byte) []byte {
	t.Helper()
	clips, err := speech.DecodeTask(public)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, c := range clips {
		texts = append(texts, strings.Join(Recognise(speech.Unpack(c), mode, templates()), " "))
	}
	return speech.AppendTexts(nil, texts)
}

// TestOrder plays 128 tasks.
func TestOrder(t *testing.T) {
	played := order.Played{}
	all := strings.Join(speech.Words, " ")
	before := answer(t, Good, task(t, 1<<40).Public)
	for i := range uint64(128) {
		task := task(t, i)
		good := answer(t, Good, task.Public)
		r := &abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{
			good, answer(t, Baseline, task.Public), answer(t, Lazy, task.Public), before,
			speech.AppendTexts(nil, []string{"no", "no", "no"}), speech.AppendTexts(nil, []string{all, all, all}),
		}}
		before = good
		scores, err := speech.Score(r)
		if err != nil {
			t.Fatal(err)
		}
		played.Add(names, scores)
	}
	claim.Check(t, played)
}

func TestSolve(t *testing.T) {
	public := task(t, 5).Public
	file := AppendTemplates(nil, templates())
	for _, mode := range []string{Good, Baseline, Lazy} {
		r := &abi.SolveRequest{Params: append([]byte(mode+"\n"), file...), Public: public}
		first, err := Solve(r)
		r.Params, r.Seed = []byte(mode), [32]byte{1}
		again, _ := Solve(r)
		if err != nil || !bytes.Equal(first, again) || !bytes.Equal(first, answer(t, mode, public)) {
			t.Errorf("%s answers otherwise without a file, %v", mode, err)
		}
	}
	for _, params := range []string{"", "best", "good\nrubbish"} {
		if _, err := Solve(&abi.SolveRequest{Params: []byte(params), Public: public}); err == nil {
			t.Errorf("%q was answered", params)
		}
	}
	if _, err := Solve(&abi.SolveRequest{Params: []byte(Good), Public: []byte("x")}); err == nil {
		t.Error("rubbish was answered")
	}
}

// Clips that are no speech: nothing breaks, and what is written down is an answer.
func TestStrangeClips(t *testing.T) {
	r := sdk.NewRand([32]byte{1}, 1)
	noise := make([]int16, 30000)
	for i := range noise {
		noise[i] = int16(r.Uint64())
	}
	square := make([]int16, 30000)
	for i := range square {
		square[i] = int16(i / 40 % 2 * 65535)
	}
	for name, clip := range map[string][]int16{"empty": nil, "short": noise[:100], "one frame": noise[:400], "silence": make([]int16, 30000),
		"noise": noise, "square": square, "longest": append(append(noise, square...), noise[:4000]...)} {
		for _, mode := range []string{Good, Baseline, Lazy} {
			words := Recognise(clip, mode, templates())
			if text := strings.Join(words, " "); len(words) > speech.MaxWords || len(text) > speech.MaxText {
				t.Errorf("%s, %s: %d words", name, mode, len(words))
			}
		}
	}
}

// Recordings of single words become templates; here, of a voice that the
// synthesiser's templates do not have.
func TestRecorded(t *testing.T) {
	var list []speech.Recording
	voice := speech.Voice{Pitch: 150, Tract: 100, Speed: 100, Pause: 150}
	for w, word := range speech.Words {
		list = append(list, speech.Recording{Text: word + ".", Clip: speech.Pack(speech.Say([]int{w}, voice, sdk.NewRand([32]byte{9}, uint64(w))))})
	}
	list = append(list, speech.Recording{Text: "two words", Clip: list[0].Clip}, speech.Recording{Text: "silence", Clip: make([]byte, 10)})
	learned := Recorded(list)
	if len(learned) != len(speech.Words) {
		t.Fatalf("%d templates", len(learned))
	}
	right := 0
	for w, word := range speech.Words {
		got := Recognise(speech.Say([]int{w}, voice, sdk.NewRand([32]byte{10}, uint64(w))), Good, learned)
		if fmt.Sprint(got) == "["+word+"]" {
			right++
		}
	}
	if right < 18 {
		t.Errorf("%d of 20 words", right)
	}
}

// TestRecordings goes the whole way with recordings instead of the synthesiser's
// recipes: files, half of them published, templates of these, tasks of the others.
func TestRecordings(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 * len(speech.Words) { // each word twice, for either half
		w := i / 2
		voice := speech.Voice{Pitch: 150 + 5*(i%2), Tract: 100, Speed: 100, Pause: 150}
		name := filepath.Join(dir, fmt.Sprintf("%02d", i))
		samples := speech.Say([]int{w}, voice, sdk.NewRand([32]byte{11}, uint64(i)))
		if err := os.WriteFile(name+".wav", speech.WAV(samples, speech.Rate), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name+".txt", []byte(speech.Words[w]+".\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := speech.ReadRecordings(dir)
	if err != nil {
		t.Fatal(err)
	}
	public, hidden := speech.Split(all)
	params := AppendTemplates([]byte(Good+"\n"), Recorded(public))
	sum := uint64(0)
	const tasks = 6
	for i := range tasks {
		r := &abi.TaskRequest{}
		for k := range speech.Clips {
			at := (i*speech.Clips + k) * speech.SliceLen
			r.Slices = append(r.Slices, hidden[at:at+speech.SliceLen])
		}
		task, err := speech.DrawTask(r)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := Solve(&abi.SolveRequest{Params: params, Public: task.Public})
		if err != nil {
			t.Fatal(err)
		}
		scores, err := speech.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{payload}})
		if err != nil {
			t.Fatal(err)
		}
		sum += scores[0]
	}
	if sum < tasks*abi.One*8/10 {
		t.Errorf("scored %.3f", float64(sum)/tasks/float64(abi.One))
	}
}

// TestSpectrum: the transform in integers finds a tone where it is.
func TestSpectrum(t *testing.T) {
	for _, bin := range []int{3, 10, 31, 64, 100, 126} {
		var re, im [window]int64
		for i := range re {
			re[i] = int64(10000 * math.Sin(2*math.Pi*float64(bin*i)/window))
		}
		transform(&re, &im)
		for k := range window / 2 {
			size := math.Hypot(float64(re[k]), float64(im[k]))
			if want := 5000.0 * window; (k == bin) != (math.Abs(size-want) < 1000) || k != bin && size > 1000 {
				t.Errorf("tone in %d: %.0f in %d", bin, size, k)
			}
		}
	}
	// Two windows at once are each what they are alone.
	r := sdk.NewRand([32]byte{3}, 1)
	noise := make([]int16, 1024)
	for i := range noise {
		noise[i] = int16(r.Uint64()) / int16(1+i/300*20)
	}
	both, first, second := mel(noise, 0, 700), mel(noise, 0, 0), mel(noise, 700, 700)
	for k := range filters {
		for i, alone := range [][2][filters]int64{first, second} {
			if a, b := float64(both[i][k]), float64(alone[i][k]); math.Abs(a-b) > b/50 {
				t.Errorf("window %d, filter %d: %.0f beside another, %.0f alone", i, k, a, b)
			}
		}
	}
	for i := range sine {
		if want := 16384 * math.Sin(2*math.Pi*float64(i)/window); math.Abs(float64(sine[i])-want) > 1 {
			t.Errorf("sine %d is %d, want %.2f", i, sine[i], want)
		}
	}
}

func FuzzTemplates(f *testing.F) {
	f.Add(AppendTemplates(nil, templates()[:2]))
	f.Add([]byte{0x82, 1, 0x81, 0x82, 0x61, 'a', 0x40})
	clip := speech.Say([]int{1}, speech.Voice{Pitch: 100, Tract: 100, Speed: 100}, sdk.NewRand([32]byte{}, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := DecodeTemplates(b)
		if err != nil {
			return
		}
		if !bytes.Equal(AppendTemplates(nil, list), b) {
			t.Fatal("not canonical")
		}
		Recognise(clip, Good, list)
		Recognise(clip, Baseline, list)
	})
}
