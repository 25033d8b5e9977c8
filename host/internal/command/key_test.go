package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
)

const devWords = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"

// secretFile writes a file that only its owner can read.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, _, err := run(t, args...)
	if err != nil {
		t.Fatalf("plexus %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// made is the JSON of a command about one key.
func made(t *testing.T, args ...string) (row keyRow) {
	t.Helper()
	root := newRoot()
	var out strings.Builder
	root.SetOut(&out)
	root.SetErr(os.Stderr)
	root.SetArgs(append(args, "--json"))
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("plexus %s: %v", strings.Join(args, " "), err)
	}
	if err := json.Unmarshal([]byte(out.String()), &row); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	return row
}

func TestKeyLife(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv(passwordEnv, "")
	pw, next := secretFile(t, "open sesame\nsecond line"), secretFile(t, "another\n")

	cold := made(t, "key", "new", "cold", "--scheme", "sr25519", "--word-count", "24", "--password-file", pw)
	if cold.Scheme != "sr25519" || !cold.Encrypted || cold.Watched || len(cold.Address) != 48 {
		t.Errorf("%+v", cold)
	}
	if _, code, err := run(t, "key", "new", "cold", "--no-password"); code != 1 || !strings.Contains(err.Error(), "exists") {
		t.Error(code, err)
	}
	words := strings.TrimSpace(mustRun(t, "key", "export", "cold", "--words", "--yes", "--password-file", pw))
	if len(strings.Fields(words)) != 24 {
		t.Fatalf("%d words", len(strings.Fields(words)))
	}
	// The words make the same key again, and so does the seed.
	t.Setenv(passwordEnv, "from the environment")
	if again := made(t, "key", "import", "again", "--file", secretFile(t, words)); again.Address != cold.Address || !again.Encrypted {
		t.Errorf("%+v is not %s", again, cold.Address)
	}
	seed := strings.TrimSpace(mustRun(t, "key", "export", "again", "--seed", "--yes"))
	if again := made(t, "key", "import", "seeded", "--seed", "--file", secretFile(t, seed), "--no-password"); again.Address != cold.Address || again.Encrypted {
		t.Errorf("%+v is not %s", again, cold.Address)
	}
	t.Setenv(passwordEnv, "")

	// Rotation: the old password closes, the new one opens.
	mustRun(t, "key", "rotate-password", "cold", "--password-file", pw, "--new-password-file", next)
	if _, code, err := run(t, "key", "sign", "cold", "--message", "m", "--password-file", pw); code != exitKey || !strings.Contains(err.Error(), "wrong password") {
		t.Error(code, err)
	}
	sig := strings.TrimSpace(mustRun(t, "key", "sign", "cold", "--message", "m", "--password-file", next))
	if !strings.HasPrefix(sig, "sr25519:") {
		t.Error(sig)
	}
	mustRun(t, "key", "verify", "cold", sig, "--message", "m")
	mustRun(t, "key", "verify", cold.Address, sig, "--message", "m")
	for _, bad := range [][]string{{"cold", sig, "--message", "n"}, {alice, sig, "--message", "m"}, {"cold", "ed25519:" + sig[len("sr25519:"):], "--message", "m"}} {
		if _, code, err := run(t, append([]string{"key", "verify"}, bad...)...); code != 1 || err == nil {
			t.Error(bad, code, err)
		}
	}
	// What key sign signs is under its tag, and is no signature of a transaction.
	id, _ := key.Parse(cold.Address)
	scheme, value, err := parseSignature(sig)
	if err != nil || id.VerifyScheme(scheme, "message", []byte("m"), value) != nil || id.VerifyScheme(scheme, "tx", []byte("m"), value) == nil {
		t.Error("the tag is wrong", err)
	}

	watched := made(t, "key", "watch", "exchange", alice, "--scheme", "sr25519")
	if !watched.Watched || watched.Address != alice {
		t.Errorf("%+v", watched)
	}
	if _, code, err := run(t, "key", "sign", "exchange", "--message", "m"); code != exitKey || !strings.Contains(err.Error(), "watched") {
		t.Error(code, err)
	}
	if out := mustRun(t, "key", "show", "exchange"); !strings.Contains(out, alice) || !strings.Contains(out, "0xd43593c7") {
		t.Error(out)
	}
	var rows []keyRow
	out := mustRun(t, "key", "list", "--json")
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 4 || rows[1].Name != "cold" {
		t.Error(out, err)
	}
	wantSchema(t, "key list", out)
	wantSchema(t, "key show", mustRun(t, "key", "show", "cold", "--json"))
	wantSchema(t, "key sign", mustRun(t, "key", "sign", "seeded", "--message", "m", "--json"))
	wantSchema(t, "key export", mustRun(t, "key", "export", "seeded", "--seed", "--yes", "--json"))
	// The shell completes names.
	if out := mustRun(t, "__complete", "key", "show", ""); !strings.Contains(out, "exchange\n") {
		t.Error(out)
	}
	if out := mustRun(t, "__complete", "send", "1", alice, "--from", ""); !strings.Contains(out, "cold\n") {
		t.Error(out)
	}
}

func TestImport(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	words := secretFile(t, devWords+"\n")
	if k := made(t, "key", "import", "a", "--file", words, "--path", "//Alice", "--no-password"); k.Address != alice {
		t.Errorf("%+v", k)
	}
	bittensor := secretFile(t, `{"secretSeed":"0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a","ss58Address":"`+alice+`"}`)
	if k := made(t, "key", "import", "b", "--bittensor", bittensor, "--no-password"); k.Address != alice || k.Scheme != "sr25519" {
		t.Errorf("%+v", k)
	}
	loose := secretFile(t, devWords)
	os.Chmod(loose, 0o644)
	for _, c := range []struct {
		args []string
		code int
		say  string
	}{
		{[]string{"x", "--file", words, "--path", "/soft"}, exitUsage, "soft junctions"},
		{[]string{"x", "--file", words, "--seed"}, exitUsage, "64 hexadecimal"},
		{[]string{"x", "--file", secretFile(t, "one two three")}, exitUsage, "3 words"},
		{[]string{"x", "--file", loose}, exitKey, "chmod 600"},
		{[]string{"x", "--file", filepath.Join(t.TempDir(), "none")}, exitIO, "none"},
		{[]string{"x", "--bittensor", words}, exitKey, "not a Bittensor keyfile"},
		{[]string{"x", "--bittensor", bittensor, "--seed"}, exitUsage, "excludes"},
		{[]string{"x", "--file", words, "--scheme", "rsa"}, exitUsage, "ed25519 or sr25519"},
		{[]string{"../x", "--file", words}, exitUsage, "letters, digits"},
		{[]string{"y", "--file", words}, exitKey, "--password-file"}, // no terminal
	} {
		if _, code, err := run(t, append([]string{"key", "import"}, c.args...)...); code != c.code || err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%v: %d, %v", c.args, code, err)
		}
		if _, err := os.Stat(filepath.Join(os.Getenv("HOME"), ".plexus", "keys", "x.key")); err == nil {
			t.Fatalf("%v: a key was made", c.args)
		}
	}
}

