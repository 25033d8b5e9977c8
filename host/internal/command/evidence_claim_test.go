package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/host/internal/miners"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// heldOf are the receipts of a bundle's answers, as its miners have them.
func heldOf(b *evidence.Bundle) (out []*round.Held) {
	for i := range b.Rounds {
		for _, x := range b.Rounds[i].Responses {
			out = append(out, &round.Held{Request: x.Request, Answer: *x.Answer, Receipt: x.Receipt})
		}
	}
	return out
}

// A validator that drops an answer, puts another in its place, leaves the request
// out or calls the round skipped is named by the receipts, and an honest one is
// not. What contradicts is written for others, who get the same verdict.
func TestClaims(t *testing.T) {
	honest, ids := someBundle(t)
	held := heldOf(honest)
	other := round.SignAnswer(key.Seed{3}, round.Answer{Request: round.RequestHash(honest.Rounds[0].Responses[1].Request.Body), Hash: [32]byte{9}})
	for name, c := range map[string]struct {
		tamper func(b *evidence.Bundle)
		say    string
		miner  key.ID
	}{
		"honest": {func(*evidence.Bundle) {}, "", key.ID{}},
		"drops": {func(b *evidence.Bundle) {
			x := &b.Rounds[0].Responses[0]
			x.Answer, x.Payload, x.Receipt, x.Leaf.Hash = nil, nil, key.Signature{}, [32]byte{}
		}, "no answer", ids[0]},
		"alters": {func(b *evidence.Bundle) {
			x := &b.Rounds[0].Responses[1]
			x.Answer, x.Leaf.Hash = &other, [32]byte{9}
		}, "another answer", ids[1]},
		"leaves out": {func(b *evidence.Bundle) { b.Rounds[0].Responses = b.Rounds[0].Responses[:1] }, "no request, with the answer", ids[1]},
	} {
		b, _ := someBundle(t)
		c.tamper(b)
		x := claimed{Epoch: b.Epoch, Validator: b.Validator.String()}
		x.judge(b, held)
		if c.say == "" {
			if x.Verdict != "shown" || x.Receipts != 2 {
				t.Errorf("%s: %+v", name, x)
			}
			continue
		}
		if x.Verdict != "denied" || len(x.Denied) != 1 || !strings.Contains(x.Denied[0], "round 0: "+c.say+" of miner "+c.miner.String()) {
			t.Errorf("%s: %+v", name, x)
		}
		file := filepath.Join(t.TempDir(), "denied")
		if err := writeReceipts(file, []claimed{x}); err != nil {
			t.Fatal(err)
		}
		back, err := miners.ReadReceipts(file, 0, 0)
		if err != nil || len(back) != 1 {
			t.Fatal(len(back), err)
		}
		again := claimed{}
		again.judge(b, back)
		if again.Verdict != "denied" || again.Denied[0] != x.Denied[0] {
			t.Errorf("%s: to others: %+v", name, again)
		}
		if err := reportClaims(&cobra.Command{}, []claimed{x}, true); exitCode(err) != exitDiffers {
			t.Error(err)
		}
	}
	// Receipts of another validator, and forged ones, say nothing.
	b, _ := someBundle(t)
	b.Validator = key.ID{1}
	x := claimed{}
	x.judge(b, held)
	forged := *held[0]
	forged.Receipt[0] ^= 1
	b, _ = someBundle(t)
	b.Rounds[0].Responses = nil
	y := claimed{}
	y.judge(b, []*round.Held{&forged})
	if x.Verdict != "no receipts" || y.Verdict != "no receipts" {
		t.Errorf("%+v, %+v", x, y)
	}
}

func TestClaimCommand(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	network(t)
	b, miner := someBundle(t)
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, receipts := filepath.Join(dir, "x.bundle"), filepath.Join(dir, "receipts")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := miners.OpenReceipts(receipts)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range heldOf(b) {
		if err := kept.Add(1, 4, h); err != nil {
			t.Fatal(err)
		}
	}
	// A bundle that nobody committed proves nothing against the validator.
	out, code, err := run(t, "evidence", "claim", "--receipts", receipts, file, "--json")
	if code != exitUnavailable || !strings.Contains(out, "not a bundle that the validator committed") {
		t.Error(out, code, err)
	}
	wantSchema(t, "evidence claim", out)
	v := committedBy{b}
	if x, err := hold(v, b, receipts); err != nil || x.Verdict != "shown" || x.Receipts != 2 {
		t.Errorf("%+v, %v", x, err)
	}
	if x, err := hold(v, b, filepath.Join(dir, "receipts", "netuid1-epoch4.receipts")); err != nil || x.Receipts != 2 {
		t.Errorf("%+v, %v", x, err)
	}
	j, err := remote.ParseJoin(os.Getenv(joinEnv))
	if err != nil {
		t.Fatal(err)
	}
	home, err := minerHome(j, miner[0])
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]struct {
		code int
		say  string
	}{
		"":                                    {exitUsage, "is needed"},
		"--hotkey " + alice + " --receipts x": {exitUsage, "either"},
		"--hotkey x":                          {exitUsage, "not an address"},
		"--hotkey " + miner[0].String():       {exitUnavailable, home},
		"--receipts " + dir + "/none":         {exitIO, "none"},
		"--receipts " + receipts:              {exitUnavailable, "revealed yet"},
		"--receipts " + receipts + " " + receipts:  {exitIO, "receipts"},
		"--receipts " + file + " " + file:          {exitUnavailable, "could not be held"},
		"--receipts " + receipts + " --trust 1:x ": {exitUsage, "--trust is for files"},
	} {
		if _, code, err := run(t, append([]string{"evidence", "claim"}, strings.Fields(args)...)...); err == nil || code != want.code || !strings.Contains(err.Error(), want.say) {
			t.Errorf("%q: code %d, %v", args, code, err)
		}
	}
}

// committedBy is a state in which a bundle was committed, and nothing else.
type committedBy struct{ b *evidence.Bundle }

func (c committedBy) Get([]byte) ([]byte, error) {
	root := c.b.Root()
	com := cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(nil, 4), 1), make([]byte, 32))
	return cbor.AppendUint(cbor.AppendBytes(com, root[:]), 9), nil
}
