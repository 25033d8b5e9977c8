package dataset

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/ledger"
)

func records(t testing.TB, text string, slice int) *Set {
	t.Helper()
	s, _, err := Read(strings.NewReader(text), Source{Format: Lines, Slice: slice})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The bytes of a set's file, and its root, are what chains and folders hold.
func TestFileGolden(t *testing.T) {
	s := records(t, "one\ntwo\nthree\n", 7)
	const want = "504c584441544101" + "00000005" + "8401010207" + "00000007" + "00000005" + "6f6e650a74776f" + "7468726565"
	if got := hex.EncodeToString(s.Encode(nil)); got != want {
		t.Errorf("file %s, want %s", got, want)
	}
	n := s.Named()
	if got, want := hex.EncodeToString(n.Root[:]), "e15c3bf51a327507b42ae85b8352ef1a6cb1b3873b720d6e646b7ad117ad876e"; got != want || n.Slices != 2 || n.Slice != 7 {
		t.Errorf("named %s, want %s; %+v", got, want, n)
	}
	raw, err := New([]byte("abcdefg"), 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(raw.Encode(nil)); got != "504c584441544101"+"00000005"+"8401000203"+"616263646566" {
		t.Errorf("raw file %s", got)
	}
	n = raw.Named()
	if got, want := hex.EncodeToString(n.Root[:]), "2ff6bc2bc846c2541a236a7b02d94dac75f24860fdbba5aaaf4b55a3d660e688"; got != want {
		t.Errorf("raw root %s, want %s", got, want)
	}
}

func TestOpenKinds(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, b []byte) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := Save(p, b); err != nil {
			t.Fatal(err)
		}
		return p
	}
	rec := records(t, "one\ntwo\nthree\n", 0)
	raw, err := New([]byte("abcdefg"), 3)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file  string
		named ledger.DataSet
		want  error
	}{
		"records":                      {save("rec", rec.Encode(nil)), rec.Named(), nil},
		"raw in a file of ours":        {save("raw", raw.Encode(nil)), raw.Named(), nil},
		"raw as it is":                 {save("plain", []byte("abcdefgh")), raw.Named(), nil},
		"records for raw":              {filepath.Join(dir, "rec"), raw.Named(), ErrRoot},
		"raw for records":              {filepath.Join(dir, "plain"), rec.Named(), ErrRoot},
		"cut":                          {save("cut", rec.Encode(nil)[:30]), rec.Named(), ErrFormat},
		"magic alone":                  {save("magic", []byte(magic)), rec.Named(), ErrFormat},
		"magic of a sealed one, alone": {save("sealed", []byte(sealedMagic)), rec.Named(), ErrFormat},
	} {
		s, err := Open(c.file, c.named)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) || err == nil && !s.Is(c.named) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if s, err := Load(filepath.Join(dir, "rec")); err != nil || !s.Is(rec.Named()) {
		t.Errorf("loaded: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "plain")); !errors.Is(err, ErrFormat) {
		t.Errorf("a file without a header: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A slice of one kind proves nothing about another.
func TestKindsDoNotMix(t *testing.T) {
	raw, err := New([]byte("oneTWO"), 3)
	if err != nil {
		t.Fatal(err)
	}
	rec := records(t, "one\nTWO\n", 0)
	if raw.Named().Root == rec.Named().Root {
		t.Error("the same slices have one root in both kinds")
	}
	b, proof, _ := raw.Slice(0)
	if err := Verify(rec.Named(), 0, b, proof); !errors.Is(err, ErrProof) {
		t.Errorf("%v", err)
	}
	n := rec.Named()
	b, proof, _ = rec.Slice(1)
	if err := Verify(n, 1, b, proof); err != nil {
		t.Error(err)
	}
	n.Slice = 2
	if err := Verify(n, 1, b, proof); !errors.Is(err, ErrProof) {
		t.Errorf("a slice above the set's own bound: %v", err)
	}
	if _, _, err := rec.Slice(2); err == nil {
		t.Error("a slice that is not there")
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := records(t, "one\ntwo\nthree\n", 0).Encode(nil)
	for i := range good {
		for _, x := range []byte{1, 0x80} {
			b := bytes.Clone(good)
			b[i] ^= x
			s, err := Decode(b)
			if err == nil && s.Named().Root == records(t, "one\ntwo\nthree\n", 0).Named().Root && s.Format() == Lines {
				t.Errorf("byte %d changed by %d: the same set", i, x)
			}
			if err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("byte %d changed by %d: %v", i, x, err)
			}
		}
	}
	for n := range good {
		if _, err := Decode(good[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	if _, err := Decode(append(bytes.Clone(good), 0)); !errors.Is(err, ErrFormat) {
		t.Errorf("longer: %v", err)
	}
}

func TestCheck(t *testing.T) {
	s := records(t, "one\ntwo\n", 0)
	b := s.Encode(nil)
	if err := Check(s.Named().Root)(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Error(err)
	}
	if err := Check([32]byte{1})(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrRoot) {
		t.Errorf("another root: %v", err)
	}
	b[len(b)-1] ^= 1
	if err := Check(s.Named().Root)(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrRoot) {
		t.Errorf("another bit: %v", err)
	}
	if err := Check(s.Named().Root)(bytes.NewReader(b), MaxFile+1); !errors.Is(err, ErrFormat) {
		t.Errorf("too large: %v", err)
	}
	if err := Check(s.Named().Root)(bytes.NewReader(nil), 0); !errors.Is(err, ErrFormat) {
		t.Errorf("nothing: %v", err)
	}
	if !os.IsNotExist(func() error { _, err := Load("nowhere"); return err }()) {
		t.Error("a file that is not there")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(records(f, "one\ntwo\nthree\n", 0).Encode(nil))
	f.Add(records(f, "one\ntwo\nthree\n", 8).Encode(nil))
	raw, _ := New([]byte("abcdefg"), 3)
	f.Add(raw.Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooShort) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(s.Encode(nil), b) {
			t.Fatal("it does not encode to what it was")
		}
	})
}
