package lint

import (
	"fmt"
	"go/token"
	"go/types"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/go/packages"
)

// hidden are the libraries whose types no exported signature of ours shows: each
// may be replaced one day by changing the package that wraps it and no other.
var hidden = []string{
	"github.com/cometbft/",
	"github.com/cockroachdb/pebble",
	"github.com/tetratelabs/wazero",
	"github.com/hashicorp/go-plugin",
	"github.com/knadh/koanf",
}

// typed are the project's packages, type-checked without their tests. What they
// import is read from the build cache.
var loadTyped = sync.OnceValues(func() ([]*packages.Package, error) {
	return packages.Load(&packages.Config{
		Dir:  "../../..",
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
	}, "./...")
})

// typed returns the packages whose files belong to the tree.
func typed(t *testing.T) []*packages.Package {
	t.Helper()
	all, err := loadTyped()
	if err != nil {
		t.Fatal(err)
	}
	dirs := map[string]bool{}
	for _, f := range source(t).files {
		dirs[f.dir()] = true
	}
	var out []*packages.Package
	for _, p := range all {
		if !dirs[strings.TrimPrefix(p.PkgPath, module+"/")] {
			continue
		}
		for _, e := range p.Errors {
			t.Fatalf("%s does not compile, so its rules cannot be checked: %v", p.PkgPath, e)
		}
		out = append(out, p)
	}
	if len(out) < 20 {
		t.Fatalf("only %d packages were loaded: the rules would look at too little", len(out))
	}
	return out
}

// shown lists where the exported surface of a package shows a type of one of
// the given libraries.
func shown(p *types.Package, fset *token.FileSet, libs []string) []string {
	w := &walker{fset: fset, libs: libs, seen: map[types.Type]bool{}}
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		w.where = o.Name()
		w.pos = o.Pos()
		tn, ok := o.(*types.TypeName)
		if !ok {
			w.walk(o.Type())
			continue
		}
		if a, ok := tn.Type().(*types.Alias); ok {
			w.walk(a.Rhs())
			continue
		}
		w.walk(tn.Type().Underlying())
		named, ok := tn.Type().(*types.Named)
		if !ok {
			continue
		}
		for i := range named.NumMethods() {
			if m := named.Method(i); m.Exported() {
				w.where, w.pos = o.Name()+"."+m.Name(), m.Pos()
				w.walk(m.Type())
			}
		}
	}
	return w.found
}

// walker goes through one type as a reader of the documentation sees it.
type walker struct {
	fset  *token.FileSet
	libs  []string
	where string
	pos   token.Pos
	seen  map[types.Type]bool // unnamed types on the way down
	found []string
}

func (w *walker) walk(t types.Type) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	defer delete(w.seen, t)
	switch t := t.(type) {
	case *types.Alias:
		w.object(t.Obj())
		w.walk(types.Unalias(t))
	case *types.Named:
		w.object(t.Obj())
		for i := range t.TypeArgs().Len() {
			w.walk(t.TypeArgs().At(i))
		}
	case *types.Pointer:
		w.walk(t.Elem())
	case *types.Slice:
		w.walk(t.Elem())
	case *types.Array:
		w.walk(t.Elem())
	case *types.Chan:
		w.walk(t.Elem())
	case *types.Map:
		w.walk(t.Key())
		w.walk(t.Elem())
	case *types.Signature:
		w.walk(t.Params())
		w.walk(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			w.walk(v.Type())
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				w.walk(f.Type())
			}
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			if m.Exported() {
				w.walk(m.Type())
			}
		}
		for e := range t.EmbeddedTypes() {
			w.walk(e)
		}
	case *types.Union:
		for term := range t.Terms() {
			w.walk(term.Type())
		}
	}
}

func (w *walker) object(o *types.TypeName) {
	if o.Pkg() == nil {
		return
	}
	for _, l := range w.libs {
		if strings.HasPrefix(o.Pkg().Path(), l) {
			w.found = append(w.found, fmt.Sprintf("%s: exported %s shows %s.%s: give it a type of our own, or unexport it",
				w.fset.Position(w.pos), w.where, o.Pkg().Path(), o.Name()))
		}
	}
}

func TestNoSignatureShowsALibrary(t *testing.T) {
	for _, p := range typed(t) {
		for _, s := range shown(p.Types, p.Fset, hidden) {
			t.Error(s)
		}
	}
}

func TestShownLibrariesAreFound(t *testing.T) {
	p := testdata(t, "surface")
	got := shown(p.Types, p.Fset, []string{"strings"})
	want := []string{"Var", "Inferred", "Func", "Alias", "Field", "Embedded", "Method.Show", "Iface", "Generic"}
	for _, name := range want {
		n := 0
		for _, g := range got {
			if strings.Contains(g, "exported "+name+" shows strings.Builder") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was found %d times, want once, in %q", name, n, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("found %d, want %d: %q", len(got), len(want), got)
	}
}

// testdata loads a package of testdata.
func testdata(t *testing.T, name string) *packages.Package {
	t.Helper()
	list, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
	}, "./testdata/"+name)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || len(list[0].Errors) > 0 {
		t.Fatalf("testdata/%s: %v", name, list[0].Errors)
	}
	return list[0]
}