func TestBadKeyFiles(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	file := made(t, "key", "new", "a", "--no-password").File
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(from, to string) []byte { return []byte(strings.Replace(string(b), from, to, 1)) }
	for name, c := range map[string]struct {
		b    []byte
		mode os.FileMode
		say  string
	}{
		"damaged": {damage(`"secret": "`, `"secret": "0`), 0o600, "damaged"},
		"cut":     {b[:len(b)/2], 0o600, "damaged"},
		"empty":   {nil, 0o600, "damaged"},
		"newer":   {damage(`"plexus_key": 2`, `"plexus_key": 9`), 0o600, "version 9"},
		"loose":   {b, 0o640, "chmod 600"},
	} {
		if err := os.WriteFile(file, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chmod(file, c.mode)
		if _, code, err := run(t, "key", "sign", "a", "--message", "m"); code != exitKey || err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %d, %v", name, code, err)
		}
		os.Chmod(file, 0o600)
	}
	if _, code, err := run(t, "key", "sign", "nobody", "--message", "m"); code != exitKey || !strings.Contains(err.Error(), "plexus key new nobody") {
		t.Error(code, err)
	}
}

func TestPasswordSources(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		code int
		say  string
	}{
		"empty": {"\n", 0o600, exitUsage, "1 to 1024 bytes"},
		"long":  {strings.Repeat("x", 2000), 0o600, exitUsage, "1 to 1024 bytes"},
		"loose": {"x\n", 0o644, exitKey, "chmod 600"},
	} {
		file := secretFile(t, c.text)
		os.Chmod(file, c.mode)
		if _, code, err := run(t, "key", "new", "a", "--password-file", file); code != c.code || err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %d, %v", name, code, err)
		}
	}
}
