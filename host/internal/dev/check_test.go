package dev

import (
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// TestOrderOfMiners: pairs are judged once both have had enough tasks, in scores
// and in earnings, and who is to earn nothing must not.
func TestOrderOfMiners(t *testing.T) {
	above := [][2]string{{"good", "bad"}}
	for name, c := range map[string]struct {
		good, bad MinerCheck
		needed    int
		nothing   []string
		decided   bool
		holds     bool
		failures  []string
	}{
		"in order":            {MinerCheck{Tasks: 8, sum: 6, Earned: 9}, MinerCheck{Tasks: 8, sum: 3, Earned: 2}, 8, nil, true, true, nil},
		"too few tasks":       {MinerCheck{Tasks: 8, sum: 1, Earned: 1}, MinerCheck{Tasks: 7, sum: 3, Earned: 2}, 8, nil, false, false, nil},
		"none at all":         {MinerCheck{}, MinerCheck{}, 0, nil, false, false, nil},
		"scores less":         {MinerCheck{Tasks: 8, sum: 2, Earned: 9}, MinerCheck{Tasks: 8, sum: 3, Earned: 2}, 8, nil, true, false, []string{"good scored"}},
		"scores the same":     {MinerCheck{Tasks: 8, sum: 3, Earned: 9}, MinerCheck{Tasks: 8, sum: 3, Earned: 2}, 8, nil, true, false, []string{"good scored"}},
		"earns less":          {MinerCheck{Tasks: 8, sum: 6, Earned: 2}, MinerCheck{Tasks: 8, sum: 3, Earned: 9}, 8, nil, true, false, []string{"good earned"}},
		"earned, and may not": {MinerCheck{Tasks: 8, sum: 6, Earned: 9}, MinerCheck{Tasks: 8, sum: 3, Earned: 2}, 8, []string{"bad"}, true, true, []string{"must not"}},
		"nobody of the name":  {MinerCheck{Tasks: 8, sum: 6, Earned: 9}, MinerCheck{Tasks: 8, sum: 3, Earned: 2}, 8, []string{"ugly"}, true, true, []string{"ugly"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.good.Name, c.bad.Name = "good", "bad"
			c.good.sum *= abi.One
			c.bad.sum *= abi.One
			var out Check
			sc := SubnetCheck{Name: "net", Needed: c.needed, Miners: []MinerCheck{c.good, c.bad}}
			out.order(above, c.nothing, &sc)
			if len(sc.Pairs) != 1 || sc.Pairs[0].Decided != c.decided || sc.Pairs[0].Holds != c.holds {
				t.Errorf("%+v", sc.Pairs)
			}
			if len(out.Failures) != len(c.failures) {
				t.Fatalf("failures %q, want %q", out.Failures, c.failures)
			}
			for i, f := range out.Failures {
				if !strings.Contains(f, c.failures[i]) {
					t.Errorf("failure %q, want %q", f, c.failures[i])
				}
			}
			var b strings.Builder
			out.Subnets = []SubnetCheck{sc}
			out.Table(&b)
			want := map[bool]string{true: map[bool]string{true: "holds", false: "FAILED"}[c.holds], false: "not yet decided"}[c.decided]
			if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "check passed") != (len(c.failures) == 0) {
				t.Errorf("no %q in\n%s", want, &b)
			}
		})
	}
	var out Check
	out.order([][2]string{{"good", "gone"}}, nil, &SubnetCheck{Miners: []MinerCheck{{Name: "good"}}})
	if len(out.Failures) != 1 || !strings.Contains(out.Failures[0], "gone") {
		t.Errorf("a pair of nobody: %q", out.Failures)
	}
}
