package speech

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"  ...  ":                      "",
		"One two":                      "one two",
		"Don't STOP at 42!":            "dont stop at four two",
		"left-right,up;down":           "left right up down",
		"7":                            "seven",
		"x7y":                          "x seven y",
		"tab\tnew\nline\x00nul":        "tab new line nul",
		"caf\u00e9 \u00c9t\u00e9":      "caf\u00e9 \u00c9t\u00e9", // beyond ASCII nothing changes
		"wide\u00a0space\u3000\u2019s": "wide\u00a0space\u3000\u2019s",
	} {
		if got := strings.Join(Normalise(in), " "); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestScore(t *testing.T) {
	public := AppendTask(nil, [][]byte{{1}, {2}})
	truth := AppendTexts(nil, []string{"one two three", "Stop."})
	for _, c := range []struct {
		a, b        string
		first, last float64 // words right, of 3 and of 1
	}{
		{"one two three", "stop", 3, 1}, {"One, 2 three!", "STOP", 3, 1}, {"1 2 3", "stop", 3, 1},
		{"one two", "stop", 2, 1}, {"one two three four", "stop", 2, 1}, {"one too three", "stop", 2, 1},
		{"one three", "go", 2, 0}, {"", "stop", 0, 1}, {"stop", "one two three", 0, 0}, {"", "", 0, 0},
		{"one two three", "stop stop stop stop stop", 3, 0}, {"one two three", "a b c stop", 3, 0}, {"two three one", "stop", 1, 1},
	} {
		r := &abi.ScoreRequest{Public: public, Private: truth, Payloads: [][]byte{AppendTexts(nil, []string{c.a, c.b}), nil}}
		got, err := Score(r)
		// Nobody else answers: what the one misses is what the field misses.
		wa, wb := 1+3*(1-c.first/3), 1+3*(1-c.last)
		want := (wa*c.first/3 + wb*c.last) / (wa + wb)
		if err != nil || math.Abs(float64(got[0])/float64(abi.One)-want) > 1e-4 || got[1] != 0 {
			t.Errorf("%q, %q: %d, %v, want %.4f", c.a, c.b, got, err, want)
		}
	}
	silent := AppendTexts(nil, []string{"...", "stop"})
	for text, want := range map[string]uint64{"": abi.One, "um": abi.One / 5} {
		got, err := Score(&abi.ScoreRequest{Public: public, Private: silent, Payloads: [][]byte{AppendTexts(nil, []string{text, "stop"})}})
		if err != nil || got[0] != want {
			t.Errorf("%q where nothing was said: %d, %v, want %d", text, got, err, want)
		}
	}
	many := strings.Repeat("a ", MaxWords)
	for _, c := range []struct {
		text string
		ok   bool
	}{{many, true}, {many + "a", false}, {strings.Repeat("1", MaxWords), true}, {strings.Repeat("1", MaxWords+1), false}, {strings.Repeat("a", MaxText), true}, {strings.Repeat("a", MaxText+1), false}} {
		v, err := Check(&abi.CheckRequest{Public: public, Payload: AppendTexts(nil, []string{c.text, ""})})
		if err != nil || v.OK != c.ok || c.ok == (v.Reason != "") {
			t.Errorf("%.20q of %d bytes: %v, %v", c.text, len(c.text), v, err)
		}
	}
	if _, err := Score(&abi.ScoreRequest{Public: public}); err == nil {
		t.Error("a task without truth was scored")
	}
	if _, err := Score(&abi.ScoreRequest{Public: []byte{1}, Private: truth}); err == nil {
		t.Error("a broken task was scored")
	}
}

func TestTaskFollowsBeta(t *testing.T) {
	r := &abi.TaskRequest{Slices: [][]byte{{1, 2, 0, 2}, {0}, nil}}
	first, err := DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	clips, err := DecodeTask(first.Public)
	if err != nil || len(clips) != Clips {
		t.Fatal(err)
	}
	if bytes.Contains(first.Public, first.Private[3:]) {
		t.Error("the truth is public")
	}
	for bit := range 256 {
		o := &abi.TaskRequest{Slices: r.Slices}
		o.Beta[bit/8] ^= 1 << (bit % 8)
		other, err := DrawTask(o)
		if err != nil || bytes.Equal(other.Public, first.Public) {
			t.Errorf("bit %d changes nothing, %v", bit, err)
		}
	}
	// The recipe of one clip does not change another.
	o := &abi.TaskRequest{Slices: [][]byte{{2, 1, 1, 1}, {0}, nil}}
	other, err := DrawTask(o)
	if err != nil {
		t.Fatal(err)
	}
	changed, _ := DecodeTask(other.Public)
	if bytes.Equal(changed[0], clips[0]) || !bytes.Equal(changed[1], clips[1]) || !bytes.Equal(changed[2], clips[2]) {
		t.Error("one recipe, one clip")
	}
	for _, n := range []int{0, 2, 4} {
		if _, err := DrawTask(&abi.TaskRequest{Slices: make([][]byte, n)}); err != ErrSliceCount {
			t.Errorf("%d slices: %v", n, err)
		}
	}
}

func TestRecipes(t *testing.T) {
	data := Recipes()
	seen := map[Recipe]bool{}
	for ; len(data) > 0; data = data[RecipeLen:] {
		r := RecipeOf(data[:RecipeLen])
		seen[r] = true
		rec := r.Make(sdk.NewRand([32]byte{byte(len(seen))}, 0))
		words := Normalise(rec.Text)
		if len(words) != r.Words || len(rec.Clip) < r.Words*1200 || len(rec.Clip) > MaxClip/2 {
			t.Errorf("%+v: %q in %d samples", r, rec.Text, len(rec.Clip))
		}
		for _, w := range words {
			if !strings.Contains(" "+strings.Join(Words[r.First:r.End], " ")+" ", " "+w+" ") {
				t.Errorf("%+v says %q", r, w)
			}
		}
	}
	if len(seen) != 108 {
		t.Errorf("%d recipes", len(seen))
	}
}

// TestVoice: what is asked of the synthesiser can be measured in what it says.
func TestVoice(t *testing.T) {
	if len(said) != len(Words) {
		t.Fatal("a word that cannot be said")
	}
	for i, c := range cosines {
		if want := math.Cos(2*math.Pi*10*float64(i)/Rate) * (1 << 30); math.Abs(float64(c)-want) > 1e5 {
			t.Fatalf("cosine %d is %d, want %.0f", i, c, want)
		}
	}
	v := Voice{Pitch: 120, Tract: 100, Speed: 100, Pause: 150}
	say := func(v Voice, words ...int) []int16 { return Say(words, v, sdk.NewRand([32]byte{1}, 1)) }
	slow, fast := v, v
	slow.Speed, fast.Speed = 80, 125
	if a, b := len(say(slow, 0, 1, 2)), len(say(fast, 0, 1, 2)); a < b*5/4 {
		t.Errorf("slow takes %d samples, fast %d", a, b)
	}
	for k, db := range NoiseDB {
		v.Noise = k
		s := say(v, 3, 4)
		power := func(x []int16) (sum float64) {
			for _, y := range x {
				sum += float64(y) * float64(y)
			}
			return sum / float64(len(x))
		}
		// The first 90 ms are silent but for the noise; the words take most of the rest.
		got := 10 * math.Log10(power(s[1600:len(s)-1600])/power(s[:720]))
		if math.Abs(got-float64(db)) > 3 {
			t.Errorf("%d dB of noise sound like %.1f", db, got)
		}
	}
	// The pitch is where the vowel of "one" repeats itself.
	for _, pitch := range []int{100, 150, 210} {
		v := Voice{Pitch: pitch, Tract: 100, Speed: 70, Pause: 150}
		s := say(v, 1)
		mid := s[len(s)/2-300 : len(s)/2+300]
		best, most := 0, 0.0
		for lag := Rate / 260; lag < Rate/80; lag++ {
			sum := 0.0
			for i := range 400 {
				sum += float64(mid[i]) * float64(mid[i+lag])
			}
			if sum > most {
				best, most = lag, sum
			}
		}
		if got := Rate / best; got < pitch*9/10 || got > pitch*11/10 {
			t.Errorf("a pitch of %d Hz sounds like %d", pitch, got)
		}
	}
	loudest := int16(0)
	for _, x := range say(v, 5) {
		loudest = max(loudest, x, -x)
	}
	if loudest != 22938 {
		t.Errorf("the loudest sample is %d", loudest)
	}
}

func TestMuLaw(t *testing.T) {
	// Values of G.711's table.
	for _, c := range []struct {
		sample int16
		code   byte
	}{{0, 0xff}, {-1, 0x7f}, {8, 0xfe}, {32635, 0x80}, {32767, 0x80}, {-32768, 0x00}, {1000, 0xce}, {-1000, 0x4e}} {
		if got := MuLaw(c.sample); got != c.code {
			t.Errorf("%d is %#x, want %#x", c.sample, got, c.code)
		}
	}
	for b := range 256 {
		if got := MuLaw(FromMuLaw(byte(b))); got != byte(b) && b != 0x7f { // which is -0
			t.Errorf("%#x came back as %#x", b, got)
		}
	}
	for x := -32768; x < 32768; x++ {
		if d := int(FromMuLaw(MuLaw(int16(x)))) - x; max(d, -d) > (max(x, -x)+muBias)/32+1 && max(x, -x) < 32635 {
			t.Fatalf("%d came back %d off", x, d)
		}
	}
}

func wave(samples int, rate int) []byte {
	s := make([]int16, samples)
	for i := range s {
		s[i] = int16(8000 * math.Sin(2*math.Pi*400*float64(i)/float64(rate)))
	}
	return WAV(s, rate)
}

func TestWAV(t *testing.T) {
	for rate := Rate; rate <= 6*Rate; rate += Rate {
		got, err := DecodeWAV(wave(rate, rate))
		if err != nil || len(got) != Rate {
			t.Fatalf("%d Hz: %d samples, %v", rate, len(got), err)
		}
		for i := 10; i < Rate-10; i++ {
			want := 8000 * math.Sin(2*math.Pi*400*(float64(i*(rate/Rate))+float64(rate/Rate/2))/float64(rate))
			if math.Abs(float64(got[i])-want) > 300 {
				t.Fatalf("%d Hz: sample %d is %d, want %.0f", rate, i, got[i], want)
			}
		}
	}
	good := wave(100, Rate)
	edit := func(at int, v byte) []byte { b := bytes.Clone(good); b[at] = v; return b }
	listed := append(append(bytes.Clone(good[:12]), "LIST\x03\x00\x00\x00abc\x00"...), good[12:]...)
	for _, c := range []struct {
		name string
		b    []byte
		want error
		n    int
	}{
		{"good", good, nil, 100}, {"with a list", listed, nil, 100}, {"cut off", good[:len(good)-20], nil, 90},
		{"empty", nil, ErrWAV, 0}, {"text", []byte("not a wave file at all, but long enough"), ErrWAV, 0},
		{"two channels", edit(22, 2), ErrWAV, 0}, {"8 bits", edit(34, 8), ErrWAV, 0}, {"compressed", edit(20, 85), ErrWAV, 0},
		{"no data", good[:40], ErrWAV, 0}, {"data first", append(bytes.Clone(good[:12]), good[36:]...), ErrWAV, 0},
		{"11 kHz", wave(100, 11025), ErrRate, 0}, {"96 kHz", wave(100, 96000), ErrRate, 0}, {"0 Hz", wave(100, 0), ErrRate, 0},
	} {
		got, err := DecodeWAV(c.b)
		if err != c.want || len(got) != c.n {
			t.Errorf("%s: %d samples, %v", c.name, len(got), err)
		}
	}
}

func TestWaves(t *testing.T) {
	samples, err := DecodeWAV(wave(4000, Rate))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Waves(AppendTask(nil, [][]byte{Pack(samples), {255}}))
	if err != nil || len(files) != 2 {
		t.Fatal(err)
	}
	if rate := int(files[0][24]) | int(files[0][25])<<8; rate != 2*Rate || len(files[0]) != 44+4*4000 {
		t.Errorf("%d Hz, %d bytes", rate, len(files[0]))
	}
	for i := 20; i < 7900; i++ {
		got := int16(uint16(files[0][44+2*i]) | uint16(files[0][45+2*i])<<8)
		if want := 8000 * math.Sin(2*math.Pi*400*float64(i)/(2*Rate)); math.Abs(float64(got)-want) > 250 { // µ-law
			t.Fatalf("sample %d is %d, want %.0f", i, got, want)
		}
	}
	if _, err := Waves([]byte("rubbish")); err == nil {
		t.Error("rubbish was taken")
	}
}

func TestRecording(t *testing.T) {
	r := Recording{Text: "Hello, world", Clip: []byte{1, 2, 3}}
	slice := r.Append(nil)
	if got, ok, err := DecodeRecording(slice); len(slice) != SliceLen || !ok || err != nil || got.Text != r.Text || !bytes.Equal(got.Clip, r.Clip) {
		t.Errorf("%v %v %v", got, ok, err)
	}
	with := func(at int, v ...byte) []byte { b := bytes.Clone(slice); copy(b[at:], v); return b }
	for name, b := range map[string][]byte{
		"no words": (&Recording{Text: " . ", Clip: r.Clip}).Append(nil), "no clip": (&Recording{Text: "a"}).Append(nil),
		"many words": (&Recording{Text: strings.Repeat("a ", 65), Clip: r.Clip}).Append(nil), "not UTF-8": with(8, 0xff),
		"not zeros": with(SliceLen-1, 1), "long text": with(4, 3), "long clip": with(6, 0xff), "cut": slice[:20],
	} {
		if _, ok, err := DecodeRecording(b); !ok || err != ErrRecording {
			t.Errorf("%s: %v %v", name, ok, err)
		}
		if _, err := DrawTask(&abi.TaskRequest{Slices: [][]byte{nil, b, nil}}); err != ErrRecording {
			t.Errorf("%s in a task: %v", name, err)
		}
	}
	if _, ok, err := DecodeRecording([]byte("recipe")); ok || err != nil {
		t.Error("a recipe is a recording")
	}
	task, err := DrawTask(&abi.TaskRequest{Slices: [][]byte{nil, slice, nil}})
	if err != nil {
		t.Fatal(err)
	}
	clips, _ := DecodeTask(task.Public)
	texts, _ := DecodeTexts(task.Private, Clips)
	if !bytes.Equal(clips[1], r.Clip) || texts[1] != r.Text {
		t.Error("the task has not the recording")
	}
}

func TestReadRecordings(t *testing.T) {
	folder := func(n int, change func(dir string)) string {
		dir := t.TempDir()
		lines := ""
		for i := range n {
			name := string(rune('a' + i))
			_ = os.WriteFile(filepath.Join(dir, name+".wav"), wave(4000, 16000), 0o600)
			_ = os.WriteFile(filepath.Join(dir, name+".txt"), []byte("word "+name+"\r\n"), 0o600)
			lines += name + ".wav\tword " + name + "\n"
		}
		_ = os.WriteFile(filepath.Join(dir, "list.tsv"), []byte(lines), 0o600)
		if change != nil {
			change(dir)
		}
		return dir
	}
	dir := folder(13, nil)
	for _, path := range []string{dir, filepath.Join(dir, "list.tsv")} {
		all, err := ReadRecordings(path)
		if err != nil || len(all) != 13 || all[1].Text != "word b" || len(all[1].Clip) != 2000 {
			t.Fatalf("%s: %d, %v", path, len(all), err)
		}
		public, hidden := Split(all)
		if len(public) != 7 || len(hidden) != 6*SliceLen {
			t.Errorf("%d published, %d bytes hidden", len(public), len(hidden))
		}
		for i := range 6 {
			if r, ok, err := DecodeRecording(hidden[i*SliceLen : (i+1)*SliceLen]); !ok || err != nil || r.Text != all[2*i+1].Text {
				t.Errorf("slice %d: %v", i, err)
			}
		}
	}
	put := func(name string, b []byte) func(string) {
		return func(dir string) { _ = os.WriteFile(filepath.Join(dir, name), b, 0o600) }
	}
	for _, c := range []struct {
		name, path string
		want       error
	}{
		{"missing", filepath.Join(dir, "nowhere"), ErrMissing},
		{"empty folder", t.TempDir(), ErrMissing},
		{"few", folder(11, nil), ErrFew},
		{"no transcript", folder(12, func(d string) { os.Remove(filepath.Join(d, "b.txt")) }), ErrTranscript},
		{"empty transcript", folder(12, put("b.txt", nil)), ErrTranscript},
		{"transcript not UTF-8", folder(12, put("b.txt", []byte("caf\xe9"))), ErrTranscript},
		{"long transcript", folder(12, put("b.txt", bytes.Repeat([]byte("a"), 600))), ErrTranscript},
		{"not a wave", folder(12, put("b.wav", []byte("ID3 and what follows"))), ErrWAV},
		{"empty wave", folder(12, put("b.wav", nil)), ErrWAV},
		{"odd rate", folder(12, put("b.wav", wave(100, 44100))), ErrRate},
		{"silent", folder(12, put("b.wav", WAV(make([]int16, 4000), Rate))), ErrLength},
		{"too long", folder(12, put("b.wav", wave(MaxClip+1, Rate))), ErrLength},
		{"list without tabs", filepath.Join(folder(12, put("list.tsv", []byte("a.wav word\n"))), "list.tsv"), ErrLine},
		{"list not UTF-8", filepath.Join(folder(12, put("list.tsv", []byte("a.wav\tcaf\xe9\n"))), "list.tsv"), ErrLine},
		{"list of what is not there", filepath.Join(folder(12, put("list.tsv", bytes.Repeat([]byte("z.wav\tword\n"), 12))), "list.tsv"), ErrMissing},
		{"empty list", filepath.Join(folder(12, put("list.tsv", nil)), "list.tsv"), ErrFew},
	} {
		if _, err := ReadRecordings(c.path); !errors.Is(err, c.want) || !strings.Contains(err.Error(), strings.TrimSuffix(c.path, "list.tsv")) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzWAV(f *testing.F) {
	f.Add(wave(50, 16000))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeWAV(b); len(s) > len(b) || err != nil && s != nil {
			t.Fatal("bounds")
		}
	})
}

func FuzzRecording(f *testing.F) {
	f.Add((&Recording{Text: "one", Clip: []byte{1, 2}}).Append(nil)[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok, err := DecodeRecording(b)
		if err != nil || !ok {
			return
		}
		if again, _, err := DecodeRecording(r.Append(nil)); err != nil || again.Text != r.Text || !bytes.Equal(again.Clip, r.Clip) {
			t.Fatal("it came back otherwise")
		}
	})
}

func FuzzTask(f *testing.F) {
	f.Add(AppendTask(nil, [][]byte{{1}, {2, 3}, {4}}))
	f.Add(AppendTexts(nil, []string{"one", "two"}))
	public, private := AppendTask(nil, [][]byte{{1}, {2, 3}}), AppendTexts(nil, []string{"one", "two"})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := DecodeTask(b); err == nil && !bytes.Equal(AppendTask(nil, c), b) {
			t.Fatal("task is not canonical")
		}
		a, err := DecodeTexts(b, 2)
		if err == nil && !bytes.Equal(AppendTexts(nil, a), b) {
			t.Fatal("answer is not canonical")
		}
		s, failed := Score(&abi.ScoreRequest{Public: public, Private: private, Payloads: [][]byte{b}})
		if failed != nil || s[0] > abi.One || err != nil && s[0] != 0 {
			t.Fatalf("score %d, %v, %v", s, err, failed)
		}
		_, _ = Render(b)
	})
}

func FuzzNormalise(f *testing.F) {
	f.Add("Don't stop at 42!")
	f.Fuzz(func(t *testing.T, s string) {
		words := Normalise(s)
		if again := Normalise(strings.Join(words, " ")); strings.Join(again, "|") != strings.Join(words, "|") {
			t.Fatalf("%q became %q and then %q", s, words, again)
		}
	})
}
