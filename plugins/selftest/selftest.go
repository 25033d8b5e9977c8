package selftest

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

//go:embed golden.txt
var golden string

// engines are both ways of running a module.
var engines = []struct {
	name        string
	interpreter bool
}{{"compiler", false}, {"interpreter", true}}

// Failure is a vector that gave another outcome than it has to.
type Failure struct {
	Vector string `json:"vector"`
	Engine string `json:"engine"`
	Want   string `json:"want"` // fuel, and the kind of the fault or the reply's digest
	Got    string `json:"got"`
}

// Report is what Run found.
type Report struct {
	Vectors  int           `json:"vectors"`
	Cases    int           `json:"cases"` // single operands, traps and programs within the vectors
	Fuel     uint64        `json:"fuel"`  // used by all vectors on one engine
	Took     time.Duration `json:"took"`
	Failures []Failure     `json:"failures"`
}

// OK reports whether all is as it has to be.
func (r *Report) OK() bool { return len(r.Failures) == 0 && r.Vectors > 0 }

// vectorOf is a module and how many cases it tries.
type vectorOf struct {
	name  string
	code  []byte
	cases int
}

func all() (l []vectorOf) {
	for _, n := range numerics() {
		code, cases := n.table()
		l = append(l, vectorOf{"instruction " + n.name, code, cases})
	}
	for _, c := range controls() {
		l = append(l, vectorOf{c.name, c.code, 1})
	}
	return l
}

// Run runs all vectors in both engines. It fails only when that is not possible;
// what came out otherwise than it has to is in the report.
func Run(ctx context.Context) (*Report, error) {
	start := time.Now()
	want := map[string]string{}
	for line := range strings.Lines(golden) {
		name, outcome, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok {
			want[name] = outcome
		}
	}
	vectors := all()
	found := make([][]Failure, len(engines))
	fuel := make([]uint64, len(engines))
	var g errgroup.Group
	for i, e := range engines {
		g.Go(func() error {
			engine, err := wasm.NewEngine(wasm.Config{Interpreter: e.interpreter})
			if err != nil {
				return err
			}
			for _, v := range vectors {
				got, used, err := outcome(ctx, engine, v.code)
				if err != nil {
					return fmt.Errorf("selftest: %s in the %s: %w", v.name, e.name, err)
				}
				if got != want[v.name] {
					found[i] = append(found[i], Failure{v.name, e.name, want[v.name], got})
				}
				fuel[i] += used
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	r := &Report{Vectors: len(vectors), Fuel: fuel[0], Failures: slices.Concat([]Failure{}, slices.Concat(found...))}
	for _, v := range vectors {
		r.Cases += v.cases
	}
	r.Took = time.Since(start)
	return r, nil
}

// outcome runs a module once and says what all nodes have to see of it.
func outcome(ctx context.Context, engine *wasm.Engine, code []byte) (string, uint64, error) {
	m, err := engine.Load(ctx, module(code))
	if err != nil {
		return "", 0, err
	}
	defer m.Close(context.WithoutCancel(ctx))
	reply, err := m.Call(ctx, abi.OpSolve, nil, [32]byte{})
	var f *plugins.Fault
	switch {
	case errors.As(err, &f):
		return fmt.Sprintf("fuel %d, %v: %s", f.Fuel, f.Kind, f.Detail), f.Fuel, nil
	case err != nil:
		return "", 0, err
	}
	return fmt.Sprintf("fuel %d, reply %x", reply.Fuel, sha256.Sum256(reply.Body)), reply.Fuel, nil
}
