package round

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins"
)

func sampleRequest() *Request {
	return &Request{ChainID: "test-1", NetUID: 7, Module: [32]byte{1}, Epoch: 300, Round: 5, Task: TaskHash([]byte("task")),
		Caller: key.Seed{1}.Public(), Callee: key.Seed{2}.Public(), DeadlineMS: 3500, ID: [16]byte{9}, MaxPrice: 70000}
}

// TestGolden: a changed encoding makes the signatures in old evidence worthless.
// It needs a new version, not new expected values.
func TestGolden(t *testing.T) {
	r := sampleRequest()
	signed := SignRequest(key.Seed{1}, r)
	a := SignAnswer(key.Seed{2}, Answer{Request: RequestHash(signed.Body), Hash: SaltedHash([32]byte{3}, []byte("payload"))})
	open := ledger.Opening{Row: ledger.NewRow([]uint64{0, 1, 2, 0, 4}), CarryIn: [32]byte{1}, CarryOut: [32]byte{2}, Salt: [32]byte{3}}
	commitment := open.Commitment("test-1", 7, 300, key.ID{1}, [32]byte{4})
	task, id := TaskHash([]byte("task")), RequestHash(signed.Body)
	whole := func(b []byte) []byte { h := key.Hash("golden", b); return h[:] }
	payload := Payload{Salt: [32]byte{3}, Data: []byte("payload")}
	ask := Ask{Request: signed, Public: []byte("task")}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"request", r.Append(nil), "8c0166746573742d31075820010000000000000000000000000000000000000000000000000000000000000019012c0558203267e6cfb5f1e199b2aad1d67d96d8cb9a3ee62f3fd9c91793a505da0d8312835820cecc1507dc1ddd7295951c290888f095adb9044d1b73d696e6df065d683bd4fc58206b79c57e6a095239282c04818e96112f3f03a4001ba97a564c23852a3f1ea5fc190dac50090000000000000000000000000000001a00011170"},
		{"task hash", task[:], "3267e6cfb5f1e199b2aad1d67d96d8cb9a3ee62f3fd9c91793a505da0d831283"},
		{"request hash", id[:], "68d5c1a800a17523cd4d74f9d1839d8ceb507478e4c9bd9b0edbe7cb050f1e33"},
		{"signed request", whole(signed.Append(nil)), "9679827b1f5f1df4047fa47d0825ff47648b4039dcb9c17fcf9f3ef23acea1d6"},
		{"ask", whole(ask.Append(nil)), "455fce9602aa0857b65091c2d68577a9e873c2fe6d233efb311ec0fb57d0f73f"},
		{"answer", a.Body, "8301582068d5c1a800a17523cd4d74f9d1839d8ceb507478e4c9bd9b0edbe7cb050f1e3358209bddf297351d4548da7333dd5bae15170e171d5d94241215ad5a3c550f3da120"},
		{"reply", whole((&Reply{Answer: &a}).Append(nil)), "12b3eff80463f8fd647fe771974a3a891aba94187340a4059f68c2117363148d"},
		{"busy", (&Reply{Busy: 1000}).Append(nil), "8301011903e8"},
		{"go", (&Reply{Go: true}).Append(nil), "83010200"},
		{"refused", (&Reply{Refused: RefusedStale}).Append(nil), "8301030b"},
		{"receipt", whole(AppendReceipt(nil, SignReceipt(key.Seed{1}, a))), "57daaf63e710592cac7114d1856d47ed3da69216dac742930a09384b6a1a4deb"},
		{"payload", payload.Append(nil), "830158200300000000000000000000000000000000000000000000000000000000000000477061796c6f6164"},
		{"opening", open.Append(nil), "8601824116463fff7fffffff58200100000000000000000000000000000000000000000000000000000000000000582002000000000000000000000000000000000000000000000000000000000000005820000000000000000000000000000000000000000000000000000000000000000058200300000000000000000000000000000000000000000000000000000000000000"},
		{"commitment", commitment[:], "258147d097eb8dd4ecb472218081c7ea607e92dce4241c82ad896733601d9029"},
		{"alpha", Alpha([32]byte{1}, 7, 5), "d574878e1313b6c92562efa865ffb0d09b789c7d4a83a7736299174486df781d"},
		{"asked", []byte(fmt.Sprint(Asked([32]byte{1}, members(20), key.ID{}, 5))), "5b30203620322031322031335d"},
		{"slices", []byte(fmt.Sprint(Slices([32]byte{1}, 1000, 5))), "5b393136203734372031343720393232203630315d"},
		{"shuffle", []byte(fmt.Sprint(Shuffle([32]byte{1}, 8))), "5b3020372036203120332035203220345d"},
	} {
		if got := fmt.Sprintf("%x", c.got); got != c.want {
			t.Errorf("%s is %s, want %s", c.name, got, c.want)
		}
	}
}

