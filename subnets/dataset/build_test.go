package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// all are the slices of an open set.
func all(t *testing.T, s *Set) (out []string) {
	t.Helper()
	for i := range uint64(s.Len()) {
		b, proof, err := s.Slice(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(s.Named(), i, b, proof); err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		s       Source
		want    []string
		records int
	}{
		"lines":                 {"one\ntwo\nthree\n", Source{Format: Lines}, []string{"one", "two", "three"}, 3},
		"no line feed at last":  {"one\ntwo", Source{Format: Lines}, []string{"one", "two"}, 2},
		"other line ends":       {"\ufeffone\r\ntwo\r\n", Source{Format: Lines}, []string{"one", "two"}, 2},
		"empty lines left out":  {"\none\n \n\ntwo\n\n", Source{Format: Lines, Blank: true}, []string{"one", "two"}, 2},
		"as many as fit":        {"a\nbb\nccc\ndddd\n", Source{Format: Lines, Slice: 6}, []string{"a\nbb", "ccc", "dddd"}, 4},
		"exactly as many":       {"aa\nbb\ncc\ndd\n", Source{Format: Lines, Slice: 5}, []string{"aa\nbb", "cc\ndd"}, 4},
		"one that fills":        {"aaaaa\nb\n", Source{Format: Lines, Slice: 5}, []string{"aaaaa", "b"}, 2},
		"rows":                  {"dog\tperro\ncat\tgato\n", Source{Format: TSV}, []string{"dog\tperro", "cat\tgato"}, 2},
		"rows under a header":   {"en\tes\ndog\tperro\n", Source{Format: TSV, Header: true}, []string{"dog\tperro"}, 1},
		"an empty column":       {"dog\t\n\tgato\n", Source{Format: TSV, Columns: 2}, []string{"dog\t", "\tgato"}, 2},
		"commas":                {"a,\"b, c\"\n\"d\"\"\",e\n", Source{Format: CSV}, []string{"a\tb, c", "d\"\te"}, 2},
		"commas under a header": {"\ufeffx,y\n1,2\n", Source{Format: CSV, Header: true}, []string{"1\t2"}, 1},
		"raw":                   {"abcdefgh", Source{Format: Raw, Slice: 3}, []string{"abc", "def"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var told int64
			c.s.Progress = func(done int64) { told = done }
			s, n, err := Read(strings.NewReader(c.text), c.s)
			if err != nil {
				t.Fatal(err)
			}
			if got := all(t, s); !slices.Equal(got, c.want) || n != c.records {
				t.Errorf("%q of %d records, want %q of %d", got, n, c.want, c.records)
			}
			if told != int64(len(c.text)) {
				t.Errorf("told of %d bytes of %d", told, len(c.text))
			}
			again, err := Decode(s.Encode(nil))
			if err != nil || !again.Is(s.Named()) || again.Format() != c.s.Format || !slices.Equal(all(t, again), c.want) {
				t.Errorf("its file: %v", err)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxSlice+1)
	for name, c := range map[string]struct {
		text string
		s    Source
		want error
		say  string
	}{
		"an empty file":         {"", Source{Format: Lines}, ErrEmpty, ""},
		"an empty raw file":     {"", Source{Format: Raw, Slice: 4}, ErrEmpty, ""},
		"a header alone":        {"a\tb\n", Source{Format: TSV, Header: true}, ErrEmpty, ""},
		"empty lines alone":     {"\n\n", Source{Format: Lines, Blank: true}, ErrEmpty, ""},
		"an empty line":         {"a\n\nb\n", Source{Format: Lines}, ErrBlank, "line 2:"},
		"a huge line":           {"a\n" + long + "\n", Source{Format: Lines}, ErrLong, "line 2:"},
		"a huge last line":      {"a\n" + long, Source{Format: Lines}, ErrLong, "line 2:"},
		"a line that won't fit": {"a\nbbbb\n", Source{Format: Lines, Slice: 3}, ErrLong, "line 2: dataset: longer than a slice: 4 bytes, a slice has 3"},
		"not UTF-8":             {"a\nb\nc\xff\n", Source{Format: Lines}, ErrUTF8, "line 3: dataset: not UTF-8: byte 2"},
		"a column too few":      {"a\tb\nc\n", Source{Format: TSV}, ErrColumns, "line 2: dataset: wrong number of columns: 1, want 2"},
		"a column too many":     {"a\tb\n", Source{Format: TSV, Columns: 1}, ErrColumns, "line 1:"},
		"no tabs at all":        {"a b\n", Source{Format: TSV, Columns: 2}, ErrColumns, "line 1:"},
		"a comma too few":       {"a,b\nc,d\n\"x\ny\"\n", Source{Format: CSV}, ErrColumns, "line 3:"},
		"a break in a column":   {"a,b\nc,\"x\ny\"\n", Source{Format: CSV}, ErrBreak, "line 2:"},
		"a tab in a column":     {"a,b\nc,\"x\ty\"\n", Source{Format: CSV}, ErrBreak, "column 2"},
		"an open quote":         {"a,b\n\"c,d\n", Source{Format: CSV}, ErrCSV, "line 2"},
		"commas, not UTF-8":     {"a,\xff\n", Source{Format: CSV}, ErrUTF8, "line 1: dataset: not UTF-8: column 2"},
		"empty columns":         {",\n", Source{Format: CSV}, ErrBlank, "line 1:"},
		"shorter than a slice":  {"abc", Source{Format: Raw, Slice: 4}, ErrTooShort, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, err := Read(strings.NewReader(c.text), c.s)
			if !errors.Is(err, c.want) || s != nil {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.say) {
				t.Errorf("%q does not say %q", err, c.say)
			}
		})
	}
	file := filepath.Join(t.TempDir(), "x.txt")
	if err := os.WriteFile(file, []byte("a\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadFile(file, Source{Format: Lines}); !errors.Is(err, ErrBlank) || !strings.HasPrefix(err.Error(), file+": line 2: ") {
		t.Errorf("the error of a file: %v", err)
	}
	for _, n := range []int{-1, MaxSlice + 1} {
		if _, _, err := ReadFile(file, Source{Format: Lines, Slice: n}); err == nil {
			t.Errorf("slices of %d bytes", n)
		}
	}
}

func TestReadFolder(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := ReadFile(dir, Source{Format: Files}); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty folder: %v", err)
	}
	put("b/two.wav", "22")
	put("a.wav", "\x00\xff\n1")
	put(".hidden", "x")
	put(".git/x", "x")
	s, n, err := ReadFile(dir, Source{Format: Files})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := all(t, s), []string{"a.wav\n\x00\xff\n1", "b/two.wav\n22"}; n != 2 || !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if _, _, err := ReadFile(dir, Source{Format: Files, Slice: 9}); !errors.Is(err, ErrLong) || !strings.Contains(err.Error(), "a.wav") {
		t.Errorf("a file that is too long: %v", err)
	}
	if _, _, err := ReadFile(filepath.Join(dir, "a.wav"), Source{Format: Files}); err == nil {
		t.Error("a file was taken for a folder")
	}
	put("c", "")
	if _, _, err := ReadFile(dir, Source{Format: Files}); !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), filepath.Join(dir, "c")) {
		t.Errorf("an empty file: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("a\tb\nc\td\n"), uint8(TSV), 0, 0, false)
	f.Add([]byte("a,\"b\n\"\n"), uint8(CSV), 9, 2, true)
	f.Add([]byte("\ufeffone\r\n\ntwo"), uint8(Lines), 3, 0, true)
	f.Fuzz(func(t *testing.T, b []byte, format uint8, slice, columns int, flag bool) {
		if slice < 0 || slice > 1000 || format >= uint8(Files) {
			return
		}
		s, n, err := Read(strings.NewReader(string(b)), Source{Format: Format(format), Slice: slice, Columns: columns, Header: flag, Blank: flag})
		if err != nil {
			return
		}
		if n < s.Len() {
			t.Fatalf("%d records in %d slices", n, s.Len())
		}
		again, err := Decode(s.Encode(nil))
		if err != nil || !again.Is(s.Named()) {
			t.Fatalf("its file does not decode to it: %v", err)
		}
		for i := range uint64(s.Len()) {
			d, proof, err := again.Slice(i)
			if err != nil || Verify(s.Named(), i, d, proof) != nil {
				t.Fatal(fmt.Errorf("slice %d: %v", i, err))
			}
			if format != uint8(Raw) && slice > 0 && len(d) > slice {
				t.Fatalf("slice %d has %d bytes of %d", i, len(d), slice)
			}
		}
	})
}
