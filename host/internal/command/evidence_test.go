package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// someBundle is a bundle of two answers, one that is text and one that is not.
func someBundle(t *testing.T) (*evidence.Bundle, []key.ID) {
	hot, miners := key.Seed{1}, []key.Seed{{2}, {3}}
	b := &evidence.Bundle{ChainID: "test-1", NetUID: 1, Epoch: 4, Validator: hot.Public(), Row: ledger.NewRow([]uint64{0, 1, 2})}
	r := evidence.Round{Task: round.TaskHash([]byte("task"))}
	var ids []key.ID
	for i, m := range miners {
		p := round.Payload{Data: [][]byte{[]byte("an answer\nof two lines"), {0, 1, 2, 0xff}}[i]}
		req := round.SignRequest(hot, &round.Request{ChainID: "test-1", NetUID: 1, Epoch: 4, Task: r.Task, Caller: hot.Public(), Callee: m.Public(), DeadlineMS: 1000, ID: [16]byte{byte(i)}})
		a := round.SignAnswer(m, round.Answer{Request: round.RequestHash(req.Body), Hash: round.SaltedHash(p.Salt, p.Data)})
		r.Responses = append(r.Responses, evidence.Response{Leaf: evidence.Leaf{Index: uint16(i + 1), Hash: round.SaltedHash(p.Salt, p.Data), Score: 1 << 31},
			Request: req, Answer: &a, Receipt: round.SignReceipt(hot, a), Payload: &p})
		ids = append(ids, m.Public())
	}
	b.Rounds = []evidence.Round{r, {Round: 1, Skipped: true}}
	return b, ids
}

// A bundle is read without any network, and a leaf of it proved.
func TestEvidenceShowOffline(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv(joinEnv, "")
	b, miners := someBundle(t)
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, proof := filepath.Join(dir, "x.bundle"), filepath.Join(dir, "leaf.proof")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "evidence", "show", file, "--offline"); !strings.Contains(out, "2 rounds, 1 skipped") || strings.Count(out, "answered  0.500000") != 2 {
		t.Error(out)
	}
	out := mustRun(t, "evidence", "show", file, "--offline", "--hotkey", miners[0].String(), "--proof", proof)
	if !strings.Contains(out, "answer, 22 bytes:\n    an answer\n    of two lines\n") || strings.Contains(out, miners[1].String()) {
		t.Error(out)
	}
	if out := mustRun(t, "evidence", "show", file, "--offline", "--full"); !strings.Contains(out, "answer, 4 bytes:\n    000102ff\n") {
		t.Error(out)
	}
	out = mustRun(t, "evidence", "show", file, "--offline", "--json")
	wantSchema(t, "evidence show", out)
	var shown shownEvidence
	if err := json.Unmarshal([]byte(out), &shown); err != nil || len(shown.Leaves) != 2 || shown.Leaves[1].Answer.Hex != "000102ff" || shown.Leaves[0].ScoreQ32 != 1<<31 {
		t.Error(out, err)
	}
	made, err := os.ReadFile(proof)
	if err != nil {
		t.Fatal(err)
	}
	p, err := evidence.DecodeProof(made)
	if err != nil || p.Verify(b.Root()) != nil || p.Leaf != b.Rounds[0].Responses[0].Leaf {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		args string
		code int
		say  string
	}{
		"no such file":               {"evidence show " + dir + "/none --offline", exitIO, "none"},
		"not a bundle":               {"evidence show " + proof + " --offline", exitDiffers, "not a valid bundle"},
		"no bundle to replay":        {"replay --bundle " + proof, exitDiffers, "not a valid bundle"},
		"no file to replay":          {"replay --bundle " + dir + "/none", exitIO, "none"},
		"an engine that is none":     {"replay --engine jit", exitUsage, "want interpreter, compiler or both"},
		"offline without a file":     {"evidence show --offline", exitUsage, "needs a file"},
		"two files":                  {"evidence show a b", exitUsage, "one file"},
		"a round that is not there":  {"evidence show " + file + " --offline --round 7", exitUsage, "rounds 0 to 1"},
		"a proof of two":             {"evidence show " + file + " --offline --proof p", exitUsage, "2 are chosen"},
		"a hotkey that is none":      {"evidence show " + file + " --offline --hotkey x", exitUsage, "not an address"},
		"a proof that is none":       {"evidence verify --proof " + file, exitDiffers, "not a proof"},
		"a proof and a bundle":       {"evidence verify --proof " + proof + " " + file, exitUsage, "not both"},
		"no bundle to verify":        {"evidence verify " + proof, exitDiffers, "not a valid bundle"},
		"nothing to list":            {"evidence ls --epochs 0", exitUsage, "at least 1"},
		"a command that is not here": {"evidence lst", exitUsage, `did you mean "ls"`},
	} {
		if _, code, err := run(t, strings.Fields(c.args)...); code != c.code || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: code %d, %v", name, code, err)
		}
	}
	huge, err := os.Create(filepath.Join(dir, "huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(huge.Truncate(evidence.MaxFile+1), huge.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, "evidence", "show", huge.Name(), "--offline"); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
}

// An altered copy differs in one score and in its root.
func TestEvidenceAlter(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	b, miners := someBundle(t)
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, forged := filepath.Join(dir, "x.bundle"), filepath.Join(dir, "forged.bundle")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, "evidence", "alter", file, "--round", "0", "--hotkey", miners[1].String(), "--score", "0.75", "--out", forged)
	if !strings.Contains(out, "round 0 miner "+miners[1].String()+": score 0.750000 instead of 0.500000") {
		t.Error(out)
	}
	back, err := readBundle(forged)
	if err != nil {
		t.Fatal(err)
	}
	got := back.bundle
	if back.kept != nil || got.Root() == b.Root() || got.Rounds[0].Responses[1].Leaf.Score != 3<<30 || got.Rounds[0].Responses[0].Leaf != b.Rounds[0].Responses[0].Leaf {
		t.Errorf("%+v, %v", got, err)
	}
	for args, want := range map[string]struct {
		code int
		say  string
	}{
		"": {exitUsage, "are needed"}, "--round 0 --out y --hotkey x": {exitUsage, "not an address"}, "--round 0 --out y --score 2 --hotkey " + alice: {exitUsage, "0 to 1"},
		"--round 0 --out y --hotkey " + alice: {exitUsage, "asked no miner"}, "--round 9 --out y --hotkey " + alice: {exitUsage, "rounds 0 to 1"},
		"--round 0 --out " + dir + "/no/y --hotkey " + miners[0].String(): {exitIO, "no/y"},
	} {
		if _, code, err := run(t, append([]string{"evidence", "alter", file}, strings.Fields(args)...)...); code != want.code || !strings.Contains(err.Error(), want.say) {
			t.Errorf("%s: %d, %v", args, code, err)
		}
	}
}