func members(n int) ledger.Roster {
	r := make(ledger.Roster, n)
	for i := range r {
		r[i] = ledger.Member{UID: ledger.UID(i), Hotkey: key.ID{byte(i), byte(i >> 8), 1}, Work: key.Work{Peer: key.ID{1}}}
	}
	return r
}

func TestSignatures(t *testing.T) {
	r := sampleRequest()
	signed := SignRequest(key.Seed{1}, r)
	if got, err := signed.OpenRequest(); err != nil || got != *r {
		t.Fatalf("%+v, %v", got, err)
	}
	by := SignRequest(key.Seed{2}, r)
	if _, err := by.OpenRequest(); !errors.Is(err, ErrRequest) {
		t.Errorf("signed by another: %v", err)
	}
	hash := RequestHash(signed.Body)
	a := SignAnswer(key.Seed{2}, Answer{Request: hash, Hash: [32]byte{1}})
	if _, err := a.OpenAnswer(signed.Body, r.Callee); err != nil {
		t.Error(err)
	}
	if _, err := a.OpenAnswer(signed.Body, r.Caller); !errors.Is(err, ErrAnswer) {
		t.Errorf("an answer by another: %v", err)
	}
	if _, err := a.OpenAnswer([]byte("?"), r.Callee); !errors.Is(err, ErrAnswer) {
		t.Errorf("an answer to another request: %v", err)
	}
	receipt := SignReceipt(key.Seed{1}, a)
	if err := CheckReceipt(r.Caller, a, receipt); err != nil {
		t.Error(err)
	}
	b := SignAnswer(key.Seed{2}, Answer{Request: hash, Hash: [32]byte{2}})
	if err := CheckReceipt(r.Caller, b, receipt); !errors.Is(err, ErrReceipt) {
		t.Errorf("a receipt for another answer: %v", err)
	}
	// A signature of one kind is none of another.
	if err := CheckReceipt(r.Callee, a, a.Sig); !errors.Is(err, ErrReceipt) {
		t.Errorf("an answer's signature as a receipt: %v", err)
	}
	p := Payload{Salt: [32]byte{1}, Data: []byte("x")}
	if err := p.Matches(Answer{Hash: SaltedHash(p.Salt, p.Data)}); err != nil {
		t.Error(err)
	}
	if err := (&Payload{Data: p.Data}).Matches(Answer{Hash: SaltedHash(p.Salt, p.Data)}); !errors.Is(err, ErrPayload) {
		t.Error(err)
	}
}

