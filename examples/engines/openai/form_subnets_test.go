package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/image"
	drawing "github.com/plexus-network/plexus/examples/subnets/image/model"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/translate"
	"github.com/plexus-network/plexus/plugins/engine"
)

func fraction(s uint64) float64 { return float64(s) / float64(abi.One) }

// A server that knows the translations, which it learned from the data.
func TestTranslateSubnet(t *testing.T) {
	pairs := translate.DefaultPairs()
	known := map[string]string{}
	for _, p := range pairs {
		known[p.Source] = p.Target
	}
	hidden, _, err := translate.Cut(pairs, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	req := &abi.TaskRequest{Beta: [32]byte{5}}
	for i := range translate.Slices {
		req.Slices = append(req.Slices, hidden[i*translate.SliceLen:][:translate.SliceLen])
	}
	task, err := translate.DrawTask(req)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t)
	s.on(chat, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var in chatRequest
		_ = json.Unmarshal(b, &in)
		examples := strings.Count(in.Messages[1].Content, " = ")
		if examples < 10 {
			http.Error(w, "no examples", 400)
			return
		}
		var lines []string
		_, sentences, _ := strings.Cut(in.Messages[1].Content, "Sentences:\n")
		for _, m := range regexp.MustCompile(`(?m)^(\d+)\. (.*)$`).FindAllStringSubmatch(sentences, -1) {
			if to, ok := known[m[2]]; ok {
				lines = append(lines, fmt.Sprintf("%s) %s\n", m[1], to))
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		says(append([]string{"Here you are:\n\n"}, lines...)...)(w, r)
	})
	var out bytes.Buffer
	if err := s.client(nil).Answer(t.Context(), "translate", Options{}, engine.Task{Public: task.Public}, &out); err != nil {
		t.Fatal(err)
	}
	scores, err := translate.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{out.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	// All of the real sentences, four of five, and none of the made-up ones: where
	// nobody else answers, what is missed weighs four times what is known.
	if got := fraction(scores[0]); got < 0.49 || got > 0.51 {
		t.Errorf("score %.3f", got)
	}
}

func TestNumbered(t *testing.T) {
	got := numbered("Sure!\n1. uno\r\n2) dos  dos\n**3**: tres\n2. otra vez\n9. nueve\n0. cero\n4.  cafe\u0301\n5. \u0007\nsix\n", 6)
	if want := []string{"uno", "dos dos", "tres", "café", "", ""}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A server that heard each clip before writes down what was said.
func TestSpeechSubnet(t *testing.T) {
	recipes := speech.Recipes()
	req := &abi.TaskRequest{Beta: [32]byte{6}}
	for i := range speech.Clips {
		req.Slices = append(req.Slices, recipes[i*speech.RecipeLen:][:speech.RecipeLen])
	}
	task, err := speech.DrawTask(req)
	if err != nil {
		t.Fatal(err)
	}
	waves, err := speech.Waves(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := speech.DecodeTexts(task.Private, len(waves))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t)
	s.on("audio/transcriptions", func(w http.ResponseWriter, r *http.Request) {
		f, _, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		b, _ := io.ReadAll(f)
		for i := range waves {
			if bytes.Equal(b, waves[i]) {
				_ = json.NewEncoder(w).Encode(map[string]string{"text": " " + strings.ToUpper(truth[i]) + ". "})
				return
			}
		}
		http.Error(w, "unheard of", 400)
	})
	var out bytes.Buffer
	if err := s.client(nil).Answer(t.Context(), "speech", Options{}, engine.Task{Public: task.Public}, &out); err != nil {
		t.Fatal(err)
	}
	scores, err := speech.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{out.Bytes()}})
	if err != nil || scores[0] != abi.One {
		t.Errorf("%v, %v", scores, err)
	}
}

// A server that draws well, in large pictures with smooth edges and a little noise.
func TestImageSubnet(t *testing.T) {
	task, err := image.DrawTask(&abi.TaskRequest{Beta: [32]byte{7}})
	if err != nil {
		t.Fatal(err)
	}
	prompts, err := image.DecodeTask(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	good, err := drawing.Solve(&abi.SolveRequest{Params: []byte("good"), Public: task.Public})
	if err != nil {
		t.Fatal(err)
	}
	files, err := image.DecodeAnswer(good, len(prompts))
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	s := serve(t)
	drawn := map[string]string{}
	for i, p := range prompts {
		small, err := png.Decode(bytes.NewReader(files[i]))
		if err != nil {
			t.Fatal(err)
		}
		large := stdimage.NewRGBA(stdimage.Rect(0, 0, 512, 512))
		for y := range 512 {
			for x := range 512 {
				r, g, b, _ := small.At(x/4, y/4).RGBA()
				near := func(v uint32) uint8 { return uint8(max(0, min(255, int(v>>8)+rnd.IntN(31)-15))) }
				large.Set(x, y, color.RGBA{near(r), near(g), near(b), 255})
			}
		}
		var b bytes.Buffer
		if i%2 == 0 {
			err = png.Encode(&b, large)
		} else {
			err = jpeg.Encode(&b, large, &jpeg.Options{Quality: 90})
		}
		if err != nil {
			t.Fatal(err)
		}
		drawn[p.String()] = base64.StdEncoding.EncodeToString(b.Bytes())
	}
	s.on("images/generations", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Prompt, Size string }
		if json.NewDecoder(r.Body).Decode(&in) == nil && in.Size == "512x512" {
			for p, b := range drawn {
				if strings.HasSuffix(in.Prompt, p) {
					fmt.Fprintf(w, `{"data":[{"b64_json":%q}]}`, b)
					return
				}
			}
		}
		http.Error(w, "what?", 400)
	})
	var out bytes.Buffer
	if err := s.client(nil).Answer(t.Context(), "image", Options{}, engine.Task{Public: task.Public}, &out); err != nil {
		t.Fatal(err)
	}
	scores, err := image.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{out.Bytes(), good}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("score %.3f by way of the server, %.3f drawn directly", fraction(scores[0]), fraction(scores[1]))
	if fraction(scores[0]) < fraction(scores[1])-0.1 || fraction(scores[1]) < 0.5 {
		t.Errorf("score %.3f by way of the server, %.3f drawn directly", fraction(scores[0]), fraction(scores[1]))
	}
	for _, b := range [][]byte{nil, []byte("no picture"), []byte("\x89PNG\r\n\x1a\n")} {
		if _, err := flatten(b); !errors.Is(err, ErrReply) {
			t.Errorf("%q: %v", b, err)
		}
	}
	// One of noise alone becomes coarse until it fits.
	noise := stdimage.NewRGBA(stdimage.Rect(0, 0, 300, 200))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(rnd.Uint32())
	}
	var b bytes.Buffer
	if err := png.Encode(&b, noise); err != nil {
		t.Fatal(err)
	}
	if file, err := flatten(b.Bytes()); err != nil || len(file) > image.MaxPicture {
		t.Errorf("%d bytes, %v", len(file), err)
	}
}

func TestFormsRefuse(t *testing.T) {
	s := serve(t)
	for _, name := range Forms() {
		if name == "plain" {
			continue
		}
		for _, public := range [][]byte{nil, []byte("rubbish"), {0x82, 1, 0x80}} {
			if err := s.client(nil).Answer(t.Context(), name, Options{}, engine.Task{Public: public}, io.Discard); !errors.Is(err, ErrTask) {
				t.Errorf("%s of %q: %v", name, public, err)
			}
		}
	}
	if len(Forms()) != 5 {
		t.Errorf("forms %q", Forms())
	}
}

// FuzzFlatten: whatever a server draws, the picture fits or is refused.
func FuzzFlatten(f *testing.F) {
	var b bytes.Buffer
	if err := png.Encode(&b, stdimage.NewGray(stdimage.Rect(0, 0, 3, 2))); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		if h, _, err := stdimage.DecodeConfig(bytes.NewReader(in)); err == nil && h.Width*h.Height > 1<<20 {
			return // slow, not wrong
		}
		if out, err := flatten(in); err == nil {
			if p, err := image.DecodePNG(out); err != nil || p.Width != image.Side || len(out) > image.MaxPicture {
				t.Fatalf("%d bytes, %v", len(out), err)
			}
		}
	})
}
