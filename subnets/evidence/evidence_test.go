package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/proof"
	"github.com/plexus-network/plexus/subnets/round"
)

// sample is a small bundle of made-up values.
func sample() *Bundle {
	answer := round.Signed{Body: []byte("answer"), Sig: key.Signature{3}}
	return &Bundle{ChainID: "test-1", NetUID: 7, Epoch: 9, Validator: key.ID{1},
		Rounds: []Round{{Proof: key.Proof{2}, Task: [32]byte{3}, TaskFuel: 1000, ScoreFuel: 2000,
			Slices:  []Slice{{Index: 4, Data: []byte("data"), Proof: [][32]byte{{5}}}},
			Headers: []Header{{Height: 11, Header: proof.Header{Root: [32]byte{1}, Path: [4][32]byte{{2}, {3}, {4}, {5}}}}},
			Inputs:  []Input{{Input: abi.Input{Height: 11, Key: "R"}, Record: []byte("record"), Path: [][32]byte{{6}, {7}}}},
			Responses: []Response{
				{Leaf: Leaf{Index: 2, Hash: [32]byte{6}, Score: 1 << 31}, Request: round.Signed{Body: []byte("request"), Sig: key.Signature{1}},
					Answer: &answer, Receipt: key.Signature{4}, Payload: &round.Payload{Salt: [32]byte{7}, Data: []byte("payload")}},
				{Leaf: Leaf{Index: 1, Status: Busy}, Request: round.Signed{Body: []byte("request"), Sig: key.Signature{2}}},
			}}, {Round: 1, Skipped: true}},
		CarryIn: []Carried{{Hotkey: key.ID{1}, Carry: []byte("in")}}, CarryOut: []Carried{{Hotkey: key.ID{1}, Carry: []byte("out")}, {Hotkey: key.ID{2}}},
		RankFuel: 3000, Row: ledger.NewRow([]uint64{0, 1, 2}),
		Artifact: []byte("artifact"), Merge: &Merge{Base: []byte("base"), Slices: []Slice{{Index: 1, Data: []byte("held out"), Proof: [][32]byte{{8}}}}, Fuel: 4000, Result: [32]byte{9}}}
}

// TestGolden: a changed encoding makes old evidence unreadable and old roots
// wrong. It needs a new version, not new expected values.
func TestGolden(t *testing.T) {
	b := sample()
	l := b.Rounds[0].Responses[0].Leaf
	root, raw, carry := b.Root(), key.Hash("golden", b.append(nil)), CarryHash(b.CarryOut)
	leaf, node := l.hash(), b.Rounds[0].hash()
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"leaf", l.Append(nil), "86010002582006000000000000000000000000000000000000000000000000000000000000001a8000000000"},
		{"leaf's hash", leaf[:], "d36372738b0785fc07b6ce6a30b65d160910187fd54f1bfca906528ef4e8d24c"},
		{"round node's hash", node[:], "b03981b64da0e3ae138f56fc4a41fc2ef6ef9021fead283de7eb6340a1ebe039"},
		{"carries", EncodeCarried(b.CarryOut), "828258200100000000000000000000000000000000000000000000000000000000000000436f7574825820020000000000000000000000000000000000000000000000000000000000000040"},
		{"carries' hash", carry[:], "9a07307495d455ab513532e15e68b374f32b50c7826bdca1958672a065062c67"},
		{"root", root[:], "425c7bd2f07340623302f48e50435f3229d6f8caac9cc5239ac664c3ef09aade"},
		{"hash of the bundle", raw[:], "4792673ba2d6b46bee9f7a286b3c2053af6436d4a519a225cedc7aca67391792"},
	} {
		if got := fmt.Sprintf("%x", c.got); got != c.want {
			t.Errorf("%s is %s, want %s", c.name, got, c.want)
		}
	}
}