// TestDraws: everything drawn is a function of β alone, and another β draws
// something else.
func TestDraws(t *testing.T) {
	roster := members(200)
	asked, slicesSeen, shuffled := map[string]int{}, map[string]int{}, map[string]int{}
	times := make([]int, len(roster))
	const betas = 100
	for i := range betas {
		beta := key.Hash("beta", []byte{byte(i)})
		a, s, p := Asked(beta, roster, roster[3].Hotkey, 16), Slices(beta, 5000, 16), Shuffle(beta, 50)
		if !slices.Equal(a, Asked(beta, roster, roster[3].Hotkey, 16)) || !slices.Equal(s, Slices(beta, 5000, 16)) || !slices.Equal(p, Shuffle(beta, 50)) {
			t.Fatal("a draw is not a function of its randomness")
		}
		asked[fmt.Sprint(a)]++
		slicesSeen[fmt.Sprint(s)]++
		shuffled[fmt.Sprint(p)]++
		for _, k := range a {
			times[k]++
		}
		distinct := slices.Clone(a)
		slices.Sort(distinct)
		if len(slices.Compact(distinct)) != 16 || slices.Contains(a, 3) {
			t.Fatalf("asked %v", a)
		}
		sorted := slices.Clone(p)
		slices.Sort(sorted)
		for k, v := range sorted {
			if k != v {
				t.Fatalf("%v is no permutation", p)
			}
		}
		for _, v := range s {
			if v >= 5000 {
				t.Fatal(v)
			}
		}
	}
	if len(asked) != betas || len(slicesSeen) != betas || len(shuffled) != betas {
		t.Errorf("of %d: %d asked sets, %d draws of slices, %d orders", betas, len(asked), len(slicesSeen), len(shuffled))
	}
	// Each is asked 8 times on average; 30 would be eight deviations away.
	if slices.Max(times) > 30 || times[3] != 0 {
		t.Errorf("one miner was asked %d times", slices.Max(times))
	}
	// Who cannot answer is not asked, and a small field is asked as a whole.
	for i := range roster[:190] {
		roster[i].Work.Peer = key.ID{}
	}
	if a := Asked([32]byte{1}, roster, key.ID{}, 64); len(a) != 10 || slices.Min(a) < 190 {
		t.Errorf("asked %v", a)
	}
	if a := Asked([32]byte{1}, nil, key.ID{}, 64); len(a) != 0 {
		t.Errorf("asked %v", a)
	}
	if s := Slices([32]byte{1}, 3, 8); len(s) != 3 {
		t.Errorf("slices %v", s)
	}
	if s := Slices([32]byte{1}, 0, 8); len(s) != 0 {
		t.Errorf("slices %v", s)
	}
	seen := map[string]bool{}
	for _, a := range [][]byte{Alpha([32]byte{1}, 1, 0), Alpha([32]byte{2}, 1, 0), Alpha([32]byte{1}, 2, 0), Alpha([32]byte{1}, 1, 1), Alpha([32]byte{1}, 0, 1)} {
		seen[string(a)] = true
	}
	if len(seen) != 5 {
		t.Error("two rounds have one alpha")
	}
}

// reply is a module that always says the same.
type reply struct {
	body []byte
	keep bool
	got  *[]byte
}

func (r reply) Call(_ context.Context, _ abi.Op, in []byte, _ [32]byte) (plugins.Reply, error) {
	if r.got != nil {
		*r.got = in
	}
	return plugins.Reply{Body: r.body, Fuel: 1}, nil
}
func (r reply) Manifest() abi.Manifest { return abi.Manifest{Keep: r.keep} }
func (reply) ID() plugins.ID           { return plugins.ID{} }

