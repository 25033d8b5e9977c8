// Package order holds the statistical test that the models of a subnet share:
// whether summed scores put them into the right order for every seed.
//
// It is for tests alone; no module imports it.
package order

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// Played are the scores of a subnet's models on real tasks, by the model's name, as
// parts of one. Each model has played the same tasks.
type Played map[string][]float64

// Add adds one task's scores, in the order of names.
func (p Played) Add(names []string, scores abi.Scores) {
	for i, name := range names {
		p[name] = append(p[name], float64(scores[i])/float64(abi.One))
	}
}

// Claim is what a subnet's README states of its models.
type Claim struct {
	// Expected is each model's score; what was played may be 0.02 off.
	Expected map[string]float64
	// Above are pairs of models, the first of which must win against the second, by
	// Margin of a score per task.
	Above  [][2]string
	Margin float64
	// Few is the number of tasks after which a network looks at the order.
	Few int
}

// Check deals, for each of 100 seeds, 64 of the tasks that were played to each model,
// other ones than to the others, as a network does. Every seed must give the order of
// the claim, after 64 tasks and already after few.
func (c Claim) Check(t *testing.T, played Played) {
	t.Helper()
	const tasks, seeds = 64, 100
	names := slices.Sorted(maps.Keys(played))
	if len(names) != len(c.Expected) {
		t.Fatalf("%d models played, %d are expected", len(names), len(c.Expected))
	}
	for _, name := range names {
		var mean, square float64
		for _, s := range played[name] {
			mean += s / float64(len(played[name]))
			square += s * s / float64(len(played[name]))
		}
		t.Logf("%-10s mean %.4f, deviation of one task %.4f", name, mean, math.Sqrt(max(0, square-mean*mean)))
		if want, ok := c.Expected[name]; !ok || math.Abs(mean-want) > 0.02 {
			t.Errorf("%s scores %.3f, the README says %.2f", name, mean, want)
		}
	}
	closest := map[int]float64{c.Few: 1, tasks: 1}
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		sums := map[string]float64{}
		for n := 1; n <= tasks; n++ {
			for _, name := range names {
				sums[name] += played[name][r.IntN(len(played[name]))]
			}
			if n != c.Few && n != tasks {
				continue
			}
			for _, p := range c.Above {
				gap := (sums[p[0]] - sums[p[1]]) / float64(n)
				closest[n] = min(closest[n], gap)
				if gap < c.Margin {
					t.Errorf("seed %d after %d tasks: %s over %s by %.3f a task", seed, n, p[0], p[1], gap)
				}
			}
		}
	}
	t.Logf("smallest gap: %.3f after %d tasks, %.3f after %d", closest[c.Few], c.Few, closest[tasks], tasks)
}