// What a network cannot begin with is refused before anything is written.
func TestInitSubnetRefused(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	file := filepath.Join(dir, "x.wasm")
	if err := os.WriteFile(file, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]struct {
		code int
		say  string
	}{"--subnet " + dir + "/none": {exitIO, "none"}, "--subnet " + file: {exitDiffers, "--subnet"}} {
		home := filepath.Join(dir, "net")
		_, code, err := run(t, append([]string{"init", "--network", "2", "--home", home, "--no-password"}, strings.Fields(args)...)...)
		if code != want.code || !strings.Contains(err.Error(), want.say) {
			t.Errorf("%s: %d, %v", args, code, err)
		}
		if _, err := os.Stat(home); err == nil {
			t.Errorf("%s: the home is there", args)
		}
	}
	p := ledger.DefaultSubnetParams()
	if err := (&subnetFlags{params: []string{"skip_max=400"}}).set(&p); err != nil || p.SkipMax != 400 {
		t.Error(p.SkipMax, err)
	}
	for _, bad := range []string{"skip_max", "skip_max=x", "skip_max=1001", "no_such=1", "="} {
		if err := (&subnetFlags{params: []string{bad}}).set(&p); exitCode(err) != exitUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for rounds, want := range map[string]string{"": "2 8 14", "1,5, 9": "1 5 9", "x": "", "70000": ""} {
		got, err := (&subnetFlags{tempo: 20, rounds: rounds}).starts()
		if text := strings.Trim(fmt.Sprint(got), "[]"); text != want || (err == nil) != (want != "") {
			t.Errorf("rounds %q: %s, %v", rounds, text, err)
		}
	}
}

// On a chain where nobody validates, evidence is not to be had, which has an exit
// code of its own.
func TestEvidenceNotToBeHad(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	network(t)
	b, _ := someBundle(t)
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.bundle")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := b.Prove(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	proof := filepath.Join(t.TempDir(), "p")
	if err := os.WriteFile(proof, p.Append(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]struct {
		code int
		say  string
	}{
		"replay":                                {exitUnavailable, "revealed yet"},
		"replay --epoch 900":                    {exitUnavailable, "has not begun"},
		"replay --netuid 9":                     {exitUsage, "no subnet has netuid 9"},
		"replay --epoch 0 --validator x":        {exitUsage, "not an address"},
		"replay --bundle " + file:               {exitUnavailable, "no epoch 4"},
		"evidence get":                          {exitUnavailable, "revealed yet"},
		"evidence verify":                       {exitUnavailable, "revealed yet"},
		"evidence verify " + file:               {exitUnavailable, "not to be had"},
		"evidence verify --proof " + proof:      {exitUnavailable, "no commitment"},
		"evidence show " + file + " --full":     {exitUnavailable, "no epoch 4"},
		"evidence ls --netuid 9":                {exitUsage, "no subnet has netuid 9"},
		"replay --epoch 0 --validator " + alice: {exitUsage, "not in the roster"},
	} {
		if _, code, err := run(t, strings.Fields(args)...); code != want.code || !strings.Contains(err.Error(), want.say) {
			t.Errorf("%s: code %d, %v", args, code, err)
		}
	}
	out := mustRun(t, "evidence", "ls", "--json")
	wantSchema(t, "evidence ls", out)
	if strings.Contains(out, `"revealed"`) {
		t.Error(out)
	}
}

func TestPreview(t *testing.T) {
	for _, c := range []struct {
		in                 []byte
		text, legible, hex string
	}{
		{nil, "", "", ""}, {[]byte("ümlaut\ttab\n"), "ümlaut\ttab\n", "", ""}, {[]byte("\x1b[2Jwiped away"), "", "·[2Jwiped away", "1b5b324a776970656420617761" + "79"},
		{[]byte{1, 2, 3}, "", "", "010203"}, {bytes.Repeat([]byte{9, 0xfe}, 100), "", "", strings.Repeat("09fe", 32)},
	} {
		got := preview(c.in)
		if got.Text != c.text || got.Legible != c.legible || got.Hex != c.hex || got.Bytes != len(c.in) {
			t.Errorf("%q: %+v", c.in, got)
		}
	}
	long := preview([]byte(strings.Repeat("ü", mostText)))
	if len(long.Text) > mostText || !strings.HasSuffix(long.Text, "ü") {
		t.Errorf("cut to %d bytes", len(long.Text))
	}
	if got := printable("a\x1b[31m\u202eb\xff"); strings.ContainsAny(got, "\x1b\u202e") {
		t.Errorf("%q", got)
	}
}
