package sdk

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

func TestLog2(t *testing.T) {
	const bound = 1.0 / (1 << 29)
	check := func(x uint64) {
		t.Helper()
		f, _ := new(big.Float).SetUint64(x).Float64()
		want, got := math.Log2(f), float64(Log2(x))/(1<<32)
		// A float64 carries a logarithm below 64 to within 2^-46.
		if d := want - got; d < -1e-13 || d > bound {
			t.Fatalf("log2(%d) = %.12f, want %.12f", x, got, want)
		}
	}
	var last uint64
	for x := uint64(1); x <= 1<<17; x++ {
		check(x)
		if l := Log2(x); l < last {
			t.Fatalf("log2(%d) decreases", x)
		} else {
			last = l
		}
	}
	r := NewRand([32]byte{1}, 0)
	for range 100000 {
		check(r.Uint64()>>r.Intn(64) | 1)
	}
	for n := range 64 {
		if Log2(1<<n) != uint64(n)<<32 {
			t.Errorf("log2(2^%d) is not exact", n)
		}
	}
	if Log2(0) != 0 || Log2(math.MaxUint64)>>32 != 63 {
		t.Error("ends of the range")
	}
}

// The numbers that other languages must produce.
func TestRandIsFixed(t *testing.T) {
	var seed [32]byte
	copy(seed[:], "plexus: a seed of thirty-two by.")
	got := []uint64{}
	for _, stream := range []uint64{0, 1, math.MaxUint64} {
		r := NewRand(seed, stream)
		got = append(got, r.Uint64(), r.Uint64n(10), r.Uint64n(1<<63+1), uint64(r.Intn(1000)))
	}
	if !slices.Equal(got, goldenRand[:]) {
		t.Errorf("got %#x", got)
	}
	// The published vector of chacha8rand.
	if v := NewRand([32]byte([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456")), 0).Uint64(); v != 0xb773b6063d4616a5 {
		t.Errorf("published vector: got %#x", v)
	}
}

func TestRandBounds(t *testing.T) {
	r := NewRand([32]byte{9}, 3)
	var seen [7]int
	for range 70000 {
		seen[r.Intn(7)]++
	}
	for i, n := range seen {
		if n < 9500 || n > 10500 {
			t.Errorf("%d came %d times of 70000", i, n)
		}
	}
	if r.Intn(0) != 0 || r.Intn(-5) != 0 || r.Intn(1) != 0 || r.Uint64n(0) != 0 {
		t.Error("empty ranges")
	}
	order := []int{0, 1, 2, 3, 4, 5, 6, 7}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var sum int
	for _, v := range order {
		sum += v
	}
	if sum != 28 {
		t.Errorf("shuffle lost something: %v", order)
	}
}

func module() Module {
	return Module{
		Describe: func() abi.Description { return abi.Description{Title: "test"} },
		Task: func(r *abi.TaskRequest) (abi.Task, error) {
			if len(r.Slices) == 0 {
				return abi.Task{}, errors.New("no slices")
			}
			return abi.Task{Public: r.Slices[0], Private: r.Beta[:]}, nil
		},
		Score: func(r *abi.ScoreRequest) (abi.Scores, error) {
			s := abi.Scores{}
			for _, p := range r.Payloads {
				s = append(s, uint64(len(p))<<30)
			}
			return s, nil
		},
		Rank: func(r *abi.RankRequest) (abi.Ranks, error) { return nil, nil },
		Render: func(b []byte) (string, error) {
			return string(b), nil
		},
		Parse: func(s string) ([]byte, error) { return []byte(s), nil },
		Merge: func(r *abi.MergeRequest) (abi.Merged, error) {
			return abi.Merged{Artifact: bytes.Join(append([][]byte{r.Artifact}, r.Payloads...), nil)}, nil
		},
	}
}

func TestCall(t *testing.T) {
	score := func(payloads ...string) []byte {
		r := abi.ScoreRequest{}
		for _, p := range payloads {
			r.Payloads = append(r.Payloads, []byte(p))
		}
		return r.Append(nil)
	}
	task := abi.TaskRequest{Slices: [][]byte{[]byte("data")}}
	empty := abi.TaskRequest{}
	rank := abi.RankRequest{Rows: make([]abi.Row, 2)}
	merge := abi.MergeRequest{Artifact: []byte("a"), Payloads: [][]byte{[]byte("b")}}
	bulky := abi.MergeRequest{Payloads: [][]byte{make([]byte, abi.MaxArtifact), {1}}}
	for _, c := range []struct {
		name   string
		op     abi.Op
		input  []byte
		status uint32
	}{
		{"describe", abi.OpDescribe, nil, 0},
		{"describe with input", abi.OpDescribe, []byte{1}, StatusInput},
		{"task", abi.OpTask, task.Append(nil), 0},
		{"refused task", abi.OpTask, empty.Append(nil), StatusRefused},
		{"task of rubbish", abi.OpTask, []byte("rubbish"), StatusInput},
		{"score", abi.OpScore, score("a", "bb"), 0},
		{"score above one", abi.OpScore, score("a", "bbbbb"), StatusReply},
		{"too few ranks", abi.OpRank, rank.Append(nil), StatusReply},
		{"missing operation", abi.OpSolve, nil, StatusUnsupported},
		{"unknown operation", 99, nil, StatusUnsupported},
		{"merge", abi.OpMerge, merge.Append(nil), 0},
		{"merge of rubbish", abi.OpMerge, []byte{0x85, 1}, StatusInput},
		{"merge to an artifact too large", abi.OpMerge, bulky.Append(nil), StatusReply},
		{"render", abi.OpRender, []byte("x"), 0},
		{"render too much", abi.OpRender, make([]byte, abi.MaxPayload+1), StatusInput},
		{"parse", abi.OpParse, []byte("ü"), 0},
		{"parse bad text", abi.OpParse, []byte{0xff}, StatusInput},
	} {
		body, err := Call(module(), c.op, c.input)
		var r *Refusal
		switch {
		case c.status == 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.status != 0 && (!errors.As(err, &r) || r.Status != c.status || r.Text == ""):
			t.Errorf("%s: %q, %v, want status %d", c.name, body, err, c.status)
		}
	}
	b, err := Call(module(), abi.OpTask, task.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := abi.DecodeTask(b); err != nil || !bytes.Equal(got.Public, []byte("data")) {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzCall(f *testing.F) {
	task := abi.TaskRequest{Slices: [][]byte{[]byte("data")}}
	f.Add(uint32(abi.OpTask), task.Append(nil))
	f.Add(uint32(abi.OpScore), []byte{0x86})
	f.Fuzz(func(t *testing.T, op uint32, input []byte) {
		_, _ = Call(module(), abi.Op(op), input)
	})
}

var goldenRand = [...]uint64{
	0xc8ebf163154ba77c, 0, 0x1a8ae291ee6ce333, 9,
	0x7cdc3562ff85a5ee, 4, 0x6bfdf4962634866b, 820,
	0xd1cbe8106d61084e, 8, 0x51d9e7171cafb722, 819,
}
