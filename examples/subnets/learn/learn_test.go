package learn

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
)

const prose = "When a ray of light passes out of one medium into another of a different density it is bent, and the sine of incidence is to the sine of refraction in a given ratio. "

func pieces() (out [][]byte) {
	text := bytes.Repeat([]byte(prose), 16)
	for i := range Slices {
		out = append(out, text[i*SliceLen:][:SliceLen])
	}
	return out
}

func random(seed uint64, n int) Update {
	r := rand.New(rand.NewPCG(seed, 1))
	u := Update{Scale: 1 + r.IntN(MaxScale)}
	at := r.Perm(Weights)[:n]
	slices.Sort(at)
	for _, p := range at {
		u.At, u.By = append(u.At, uint16(p)), append(u.By, int8(1+r.IntN(127)))
	}
	return u
}

func TestModelBytes(t *testing.T) {
	m, err := DecodeModel(nil)
	if err != nil || len(m) != Weights || slices.Max(m) != 0 {
		t.Fatal(err)
	}
	m[0], m[1], m[Weights-1] = -1, math.MaxInt16, math.MinInt16
	b := m.Append(nil)
	again, err := DecodeModel(b)
	if err != nil || !slices.Equal(m, again) || len(b) != ModelLen {
		t.Error(err)
	}
	for _, n := range []int{1, ModelLen - 1, ModelLen + 1} {
		if _, err := DecodeModel(make([]byte, n)); !errors.Is(err, ErrModel) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// A model that knows nothing costs eight bits a byte, and one that is right costs less
// than one that is wrong by as much.
func TestLoss(t *testing.T) {
	bits := Read(nil, []byte(prose))
	if len(bits) != 8*(len(prose)-2) {
		t.Fatalf("%d bits", len(bits))
	}
	m := make(Model, Weights)
	none := float64(m.Loss(bits)) / (1 << 24) / float64(len(bits))
	if math.Abs(none-1) > 0.01 {
		t.Errorf("%.4f for each bit", none)
	}
	for _, x := range []int16{1, 100, 256, 1000, 5000} {
		for _, set := range []bool{true, false} {
			b := []Bit{{At: [orders]uint16{1, 2, 3}, Set: set}}
			m[1] = x
			right := float64(m.Loss(b)) / (1 << 24)
			m[1] = -x
			wrong := float64(m.Loss(b)) / (1 << 24)
			if !set {
				right, wrong = wrong, right
			}
			z := min(float64(x)/Unit, 8)
			if math.Abs(right-math.Log2(1+math.Exp(-z))) > 0.02 || math.Abs(wrong-math.Log2(1+math.Exp(z))) > 0.02 {
				t.Errorf("log-odds of %.2f: %.4f right, %.4f wrong", z, right, wrong)
			}
		}
	}
	if Chance(0) < 32700 || Chance(0) > 32900 || Chance(1<<20) <= Chance(1000) || Chance(-1<<20) < 1 {
		t.Error("chances")
	}
}

// Counting the bits first changes no loss.
func TestTally(t *testing.T) {
	bits := Read(nil, bytes.Repeat([]byte(prose), 10))
	cells := tally(bits)
	if len(cells) >= len(bits)/4 {
		t.Errorf("%d cells of %d bits", len(cells), len(bits))
	}
	m := make(Model, Weights)
	for seed := range uint64(5) {
		u := random(seed, MaxChanges)
		u.Apply(m)
		if a, b := m.Loss(bits), m.loss(cells); a != b {
			t.Errorf("%d and %d", a, b)
		}
	}
	if tally(nil) != nil {
		t.Error("cells of nothing")
	}
}

func TestUpdateRefused(t *testing.T) {
	raw := func(scale uint64, at, by []byte) []byte {
		b := cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(nil, 4), version), scale)
		return cbor.AppendBytes(cbor.AppendBytes(b, at), by)
	}
	long := random(1, MaxChanges)
	if _, err := DecodeUpdate(long.Append(nil)); err != nil || len(long.Append(nil)) > 6400 {
		t.Error(len(long.Append(nil)), err)
	}
	if u, err := DecodeUpdate(raw(1, nil, nil)); err != nil || len(u.At) != 0 {
		t.Error(err)
	}
	more := random(1, MaxChanges+1)
	for name, b := range map[string][]byte{
		"scale 0": raw(0, nil, nil), "scale 257": raw(257, nil, nil), "a change of 0": raw(1, []byte{0, 1}, []byte{0}),
		"places fall": raw(1, []byte{0, 2, 0, 1}, []byte{1, 1}), "a place twice": raw(1, []byte{0, 2, 0, 2}, []byte{1, 1}),
		"no such place": raw(1, []byte{0x40, 0}, []byte{1}), "half a place": raw(1, []byte{0}, nil), "a change too many": raw(1, []byte{0, 1}, []byte{1, 1}),
		"too many": more.Append(nil), "empty": nil, "trailing": append(raw(1, nil, nil), 0), "text": []byte("update"),
	} {
		if _, err := DecodeUpdate(b); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestApply(t *testing.T) {
	m := make(Model, Weights)
	m[5], m[6] = math.MaxInt16, math.MinInt16
	u := Update{Scale: MaxScale, At: []uint16{4, 5, 6}, By: []int8{-127, 127, -128}}
	u.Apply(m)
	if m[4] != -2032 || m[5] != math.MaxInt16 || m[6] != math.MinInt16 {
		t.Errorf("%d", m[4:7])
	}
}

func TestTrimmed(t *testing.T) {
	for _, c := range []struct {
		changes []int32
		want    int32
	}{
		{nil, 0}, {[]int32{7}, 7}, {[]int32{4, -2}, 1}, {[]int32{900, 1, 2}, 301}, {[]int32{900, 1, -900, 3}, 2}, {[]int32{5, 5, 5, 5, 1000}, 5},
	} {
		if got := trimmed(slices.Clone(c.changes)); got != c.want {
			t.Errorf("%v: %d, want %d", c.changes, got, c.want)
		}
	}
}

// useful is an update that a text of the same kind rewards: all that its bits ask for.
func useful(part, of int) Update {
	weights := map[uint16]int{}
	for _, b := range Read(nil, bytes.Repeat([]byte(prose), 2)) {
		for _, p := range b.At {
			if int(p)%of != part {
				continue
			}
			if b.Set {
				weights[p]++
			} else {
				weights[p]--
			}
		}
	}
	u := Update{Scale: 64}
	for p := range Weights {
		if w := min(max(weights[uint16(p)], -60), 60); w != 0 && len(u.At) < MaxChanges {
			u.At, u.By = append(u.At, uint16(p)), append(u.By, int8(w))
		}
	}
	return u
}

// harmful is the opposite of a useful update.
func harmful(u Update) Update {
	u.By = slices.Clone(u.By)
	for i := range u.By {
		u.By[i] = -u.By[i]
	}
	return u
}

func TestMerge(t *testing.T) {
	a, b := useful(0, 2), useful(1, 2)
	bad, idle := harmful(a), Update{Scale: 1}
	payload := func(list ...Update) (out [][]byte) {
		for _, u := range list {
			out = append(out, u.Append(nil))
		}
		return out
	}
	base := make(Model, Weights)
	var bits []Bit
	for _, p := range pieces() {
		bits = Read(bits, p)
	}
	call := func(artifact []byte, payloads [][]byte) Model {
		t.Helper()
		r, err := Merge(&abi.MergeRequest{Artifact: artifact, Slices: pieces(), Payloads: payloads})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Artifact) == 0 {
			return nil
		}
		m, err := DecodeModel(r.Artifact)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	// What does harm is left out, what does nothing changes nothing, what is no update
	// does not count, and copies count once.
	want := call(nil, payload(a, b))
	if want == nil || want.Loss(bits) >= base.Loss(bits) {
		t.Fatal("two useful updates do not help")
	}
	for name, list := range map[string][][]byte{
		"with harm": payload(a, bad, b), "with copies": payload(a, a, b, a), "with an idle one": payload(idle, a, b),
		"with rubbish": append(payload(a, b), []byte("rubbish"), nil), "in another order": payload(b, a),
	} {
		if got := call(nil, list); !slices.Equal(got, want) {
			t.Errorf("%s: another model", name)
		}
	}
	for name, list := range map[string][][]byte{"nothing": nil, "harm alone": payload(bad), "idle": payload(idle), "rubbish": {{1}}} {
		if got := call(want.Append(nil), list); got != nil {
			t.Errorf("%s changed the model", name)
		}
	}
	if _, err := Merge(&abi.MergeRequest{Artifact: []byte{1}, Slices: pieces()}); !errors.Is(err, ErrModel) {
		t.Error(err)
	}
	if _, err := Merge(&abi.MergeRequest{Slices: pieces()[1:]}); !errors.Is(err, ErrSlices) {
		t.Error(err)
	}
}

func TestScoreIsBlind(t *testing.T) {
	task, err := DrawTask(&abi.TaskRequest{Slices: pieces()})
	if err != nil {
		t.Fatal(err)
	}
	a, b := useful(0, 2), useful(1, 2)
	bad := harmful(a)
	payloads := [][]byte{a.Append(nil), bad.Append(nil), nil, a.Append(nil), []byte("rubbish"), b.Append(nil)}
	want, err := Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: payloads})
	if err != nil {
		t.Fatal(err)
	}
	if want[0] != want[3] || want[0] == 0 || want[1] != 0 || want[2] != 0 || want[4] != 0 || want[5] == 0 {
		t.Errorf("scores %v", want)
	}
	order := []int{0, 1, 2, 3, 4, 5}
	for range 10 {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		r := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
		for _, i := range order {
			r.Payloads = append(r.Payloads, payloads[i])
		}
		got, err := Score(r)
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range order {
			if got[k] != want[i] {
				t.Fatalf("order %v: payload %d scores %d, want %d", order, i, got[k], want[i])
			}
		}
	}
	// Beside one that does the same work, an update is worth less, and beside one that
	// does other work it is not.
	near := a
	near.By = slices.Clone(a.By)
	near.By[0]++
	m := make(Model, Weights)
	one := Worths(m, pieces(), payloads[:1])[0]
	if two := Worths(m, pieces(), [][]byte{payloads[0], near.Append(nil)})[0]; two > one*3/4 {
		t.Errorf("worth %d alone and %d beside the same", one, two)
	}
	for _, r := range []*abi.ScoreRequest{{Private: task.Private}, {Public: task.Public}, {Public: task.Public, Private: appendPieces(nil, pieces()[1:])}} {
		if _, err := Score(r); err == nil {
			t.Error("a broken task was scored")
		}
	}
	for _, r := range []*abi.TaskRequest{{}, {Slices: pieces()[1:]}, {Slices: pieces(), Artifact: []byte{1}}, {Slices: [][]byte{{1}, {2}, {3}, {4}}}} {
		if _, err := DrawTask(r); err == nil {
			t.Error("a task was drawn")
		}
	}
}

