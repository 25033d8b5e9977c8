package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// direction says what the packages under a folder may import of ours. The
// longest folder that fits a package decides; a package outside all of them
// breaks the rule. Entries are folders; "=x" is the package x alone.
var direction = []struct {
	folder string
	may    []string
	why    string
}{
	{"abi", []string{"abi"}, "host and guest share abi, so it may know neither"},
	{"sdk-wasm", []string{"sdk-wasm", "abi"}, "a guest library sees nothing but the contract"},
	{"plugins", []string{"plugins", "abi"}, "a module host knows no chain and no network"},
	{"ledger", []string{"=ledger", "ledger/emission", "ledger/key", "ledger/pool", "ledger/unit", "ledger/yuma", "abi/cbor"},
		"the rules know no store, no engine and no network; take a ledger.View"},
	{"ledger/proof", []string{"abi/cbor"}, "whoever holds a proof can verify it, with neither a store nor an engine"},
	{"ledger/proof/prooftest", []string{"ledger/proof"}, "a plain tree for tests knows no store"},
	{"ledger/store", []string{"ledger/store", "ledger/proof", "=ledger", "ledger/key", "ledger/unit", "abi/cbor"}, "the store keeps bytes, it holds no rules"},
	{"ledger/chain", []string{"ledger/chain", "=ledger", "ledger/proof", "ledger/store", "ledger/key", "ledger/unit", "abi/cbor"}, "the adapter to consensus holds no rules and opens no network of its own"},
	{"p2p", []string{"p2p", "abi/cbor"}, "p2p carries bytes and verdicts, and never looks inside"},
	{"subnets", []string{"subnets", "plugins", "p2p", "abi", "=ledger", "ledger/key", "ledger/proof", "ledger/unit"},
		"a subnet works with the ledger's values and views, never with its store or its engine"},
	{"examples", []string{"examples", "plugins", "sdk-wasm", "abi"}, "an example is what an outsider can write: it uses no node"},
	{".", nil, "the root only holds the sources that a new subnet begins with"},
	{"host", []string{"host", "examples", "subnets", "plugins", "p2p", "ledger", "sdk-wasm", "abi"}, ""},
}

// libraries are kept where they are wrapped.
var libraries = []struct {
	prefix  string
	folders []string // where non-test and test files may import it
	tests   []string // where test files may in addition
	instead string
}{
	{"github.com/tetratelabs/wazero", []string{"plugins/wasm"}, []string{"plugins/internal/meter"}, "call modules through plugins/wasm or plugins/worker"},
	{"github.com/hashicorp/go-plugin", []string{"plugins/internal/child", "plugins/engine"}, nil, "start children through plugins/engine or plugins/worker"},
	{"github.com/cometbft/", []string{"ledger/chain", "host"}, nil, "use ledger/chain"},
	{"github.com/cockroachdb/pebble", []string{"ledger/store", "host/internal/kv"}, nil, "declare the few methods you need and let host pass a store"},
	{"github.com/knadh/koanf", []string{"host"}, nil, "take a Config struct; host reads files"},
	{"github.com/libp2p/", []string{"p2p", "ledger/chain", "host"}, nil, "use p2p"},
	{"github.com/celestiaorg/smt", nil, []string{"ledger/store"}, "it is an oracle for tests"},
	{"github.com/cosmos/ics23", nil, []string{"ledger/store", "ledger/chain"}, "it is an oracle for tests"},
	{"pgregory.net/rapid", nil, []string{""}, "it is for tests"},
	{"go.uber.org/goleak", nil, []string{""}, "it is for tests"},
	{"github.com/stretchr/testify", nil, nil, "compare with == and say with t.Errorf what differs"},
}

// under reports whether the package is the folder or lies under it.
func under(pkg, folder string) bool {
	return folder == "" || pkg == folder || strings.HasPrefix(pkg, folder+"/")
}

