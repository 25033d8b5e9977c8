package command

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// network runs a chain on which the given accounts own 100 TAO each, and makes it
// the one that commands join.
func network(t *testing.T, rich ...key.ID) *solo.Chain {
	t.Helper()
	g := solo.Genesis(t)
	for _, id := range rich {
		g.Accounts = append(g.Accounts, ledger.Allocation{Account: id, Balance: 100 * unit.Coin})
	}
	slices.SortFunc(g.Accounts, func(a, b ledger.Allocation) int { return bytes.Compare(a.Account[:], b.Account[:]) })
	c := solo.Start(t, g, t.TempDir())
	remote.Serve(c.Net, c.Node)
	t.Setenv(joinEnv, remote.Join{Genesis: g.Hash(), Addrs: c.Net.Addrs()[:1]}.String())
	c.Reach(t, 3) // light clients need a header above the first
	return c
}

func (s *sent) of(t *testing.T, printed string) {
	t.Helper()
	if i := strings.IndexByte(printed, '{'); i < 0 || json.Unmarshal([]byte(printed[i:]), s) != nil {
		t.Fatalf("printed %q", printed)
	}
}

func TestSendOnAChain(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv(passwordEnv, "pw")
	cold := made(t, "key", "new", "cold", "--scheme", "sr25519")
	id, err := key.Parse(cold.Address)
	if err != nil {
		t.Fatal(err)
	}
	dev := keys.Development("Rich").Public()
	network(t, id, dev)

	// A dry run needs no password, and says what would come.
	t.Setenv(passwordEnv, "")
	var dry sent
	out := mustRun(t, "send", "1.5", alice, "--from", "cold", "--dry-run", "--json")
	dry.of(t, out)
	if !dry.DryRun || dry.Result != "ok" || dry.Amount != "1.5 TAO" || dry.Height != 0 {
		t.Errorf("%+v", dry)
	}
	wantSchema(t, "send", out)
	if _, code, err := run(t, "send", "1000", alice, "--from", "cold", "--dry-run"); code != 1 || !strings.Contains(err.Error(), "exceed the balance") {
		t.Error(code, err)
	}
	if _, code, err := run(t, "send", "1", alice, "--from", "cold"); code != exitKey || !strings.Contains(err.Error(), "--password-file") {
		t.Error(code, err)
	}
	t.Setenv(passwordEnv, "wrong")
	if _, code, err := run(t, "send", "1", alice, "--from", "cold"); code != exitKey || !errors.Is(err, keys.ErrPassword) {
		t.Error(code, err)
	}

	t.Setenv(passwordEnv, "pw")
	var done sent
	done.of(t, mustRun(t, "send", "1.5", alice, "--from", "cold", "--json", "--tip", "0.001"))
	if done.Height == 0 || done.Kind != "transfer" {
		t.Errorf("%+v", done)
	}
	out = mustRun(t, "tx", "status", done.ID, "--json")
	wantSchema(t, "tx status", out)
	if !strings.Contains(out, `"included"`) {
		t.Error(out)
	}
	// The id is printed before anything is waited for.
	if out := mustRun(t, "send", "0.5", alice, "--from", "cold", "--wait", "none"); !strings.HasPrefix(out, "transaction ") || !strings.Contains(out, "plexus tx status") {
		t.Error(out)
	}
	if _, code, err := run(t, "tx", "status", strings.Repeat("00", 32)); code != 1 || !strings.Contains(err.Error(), "unknown") {
		t.Error(code, err)
	}

	// Keys that everybody knows are for development networks.
	if _, code, err := run(t, "send", "1", alice, "--from", "//Rich"); code != exitUsage || !strings.Contains(err.Error(), "development key") {
		t.Error(code, err)
	}
	mustRun(t, "send", "1", alice, "--from", "//Rich", "--yes", "--wait", "inclusion")
}

