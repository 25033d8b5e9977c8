package forecast

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

func prices(ids ...uint16) []byte { return (&Params{NetUIDs: ids, Sigma: 5000}).Append(nil) }

func TestParams(t *testing.T) {
	if p, err := DecodeParams(prices(1, 2, 300)); err != nil || !slices.Equal(p.NetUIDs, []uint16{1, 2, 300}) || p.Sigma != 5000 {
		t.Errorf("%v %v", p, err)
	}
	for _, b := range [][]byte{nil, []byte("x"), prices(), prices(2, 1), prices(1, 1), (&Params{NetUIDs: []uint16{1}}).Append(nil),
		(&Params{NetUIDs: []uint16{1}, Sigma: 1e6 + 1}).Append(nil), append(prices(1), 0)} {
		if _, err := DecodeParams(b); !errors.Is(err, ErrParams) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func TestDrawTask(t *testing.T) {
	seen := map[uint64]int{}
	for i := range 200 {
		r := &abi.TaskRequest{Beta: [32]byte{byte(i)}, Params: prices(1, 2, 3, 4, 5, 6, 7, 8), Height: 1000, Last: 1020}
		task, err := DrawTask(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := task.CheckInputs(1000, 1020); err != nil {
			t.Fatal(err)
		}
		p, err := DecodePublic(task.Public)
		if err != nil || len(p.Targets) != MaxTargets || len(task.Inputs) != MaxTargets*(1+Horizons)+1 || p.Height != 1000 {
			t.Fatal(p, err, len(task.Inputs))
		}
		if p.Horizons[0] != nearest || !slices.IsSorted(p.Horizons) || p.Horizons[Horizons-1] > 20 {
			t.Fatalf("horizons %v", p.Horizons)
		}
		// The draw must come after the answers, and not after the scoring.
		if last := task.Inputs[len(task.Inputs)-1]; last.Key != abi.KeyRandomness || last.Height != 1006 {
			t.Fatalf("drawn by %v", last)
		}
		for _, h := range p.Horizons {
			seen[h]++
		}
	}
	if len(seen) != 15 {
		t.Errorf("horizons %v", seen)
	}
	two, err := DrawTask(&abi.TaskRequest{Params: prices(4, 9), Height: 1, Last: 11})
	if p, _ := DecodePublic(two.Public); err != nil || len(p.Targets) != 2 || two.ScoreAt > 11 {
		t.Error(p, err)
	}
	for _, c := range []struct {
		r    *abi.TaskRequest
		want error
	}{
		{&abi.TaskRequest{Params: prices(1), Height: 1, Last: 10}, ErrHorizon}, {&abi.TaskRequest{Params: prices(1), Height: 9}, ErrHorizon},
		{&abi.TaskRequest{Height: 1, Last: 20}, ErrParams}, {&abi.TaskRequest{Slices: [][]byte{make([]byte, SliceLen)}}, ErrSlices},
		{&abi.TaskRequest{Slices: [][]byte{{1}, {2}, {3}, {4}}}, ErrSlices},
	} {
		if _, err := DrawTask(c.r); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

// Which horizon counts follows the randomness that comes later, evenly.
func TestLaterDraw(t *testing.T) {
	r := &abi.TaskRequest{Params: prices(1), Height: 1000, Last: 1020}
	task, err := DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := DecodePublic(task.Public)
	a := make(Answer, 1)
	for j := range a[0] {
		a[0][j] = Walk(one, 5000, p.Horizons[j])
	}
	// Wrong for the first horizon alone.
	a[0][0] = Forecast{}
	count := [2]int{}
	for i := range 400 {
		var draw [32]byte
		binary.BigEndian.PutUint64(draw[:], uint64(i))
		s := &abi.ScoreRequest{Params: r.Params, Public: task.Public, Private: task.Private, Payloads: [][]byte{a.Append(nil)}}
		for range 1 + Horizons {
			s.Inputs = append(s.Inputs, binary.BigEndian.AppendUint64(nil, one))
		}
		s.Inputs = append(s.Inputs, draw[:])
		got, err := Score(s)
		if err != nil {
			t.Fatal(err)
		}
		if got[0] == one/2 {
			count[1]++
		} else if got[0] == 0 {
			count[0]++
		}
	}
	if count[0]+count[1] != 400 || count[0] < 70 || count[0] > 130 {
		t.Errorf("the first of %d horizons counted %d times of %d", Horizons, count[0], count[0]+count[1])
	}
}

// The expected score is greatest for the quantiles that the value is drawn from.
func TestProper(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	values := make([]uint64, 20000)
	for i := range values {
		values[i] = uint64((1.01 + 0.02*r.NormFloat64()) * float64(one))
	}
	normal := func(mean, deviation float64) (f Forecast) {
		for k, z := range Deciles() {
			f[k] = uint64((mean + deviation*float64(z)/1e6) * float64(one))
		}
		return f
	}
	cost := func(f Forecast) (sum float64) {
		for _, v := range values {
			tg := newTarget(one, v, 5000, 16)
			sum += float64(tg.skill(&f)) / float64(one)
		}
		return sum / float64(len(values))
	}
	best := cost(normal(1.01, 0.02))
	for _, c := range [][2]float64{{1, 0.02}, {1.01, 0.016}, {1.01, 0.025}, {1.015, 0.02}, {1.01, 0}, {1, 1}} {
		if got := cost(normal(c[0], c[1])); got >= best {
			t.Errorf("mean %.3f, deviation %.3f: %.4f, the truth %.4f", c[0], c[1], got, best)
		}
	}
}

func TestWalk(t *testing.T) {
	// Under its own assumption the walk loses as much as scale says.
	r := rand.New(rand.NewPCG(2, 1))
	var loss float64
	const n = 20000
	for range n {
		x := uint64((1 + 0.02*r.NormFloat64()) * float64(one))
		w := Walk(one, 5000, 16)
		loss += float64(w.loss(x)) / n
	}
	if want := float64(newTarget(one, one, 5000, 16).scale); math.Abs(loss/want-1) > 0.02 {
		t.Errorf("loss %.0f, expected %.0f", loss, want)
	}
	for _, c := range []struct{ base, sigma, steps uint64 }{{1, 1, 1}, {MaxValue, 1e6, 100}, {1, 1e6, 100}, {MaxValue, 1, 1}} {
		w := Walk(c.base, c.sigma, c.steps)
		if !slices.IsSorted(w[:]) || w[8] > MaxValue {
			t.Errorf("%v: %v", c, w)
		}
		for _, x := range []uint64{0, 1, MaxValue} {
			tg := newTarget(c.base, x, c.sigma, c.steps)
			for _, f := range []Forecast{w, {}, {8: MaxValue}} {
				if s := tg.skill(&f); s > 256<<32 || s < -256<<32 {
					t.Errorf("%v: skill %d", c, s)
				}
			}
		}
	}
}

func TestScoreIsBlind(t *testing.T) {
	r := &abi.TaskRequest{Params: prices(1, 2), Height: 1000, Last: 1020}
	task, err := DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	s := abi.ScoreRequest{Params: r.Params, Public: task.Public, Private: task.Private}
	for range 2 * (1 + Horizons) {
		s.Inputs = append(s.Inputs, binary.BigEndian.AppendUint64(nil, one))
	}
	s.Inputs = append(s.Inputs, make([]byte, 32))
	answer := func(base, sigma uint64) []byte {
		a := make(Answer, 2)
		for i := range a {
			for j := range a[i] {
				a[i][j] = Walk(base, sigma, 9)
			}
		}
		return a.Append(nil)
	}
	payloads := [][]byte{answer(one, 5000), answer(one, 2000), nil, answer(one, 5000), []byte("rubbish"), answer(one*101/100, 5000)}
	all := s
	all.Payloads = payloads
	want, err := Score(&all)
	if err != nil {
		t.Fatal(err)
	}
	if want[0] != want[3] || want[1] <= want[0] || want[2] != 0 || want[4] != 0 || want[5] == 0 || want[5] >= want[0] {
		t.Errorf("scores %v", want)
	}
	order := []int{0, 1, 2, 3, 4, 5}
	for range 20 {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		some := s
		for _, i := range order {
			some.Payloads = append(some.Payloads, payloads[i])
		}
		got, err := Score(&some)
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range order {
			if got[k] != want[i] {
				t.Fatalf("order %v: payload %d scores %d, want %d", order, i, got[k], want[i])
			}
		}
	}
	for _, change := range []func(*abi.ScoreRequest){
		func(r *abi.ScoreRequest) { r.Inputs = nil }, func(r *abi.ScoreRequest) { r.Inputs = r.Inputs[1:] },
		func(r *abi.ScoreRequest) { r.Inputs = slices.Clone(r.Inputs); r.Inputs[0] = []byte{1} },
		func(r *abi.ScoreRequest) { r.Public = nil }, func(r *abi.ScoreRequest) { r.Private = nil },
		func(r *abi.ScoreRequest) { r.Params = nil }, func(r *abi.ScoreRequest) { r.Private = appendTruth(nil, []uint64{6, 5}) },
	} {
		broken := all
		change(&broken)
		if _, err := Score(&broken); err == nil {
			t.Error("a broken task was scored")
		}
	}
}

func TestReadSeries(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var good strings.Builder
	good.WriteString("\ufeffdate,price\n")
	for i := range MinSeries {
		good.WriteString("2026-01-01," + strconv.Itoa(i+1) + ".5\r\n\n")
	}
	for _, c := range []struct {
		path string
		want error
		text string
	}{
		{filepath.Join(dir, "none"), ErrSeriesMissing, "none"}, {file("empty", ""), ErrSeriesEmpty, "empty"},
		{file("short", "1\n2\n"), ErrSeriesShort, ""}, {file("names", "a\nb\n"), ErrSeriesValue, "line 2"},
		{file("zero", "1\n0\n"), ErrSeriesValue, "line 2"}, {file("negative", "1\n-4\n"), ErrSeriesValue, "line 2"},
		{file("large", "1\n1e9\n"), ErrSeriesValue, "line 2"}, {file("nan", "1\nNaN\n"), ErrSeriesValue, "line 2"},
		{file("binary", "\xff\xfe"), ErrSeriesUTF8, ""}, {file("line", "1\n"+strings.Repeat("2", 1<<17)), ErrSeriesValue, "line 2"},
		{file("good", good.String()), nil, ""},
	} {
		v, err := ReadSeries(c.path)
		if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v", c.path, err, c.want)
		}
		if err != nil {
			continue
		}
		if len(v) != MinSeries || v[1] != 5<<31 {
			t.Errorf("%d values, %d", len(v), v[1])
		}
		hidden, public := Cut(v)
		if len(hidden) != Slices*SliceLen || binary.BigEndian.Uint64(hidden) != v[MinSeries/2] || !bytes.HasPrefix(public, []byte("1.500000000\n2.5")) || bytes.Count(public, []byte("\n")) != MinSeries/2 {
			t.Errorf("%d bytes hidden, public %.40s", len(hidden), public)
		}
		r := &abi.TaskRequest{}
		for s := range slices.Chunk(hidden, SliceLen) {
			r.Slices = append(r.Slices, s)
		}
		task, err := DrawTask(r)
		if err != nil || task.ScoreAt != 0 || len(task.Inputs) != 0 {
			t.Error(err)
		}
	}
	if _, err := ReadSeries(dir); err == nil {
		t.Error("a directory was read")
	}
}

func FuzzAnswer(f *testing.F) {
	a := make(Answer, 1)
	for j := range a[0] {
		a[0][j] = Walk(one, 5000, 6)
	}
	f.Add(a.Append(nil))
	f.Add([]byte{0x82, 1, 0x81, 0x84, 0x89})
	task, err := DrawTask(&abi.TaskRequest{Params: prices(1), Height: 1000, Last: 1020})
	if err != nil {
		f.Fatal(err)
	}
	s := &abi.ScoreRequest{Params: prices(1), Public: task.Public, Private: task.Private, Inputs: make([][]byte, 2+Horizons)}
	for i := range s.Inputs {
		s.Inputs[i] = binary.BigEndian.AppendUint64(nil, one)
	}
	s.Inputs[1+Horizons] = make([]byte, 32)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAnswer(b, 1)
		s.Payloads = [][]byte{b}
		got, failed := Score(s)
		if failed != nil || err != nil && got[0] != 0 || got[0] > abi.One {
			t.Fatal(got, failed, err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(a.Append(nil), b) {
			t.Fatal("not canonical")
		}
		if _, err := Render(b); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzTaskParts(f *testing.F) {
	f.Add((&Public{Height: 9, Targets: []Target{{NetUID: 1}, {History: []uint64{1, 2}}}, Horizons: []uint64{1, 2, 3, 4}}).Append(nil), []byte("1\n2\n"))
	f.Add(prices(1, 2), []byte("date;value\n1;2.5\n"))
	f.Fuzz(func(t *testing.T, b, text []byte) {
		if p, err := DecodePublic(b); err == nil && !bytes.Equal(p.Append(nil), b) {
			t.Fatal("task is not canonical")
		}
		if p, err := DecodeParams(b); err == nil && !bytes.Equal(p.Append(nil), b) {
			t.Fatal("parameters are not canonical")
		}
		if v, err := decodeTruth(b); err == nil && !bytes.Equal(appendTruth(nil, v), b) {
			t.Fatal("truth is not canonical")
		}
		if v, err := ParseSeries(text); err == nil && (slices.Min(v) == 0 || slices.Max(v) > MaxValue) {
			t.Fatal("value out of range")
		}
		// Whatever a validator's task is, scoring it does not panic.
		_, _ = Score(&abi.ScoreRequest{Public: b, Private: appendTruth(nil, []uint64{1, 2}), Payloads: [][]byte{b}})
	})
}
