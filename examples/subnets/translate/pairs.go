//go:build !wasip1

package translate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MinPairs is the smallest number of pairs: the hidden half fills one task
	// without opening a slice twice, whatever their lengths.
	MinPairs = 2 * 2 * Slices
	// MaxFile is the largest file of pairs in bytes.
	MaxFile = 64 << 20
)

// Errors of a file of pairs, wrapped with its path and line.
var (
	ErrPairsMissing = errors.New("translate: pairs not found; name a file with a sentence, a tab and its translation on each line")
	ErrPairsEmpty   = errors.New("translate: file of pairs is empty")
	ErrPairsFew     = errors.New("translate: too few different pairs, want at least 24")
	ErrPairsLong    = errors.New("translate: file of pairs too long, want at most 64 MiB")
	ErrPairsUTF8    = errors.New("translate: not UTF-8 text")
	ErrPairsTab     = errors.New("translate: want a sentence, one tab and its translation")
	ErrPairsSide    = errors.New("translate: a side of the pair is empty, above 240 bytes or holds what an answer may not: control characters or the like")
)

// ReadPairs reads sentence pairs from a file, one a line: sentence, tab,
// translation; what follows a second tab is left out, as in the lists that
// translators' tools write. Empty lines are skipped, both sides brought to
// Unicode's form NFC with single spaces, and pairs whose sides are equal or that
// stood before are left out: an echo of the question should earn nothing.
func ReadPairs(path string) ([]Pair, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrPairsMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("translate: pairs: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("translate: pairs: %w", err)
	}
	pairs, err := ParsePairs(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pairs, nil
}

// ParsePairs is ReadPairs of a file's content.
func ParsePairs(b []byte) ([]Pair, error) {
	switch {
	case len(b) == 0:
		return nil, ErrPairsEmpty
	case len(b) > MaxFile:
		return nil, ErrPairsLong
	case !utf8.Valid(b):
		return nil, ErrPairsUTF8
	}
	var out []Pair
	seen := map[Pair]bool{}
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		source, rest, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("line %d: %w", n, ErrPairsTab)
		}
		target, _, _ := strings.Cut(rest, "\t")
		p := Pair{clean(source), clean(target)}
		if !p.valid() || CheckLine(p.Source) != nil || CheckLine(p.Target) != nil {
			return nil, fmt.Errorf("line %d: %w", n, ErrPairsSide)
		}
		if !seen[p] && !strings.EqualFold(p.Source, p.Target) {
			seen[p] = true
			out = append(out, p)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, ErrPairsSide)
	}
	if len(out) < MinPairs {
		return nil, ErrPairsFew
	}
	return out, nil
}

func clean(s string) string { return norm.NFC.String(strings.Join(strings.Fields(s), " ")) }

// Cut splits pairs in two halves: one to publish, as lines of source, tab,
// target, and one to keep, as data slices of SliceLen bytes. The pairs are
// shuffled first, always alike. made is the number of made-up sentences that go
// with each slice of a task, 0 to 4; real is how many of its pairs a task asks
// for, 1 to 4.
func Cut(pairs []Pair, real, made int) (hidden, public []byte, err error) {
	if real < 1 || real > maxDraw || made < 0 || made > maxDraw || len(pairs) < MinPairs {
		return nil, nil, ErrPairsFew
	}
	pairs = append([]Pair(nil), pairs...)
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	half := len(pairs) / 2
	for _, p := range pairs[:half] {
		public = append(public, p.Source+"\t"+p.Target+"\n"...)
	}
	var batch []Pair
	size := 2
	for i, p := range pairs[half:] {
		n := len(p.Source) + len(p.Target) + 2
		// A small set is spread over slices, so that a task has enough of them.
		if len(batch) > 0 && (size+n > SliceLen || len(hidden)/SliceLen < Slices && len(batch)*Slices >= len(pairs)-half-i+len(batch)) {
			hidden = appendSlice(hidden, real, made, batch)
			batch, size = nil, 2
		}
		batch, size = append(batch, p), size+n
	}
	hidden = appendSlice(hidden, real, made, batch)
	return hidden, public, nil
}
