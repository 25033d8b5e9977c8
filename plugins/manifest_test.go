package plugins

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

const manifestJSON = `{"name": "text", "version": "0.1.0", "ops": ["describe", "task", "score", "rank"],
	"fuel": 2000000000, "pages": 512, "answer": 4096, "keep": true, "licence": "Apache-2.0"}`

// empty is the smallest module.
var empty = []byte("\x00asm\x01\x00\x00\x00")

func TestManifestRoundTrip(t *testing.T) {
	m, err := ParseManifest([]byte(manifestJSON))
	if err != nil {
		t.Fatal(err)
	}
	want := abi.Manifest{Name: "text", Version: "0.1.0", Meter: MeterVersion, Fuel: 2e9, Pages: 512, Answer: 4096, Keep: true,
		Licence: "Apache-2.0", Ops: []abi.Op{abi.OpDescribe, abi.OpTask, abi.OpScore, abi.OpRank}, Capabilities: []string{abi.CapLog, abi.CapRandom}}
	if !reflect.DeepEqual(m, want) {
		t.Fatalf("%+v", m)
	}
	before := bytes.Clone(empty)
	with, err := AppendManifest(empty, m)
	if err != nil || !bytes.Equal(empty, before) {
		t.Fatal("the module given was changed", err)
	}
	got, err := ReadManifest(with)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v %v", got, err)
	}
	if Digest(with) == Digest(empty) {
		t.Error("the manifest is not part of the name")
	}
	if _, err := AppendManifest(with, m); err == nil {
		t.Error("a second manifest was appended")
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"keep": true`, `"kept": true`, `"kept"`},
		{`"keep": true`, `"capabilities": ["clock"]`, `capabilities`},
		{`"keep": true`, `"input": [{"name": "a", "kind": "uint", "units": "s"}]`, `"input"`},
		{`"keep": true`, `"Keep": true`, `"Keep"`},
		{`"keep": true`, `"fuel": 1`, `"fuel" twice`},
		{`"keep": true`, `"keep": 1`, `"keep"`},
		{`"name": "text", `, ``, `"name" is missing`},
		{`"text"`, `"Text"`, `rule`},
		{`"rank"]`, `"rant"]`, `"rant"`},
		{`"score", "rank"`, `"rank", "score"`, `order`},
		{`2000000000`, `-1`, `"fuel"`},
		{`2000000000`, `1e9`, `"fuel"`},
		{`2000000000`, `0`, `rule`},
		{`"Apache-2.0"}`, `"Apache-2.0"} {}`, `after`},
		{`"Apache-2.0"}`, `"Apache-2.0"`, `manifest`},
		{`{`, `[`, `object`},
	} {
		text := strings.Replace(manifestJSON, c.old, c.new, 1)
		if _, err := ParseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: %v, want %s", c.old, c.new, err, c.want)
		}
	}
}

func TestReadManifestRefuses(t *testing.T) {
	m, err := ParseManifest([]byte(manifestJSON))
	if err != nil {
		t.Fatal(err)
	}
	good, err := AppendManifest(empty, m)
	if err != nil {
		t.Fatal(err)
	}
	old := m
	old.Meter++
	other, err := AppendManifest(empty, old)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		module []byte
		kind   error
	}{
		"no module":     {[]byte("ELF"), ErrABI},
		"nothing":       {nil, ErrABI},
		"no manifest":   {empty, ErrManifest},
		"two":           {append(bytes.Clone(good), good[len(empty):]...), ErrManifest},
		"other meter":   {other, ErrManifest},
		"damaged":       {bytes.Replace(good, []byte("text"), []byte("TEXT"), 1), ErrManifest},
		"cut off":       {good[:len(good)-1], ErrABI},
		"too large":     {append(bytes.Clone(good), make([]byte, MaxModule)...), ErrABI},
		"section claim": {append(bytes.Clone(good), 0, 0xff, 0xff, 0xff, 0xff, 0x0f), ErrABI},
	} {
		if _, err := ReadManifest(c.module); !errors.Is(err, c.kind) || !IsGuest(err) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
}

func FuzzReadManifest(f *testing.F) {
	m, _ := ParseManifest([]byte(manifestJSON))
	good, _ := AppendManifest(empty, m)
	f.Add(good)
	f.Add(empty)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadManifest(b)
		if err != nil {
			if !IsGuest(err) {
				t.Fatal(err)
			}
			return
		}
		again, err := AppendManifest(empty, m)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := ReadManifest(again); err != nil || !reflect.DeepEqual(m, n) {
			t.Fatalf("%+v became %+v (%v)", m, n, err)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(manifestJSON))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseManifest(b)
		if err != nil {
			return
		}
		if _, err := abi.DecodeManifest(m.Append(nil)); err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
	})
}

func FuzzDecodeFault(f *testing.F) {
	f.Add((&Fault{Kind: ErrRefused, Status: 7, Detail: "no", Fuel: 9, Log: []byte("x")}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeFault(b); err == nil && !bytes.Equal(v.Append(nil), b) {
			t.Fatal("not canonical")
		}
	})
}

func TestFaultSurvivesTransport(t *testing.T) {
	for _, kind := range []error{ErrTrap, ErrFuel, ErrMemory, ErrDeadline, ErrABI, ErrRefused, ErrManifest} {
		f := &Fault{Kind: kind, ID: ID{1}, Op: abi.OpScore, Status: 3, Detail: "why", Fuel: 12, Log: []byte("log")}
		got, err := DecodeFault(f.Append(nil))
		if err != nil || !reflect.DeepEqual(got, f) || !errors.Is(got, kind) || !IsGuest(got) {
			t.Errorf("%v: %+v %v", kind, got, err)
		}
	}
}
