package trial

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sort"
)

// GoldenFile is where an author keeps the tasks and scores of a trial, relative
// to the guest's folder.
const GoldenFile = "testdata/golden.json"

// golden is the text form of a trial's rounds, made to be read in a diff.
type golden struct {
	Seed   uint64            `json:"seed"`
	Task   string            `json:"task"` // SHA-256
	Scores map[string]string `json:"scores"`
	Fuel   map[string]uint64 `json:"fuel"`
}

// Golden returns the text of a report's rounds, ending in a newline.
func Golden(r *Report) ([]byte, error) {
	list := make([]golden, len(r.Rounds))
	for i, round := range r.Rounds {
		list[i] = golden{round.Seed, hex.EncodeToString(round.Task[:]), map[string]string{}, round.Fuel}
		for name, s := range round.Scores {
			list[i].Scores[name] = Decimal(s)
		}
	}
	b, err := json.MarshalIndent(list, "", "  ") // sorts the maps' keys
	return append(b, '\n'), err
}

// Decimal is a score in Q32.32 with ten digits behind the point, which tell any
// two scores apart.
func Decimal(s uint64) string {
	digits, _ := bits.Mul64(s<<32, 1e10)
	return fmt.Sprintf("%d.%010d", s>>32, digits)
}

// ErrGolden is returned by Compare for the first difference.
var ErrGolden = errors.New("differs from the golden file")

// Compare holds a report against the golden file at path. The error names the
// first difference and is ErrGolden, os.ErrNotExist when there is no such file,
// or says why it cannot be read.
func Compare(r *Report, path string) error {
	was, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	now, err := Golden(r)
	if err != nil || bytes.Equal(was, now) {
		return err
	}
	var old, cur []golden
	if err := json.Unmarshal(was, &old); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := json.Unmarshal(now, &cur); err != nil {
		return err
	}
	if len(old) != len(cur) {
		return fmt.Errorf("%w: %d tasks, there %d", ErrGolden, len(cur), len(old))
	}
	for i, o := range old {
		if err := o.compare(cur[i]); err != nil {
			return fmt.Errorf("%w: seed %d: %w", ErrGolden, o.Seed, err)
		}
	}
	return fmt.Errorf("%w in its form alone: write it again", ErrGolden)
}

func (g golden) compare(now golden) error {
	if g.Seed != now.Seed || g.Task != now.Task {
		return fmt.Errorf("task %.16s, there %.16s", now.Task, g.Task)
	}
	names := map[string]bool{}
	for n := range g.Scores {
		names[n] = true
	}
	for n := range now.Scores {
		names[n] = true
	}
	sorted := make([]string, 0, len(names))
	for n := range names {
		sorted = append(sorted, n)
	}
	sort.Strings(sorted)
	for _, n := range sorted {
		if g.Scores[n] != now.Scores[n] {
			return fmt.Errorf("%s scores %s, there %s", n, now.Scores[n], g.Scores[n])
		}
	}
	for op, f := range g.Fuel {
		if now.Fuel[op] != f {
			return fmt.Errorf("%s takes %d fuel, there %d", op, now.Fuel[op], f)
		}
	}
	return nil
}