func TestOfflineSigning(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	here, there := filepath.Join(t.TempDir(), "watching"), filepath.Join(t.TempDir(), "offline")
	t.Setenv(passwordEnv, "pw")
	cold := made(t, "key", "new", "cold", "--keys", there)
	id, _ := key.Parse(cold.Address)
	mustRun(t, "key", "watch", "cold", cold.Address, "--keys", here)
	network(t, id)
	join := os.Getenv(joinEnv)
	file := filepath.Join(t.TempDir(), "pay.json")

	var built sent
	built.of(t, mustRun(t, "tx", "build", "send", "2", alice, "--from", "cold", "--keys", here, "--unsigned", file, "--json"))
	if built.File != file || built.From != cold.Address {
		t.Errorf("%+v", built)
	}
	if _, code, err := run(t, "tx", "build", "send", "2", alice, "--from", "cold", "--keys", here, "--unsigned", file); code != 1 || !strings.Contains(err.Error(), "exists") {
		t.Error(code, err)
	}
	if _, code, err := run(t, "tx", "submit", file); code != 1 || !strings.Contains(err.Error(), "signatures are missing") {
		t.Error(code, err)
	}

	// The machine with the secret has no network.
	t.Setenv(joinEnv, "")
	out := mustRun(t, "tx", "decode", file)
	for _, want := range []string{"2 TAO", alice, cold.Address, built.ID, "signatures missing"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, code, err := run(t, "tx", "sign", file, "--keys", there); code != exitUsage || !strings.Contains(err.Error(), "--yes") {
		t.Error("signed without being asked:", code, err)
	}
	if _, code, err := run(t, "tx", "sign", file, "--keys", here, "--yes"); code != exitKey || !strings.Contains(err.Error(), "--key") {
		t.Error("a watched key signed:", code, err)
	}
	for name, forge := range map[string]func(string) string{
		"amount":   func(s string) string { return strings.Replace(s, "2 TAO", "1 TAO", 1) },
		"receiver": func(s string) string { return strings.Replace(s, alice, cold.Address, 1) },
		"id":       func(s string) string { return strings.Replace(s, `"id": "`, `"id": "0`, 1) },
		"body":     func(s string) string { return strings.Replace(s, `"body": "88`, `"body": "87`, 1) },
		"more":     func(s string) string { return s + "{}" },
		"unknown":  func(s string) string { return strings.Replace(s, `"id"`, `"note": "x", "id"`, 1) },
		"signature": func(s string) string {
			return strings.Replace(s, `"signatures": []`, `"signatures": [{"by": "`+alice+`", "signature": "ed25519:`+strings.Repeat("00", 64)+`"}]`, 1)
		},
	} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		forged := forge(string(b))
		if forged == string(b) {
			t.Fatalf("%s: nothing was forged in\n%s", name, b)
		}
		bad := secretFile(t, forged)
		if _, code, err := run(t, "tx", "sign", bad, "--keys", there, "--yes"); code != 1 || !errors.Is(err, errTxFile) {
			t.Errorf("%s: %d, %v", name, code, err)
		}
	}
	out = mustRun(t, "tx", "sign", file, "--keys", there, "--yes", "--json")
	wantSchema(t, "tx sign", out)

	t.Setenv(joinEnv, join)
	out = mustRun(t, "tx", "submit", file, "--json")
	out = out[strings.IndexByte(out, '{'):]
	wantSchema(t, "tx submit", out)
	if !strings.Contains(out, `"included"`) || !strings.Contains(out, built.ID) {
		t.Error(out)
	}
}