// TestRootCovers: everything that decides a score or a weight is under the root.
func TestRootCovers(t *testing.T) {
	want := sample().Root()
	for name, change := range map[string]func(b *Bundle){
		"chain": func(b *Bundle) { b.ChainID = "test-2" }, "netuid": func(b *Bundle) { b.NetUID++ }, "epoch": func(b *Bundle) { b.Epoch++ },
		"validator": func(b *Bundle) { b.Validator[5] = 1 }, "rank fuel": func(b *Bundle) { b.RankFuel++ },
		"row": func(b *Bundle) { b.Row = ledger.NewRow([]uint64{0, 2, 1}) }, "carry in": func(b *Bundle) { b.CarryIn = nil },
		"carry out": func(b *Bundle) { b.CarryOut[0].Carry = []byte("uot") }, "a round less": func(b *Bundle) { b.Rounds = b.Rounds[:1] },
		"round": func(b *Bundle) { b.Rounds[0].Round++ }, "skipped": func(b *Bundle) { b.Rounds[1].Skipped = false },
		"proof": func(b *Bundle) { b.Rounds[0].Proof[9]++ }, "task": func(b *Bundle) { b.Rounds[0].Task[9]++ },
		"task fuel": func(b *Bundle) { b.Rounds[0].TaskFuel++ }, "score fuel": func(b *Bundle) { b.Rounds[0].ScoreFuel++ },
		"a leaf less":    func(b *Bundle) { b.Rounds[0].Responses = b.Rounds[0].Responses[:1] },
		"leaves swapped": func(b *Bundle) { r := b.Rounds[0].Responses; r[0], r[1] = r[1], r[0] },
		"leaf's round":   func(b *Bundle) { b.Rounds[0].Responses[0].Leaf.Round++ }, "leaf's miner": func(b *Bundle) { b.Rounds[0].Responses[0].Leaf.Index++ },
		"leaf's hash": func(b *Bundle) { b.Rounds[0].Responses[0].Leaf.Hash[1]++ }, "leaf's score": func(b *Bundle) { b.Rounds[0].Responses[0].Leaf.Score++ },
		"leaf's status":  func(b *Bundle) { b.Rounds[0].Responses[0].Leaf.Status++ },
		"input's height": func(b *Bundle) { b.Rounds[0].Inputs[0].Height++ }, "input's key": func(b *Bundle) { b.Rounds[0].Inputs[0].Key = "price/1" },
		"input's record": func(b *Bundle) { b.Rounds[0].Inputs[0].Record = []byte("Record") }, "input's path": func(b *Bundle) { b.Rounds[0].Inputs[0].Path[1][0]++ },
		"header's height": func(b *Bundle) { b.Rounds[0].Headers[0].Height++ }, "header": func(b *Bundle) { b.Rounds[0].Headers[0].Path[3][0]++ },
		"no input": func(b *Bundle) { b.Rounds[0].Inputs = nil }, "artifact": func(b *Bundle) { b.Artifact = []byte("Artifact") },
		"no vote": func(b *Bundle) { b.Merge = nil }, "vote": func(b *Bundle) { b.Merge.Result[0]++ }, "merge fuel": func(b *Bundle) { b.Merge.Fuel++ },
		"base": func(b *Bundle) { b.Merge.Base = nil }, "held-out data": func(b *Bundle) { b.Merge.Slices[0].Data = []byte("held in") },
	} {
		b := sample()
		change(b)
		if b.Root() == want {
			t.Errorf("another %s has the same root", name)
		}
	}
}

