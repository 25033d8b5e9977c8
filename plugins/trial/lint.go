package trial

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// Warning is a property that a fair scoring has and the module's has not.
type Warning struct {
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
}

// Lint looks for what makes a subnet easy to game. Order, equality and copies are
// certain where they are found; a module without warnings can still be unfair.
func Lint(ctx context.Context, m plugins.Caller, opt Options) ([]Warning, error) {
	g, err := newGame(ctx, m, opt)
	if err != nil {
		return nil, err
	}
	var found []Warning
	warn := func(rule, format string, args ...any) {
		if !slices.ContainsFunc(found, func(w Warning) bool { return w.Rule == rule }) {
			found = append(found, Warning{rule, fmt.Sprintf(format, args...)})
		}
	}
	var before []byte
	seen := map[string]uint64{}
	for i := range g.opt.Tasks {
		seed := g.opt.Seed + uint64(i)
		task, reply, err := g.draw(seed)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		if other, ok := seen[string(reply)]; ok {
			warn("fresh tasks", "seeds %d and %d draw the same task: answers can be kept", other, seed)
		}
		seen[string(reply)] = seed
		if len(task.Private) > 0 && bytes.Contains(task.Public, task.Private) {
			warn("hidden truth", "seed %d: the private part stands in the public one", seed)
		}
		solved, err := g.solve(&task, seed)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		names, payloads := g.field(&task, solved, before, seed)
		if err := g.order(&task, names, payloads, seed, warn); err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		before = solved
		if g.opt.Progress != nil {
			g.opt.Progress(i+1, g.opt.Tasks)
		}
	}
	report, err := Play(ctx, m, opt)
	if err != nil {
		return nil, err
	}
	g.pay(report, warn)
	return found, g.worst(warn)
}

// order scores the field in its own order and in others, alone, and with copies.
func (g *game) order(t *abi.Task, names []string, payloads [][]byte, seed uint64, warn func(rule, format string, args ...any)) error {
	base, err := g.score(t, payloads)
	if err != nil {
		return err
	}
	rnd := rand.New(rand.NewChaCha8(Beta(seed)))
	for range 2 {
		got, err := g.scoreIn(t, payloads, rnd.Perm(len(payloads)))
		if err != nil {
			return err
		}
		for i := range got {
			if got[i] != base[i] {
				warn("order", "seed %d: %s scores %s or %s with the order of the answers", seed, names[i], Decimal(base[i]), Decimal(got[i]))
			}
		}
	}
	for i := range payloads {
		for j := range payloads[:i] {
			if bytes.Equal(payloads[i], payloads[j]) && base[i] != base[j] {
				warn("equality", "seed %d: the same answer of %s and %s scores %s and %s", seed, names[j], names[i], Decimal(base[j]), Decimal(base[i]))
			}
		}
	}
	best := 0
	for i := range base {
		if base[i] > base[best] {
			best = i
		}
	}
	if !g.m.Manifest().Keep || base[best] == 0 {
		return nil // the host divides the score of equal answers
	}
	copies := append(slices.Clone(payloads), payloads[best], payloads[best], payloads[best])
	got, err := g.score(t, copies)
	if err != nil {
		return err
	}
	if got[best] >= base[best] {
		warn("copies", "the manifest lets equal answers keep their score, and three copies of %s's at seed %d earn as much each as it did alone: a miner with four uids earns fourfold", names[best], seed)
	}
	return nil
}

// pay warns of adversaries that earn what a model would.
func (g *game) pay(r *Report, warn func(rule, format string, args ...any)) {
	var honest uint64
	for _, x := range r.Results {
		if x.Player == "solver" {
			honest = x.Mean
		}
	}
	if honest == 0 {
		for _, x := range r.Results {
			if x.Player == "leak" {
				honest = x.Mean
			}
		}
	}
	for _, x := range r.Results {
		switch x.Player {
		case "solver", "leak", "copy":
			continue
		}
		if honest > 0 && x.Mean > honest/2 {
			warn("cheap answers: "+x.Player, "%s scores %s in the mean, more than half of the %s that an honest answer does", x.What, Decimal(x.Mean), Decimal(honest))
		}
	}
}

// worst scores the fullest round that a node would: 64 answers of the greatest
// length.
func (g *game) worst(warn func(rule, format string, args ...any)) error {
	man := g.m.Manifest()
	task, _, err := g.draw(g.opt.Seed)
	if err != nil {
		return err
	}
	rnd := rand.New(rand.NewChaCha8([32]byte{'w'}))
	n := int(min(64, max(1, 4<<20/max(man.Answer, 1)))) // a round holds 4 MiB of answers
	payloads := make([][]byte, n)
	for i := range payloads {
		payloads[i] = make([]byte, man.Answer)
		for k := range payloads[i] {
			payloads[i][k] = 'a' + byte(rnd.UintN(26))
		}
	}
	before := len(g.fuel[abi.OpScore])
	if _, err := g.score(&task, payloads); err != nil {
		warn("worst case", "a round of %d answers of %d bytes: %v", n, man.Answer, err)
		return nil
	}
	if f := g.fuel[abi.OpScore][before]; f > man.Fuel/2 {
		warn("worst case", "scoring %d answers of %d bytes takes %d of the %d fuel that the manifest asks for", n, man.Answer, f, man.Fuel)
	}
	return nil
}
