package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
)

// TestMain makes encryption cheap: what it costs is not what is tested.
func TestMain(m *testing.M) {
	cost.Time, cost.Memory = 1, 64
	os.Exit(m.Run())
}

func pass(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }

func TestRing(t *testing.T) {
	r := Ring{filepath.Join(t.TempDir(), "k")}
	if l, err := r.List(); err != nil || len(l) != 0 {
		t.Fatal(l, err)
	}
	id, err := r.New("alice")
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Open("alice", nil)
	if err != nil || s.Public() != id {
		t.Fatal(err)
	}
	if _, err := r.New("alice"); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	if again, _ := r.Open("alice", nil); again != s {
		t.Fatal("a second key new changed the key")
	}
	for _, bad := range []string{"", "../x", "a b", strings.Repeat("x", 65), "a/b", ".hidden"} {
		if _, err := r.New(bad); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if info, _ := os.Stat(filepath.Join(r.Dir, "alice.key")); info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(r.Dir, ".new-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := r.Open("bob", nil); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "plexus key new bob") {
		t.Fatal(err)
	}
}

func TestEncrypted(t *testing.T) {
	r := Ring{t.TempDir()}
	s, err := FromWords(key.SR25519, devPhrase, "//Alice", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Add("cold", s, []byte("right")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(r.Dir, "cold.key"))
	if err != nil || bytes.Contains(b, []byte("bottom")) || bytes.Contains(b, []byte(s.Hex()[2:])) {
		t.Fatal("the file holds the secret in the clear", err)
	}
	for password, want := range map[string]error{"right": nil, "wrong": ErrPassword, "": ErrPassword, "right ": ErrPassword} {
		got, err := r.Open("cold", pass(password))
		if !errors.Is(err, want) || want == nil && got != s {
			t.Errorf("password %q: %v", password, err)
		}
	}
	if _, err := r.Open("cold", nil); !errors.Is(err, ErrNoPassword) {
		t.Error(err)
	}
	refused := errors.New("interrupted")
	if _, err := r.Open("cold", func() ([]byte, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	if n, err := r.Info("cold"); err != nil || n.ID != s.Public() || !n.Encrypted || n.Watched || n.Scheme != key.SR25519 {
		t.Error(n, err)
	}
	if err := r.Rotate("cold", s, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open("cold", pass("right")); !errors.Is(err, ErrPassword) {
		t.Error("the old password still opens:", err)
	}
	if got, err := r.Open("cold", pass("new")); err != nil || got != s {
		t.Error(err)
	}
	if err := r.Rotate("cold", FromSeed(key.Seed{9}), []byte("new")); !errors.Is(err, ErrFile) {
		t.Error("another key took the name:", err)
	}
	if info, _ := os.Stat(filepath.Join(r.Dir, "cold.key")); info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
}

func TestWatched(t *testing.T) {
	r := Ring{t.TempDir()}
	id := key.Seed{1}.Public()
	if err := r.Watch("exchange", key.ED25519, id); err != nil {
		t.Fatal(err)
	}
	if err := r.Watch("exchange", key.ED25519, id); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if n, err := r.Info("exchange"); err != nil || !n.Watched || n.ID != id {
		t.Error(n, err)
	}
	if _, err := r.Open("exchange", pass("x")); !errors.Is(err, ErrWatch) {
		t.Error(err)
	}
}

// TestDamagedFile changes each byte of a key file in turn: it is never another
// key, and damage is not taken for a wrong password.
func TestDamagedFile(t *testing.T) {
	s := FromSeed(key.Seed{7})
	for name, password := range map[string]string{"clear": "", "encrypted": "right"} {
		t.Run(name, func(t *testing.T) {
			r := Ring{t.TempDir()}
			if err := r.Add("a", s, []byte(password)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(r.Dir, "a.key")
			whole, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := range whole {
				for _, with := range []byte{'!', whole[i] ^ 1} {
					bad := bytes.Clone(whole)
					bad[i] = with
					if err := os.WriteFile(file, bad, 0o600); err != nil {
						t.Fatal(err)
					}
					got, err := r.Open("a", pass(password))
					if err == nil && got != s || err != nil && !errors.Is(err, ErrFile) {
						t.Fatalf("byte %d of %q: %v", i, bad, err)
					}
					if err != nil && strings.Contains(err.Error(), s.Hex()[10:20]) {
						t.Fatal("an error quotes the secret")
					}
				}
			}
			for _, cut := range []int{0, 1, len(whole) / 2, len(whole) - 3} {
				if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := r.Open("a", pass(password)); !errors.Is(err, ErrFile) {
					t.Errorf("cut to %d: %v", cut, err)
				}
			}
			if l, _ := r.List(); len(l) != 1 || l[0].Err == nil {
				t.Error("a damaged key is not listed as damaged")
			}
		})
	}
}

// TestForgedFile has someone who knows the format, but not the password, write
// another address or another kdf above an encrypted secret.
func TestForgedFile(t *testing.T) {
	f := seal(FromSeed(key.Seed{7}), []byte("right"))
	for name, forge := range map[string]func(*file){
		"address": func(f *file) { f.Address = key.Seed{8}.Public().String() },
		"scheme":  func(f *file) { f.Scheme = "sr25519" },
		"kdf":     func(f *file) { f.KDF.Time++ },
		"nonce":   func(f *file) { f.Nonce = strings.Repeat("00", 24) },
		"clear":   func(f *file) { f.KDF, f.Nonce = nil, "" },
		"costly":  func(f *file) { f.KDF.Memory = 1 << 30 },
		"free":    func(f *file) { f.KDF.Time = 0 },
	} {
		g := *f
		k := *f.KDF
		g.KDF = &k
		forge(&g)
		g.Check = g.check()
		got, err := decode(g.encode())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s, err := got.open(pass("right")); err == nil {
			t.Errorf("%s: opens as %s", name, s.Public())
		}
	}
}

func TestMode(t *testing.T) {
	r := Ring{t.TempDir()}
	if _, err := r.New("alice"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(r.Dir, "alice.key")
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o601} {
		os.Chmod(file, mode)
		if _, err := r.Open("alice", nil); !errors.Is(err, ErrMode) || !strings.Contains(err.Error(), "chmod 600 "+file) {
			t.Errorf("%o: %v", mode, err)
		}
	}
	os.Chmod(file, 0o400)
	if _, err := r.Open("alice", nil); err != nil {
		t.Error(err)
	}
}

func TestFirstForm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "old.key")
	s := key.Seed{3}
	if err := os.WriteFile(file, []byte(header+FromSeed(s).Hex()[2:]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(file); err != nil || got != s {
		t.Error(err)
	}
	if err := Save(file, s); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte(header+"00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); !errors.Is(err, ErrFile) {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte(`{"plexus_key": 3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "version 3") {
		t.Error(err)
	}
}

func TestBittensor(t *testing.T) {
	const alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	const seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"
	object := func(kv ...string) []byte {
		m := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		b, _ := json.Marshal(m)
		return b
	}
	dev, _ := FromWords(key.SR25519, devPhrase, "", "")
	for name, b := range map[string][]byte{
		"seed":  object("secretSeed", seed, "ss58Address", alice),
		"words": object("secretPhrase", devPhrase, "secretSeed", "0x00", "ss58Address", dev.Public().String()),
	} {
		s, err := FromBittensor(b, nil)
		if err != nil || s.Scheme() != key.SR25519 || s.Public().String() != alice && s != dev {
			t.Errorf("%s: %s, %v", name, s.Public(), err)
		}
	}
	for name, c := range map[string]struct {
		b   []byte
		say string
	}{
		"nothing":       {nil, ""},
		"not json":      {[]byte("{"), ""},
		"empty":         {[]byte("{}"), "neither words nor a seed"},
		"other address": {object("secretSeed", seed, "ss58Address", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"), "another address"},
		"no address":    {object("secretSeed", seed), "another address"},
		"public":        {object("publicKey", "0xd4", "ss58Address", alice), "plexus key watch"},
		"expanded":      {object("privateKey", "0xd4", "ss58Address", alice), "import its words"},
		"ansible":       {[]byte("$ANSIBLE_VAULT;1.1;AES256\n00"), "btcli"},
		"fernet":        {[]byte("gAAAAABh"), "btcli"},
		"cut":           {[]byte("$NACLxx"), "cut short"},
		"large":         {make([]byte, maxFile+1), "bytes"},
	} {
		if _, err := FromBittensor(c.b, pass("x")); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := FromBittensor([]byte("$NACL"), nil); !errors.Is(err, ErrNoPassword) {
		t.Error(err)
	}
}

// TestEncryptedBittensor opens keyfiles that were made with libsodium: argon2i
// and secretbox, the password "correct horse". One is as wallets make them, with
// the sensitive limits; it takes 512 MiB and is opened when KEYS_TEST_FULL is set.
// The other is the same but for 3 passes over 8 MiB.
func TestEncryptedBittensor(t *testing.T) {
	file := "testdata/bittensor-coldkey"
	if nacl.Time != 8 || nacl.Memory != 512<<10 {
		t.Fatal("other limits than the wallets'")
	}
	if os.Getenv("KEYS_TEST_FULL") == "" {
		file = "testdata/bittensor-cheap"
		was := nacl
		defer func() { nacl = was }()
		nacl = kdf{Time: 3, Memory: 8 << 10}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !IsEncryptedBittensor(b) {
		t.Error("taken for one in the clear")
	}
	s, err := FromBittensor(b, pass("correct horse"))
	if err != nil || s.Public().String() != "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY" {
		t.Error(s.Public(), err)
	}
	if _, err := FromBittensor(b, pass("wrong horse")); !errors.Is(err, ErrPassword) {
		t.Error(err)
	}
	// A wrong password makes a wrong key; the box is what finds that out.
	if _, err := openBox(b[len(naclPrefix):], [32]byte{1}); !errors.Is(err, ErrPassword) {
		t.Error(err)
	}
}

// FuzzFile gives foreign bytes to the decoder of key files: what is taken is
// written and read as the same.
func FuzzFile(f *testing.F) {
	s := FromSeed(key.Seed{7})
	f.Add(seal(s, nil).encode())
	f.Add(seal(s, []byte("p")).encode())
	f.Add([]byte(header + s.Hex()[2:]))
	f.Add([]byte(`{"plexus_key":2,"scheme":"sr25519","address":"","check":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrFile) {
				t.Fatal(err)
			}
			return
		}
		again, err := decode(got.encode())
		if err != nil || !bytes.Equal(again.encode(), got.encode()) {
			t.Fatalf("%s\nbecame %v", got.encode(), err)
		}
		if s, err := got.open(nil); err == nil && s.Public().String() != got.Address {
			t.Fatal("a file opens as another key than it states")
		}
	})
}

// FuzzBittensor gives foreign bytes to the reader of Bittensor's keyfiles.
func FuzzBittensor(f *testing.F) {
	f.Add([]byte(`{"secretSeed":"0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a","ss58Address":"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"}`))
	f.Add([]byte("$NACL"))
	f.Add([]byte(`{"secretPhrase":"` + devPhrase + `"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := FromBittensor(b, nil) // no password: the decoder alone
		if err == nil && s == (Secret{}) {
			t.Fatal("no secret and no error")
		}
	})
}