// misplaced lists the imports of a file that break direction or libraries.
func misplaced(f *goFile) []string {
	var out []string
	pkg := f.dir()
	rule := -1
	for i, d := range direction {
		if under(pkg, d.folder) && (rule < 0 || len(d.folder) > len(direction[rule].folder)) {
			rule = i
		}
	}
	if rule < 0 {
		return []string{fmt.Sprintf("%s: package %s has no place in the map: put it under one of the top-level folders, or give it a rule in direction", f.path, pkg)}
	}
	d := direction[rule]
	for _, imp := range f.imports() {
		if ours, ok := strings.CutPrefix(imp, module+"/"); ok {
			allowed := slices.ContainsFunc(d.may, func(may string) bool {
				if one, ok := strings.CutPrefix(may, "="); ok {
					return ours == one
				}
				return under(ours, may)
			})
			// Only host may import host: no other list names it.
			if !allowed {
				out = append(out, fmt.Sprintf("%s imports %s, but %s may import only %s: %s", f.path, ours, d.folder, strings.Join(d.may, ", "), d.why))
			}
			continue
		}
		for _, l := range libraries {
			if !strings.HasPrefix(imp, l.prefix) {
				continue
			}
			in := func(folder string) bool { return under(pkg, folder) }
			if !slices.ContainsFunc(l.folders, in) && !(f.isTest() && slices.ContainsFunc(l.tests, in)) {
				out = append(out, fmt.Sprintf("%s imports %s: %s", f.path, imp, l.instead))
			}
		}
	}
	return out
}

func TestImportsPointTheRightWay(t *testing.T) {
	for _, f := range source(t).files {
		for _, m := range misplaced(f) {
			t.Error(m)
		}
	}
}

func TestWrongImportsAreFound(t *testing.T) {
	for _, c := range []struct {
		file, imp string
		bad       bool
	}{
		{"abi/x.go", module + "/abi/cbor", false},
		{"abi/x.go", module + "/ledger/unit", true},
		{"sdk-wasm/go/x.go", module + "/plugins", true},
		{"plugins/x.go", module + "/ledger", true},
		{"ledger/x.go", module + "/ledger/unit", false},
		{"ledger/x.go", module + "/ledger/store", true},
		{"ledger/x.go", module + "/p2p", true},
		{"ledger/x.go", module + "/abi", true},
		{"ledger/store/x.go", module + "/ledger", false},
		{"ledger/store/x.go", module + "/ledger/chain", true},
		{"p2p/x.go", module + "/ledger", true},
		{"subnets/round/x.go", module + "/ledger", false},
		{"subnets/round/x_test.go", module + "/ledger/store", true},
		{"subnets/round/x.go", module + "/host/keys", true},
		{"examples/x.go", module + "/ledger", true},
		{"host/x.go", module + "/ledger/chain", false},
		{"tools/x.go", "fmt", true},
		{"plugins/wasm/x.go", "github.com/tetratelabs/wazero/api", false},
		{"plugins/x.go", "github.com/tetratelabs/wazero", true},
		{"plugins/internal/meter/x_test.go", "github.com/tetratelabs/wazero", false},
		{"plugins/internal/meter/x.go", "github.com/tetratelabs/wazero", true},
		{"plugins/worker/x.go", "github.com/hashicorp/go-plugin", true},
		{"ledger/chain/x.go", "github.com/cometbft/cometbft/types", false},
		{"ledger/store/x.go", "github.com/cometbft/cometbft-db", true},
		{"host/internal/kv/x.go", "github.com/cockroachdb/pebble/v2", false},
		{"host/internal/node/x.go", "github.com/cockroachdb/pebble/v2", true},
		{"subnets/x.go", "github.com/knadh/koanf/v2", true},
		{"subnets/x.go", "github.com/libp2p/go-libp2p/core/peer", true},
		{"ledger/store/x.go", "github.com/celestiaorg/smt", true},
		{"ledger/store/x_test.go", "github.com/celestiaorg/smt", false},
		{"abi/x_test.go", "pgregory.net/rapid", false},
	} {
		f := parse(t, c.file, fmt.Sprintf("package x\n\nimport _ %q\n", c.imp))
		if got := misplaced(f); (len(got) > 0) != c.bad {
			t.Errorf("%s importing %s: found %q, want a finding: %v", c.file, c.imp, got, c.bad)
		}
	}
}
