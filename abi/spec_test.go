package abi

import (
	"encoding/hex"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi/cbor"
)

var rewrite = flag.Bool("rewrite", false, "write the examples of SPEC.md anew")

const examples = "| message | bytes |\n|---|---|\n"

// TestSpecExamples holds the examples of SPEC.md to the codecs.
func TestSpecExamples(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	head, got, ok := strings.Cut(string(text), examples)
	if !ok {
		t.Fatal("SPEC.md has no table of examples")
	}
	var want strings.Builder
	for _, m := range messages {
		want.WriteString("| " + m.name + " | `" + hex.EncodeToString(m.enc) + "` |\n")
	}
	if *rewrite {
		if err := os.WriteFile("SPEC.md", []byte(head+examples+want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Errorf("SPEC.md shows\n%s\nthe codecs write\n%s", got, want.String())
	}
}

// TestSchemaShape holds the rules of abi.cddl to the codecs by their numbers of
// elements, and every name used to a rule.
func TestSchemaShape(t *testing.T) {
	text, err := os.ReadFile("abi.cddl")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, ";")
		if name, body, ok := strings.Cut(line, "="); ok {
			rules[strings.TrimSpace(name)] = strings.TrimSpace(body)
		}
	}
	seen := 0
	for _, m := range messages {
		name := strings.ReplaceAll(strings.TrimSuffix(m.name, " with a schema"), " ", "-")
		body, ok := rules[name]
		if !ok {
			t.Errorf("no rule %s", name)
			continue
		}
		depth, commas := 0, 0
		for _, c := range body {
			switch c {
			case '[', '(':
				depth++
			case ']', ')':
				depth--
			case ',':
				if depth == 1 {
					commas++
				}
			}
		}
		if d := cbor.NewDecoder(m.enc); d.ArrayMax(100) != commas+1 {
			t.Errorf("%s: %d elements in the schema, the message begins %x", name, commas+1, m.enc[:1])
		}
		seen++
	}
	if seen != len(messages) {
		t.Errorf("%d of %d messages compared", seen, len(messages))
	}
	built := map[string]bool{"bytes": true, "text": true, "uint": true, "bool": true}
	for name, body := range rules {
		body = regexp.MustCompile(`"[^"]*"|\.size|[a-z-]+:`).ReplaceAllString(body, "")
		for _, used := range regexp.MustCompile(`[a-z][a-z-]*`).FindAllString(body, -1) {
			if _, ok := rules[used]; !ok && !built[used] {
				t.Errorf("rule %s uses %q, which is none", name, used)
			}
		}
	}
}