func TestRefusedBundles(t *testing.T) {
	good := sample().append(nil)
	if b, err := decodeBundle(good); err != nil || !bytes.Equal(b.append(nil), good) {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b *Bundle){
		"score above one":         func(b *Bundle) { b.Rounds[0].Responses[0].Leaf.Score = abi.One + 1 },
		"unknown status":          func(b *Bundle) { b.Rounds[0].Responses[0].Leaf.Status = Mismatch + 1 },
		"skipped and not empty":   func(b *Bundle) { b.Rounds[0].Skipped = true },
		"carries not in order":    func(b *Bundle) { b.CarryOut[0], b.CarryOut[1] = b.CarryOut[1], b.CarryOut[0] },
		"a miner's carry twice":   func(b *Bundle) { b.CarryOut[1] = b.CarryOut[0] },
		"a carry too long":        func(b *Bundle) { b.CarryIn[0].Carry = make([]byte, abi.MaxCarry+1) },
		"a chain id too long":     func(b *Bundle) { b.ChainID = string(bytes.Repeat([]byte("x"), ledger.MaxChainID+1)) },
		"more rounds than can be": func(b *Bundle) { b.Rounds = make([]Round, 1025) },
		"a record too long":       func(b *Bundle) { b.Rounds[0].Inputs[0].Record = make([]byte, MaxRecord+1) },
		"too many inputs":         func(b *Bundle) { b.Rounds[0].Inputs = make([]Input, abi.MaxInputs+1) },
		"a height with two headers": func(b *Bundle) {
			b.Rounds[0].Headers = append(b.Rounds[0].Headers, b.Rounds[0].Headers[0])
		},
		"an artifact too large": func(b *Bundle) { b.Artifact = make([]byte, abi.MaxArtifact+1) },
		"a base too large":      func(b *Bundle) { b.Merge.Base = make([]byte, abi.MaxArtifact+1) },
		"a row that is none":    func(b *Bundle) { b.Row.Weights[0] = 0 },
	} {
		b := sample()
		change(b)
		if _, err := decodeBundle(b.append(nil)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestZipBomb: a small file cannot make a reader unpack more than MaxBundle,
// neither as one frame nor as many, with or without a stated size.
func TestZipBomb(t *testing.T) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	part := w.EncodeAll(make([]byte, 24<<20), nil)
	var stream bytes.Buffer // frames that do not state their size
	w.Reset(&stream)
	for range 24 {
		w.Write(make([]byte, 1<<20))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"frames with sizes": bytes.Repeat(part, 40), "frames without sizes": bytes.Repeat(stream.Bytes(), 40)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Unpack(file)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
		// Growing a buffer to its bound takes a few times the bound in all.
		if used := after.TotalAlloc - before.TotalAlloc; used > 8*MaxBundle {
			t.Errorf("%s: %d KiB unpack to %d MiB before they are refused", name, len(file)>>10, used>>20)
		}
	}
}

func TestDecimal(t *testing.T) {
	for v, want := range map[uint64]string{0: "0.000000", abi.One: "1.000000", abi.One / 2: "0.500000", 1: "0.000000", abi.One - 1: "0.999999", abi.One / 4 * 3: "0.750000"} {
		if got := Decimal(v); got != want {
			t.Errorf("%d is %s, want %s", v, got, want)
		}
	}
}

func FuzzDecodeCarried(f *testing.F) {
	f.Add(EncodeCarried(sample().CarryOut))
	f.Add(EncodeCarried(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, err := DecodeCarried(raw); err == nil && !bytes.Equal(EncodeCarried(c), raw) {
			t.Fatal("not canonical")
		}
	})
}

func TestInputsEncoding(t *testing.T) {
	r := sample().Rounds[0]
	b := EncodeInputs(r.Headers, r.Inputs)
	headers, inputs, err := DecodeInputs(b)
	if err != nil || !reflect.DeepEqual(headers, r.Headers) || !reflect.DeepEqual(inputs, r.Inputs) {
		t.Fatalf("%+v %+v %v", headers, inputs, err)
	}
	for i := range b {
		if _, _, err := DecodeInputs(b[:i]); !errors.Is(err, ErrBundle) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
}

func FuzzDecodeInputs(f *testing.F) {
	r := sample().Rounds[0]
	f.Add(EncodeInputs(r.Headers, r.Inputs))
	f.Fuzz(func(t *testing.T, b []byte) {
		headers, inputs, err := DecodeInputs(b)
		if err == nil && !bytes.Equal(EncodeInputs(headers, inputs), b) {
			t.Fatalf("%x re-encodes to %x", b, EncodeInputs(headers, inputs))
		}
	})
}