func TestScoreRules(t *testing.T) {
	p := func(s ...string) (out [][]byte) {
		for _, v := range s {
			out = append(out, []byte(v))
		}
		return out
	}
	// The module sees payloads in the order of their hashes.
	order := func(payloads [][]byte, scores ...uint64) abi.Scores {
		idx := make([]int, len(payloads))
		for i := range idx {
			idx[i] = i
		}
		slices.SortStableFunc(idx, func(a, b int) int {
			x, y := key.Hash("payload-order", payloads[a]), key.Hash("payload-order", payloads[b])
			return bytes.Compare(x[:], y[:])
		})
		out := make(abi.Scores, len(idx))
		for i, j := range idx {
			out[i] = scores[j]
		}
		return out
	}
	for _, c := range []struct {
		name     string
		payloads [][]byte
		says     []uint64
		keep     bool
		want     []uint64
		err      error
	}{
		{"alone", p("a", "b"), []uint64{7, 9}, false, []uint64{7, 9}, nil},
		{"two share", p("a", "b", "a"), []uint64{7, 9, 7}, false, []uint64{3, 9, 3}, nil},
		{"three share", p("a", "a", "a"), []uint64{abi.One, abi.One, abi.One}, false, []uint64{abi.One / 3, abi.One / 3, abi.One / 3}, nil},
		{"two keep", p("a", "b", "a"), []uint64{7, 9, 7}, true, []uint64{7, 9, 7}, nil},
		{"unequal", p("a", "b", "a"), []uint64{7, 9, 8}, false, nil, ErrUnequal},
		{"unequal and kept", p("a", "b", "a"), []uint64{7, 9, 8}, true, nil, ErrUnequal},
		{"out of range", p("a", "b"), []uint64{7, abi.One + 1}, false, nil, abi.ErrScoreRange},
		{"none", nil, nil, false, nil, nil},
	} {
		got, _, err := Score(context.Background(), reply{body: order(c.payloads, c.says...).Append(nil), keep: c.keep}, [32]byte{}, nil, abi.Task{}, nil, c.payloads)
		if !errors.Is(err, c.err) || err == nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: %v %v, want %v %v", c.name, got, err, c.want, c.err)
		}
	}
	if _, _, err := Score(context.Background(), reply{body: abi.Scores{1}.Append(nil)}, [32]byte{}, nil, abi.Task{}, nil, p("a", "b")); !errors.Is(err, plugins.ErrABI) || !errors.Is(err, abi.ErrScoreCount) {
		t.Errorf("a score too few: %v", err)
	}
	// Who answered first does not show.
	var first, second []byte
	Score(context.Background(), reply{body: abi.Scores{1, 1, 1}.Append(nil), got: &first}, [32]byte{}, nil, abi.Task{}, nil, p("a", "b", "c"))
	Score(context.Background(), reply{body: abi.Scores{1, 1, 1}.Append(nil), got: &second}, [32]byte{}, nil, abi.Task{}, nil, p("c", "a", "b"))
	if !bytes.Equal(first, second) || first == nil {
		t.Error("the module sees the order of arrival")
	}
}

