//go:build !wasip1

package forecast

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// MinSeries is the smallest number of values: the hidden half fills one task
	// without opening a slice twice.
	MinSeries = 2 * Slices * Points
	// MaxFile is the largest file of a series in bytes.
	MaxFile = 64 << 20
)

// Errors of a file of a series, wrapped with its path and line.
var (
	ErrSeriesMissing = errors.New("forecast: series not found; name a file with a value, or columns of which the last is one, on each line")
	ErrSeriesEmpty   = errors.New("forecast: file of a series is empty")
	ErrSeriesShort   = errors.New("forecast: series too short, want at least 512 values")
	ErrSeriesLong    = errors.New("forecast: file of a series too long, want at most 64 MiB")
	ErrSeriesUTF8    = errors.New("forecast: not UTF-8 text")
	ErrSeriesValue   = errors.New("forecast: the last column must be a number from 0.000001 to 16777215; add a constant to a series that crosses 0")
)

// ReadSeries reads a series from a file: on each line a value, or columns separated
// by commas, semicolons or tabs of which the last is the value, oldest first. A first
// line without a number is taken for the columns' names; empty lines are skipped.
func ReadSeries(path string) ([]uint64, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrSeriesMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("forecast: series: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("forecast: series: %w", err)
	}
	values, err := ParseSeries(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

// ParseSeries is ReadSeries of a file's content: values in Q32.32.
func ParseSeries(b []byte) ([]uint64, error) {
	switch {
	case len(b) == 0:
		return nil, ErrSeriesEmpty
	case len(b) > MaxFile:
		return nil, ErrSeriesLong
	case !utf8.Valid(b):
		return nil, ErrSeriesUTF8
	}
	var out []uint64
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		last := strings.Trim(line[strings.LastIndexAny(line, ",;\t")+1:], ` "`)
		v, err := strconv.ParseFloat(last, 64)
		if err != nil && len(out) == 0 && n == 1 {
			continue
		}
		if err != nil || !(v >= 1e-6 && v < 1<<24) {
			return nil, fmt.Errorf("line %d: %w", n, ErrSeriesValue)
		}
		out = append(out, uint64(math.Round(v*(1<<32))))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, ErrSeriesValue)
	}
	if len(out) < MinSeries {
		return nil, ErrSeriesShort
	}
	return out, nil
}

// Cut splits a series in two: the first half to publish, one decimal a line, and the
// second as data slices of SliceLen bytes. What fills no slice is left out.
func Cut(values []uint64) (hidden, public []byte) {
	half := len(values) / 2
	for _, v := range values[:half] {
		public = append(strconv.AppendFloat(public, float64(v)/(1<<32), 'f', 9, 64), '\n')
	}
	rest := values[half:]
	for _, v := range rest[:len(rest)/Points*Points] {
		hidden = binary.BigEndian.AppendUint64(hidden, v)
	}
	return hidden, public
}
