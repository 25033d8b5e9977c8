package image_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/image"
	"github.com/plexus-network/plexus/examples/subnets/image/model"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func draw(t testing.TB, beta string) abi.Task {
	t.Helper()
	task, err := image.DrawTask(&abi.TaskRequest{Beta: sha256.Sum256([]byte(beta))})
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func solve(t testing.TB, mode string, public []byte) []byte {
	t.Helper()
	b, err := model.Solve(&abi.SolveRequest{Params: []byte(mode), Public: public})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// four answers with the same picture four times.
func four(picture []byte) []byte {
	return image.AppendAnswer(nil, [][]byte{picture, picture, picture, picture})
}

// painted makes a picture of a function of the pixel.
func painted(of func(x, y int) image.Color) []byte {
	p := &image.Picture{Width: image.Side, Height: image.Side}
	for y := range image.Side {
		for x := range image.Side {
			p.Pixels = append(p.Pixels, of(x, y))
		}
	}
	return image.EncodePNG(p)
}

// catalogue is the picture for all prompts: each shape, solid and hollow, in each
// colour, as much as finds place.
func catalogue() []byte {
	return painted(func(x, y int) image.Color {
		c := image.Color(1 + x/18%7)
		u, v := 2*(x%18)-15, 2*(y%18)-15
		switch y / 18 % 7 {
		case 0, 1:
			if d := u*u + v*v; d <= 15*15 && (y/18 == 0 || d > 9*9) {
				return c
			}
		case 2, 3:
			if m := max(u, -u, v, -v); m <= 15 && (y/18 == 2 || m > 9) {
				return c
			}
		case 4:
			if max(u, -u) <= v/2+7 && v <= 15 {
				return c
			}
		default:
			if m := max(u, -u, v, -v); m <= 15 && (max(u, -u) <= 5 || max(v, -v) <= 5) {
				return c
			}
		}
		return image.White
	})
}

// bomb is a picture that promises as many pixels as there may be, packed as tightly
// as can be, of 8 bytes each.
func bomb(side uint32) []byte {
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	_, _ = w.Write(make([]byte, side*(side*8+1)))
	_ = w.Close()
	head := binary.BigEndian.AppendUint32(nil, side)
	head = binary.BigEndian.AppendUint32(head, side)
	return file(chunk{"IHDR", append(head, 16, 6, 0, 0, 0)}, chunk{"IDAT", z.Bytes()}, chunk{"IEND", nil})
}

type chunk struct {
	name string
	body []byte
}

// file makes a PNG file of chunks.
func file(chunks ...chunk) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range chunks {
		b = binary.BigEndian.AppendUint32(b, uint32(len(c.body)))
		at := len(b)
		b = append(append(b, c.name...), c.body...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[at:]))
	}
	return b
}

// noise is a picture of random pixels of the palette, as long as one may be.
func noise() []byte {
	r := sdk.NewRand([32]byte{5}, 0)
	return painted(func(x, y int) image.Color { return image.Color(r.Intn(image.Colors)) })
}

// adversary is an answer that tries something, and the score it must get.
type adversary struct {
	name    string
	payload []byte
	score   uint64
}

