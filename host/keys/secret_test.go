package keys

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
)

const devPhrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"

// Addresses that Substrate's tools give: those of its documentation.
func TestWordsAreSubstrates(t *testing.T) {
	const abandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	for _, c := range []struct {
		scheme          key.Scheme
		words, path, pw string
		want            string // an address, or 0x and the seed
	}{
		{key.SR25519, devPhrase, "", "", "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"},
		{key.SR25519, devPhrase, "//Alice", "", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"},
		{key.SR25519, devPhrase, "//Bob", "", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"},
		{key.SR25519, devPhrase, "//Alice//stash", "", "5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY"},
		{key.ED25519, devPhrase, "//Alice", "", "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"},
		{key.ED25519, devPhrase, "//Bob", "", "5GoNkf6WdbxCFnPdAnYYQyCjAKPJgLNxXwPjwTh6DGg6gN3E"},
		{key.SR25519, strings.ToUpper(" " + devPhrase + "\n"), "//Alice", "", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"},
		{key.SR25519, abandon, "", "Substrate", "0x44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3"},
		{key.ED25519, abandon, "", "Substrate", "0x44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3"},
	} {
		s, err := FromWords(c.scheme, c.words, c.path, c.pw)
		if err != nil {
			t.Errorf("%s %q: %v", c.scheme, c.path, err)
			continue
		}
		if s.Public().String() != c.want && s.Hex() != c.want {
			t.Errorf("%s %q: %s, want %s", c.scheme, c.path, s.Public(), c.want)
		}
		if s.Scheme() != c.scheme || s.Words() == "" {
			t.Errorf("%s %q: scheme %s", c.scheme, c.path, s.Scheme())
		}
	}
	// A number is another junction than its text, and a long one is hashed.
	seen := map[key.ID]string{}
	for _, path := range []string{"//1", "//01x", "//1//1", "//" + strings.Repeat("x", 31), "//" + strings.Repeat("x", 32), "//" + strings.Repeat("x", 63), "//" + strings.Repeat("x", 64)} {
		s, err := FromWords(key.SR25519, devPhrase, path, "")
		if err != nil {
			t.Fatal(err)
		}
		if was, ok := seen[s.Public()]; ok {
			t.Errorf("%s and %s are one key", was, path)
		}
		seen[s.Public()] = path
	}
}

func TestBadWords(t *testing.T) {
	for _, c := range []struct {
		words, path string
		err         error
		say         string
	}{
		{"", "", ErrWords, "0 words"},
		{"bottom drive", "", ErrWords, "2 words"},
		{devPhrase + " walk", "", ErrWords, "13 words"},
		{strings.Replace(devPhrase, "lake", "lakke", 1), "", ErrWords, "word 4"},
		{strings.Replace(devPhrase, "bottom drive", "drive bottom", 1), "", ErrWords, "swapped"},
		{devPhrase, "/soft", ErrPath, "soft junctions"},
		{devPhrase, "//hard/soft", ErrPath, "soft junctions"},
		{devPhrase, "//a///password", ErrPath, "empty"},
		{devPhrase, "//", ErrPath, "empty"},
		{devPhrase, "Alice", ErrPath, "//"},
		{devPhrase, "//" + strings.Repeat("x", 300), ErrPath, "at most"},
	} {
		_, err := FromWords(key.SR25519, c.words, c.path, "")
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%q %q: %v", c.words, c.path, err)
		}
		if err != nil && (strings.Contains(err.Error(), "curtain") || strings.Contains(err.Error(), "lakke")) {
			t.Errorf("%v quotes the words", err)
		}
	}
	for _, bad := range []string{"", "0x", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("g", 64)} {
		if _, err := FromHex(key.ED25519, bad, ""); err != ErrSeed {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestGenerate(t *testing.T) {
	for _, n := range []int{12, 24} {
		a, err := Generate(key.SR25519, n)
		if err != nil {
			t.Fatal(err)
		}
		if len(strings.Fields(a.Words())) != n {
			t.Errorf("%d words, want %d", len(strings.Fields(a.Words())), n)
		}
		if again, err := FromWords(key.SR25519, a.Words(), "", ""); err != nil || again != a {
			t.Error("the words make another key:", err)
		}
		if b, _ := Generate(key.SR25519, n); b == a {
			t.Error("two keys are one")
		}
	}
	if _, err := Generate(key.ED25519, 13); !errors.Is(err, ErrWords) {
		t.Error(err)
	}
}

func TestSeedIsOfHotkeysOnly(t *testing.T) {
	hot, cold := FromSeed(key.Seed{1}), Secret{scheme: key.SR25519, seed: [32]byte{1}}
	if s, err := hot.Seed(); err != nil || s != (key.Seed{1}) || hot.Public() == cold.Public() {
		t.Error(err)
	}
	if _, err := cold.Seed(); !errors.Is(err, ErrScheme) || !strings.Contains(err.Error(), "--scheme ed25519") {
		t.Error(err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s, err := FromWords(key.SR25519, devPhrase, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{s.String(), fmt.Sprintf("%v %+v %#v %s", s, s, s, s), fmt.Sprintf("%v", &s)} {
		if strings.Contains(text, "bottom") || strings.Contains(text, s.Hex()[2:20]) || strings.Contains(text, fmt.Sprint(s.seed[0], " ", s.seed[1])) {
			t.Errorf("printed as %s", text)
		}
	}
}
