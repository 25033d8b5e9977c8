package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	// maxLines of a source file that is not a test.
	maxLines = 700
	// minFuzz is how many fuzz targets there are at least: raise it when you add
	// one, and do not lower it without saying in the commit what became of the
	// decoder.
	minFuzz = 88
)

// Words are put together here, so that this file keeps its own rules.
var (
	openWork = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b(\(#\d+\))?`)
	// machinePath is a path that exists on one machine only: below a home, or one
	// of two roots that containers have.
	machinePath = regexp.MustCompile(`(^|[^\w.)/~-])/(wo` + `rk|ro` + `ot)/[.\w]|(^|[^\w.)/~-])/(ho` + `me|Us` + `ers)/\w`)
)

// attics are package names that say nothing, and so collect everything.
var attics = []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "shared"}

// unnumbered lists lines that put work off without the number of an issue.
func unnumbered(name string, data []byte) []string {
	var out []string
	for i, line := range strings.Split(string(data), "\n") {
		for _, m := range openWork.FindAllStringSubmatch(line, -1) {
			if m[2] == "" {
				out = append(out, fmt.Sprintf("%s:%d: %s without an issue: do it, or write %s(#NUMBER)", name, i+1, m[1], m[1]))
			}
		}
	}
	return out
}

// machinePaths lists lines that name a path of one machine.
func machinePaths(name string, data []byte) []string {
	var out []string
	for i, line := range strings.Split(string(data), "\n") {
		if m := machinePath.FindString(line); m != "" {
			out = append(out, fmt.Sprintf("%s:%d: %q is a path of one machine: make it relative, or take it from the caller", name, i+1, m))
		}
	}
	return out
}

func TestTextsPutNothingOff(t *testing.T) {
	source(t).texts(t, func(name string, data []byte) {
		if strings.Contains(name, "testdata/") || name == "go.sum" {
			return
		}
		for _, s := range append(unnumbered(name, data), machinePaths(name, data)...) {
			t.Error(s)
		}
	})
}

func TestTextsThatPutOffAreFound(t *testing.T) {
	word := "TO" + "DO"
	for text, want := range map[string]int{
		"// " + word + ": later":                   1,
		"// " + word + "(#12): later":              0,
		"// " + word + "(ann): later":              1,
		"a\n" + word + "\n" + "FIX" + "ME x":       2,
		"in context.TO" + "DO()":                   1,
		"the todo list of METHODOLOGY":             0,
		"open \"/wo" + "rk/main/x\"":               1,
		"in /ro" + "ot/.cache":                     1,
		"`/ho" + "me/ann/plexus`":                  1,
		"https://example.org/ho" + "me/ann":        0,
		"p2p/" + "wo" + "rk/x, ./ro" + "ot/x, /w/": 0,
	} {
		if got := len(unnumbered("x", []byte(text))) + len(machinePaths("x", []byte(text))); got != want {
			t.Errorf("%q: %d findings, want %d", text, got, want)
		}
	}
}

// undocumented lists the exported identifiers of a file that nothing explains.
func undocumented(f *goFile) []string {
	var out []string
	say := func(kind, name string) {
		out = append(out, fmt.Sprintf("%s: exported %s %s has no comment: say what it is, its unit and its bounds", f.path, kind, name))
	}
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc != nil || !d.Name.IsExported() {
				continue
			}
			if d.Recv == nil {
				say("function", d.Name.Name)
			} else if r := receiver(d.Recv.List[0].Type); ast.IsExported(r) && !obvious[d.Name.Name] {
				say("method", r+"."+d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						say("type", s.Name.Name)
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
							say(d.Tok.String(), n.Name)
						}
					}
				}
			}
		}
	}
	return out
}

// obvious methods do what their interface in the standard library says.
var obvious = map[string]bool{"Error": true, "Unwrap": true, "Is": true, "As": true, "String": true, "GoString": true, "Len": true, "Less": true, "Swap": true,
	"MarshalText": true, "UnmarshalText": true, "MarshalJSON": true, "UnmarshalJSON": true}

// receiver is the name of a receiver's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	}
	return ""
}

func TestEverythingExportedIsExplained(t *testing.T) {
	packages := map[string]bool{}
	for _, f := range source(t).files {
		if f.isTest() {
			continue
		}
		if ast.IsGenerated(f.syntax) { // explained where it was generated from
			continue
		}
		packages[f.dir()] = packages[f.dir()] || f.syntax.Doc != nil
		for _, s := range undocumented(f) {
			t.Error(s)
		}
	}
	for dir, ok := range packages {
		if !ok {
			t.Errorf("package %s has no comment: say in doc.go what it is, what it promises and what it never does", dir)
		}
	}
}

func TestTheUnexplainedIsFound(t *testing.T) {
	f := parse(t, "x.go", `package x

func F() {}

// G is explained.
func G() {}

type T struct{}

func (t *T) M() {}

func (T) String() string { return "" }

type L[E any] []E

func (L[E]) N() {}

type hidden struct{}

func (hidden) M() {}

// Sizes.
const (
	A = 1
	B = 2
)

var V, W int

var X int // explained
`)
	if got := undocumented(f); len(got) != 7 {
		t.Errorf("found %d, want F, T, T.M, L, L.N, V and W: %q", len(got), got)
	}
}

func TestFilesAreShapedWell(t *testing.T) {
	for _, f := range source(t).files {
		if n := bytes.Count(f.src, []byte("\n")); n > maxLines && !f.isTest() {
			t.Errorf("%s has %d lines, at most %d: move a noun to a file of its own", f.path, n, maxLines)
		}
		if want, err := format.Source(f.src); err != nil || !bytes.Equal(want, f.src) {
			t.Errorf("%s is not formatted: run gofmt -w %s", f.path, f.path)
		}
		if name := f.syntax.Name.Name; slices.Contains(attics, name) || slices.Contains(attics, path.Base(f.dir())) {
			t.Errorf("%s: package %s is named for nothing: name it for the noun it holds", f.path, name)
		}
	}
}

// fuzzTargets lists the fuzz targets of the given files.
func fuzzTargets(files []*goFile) []string {
	var out []string
	for _, f := range files {
		if !f.isTest() {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") && token.IsExported(fn.Name.Name) {
				out = append(out, f.dir()+"."+fn.Name.Name)
			}
		}
	}
	return out
}

func TestFuzzTargetsAreKept(t *testing.T) {
	got := fuzzTargets(source(t).files)
	t.Logf("%d fuzz targets: %s", len(got), strings.Join(got, " "))
	if len(got) < minFuzz {
		t.Errorf("%d fuzz targets, there were %d: every decoder of foreign bytes has one beside it", len(got), minFuzz)
	}
}

func TestFuzzTargetsAreCounted(t *testing.T) {
	src := "package x\n\nfunc FuzzA() {}\n\nfunc fuzzB() {}\n\ntype t int\n\nfunc (t) FuzzC() {}\n"
	if got := fuzzTargets([]*goFile{parse(t, "a/x_test.go", src), parse(t, "a/x.go", src)}); !slices.Equal(got, []string{"a.FuzzA"}) {
		t.Errorf("counted %q, want a.FuzzA alone", got)
	}
}
