package abi

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// messages lists one value of each message with its bytes on the wire. A changed
// encoding breaks every deployed module: it needs a new Version, not a new line
// here.
var messages = []struct {
	name   string
	enc    []byte
	hex    string
	decode func([]byte) (any, error)
	want   any
}{
	{"task request", (&TaskRequest{Beta: [32]byte{1}, Params: []byte("p"), Slices: [][]byte{{2}, {3, 4}}, Artifact: []byte{}, Height: 7, Last: 300}).Append(nil),
		"8701582001000000000000000000000000000000000000000000000000000000000000004170824102420304" + "40" + "07" + "19012c",
		func(b []byte) (any, error) { return DecodeTaskRequest(b) },
		TaskRequest{Beta: [32]byte{1}, Params: []byte("p"), Slices: [][]byte{{2}, {3, 4}}, Artifact: []byte{}, Height: 7, Last: 300}},
	{"task", (&Task{Public: []byte("q"), Private: []byte("a"), Inputs: []Input{{7, "price/7"}}, ScoreAt: 9}).Append(nil),
		"8501417141618182076770726963652f3709",
		func(b []byte) (any, error) { return DecodeTask(b) },
		Task{Public: []byte("q"), Private: []byte("a"), Inputs: []Input{{7, "price/7"}}, ScoreAt: 9}},
	{"score request", (&ScoreRequest{Params: []byte{}, Public: []byte("q"), Private: []byte("a"), Inputs: [][]byte{}, Payloads: [][]byte{{1}}}).Append(nil),
		"8601404171416180814101",
		func(b []byte) (any, error) { return DecodeScoreRequest(b) },
		ScoreRequest{Params: []byte{}, Public: []byte("q"), Private: []byte("a"), Inputs: [][]byte{}, Payloads: [][]byte{{1}}}},
	{"scores", Scores{0, One, 5}.Append(nil), "820183001b000000010000000005",
		func(b []byte) (any, error) { return DecodeScores(b, 3) }, Scores{0, One, 5}},
	{"rank request", (&RankRequest{Params: []byte{}, Rows: []Row{{Carry: []byte{9}, Scores: []uint64{1, 2}}}}).Append(nil),
		"83014081824109820102",
		func(b []byte) (any, error) { return DecodeRankRequest(b) },
		RankRequest{Params: []byte{}, Rows: []Row{{Carry: []byte{9}, Scores: []uint64{1, 2}}}}},
	{"ranks", Ranks{{Weight: 3, Carry: []byte{4}}}.Append(nil), "82018182034104",
		func(b []byte) (any, error) { return DecodeRanks(b, 1) }, Ranks{{Weight: 3, Carry: []byte{4}}}},
	{"check request", (&CheckRequest{Params: []byte{1}, Public: []byte{2}, Payload: []byte{3}}).Append(nil), "8401410141024103",
		func(b []byte) (any, error) { return DecodeCheckRequest(b) }, CheckRequest{Params: []byte{1}, Public: []byte{2}, Payload: []byte{3}}},
	{"verdict", (&Verdict{OK: true, Reason: "r"}).Append(nil), "8301f56172",
		func(b []byte) (any, error) { return DecodeVerdict(b) }, Verdict{OK: true, Reason: "r"}},
	{"solve request", (&SolveRequest{Params: []byte{}, Public: []byte{2}, Seed: [32]byte{3}}).Append(nil),
		"8401404102" + "5820" + "0300000000000000000000000000000000000000000000000000000000000000",
		func(b []byte) (any, error) { return DecodeSolveRequest(b) }, SolveRequest{Params: []byte{}, Public: []byte{2}, Seed: [32]byte{3}}},
	{"merge request", (&MergeRequest{Params: []byte{}, Artifact: []byte{7}, Slices: [][]byte{{1}}, Payloads: [][]byte{{2}, {3}}}).Append(nil),
		"850140" + "4107" + "814101" + "8241024103",
		func(b []byte) (any, error) { return DecodeMergeRequest(b) },
		MergeRequest{Params: []byte{}, Artifact: []byte{7}, Slices: [][]byte{{1}}, Payloads: [][]byte{{2}, {3}}}},
	{"merged", (&Merged{Artifact: []byte{7, 8}}).Append(nil), "8201420708",
		func(b []byte) (any, error) { return DecodeMerged(b) }, Merged{Artifact: []byte{7, 8}}},
	{"description", (&Description{"t", "a", "b", "s"}).Append(nil), "85016174616161626173",
		func(b []byte) (any, error) { return DecodeDescription(b) }, Description{"t", "a", "b", "s"}},
	{"manifest", (&Manifest{Name: "text", Version: "1.0.0", Meter: 1, Ops: []Op{OpTask, OpScore, OpRank}, Fuel: 1000, Pages: 16, Answer: 64,
		Slices: 1, Slice: 8, Licence: "Apache-2.0"}).Append(nil), "8f01647465787465312e302e3001830203041903e810184001" + "08f46a4170616368652d322e30" + "808080",
		func(b []byte) (any, error) { return DecodeManifest(b) },
		Manifest{Name: "text", Version: "1.0.0", Meter: 1, Ops: []Op{OpTask, OpScore, OpRank}, Fuel: 1000, Pages: 16, Answer: 64,
			Slices: 1, Slice: 8, Licence: "Apache-2.0"}},
	{"manifest with a schema", (&schema).Append(nil), "8f01617461310081020101" + "01" + "0000f560" + "81636c6f67" +
		"8184666c656e677468" + "6475696e74" + "6162" + "1864" + "818464776176656562797465736000",
		func(b []byte) (any, error) { return DecodeManifest(b) }, schema},
}