func FuzzUpdate(f *testing.F) {
	a, r := useful(0, 2), random(3, 50)
	f.Add(a.Append(nil))
	f.Add(r.Append(nil))
	f.Add([]byte{0x84, 1, 1, 0x42, 0, 1, 0x41, 5})
	task, err := DrawTask(&abi.TaskRequest{Slices: pieces()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := DecodeUpdate(b)
		s, failed := Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{b, a.Append(nil)}})
		if failed != nil || s[0] > abi.One || err != nil && s[0] != 0 {
			t.Fatal(s, failed, err)
		}
		if _, err := Merge(&abi.MergeRequest{Slices: pieces(), Payloads: [][]byte{b}}); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(u.Append(nil), b) {
			t.Fatal("not canonical")
		}
		if _, err := Render(b); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzTaskParts(f *testing.F) {
	f.Add((&Public{Last: 7}).Append(nil))
	f.Add(appendPieces(nil, pieces()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodePublic(b); err == nil && !bytes.Equal(p.Append(nil), b) {
			t.Fatal("task is not canonical")
		}
		if p, err := decodePieces(b); err == nil && !bytes.Equal(appendPieces(nil, p), b) {
			t.Fatal("pieces are not canonical")
		}
		if m, err := DecodeModel(b); err == nil && len(b) > 0 && !bytes.Equal(m.Append(nil), b) {
			t.Fatal("model is not canonical")
		}
	})
}
