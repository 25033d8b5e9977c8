package lint

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the import path of the project's root.
const module = "github.com/plexus-network/plexus"

// goFile is one Go file of the project, parsed whatever its build tags say.
type goFile struct {
	path   string // slash-separated, from the root
	src    []byte
	syntax *ast.File
}

// dir is the folder of the file from the root, which is its package's path
// within the module.
func (f *goFile) dir() string { return path.Dir(f.path) }

func (f *goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// imports are the paths that the file imports.
func (f *goFile) imports() []string {
	var out []string
	for _, s := range f.syntax.Imports {
		if p, err := strconv.Unquote(s.Path.Value); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// tree is the project's source.
type tree struct {
	root  string
	fset  *token.FileSet
	paths []string  // every file, from the root
	files []*goFile // Go files outside testdata
}

var loadTree = sync.OnceValues(readTree)

// source is the project's source, read once for all tests.
func source(t *testing.T) *tree {
	t.Helper()
	tr, err := loadTree()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func readTree() (*tree, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	tr := &tree{root: root, fset: token.NewFileSet()}
	if tr.paths, err = listFiles(root); err != nil {
		return nil, err
	}
	for _, p := range tr.paths {
		if !strings.HasSuffix(p, ".go") || strings.Contains(p, "testdata/") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			return nil, err
		}
		syntax, err := parser.ParseFile(tr.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		tr.files = append(tr.files, &goFile{path: p, src: src, syntax: syntax})
	}
	return tr, nil
}

// listFiles asks git for what is committed or about to be, so that a file it
// ignores breaks no rule. Outside a clone it walks the folders.
func listFiles(root string) ([]string, error) {
	c := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	c.Dir = root
	if out, err := c.Output(); err == nil {
		var list []string
		for _, p := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
			if s, err := os.Stat(filepath.Join(root, p)); err == nil && s.Mode().IsRegular() { // a deleted file is still in the index
				list = append(list, p)
			}
		}
		if len(list) > 0 {
			return list, nil
		}
	}
	var list []string
	err := fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == ".git" {
			return fs.SkipDir
		}
		if err == nil && d.Type().IsRegular() {
			list = append(list, p)
		}
		return err
	})
	return list, err
}

// texts calls fn with every file of the project that is text.
func (tr *tree) texts(t *testing.T, fn func(name string, data []byte)) {
	t.Helper()
	for _, p := range tr.paths {
		data, err := os.ReadFile(filepath.Join(tr.root, p))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.ContainsRune(data, 0) {
			fn(p, data)
		}
	}
}

// parse makes a goFile of source that a test brings along.
func parse(t *testing.T, name, src string) *goFile {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &goFile{path: name, src: []byte(src), syntax: f}
}

func TestTheTreeIsThere(t *testing.T) {
	tr := source(t)
	if len(tr.files) < 100 {
		t.Fatalf("only %d Go files found under %s: the other rules would look at too little", len(tr.files), tr.root)
	}
}