var schema = Manifest{Name: "t", Version: "1", Ops: []Op{OpTask}, Fuel: 1, Pages: 1, Answer: 1, Keep: true, Capabilities: []string{CapLog},
	Input: []Field{{"length", KindUint, "b", 100}}, Output: []Field{{"wave", KindBytes, "", 0}}}

func TestGolden(t *testing.T) {
	for _, m := range messages {
		if got := hex.EncodeToString(m.enc); got != m.hex {
			t.Errorf("%s: encodes to\n%s, want\n%s", m.name, got, m.hex)
		}
		got, err := m.decode(m.enc)
		if err != nil || !reflect.DeepEqual(got, m.want) {
			t.Errorf("%s: decodes to %+v, %v", m.name, got, err)
		}
	}
}

// Every message cut off or extended anywhere is refused.
func TestTruncated(t *testing.T) {
	for _, m := range messages {
		for i := range m.enc {
			if _, err := m.decode(m.enc[:i]); err == nil {
				t.Errorf("%s: its first %d bytes were accepted", m.name, i)
			}
		}
		if _, err := m.decode(append(append([]byte(nil), m.enc...), 0)); err == nil {
			t.Errorf("%s: a byte more was accepted", m.name)
		}
		other := append([]byte(nil), m.enc...)
		other[1] = 2
		if _, err := m.decode(other); err == nil {
			t.Errorf("%s: version 2 was accepted", m.name)
		}
	}
}