func TestTaskRules(t *testing.T) {
	for _, c := range []struct {
		name string
		body []byte
		want error
	}{
		{"good", (&abi.Task{Public: []byte("x")}).Append(nil), nil},
		{"inputs", (&abi.Task{Inputs: []abi.Input{{Height: 10, Key: "R"}, {Height: 20, Key: "price/7"}}, ScoreAt: 20}).Append(nil), nil},
		{"inputs without a height of scoring", (&abi.Task{Inputs: []abi.Input{{Height: 10, Key: "R"}}}).Append(nil), ErrInputs},
		{"before it began", (&abi.Task{Inputs: []abi.Input{{Height: 9, Key: "R"}}, ScoreAt: 20}).Append(nil), ErrInputs},
		{"after the scoring", (&abi.Task{Inputs: []abi.Input{{Height: 13, Key: "R"}}, ScoreAt: 12}).Append(nil), ErrInputs},
		{"another key", (&abi.Task{Inputs: []abi.Input{{Height: 10, Key: "time"}}, ScoreAt: 20}).Append(nil), ErrInputs},
		{"later", (&abi.Task{ScoreAt: 20}).Append(nil), nil},
		{"too late", (&abi.Task{ScoreAt: 21}).Append(nil), ErrInputs},
		{"rubbish", []byte{0xff}, plugins.ErrABI}, {"nothing", nil, plugins.ErrABI},
	} {
		if _, _, err := Task(context.Background(), reply{body: c.body}, [32]byte{}, Terms{Height: 10, Last: 20}); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestRankIsShuffled: ranks come back to the rows they are for, and the module
// cannot tell a row by its place.
func TestRankIsShuffled(t *testing.T) {
	rows := make([]abi.Row, 12)
	for i := range rows {
		rows[i].Scores = []uint64{uint64(i)}
	}
	for s := range byte(5) {
		echo := caller(func(in []byte) []byte {
			r, err := abi.DecodeRankRequest(in)
			if err != nil {
				t.Fatal(err)
			}
			k := make(abi.Ranks, len(r.Rows))
			for i := range k {
				k[i].Weight = r.Rows[i].Scores[0]
			}
			return k.Append(nil)
		})
		got, _, err := Rank(context.Background(), echo, [32]byte{s}, nil, rows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Weight != uint64(i) {
				t.Fatalf("row %d has the rank of row %d", i, got[i].Weight)
			}
		}
	}
}

type caller func([]byte) []byte

func (c caller) Call(_ context.Context, _ abi.Op, in []byte, _ [32]byte) (plugins.Reply, error) {
	return plugins.Reply{Body: c(in)}, nil
}
func (caller) Manifest() abi.Manifest { return abi.Manifest{} }
func (caller) ID() plugins.ID         { return plugins.ID{} }

func TestRefused(t *testing.T) {
	r := sampleRequest()
	signed := SignRequest(key.Seed{1}, r)
	for name, ask := range map[string]Ask{
		"a task beyond all bounds":       {Request: signed, Size: abi.MaxPayload + 1},
		"a short task that follows":      {Request: signed, Size: 5},
		"another length than it says":    {Request: signed, Size: 5, Public: []byte("task")},
		"a long task that rides along":   {Request: signed, Size: Ride + 1, Public: []byte("task")},
		"a task and a length of nothing": {Request: signed, Public: []byte("task")},
	} {
		b := cbor.AppendUint(ask.Request.Append(cbor.AppendUint(cbor.AppendArray(nil, 4), 1)), uint64(ask.Size))
		if _, err := DecodeAsk(cbor.AppendBytes(b, ask.Public)); !errors.Is(err, cbor.ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{"go with a number": {0x83, 1, 2, 1}, "refused for nothing": {0x83, 1, 3, 0}, "another kind": {0x83, 1, 4, 0}} {
		if _, err := DecodeReply(b); !errors.Is(err, cbor.ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodePayload((&Payload{Data: make([]byte, abi.MaxPayload+1)}).Append(nil)); !errors.Is(err, cbor.ErrTooLong) {
		t.Error(err)
	}
	if _, err := DecodeReply((&Reply{Busy: MaxDeadlineMS + 1}).Append(nil)); !errors.Is(err, cbor.ErrRange) {
		t.Error(err)
	}
	r.ChainID = string(make([]byte, ledger.MaxChainID+1))
	if _, err := DecodeRequest(r.Append(nil)); !errors.Is(err, cbor.ErrTooLong) {
		t.Error(err)
	}
	// The largest frames there are fit their bounds.
	signed.Body = make([]byte, 4096)
	ask := Ask{Request: signed, Public: make([]byte, Ride)}
	if n := len(ask.Append(nil)); n > MaxAsk {
		t.Errorf("an ask of %d bytes", n)
	}
	if n := len((&Payload{Data: make([]byte, abi.MaxPayload)}).Append(nil)); n > MaxFrame {
		t.Errorf("a payload of %d bytes", n)
	}
}

// TestTaskFollows: up to the bound a task rides along, one byte more and it
// waits for the miner's word.
func TestTaskFollows(t *testing.T) {
	signed := SignRequest(key.Seed{1}, sampleRequest())
	for size, follows := range map[int]bool{0: false, 1: false, Ride: false, Ride + 1: true, abi.MaxPayload: true} {
		ask := Ask{Request: signed, Public: make([]byte, size)}
		got, err := DecodeAsk(ask.Append(nil))
		if err != nil || got.Follows() != follows || ask.Follows() != follows || got.Size != size || len(got.Public) == size == follows {
			t.Errorf("a task of %d bytes: follows %v, size %d, %d bytes of it, %v", size, got.Follows(), got.Size, len(got.Public), err)
		}
	}
}

// TestRefusals: the names and numbers are on the wire and in figures for good.
func TestRefusals(t *testing.T) {
	var got []string
	for _, r := range Refusals() {
		got = append(got, fmt.Sprintf("%d %s", uint8(r), r.String()))
		d, err := DecodeReply((&Reply{Refused: r}).Append(nil))
		if err != nil || d.Refused != r || !errors.Is(fmt.Errorf("x: %w", d.Refused), r) {
			t.Errorf("%s: %+v, %v", r.String(), d, err)
		}
	}
	want := "1 malformed,2 oversize,3 truncated,4 unsigned,5 signature,6 chain,7 netuid,8 callee,9 task,10 deadline,11 stale,12 early," +
		"13 stranger,14 stake,15 denied,16 quota,17 replay,18 full,19 fault"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("refusals are %s, want %s", s, want)
	}
	if s := Refusal(200).Error(); !strings.Contains(s, "200") {
		t.Errorf("a refusal of another program is %q", s)
	}
}

// canonical holds a decoder to it: what it takes encodes to the same bytes.
func canonical[T any](f *testing.F, decode func([]byte) (T, error), encode func(*T) []byte, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := decode(b); err == nil && !bytes.Equal(encode(&v), b) {
			t.Fatal("not canonical")
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	canonical(f, DecodeRequest, func(r *Request) []byte { return r.Append(nil) }, sampleRequest().Append(nil))
}

func FuzzDecodeSigned(f *testing.F) {
	s := SignRequest(key.Seed{1}, sampleRequest())
	canonical(f, DecodeSigned, func(s *Signed) []byte { return s.Append(nil) }, s.Append(nil))
}

func FuzzDecodeAsk(f *testing.F) {
	a := Ask{Request: SignRequest(key.Seed{1}, sampleRequest()), Public: []byte("task")}
	long := Ask{Request: a.Request, Size: Ride + 1}
	canonical(f, DecodeAsk, func(a *Ask) []byte { return a.Append(nil) }, a.Append(nil), long.Append(nil))
}

func FuzzDecodeReply(f *testing.F) {
	a := SignAnswer(key.Seed{1}, Answer{})
	canonical(f, DecodeReply, func(r *Reply) []byte { return r.Append(nil) }, (&Reply{Answer: &a}).Append(nil), (&Reply{Busy: 5}).Append(nil),
		(&Reply{Go: true}).Append(nil), (&Reply{Refused: RefusedQuota}).Append(nil))
}

func FuzzDecodeReceipt(f *testing.F) {
	canonical(f, DecodeReceipt, func(s *key.Signature) []byte { return AppendReceipt(nil, *s) }, AppendReceipt(nil, key.Signature{1}))
}

func FuzzDecodePayload(f *testing.F) {
	canonical(f, DecodePayload, func(p *Payload) []byte { return p.Append(nil) }, (&Payload{Data: []byte("x")}).Append(nil))
}

func FuzzOpenAnswer(f *testing.F) {
	request := []byte("request")
	good := SignAnswer(key.Seed{1}, Answer{Request: RequestHash(request)})
	f.Add(good.Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		s := sign(key.Seed{1}, "answer", body)
		if a, err := s.OpenAnswer(request, key.Seed{1}.Public()); err == nil && !bytes.Equal(a.append(nil), body) {
			t.Fatal("not canonical")
		}
	})
}