func adversaries(t testing.TB) []adversary {
	task := draw(t, "beta")
	good, baseline := solve(t, model.Good, task.Public), solve(t, model.Baseline, task.Public)
	pictures, err := image.DecodeAnswer(good, image.Prompts)
	if err != nil {
		t.Fatal(err)
	}
	blank := painted(func(int, int) image.Color { return image.White })
	swapped := slices.Clone(pictures)
	slices.Reverse(swapped)
	easy := [][]byte{pictures[0], blank, blank, blank}
	long := append(slices.Clone(pictures[0]), make([]byte, image.MaxPicture)...)
	return []adversary{
		{"constraint solver", good, 4294967296},
		{"random placement", baseline, 2019609978},
		{"copy of the solver's", bytes.Clone(good), 4294967296},
		{"answer to another task", solve(t, model.Good, draw(t, "another beta").Public), 187665300},
		{"the pictures in another order", image.AppendAnswer(nil, swapped), 242655911},
		{"only the easiest prompt", image.AppendAnswer(nil, easy), 1122530453},
		{"constant", solve(t, model.Lazy, task.Public), 465851409},
		{"white", four(blank), 228879415},
		{"universal picture", four(catalogue()), 176207567},
		{"longest: noise", four(noise()), 0},
		{"decompression bomb", four(bomb(image.Side)), 228879415},
		{"bomb beyond the size", four(bomb(image.MaxSide)), 0},
		{"empty pictures", four(nil), 0},
		{"empty", nil, 0},
		{"empty array", []byte{0x80}, 0},
		{"three pictures", image.AppendAnswer(nil, pictures[:3]), 0},
		{"malformed", good[:len(good)-1], 0},
		{"trailing byte", append(bytes.Clone(good), 0), 0},
		{"version 2", append([]byte{0x82, 2}, good[2:]...), 0},
		{"picture too long", image.AppendAnswer(nil, [][]byte{long, pictures[1], pictures[2], pictures[3]}), 0},
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
	req := &abi.TaskRequest{Beta: sha256.Sum256([]byte("beta"))}
	other := &abi.TaskRequest{Beta: sha256.Sum256([]byte("another beta"))}
	rank := &abi.RankRequest{Rows: []abi.Row{{Scores: []uint64{abi.One, abi.One / 2, 12345}}, {}}}
	good := &abi.CheckRequest{Public: task.Public, Payload: score.Payloads[0]}
	bad := &abi.CheckRequest{Public: task.Public, Payload: four(bomb(image.MaxSide))}
	broken := &abi.ScoreRequest{Public: []byte{0x83, 1, 0x18, 128, 0x81, 0x61, 'x'}, Payloads: score.Payloads[:1]}
	return []vector.Vector{
		{Name: "describe", Op: abi.OpDescribe, Input: nil},
		{Name: "task", Op: abi.OpTask, Input: req.Append(nil)}, {Name: "task-other-beta", Op: abi.OpTask, Input: other.Append(nil)},
		{Name: "task-rubbish", Op: abi.OpTask, Input: []byte("rubbish")},
		{Name: "score", Op: abi.OpScore, Input: score.Append(nil)}, {Name: "score-broken-task", Op: abi.OpScore, Input: broken.Append(nil)},
		{Name: "rank", Op: abi.OpRank, Input: rank.Append(nil)},
		{Name: "check", Op: abi.OpCheck, Input: good.Append(nil)}, {Name: "check-bad", Op: abi.OpCheck, Input: bad.Append(nil)},
		{Name: "render", Op: abi.OpRender, Input: score.Payloads[0]}, {Name: "render-universal", Op: abi.OpRender, Input: four(catalogue())},
		{Name: "render-rubbish", Op: abi.OpRender, Input: []byte("rubbish")},
		{Name: "parse", Op: abi.OpParse, Input: []byte("On white: one red circle, one blue square; the red circle left of the blue square.\n\non black: two small white crosses\n")},
		{Name: "parse-rubbish", Op: abi.OpParse, Input: []byte("an astronaut riding a horse")},
	}
}

// solverVectors are calls of the solver module. The bytes after the mode are of a
// miner's data, which no mode reads.
func solverVectors(t testing.TB) []vector.Vector {
	public := draw(t, "beta").Public
	call := func(name, params string, public []byte) vector.Vector {
		r := &abi.SolveRequest{Params: []byte(params), Public: public, Seed: [32]byte{7}}
		return vector.Vector{Name: name, Op: abi.OpSolve, Input: r.Append(nil)}
	}
	return []vector.Vector{
		call("good", "good\nsome data", public), call("baseline", "baseline\nsome data", public),
		call("lazy", "lazy\nsome data", public), call("unknown", "best", public), call("bad-task", "good", []byte("rubbish")),
	}
}

// TestGolden holds every byte that the subnet's operations give for fixed inputs,
// and in words the prompts of a task and what each answer scores. A difference means
// that the subnet has changed for its miners: it needs a new version of the module.
func TestGolden(t *testing.T) {
	vector.Native(t, image.Module(), vectors(t), "testdata/golden.txt")
	vector.Native(t, sdk.Module{Solve: model.Solve}, solverVectors(t), "testdata/solver.txt")
}

// TestPrompts holds the words of some tasks.
func TestPrompts(t *testing.T) {
	var got strings.Builder
	for _, beta := range []string{"beta", "another beta", "a third"} {
		prompts, err := image.DecodeTask(draw(t, beta).Public)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range prompts {
			fmt.Fprintln(&got, p)
		}
	}
	vector.Golden(t, "testdata/prompts.txt", got.String())
}

func TestAdversaries(t *testing.T) {
	list := adversaries(t)
	r := &abi.ScoreRequest{Public: draw(t, "beta").Public}
	for _, a := range list {
		r.Payloads = append(r.Payloads, a.payload)
	}
	scores, err := image.Score(r)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range list {
		t.Logf("%-30s %7d bytes  %.6f %d", a.name, len(a.payload), float64(scores[i])/float64(abi.One), scores[i])
		if scores[i] != a.score {
			t.Errorf("%s scores %d, want %d", a.name, scores[i], a.score)
		}
		if i > 2 && scores[i] >= scores[1]*2/3 {
			t.Errorf("%s scores %d, the baseline %d", a.name, scores[i], scores[1])
		}
	}
}