func TestContractBroken(t *testing.T) {
	if _, err := DecodeScores(Scores{One + 1}.Append(nil), 1); !errors.Is(err, ErrScoreRange) {
		t.Error("a score above one:", err)
	}
	if _, err := DecodeScores(Scores{1}.Append(nil), 2); !errors.Is(err, ErrScoreCount) {
		t.Error("one score for two payloads:", err)
	}
	if _, err := DecodeRanks(Ranks{}.Append(nil), 1); !errors.Is(err, ErrRankCount) {
		t.Error("no rank for one row:", err)
	}
	if _, err := DecodeRanks(Ranks{{Carry: make([]byte, MaxCarry+1)}}.Append(nil), 1); err == nil {
		t.Error("an oversize carry was accepted")
	}
	if _, err := DecodeMerged((&Merged{Artifact: make([]byte, MaxArtifact+1)}).Append(nil)); err == nil {
		t.Error("an oversize artifact was accepted")
	}
	good := Manifest{Name: "a-1", Version: "1", Ops: []Op{2, 3, 4}, Fuel: 1, Pages: 1, Answer: 1}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Manifest){
		"no name": func(m *Manifest) { m.Name = "" }, "name in capitals": func(m *Manifest) { m.Name = "A" },
		"no fuel": func(m *Manifest) { m.Fuel = 0 }, "no memory": func(m *Manifest) { m.Pages = 0 },
		"no answer": func(m *Manifest) { m.Answer = 0 }, "slices of no size": func(m *Manifest) { m.Slices = 1 },
		"unknown capability": func(m *Manifest) { m.Capabilities = []string{"clock"} },
		"capability twice":   func(m *Manifest) { m.Capabilities = []string{CapLog, CapLog} },
		"field of no kind":   func(m *Manifest) { m.Input = []Field{{Name: "a", Kind: "float"}} },
		"field twice":        func(m *Manifest) { m.Output = []Field{{Name: "a", Kind: KindInt}, {Name: "a", Kind: KindInt}} },
		"unknown op":         func(m *Manifest) { m.Ops = []Op{99} },
		"ops out of order":   func(m *Manifest) { m.Ops = []Op{3, 2} }, "op 0": func(m *Manifest) { m.Ops = []Op{0} },
	} {
		m := good
		change(&m)
		if err := m.Validate(); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !good.Has(OpTask) || good.Has(OpSolve) || OpTask.String() != "task" || Op(99).String() != "unknown" {
		t.Error("ops")
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		key    string
		netuid uint16
		size   int
	}{{"R", 0, 32}, {"price/0", 0, 8}, {"price/7", 7, 8}, {"price/65535", 65535, 8}, {"price/65536", 0, 0}, {"price/07", 0, 0}, {"price/+7", 0, 0},
		{"price/", 0, 0}, {"price", 0, 0}, {"", 0, 0}, {"r", 0, 0}, {"7", 0, 0}, {"price/-1", 0, 0}} {
		if netuid, _ := PriceOf(c.key); netuid != c.netuid || ValueSize(c.key) != c.size {
			t.Errorf("%q: netuid %d, %d bytes", c.key, netuid, ValueSize(c.key))
		}
	}
}

func TestCheckInputs(t *testing.T) {
	at := func(score uint64, in ...Input) *Task { return &Task{ScoreAt: score, Inputs: in} }
	for _, c := range []struct {
		task *Task
		ok   bool
	}{
		{at(0), true}, {at(10), true}, {at(20), true}, {at(9), false}, {at(21), false}, {at(0, Input{10, "R"}), false},
		{at(15, Input{10, "R"}, Input{15, "price/3"}), true}, {at(15, Input{16, "R"}), false}, {at(15, Input{9, "R"}), false},
		{at(15, Input{12, "time"}), false}, {at(1 << 63), false},
	} {
		if err := c.task.CheckInputs(10, 20); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInput) {
			t.Errorf("%+v: %v", c.task, err)
		}
	}
}

// TestGuestsCanImport: the package stands in every Go guest, whose imports are
// few: what draws in os cannot be part of one.
func TestGuestsCanImport(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	for _, p := range []string{"fmt", "os", "time"} {
		if slices.Contains(deps, p) {
			t.Errorf("imports %s", p)
		}
	}
	if !slices.Contains(deps, "errors") {
		t.Error("go list told nothing")
	}
}

// FuzzDecode holds that whatever decodes re-encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, m := range messages {
		f.Add(m.enc)
	}
	type appender interface{ Append([]byte) []byte }
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range messages {
			v, err := m.decode(b)
			if err != nil {
				continue
			}
			a, ok := v.(appender)
			if !ok { // the method has a pointer receiver
				p := reflect.New(reflect.TypeOf(v))
				p.Elem().Set(reflect.ValueOf(v))
				a = p.Interface().(appender)
			}
			if out := a.Append(nil); !bytes.Equal(out, b) {
				t.Fatalf("%s: %x re-encodes to %x", m.name, b, out)
			}
		}
	})
}