func TestMultisigFiles(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	var ids []key.ID
	for _, name := range []string{"ann", "ben", "eve"} {
		k := made(t, "key", "new", name, "--no-password", "--scheme", map[string]string{"ann": "sr25519"}[name]+map[bool]string{true: "ed25519"}[name != "ann"])
		id, _ := key.Parse(k.Address)
		ids = append(ids, id)
	}
	mustRun(t, "key", "new", "stranger", "--no-password")
	m, err := ledger.NewMultisig(2, ids...)
	if err != nil {
		t.Fatal(err)
	}
	network(t, m.ID())
	file := filepath.Join(t.TempDir(), "pay.json")
	mustRun(t, "send", "3", alice, "--multisig", "2:ann,ben,"+ids[2].String(), "--unsigned", file)
	if _, code, err := run(t, "tx", "sign", file, "--key", "stranger", "--yes"); code != 1 || !strings.Contains(err.Error(), "no member") {
		t.Error(code, err)
	}
	if out := mustRun(t, "tx", "sign", file, "--yes"); !strings.Contains(out, "missing: 1") {
		t.Error(out)
	}
	if _, code, err := run(t, "tx", "submit", file); code != 1 || !strings.Contains(err.Error(), "1 signatures are missing") {
		t.Error(code, err)
	}
	if out := mustRun(t, "tx", "sign", file, "--yes"); !strings.Contains(out, "missing: 0") {
		t.Error(out)
	}
	if out := mustRun(t, "tx", "submit", file); !strings.Contains(out, "in block") {
		t.Error(out)
	}
	for arg, say := range map[string]string{"2": "THRESHOLD", "x:ann,ben": "THRESHOLD", "3:ann,ben": "threshold 3", "1:ann,ann": "different"} {
		if _, code, err := run(t, "send", "3", alice, "--multisig", arg, "--unsigned", file+"2"); code != exitUsage || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %d, %v", arg, code, err)
		}
	}
}

func TestTxDecodeHex(t *testing.T) {
	raw := ledger.Sign(key.Seed{1}, "c", 7, 9, &ledger.Transfer{To: key.ID{2}, Amount: unit.Coin})
	out := mustRun(t, "tx", "decode", hex.EncodeToString(raw), "--json")
	wantSchema(t, "tx decode", out)
	if !strings.Contains(out, "1 TAO") || !strings.Contains(out, key.Seed{1}.Public().String()) {
		t.Error(out)
	}
	raw[len(raw)-1] ^= 1
	for arg, code := range map[string]int{hex.EncodeToString(raw): 1, "zz": exitUsage, "00": 1} {
		if _, got, err := run(t, "tx", "decode", arg); got != code || err == nil {
			t.Errorf("%.20s: %d, %v", arg, got, err)
		}
	}
}

// FuzzTxFile gives foreign files to the decoder: what is taken says in words what
// its bytes say, and is read the same once it was saved.
func FuzzTxFile(f *testing.F) {
	u := ledger.Unsigned{ChainID: "c", Account: key.Seed{1}.Public(), Nonce: 1, Expiry: 2, Payload: &ledger.Transfer{To: key.ID{2}, Amount: 3}}
	m, err := ledger.NewMultisig(1, key.Seed{1}.Public(), key.Seed{2}.Public())
	if err != nil {
		f.Fatal(err)
	}
	for _, rule := range []*ledger.Multisig{nil, &m} {
		if rule != nil {
			u.Account = rule.ID()
		}
		file, err := newTxFile(u.Body(), rule)
		if err != nil {
			f.Fatal(err)
		}
		t, err := ledger.DecodeBody(u.Body())
		if err != nil {
			f.Fatal(err)
		}
		plain, _ := file.encode()
		if err := file.sign(key.Seed{1}, t); err != nil {
			f.Fatal(err)
		}
		signed, _ := file.encode()
		f.Add(plain)
		f.Add(signed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, tx, err := decodeTxFile(b)
		if err != nil {
			return
		}
		if !slices.Equal(file.Transaction, tx.Describe()) {
			t.Fatal("words that the bytes do not say were taken")
		}
		again, err := file.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := decodeTxFile(again); err != nil {
			t.Fatal(err)
		}
		if file.missing() == 0 {
			raw, err := file.raw()
			if err != nil {
				t.Fatal(err)
			}
			signed, err := ledger.DecodeTx(raw)
			if err != nil || signed.Verify() != nil || signed.ID() != tx.ID() {
				t.Fatalf("the wire form is another transaction: %v", err)
			}
		}
	})
}
