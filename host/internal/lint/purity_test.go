package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// impureImports are what the ledger's rules may not import, with what is under
// them, and what to do instead.
var impureImports = map[string]string{
	"sync":         "the rules run in one goroutine; lock in the caller",
	"context":      "Apply runs to its end; let the caller decide whether to call it",
	"time":         "time is the block's time, in milliseconds",
	"math/rand":    "derive what is random from the block by a named function",
	"crypto/rand":  "derive what is random from the block by a named function",
	"log":          "return an event or an error",
	"os":           "take bytes as arguments",
	"net":          "take bytes as arguments",
	"io/fs":        "take bytes as arguments",
	"syscall":      "take bytes as arguments",
	"runtime":      "results may not depend on the machine",
	"unsafe":       "results may not depend on the machine",
	"hash/maphash": "its seed differs between processes",
}

// pureLedger reports whether a package holds rules of the chain.
func pureLedger(path string) bool {
	p := strings.TrimPrefix(path, module+"/")
	return under(p, "ledger") && !under(p, "ledger/store") && !under(p, "ledger/chain")
}

// impure lists what makes the results of a package depend on anything but its
// arguments.
func impure(p *packages.Package) []string {
	var out []string
	for _, f := range p.Syntax {
		c := &purity{p: p, sorted: map[int]bool{}}
		for _, g := range f.Comments {
			for _, l := range g.List {
				if strings.Contains(strings.ToLower(l.Text), "sorted") {
					c.sorted[p.Fset.Position(l.Pos()).Line] = true
				}
			}
		}
		for _, s := range f.Imports {
			path, _ := strconv.Unquote(s.Path.Value)
			for bad, instead := range impureImports {
				if under(path, bad) {
					c.say(s.Pos(), "imports %s: %s", path, instead)
				}
			}
		}
		ast.Inspect(f, c.visit)
		out = append(out, c.found...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type purity struct {
	p      *packages.Package
	sorted map[int]bool // lines with a comment that says so
	found  []string
}

func (c *purity) say(pos token.Pos, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s: ", c.p.Fset.Position(pos))+fmt.Sprintf(format, args...))
}

func (c *purity) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.say(n.Pos(), "starts a goroutine: the rules run in one")
	case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
		c.say(n.Pos(), "uses a channel: the rules run in one goroutine")
	case *ast.RangeStmt:
		t := c.p.TypesInfo.TypeOf(n.X)
		if isMap(t) && !c.sorted[c.p.Fset.Position(n.Pos()).Line] {
			c.say(n.Pos(), "ranges over a map in no order: walk sorted keys, or collect and sort and say so in a comment on the line (\"sorted below\")")
		}
	case *ast.CallExpr:
		c.call(n)
	}
	if e, ok := n.(ast.Expr); ok {
		if tv, ok := c.p.TypesInfo.Types[e]; ok && inexact(tv.Type) {
			c.say(e.Pos(), "has the type %s: use integers or the fixed-point numbers of ledger/unit", tv.Type)
		}
	}
	return true
}

// call refuses the iterators over maps of the standard library, unless they are
// sorted at once.
func (c *purity) call(n *ast.CallExpr) {
	if fn := c.callee(n); fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "slices" && strings.HasPrefix(fn.Name(), "Sorted") && len(n.Args) > 0 {
		if inner, ok := n.Args[0].(*ast.CallExpr); ok {
			c.sorted[c.p.Fset.Position(inner.Pos()).Line] = true
		}
	}
	fn := c.callee(n)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "maps" || c.sorted[c.p.Fset.Position(n.Pos()).Line] {
		return
	}
	switch fn.Name() {
	case "Keys", "Values", "All":
		c.say(n.Pos(), "walks a map in no order: use slices.Sorted(maps.Keys(m))")
	}
}

func (c *purity) callee(n *ast.CallExpr) *types.Func {
	s, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	fn, _ := c.p.TypesInfo.Uses[s.Sel].(*types.Func)
	return fn
}

// isMap reports whether ranging over t is ranging over a map.
func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := types.Unalias(t).(*types.TypeParam); ok {
		constraint, _ := p.Constraint().Underlying().(*types.Interface)
		for e := range constraint.EmbeddedTypes() {
			if u, ok := e.(*types.Union); ok {
				for term := range u.Terms() {
					if isMap(term.Type()) {
						return true
					}
				}
			} else if isMap(e) {
				return true
			}
		}
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// inexact reports whether t is a floating-point or complex type, or an untyped
// constant of one.
func inexact(t types.Type) bool {
	if t == nil {
		return false
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0
}

func TestTheLedgerIsPure(t *testing.T) {
	n := 0
	for _, p := range typed(t) {
		if !pureLedger(p.PkgPath) {
			continue
		}
		n++
		for _, s := range impure(p) {
			t.Error(s)
		}
	}
	if n < 5 {
		t.Errorf("only %d packages of rules were looked at", n)
	}
}

func TestImpurityIsFound(t *testing.T) {
	p := testdata(t, "impure")
	got := impure(p)
	want := map[int]bool{} // lines that the source itself marks as bad
	for _, f := range p.Syntax {
		for _, g := range f.Comments {
			for _, l := range g.List {
				if strings.HasSuffix(l.Text, "bad") {
					want[p.Fset.Position(l.Pos()).Line] = true
				}
			}
		}
	}
	if len(want) < 15 {
		t.Fatalf("testdata/impure marks only %d lines", len(want))
	}
	found := map[int]bool{}
	for _, g := range got {
		_, rest, _ := strings.Cut(g, "impure.go:")
		line, _, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(line)
		if err != nil {
			t.Fatalf("no line in %q", g)
		}
		found[n] = true
		if !want[n] {
			t.Errorf("this is allowed: %s", g)
		}
	}
	for n := range want {
		if !found[n] {
			t.Errorf("impure.go:%d was not found", n)
		}
	}
}
