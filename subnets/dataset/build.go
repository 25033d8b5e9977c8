package dataset

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"
)

// Errors of the source of a data set. They come with the line, or the file.
var (
	ErrEmpty   = errors.New("dataset: nothing to make slices of")
	ErrBlank   = errors.New("dataset: empty line")
	ErrLong    = errors.New("dataset: longer than a slice")
	ErrUTF8    = errors.New("dataset: not UTF-8")
	ErrColumns = errors.New("dataset: wrong number of columns")
	ErrBreak   = errors.New("dataset: a column holds a tab or a line break, which a row cannot")
	ErrCSV     = errors.New("dataset: not comma-separated values")
)

// Source says how a file or a folder becomes slices.
type Source struct {
	Format  Format
	Slice   int  // bytes into which as many records go as fit, a line feed between them; 0 for one record a slice
	Columns int  // of TSV and CSV; 0 for as many as the first row has
	Header  bool // the first row of TSV or CSV names the columns and is left out
	Blank   bool // leave out empty lines, which are errors otherwise
	// Progress, if not nil, is told of the bytes read so far.
	Progress func(done int64)
}

// builder collects records.
type builder struct {
	Source
	data    []byte
	ends    []uint32
	open    bool // the last slice may take more
	records int
}

// most is the longest record.
func (b *builder) most() int {
	if b.Slice > 0 {
		return b.Slice
	}
	return MaxSlice
}

func (b *builder) add(record []byte) error {
	if len(record) > b.most() {
		if b.Slice > 0 {
			return fmt.Errorf("%w: %d bytes, a slice has %d: cut it, or give larger slices", ErrLong, len(record), b.Slice)
		}
		return fmt.Errorf("%w: %d bytes, a slice has at most %d: cut it", ErrLong, len(record), MaxSlice)
	}
	if len(b.data)+len(record)+1 > MaxFile {
		return fmt.Errorf("dataset: more than %d bytes: divide the source", MaxFile)
	}
	b.records++
	if n := len(b.ends); b.open {
		from := 0
		if n > 1 {
			from = int(b.ends[n-2])
		}
		if len(b.data)-from+1+len(record) <= b.Slice {
			b.data = append(append(b.data, '\n'), record...)
			b.ends[n-1] = uint32(len(b.data))
			return nil
		}
	}
	if len(b.ends) == MaxSlices {
		return fmt.Errorf("dataset: more than %d slices: put several records in one with a size of slices", MaxSlices)
	}
	b.data = append(b.data, record...)
	b.ends = append(b.ends, uint32(len(b.data)))
	b.open = b.Slice > 0
	return nil
}

func (b *builder) set() (*Set, int, error) {
	if len(b.ends) == 0 {
		return nil, 0, ErrEmpty
	}
	return newRecords(b.data, b.ends, b.Format), b.records, nil
}

// ReadFile makes a set of a file or, for Files, of a folder, and says how many
// records it has. Errors name the file, and the line where there is one.
func ReadFile(name string, s Source) (*Set, int, error) {
	if s.Slice < 0 || s.Slice > MaxSlice {
		return nil, 0, fmt.Errorf("dataset: slices of %d bytes: must be 1..%d", s.Slice, MaxSlice)
	}
	if s.Format == Files {
		return readFolder(name, s)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 4*MaxFile {
		return nil, 0, fmt.Errorf("%s has %d bytes, at most %d are read: divide it", name, info.Size(), 4*MaxFile)
	}
	set, n, err := Read(f, s)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return set, n, nil
}

// Read makes a set of what r gives, in any format but Files.
func Read(r io.Reader, s Source) (*Set, int, error) {
	if s.Progress != nil {
		r = &told{r: r, tell: s.Progress}
	}
	b := &builder{Source: s}
	var err error
	switch s.Format {
	case Raw:
		all, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
		if err != nil {
			return nil, 0, err
		}
		if len(all) > MaxFile {
			return nil, 0, fmt.Errorf("dataset: more than %d bytes", MaxFile)
		}
		if len(all) == 0 {
			return nil, 0, ErrEmpty
		}
		set, err := New(all, s.Slice)
		if err != nil {
			return nil, 0, err
		}
		return set, set.Len(), nil
	case Lines, TSV:
		err = b.lines(r)
	case CSV:
		err = b.csv(r)
	default:
		err = fmt.Errorf("dataset: %v is no format of a file", s.Format)
	}
	if err != nil {
		return nil, 0, err
	}
	return b.set()
}

// lines reads lines or rows with tabs.
func (b *builder) lines(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, more, err := readLine(in, b.most())
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if !more {
			return nil
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // a byte order mark
		}
		if err := b.line(line, n); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

func (b *builder) line(line []byte, n int) error {
	switch {
	case !utf8.Valid(line):
		return fmt.Errorf("%w: byte %d", ErrUTF8, firstInvalid(line)+1)
	case len(bytes.TrimSpace(line)) == 0:
		if b.Blank {
			return nil
		}
		return fmt.Errorf("%w: leave empty lines out, or say that they may be", ErrBlank)
	case b.Format == TSV:
		if err := b.columns(bytes.Count(line, []byte("\t")) + 1); err != nil {
			return err
		}
		if b.Header && n == 1 {
			return nil
		}
	}
	return b.add(line)
}

// columns holds that every row has as many as the first one, or as asked for.
func (b *builder) columns(n int) error {
	if b.Columns == 0 {
		b.Columns = n
	}
	if n != b.Columns {
		return fmt.Errorf("%w: %d, want %d", ErrColumns, n, b.Columns)
	}
	return nil
}

// readLine reads a line without what ends it. One that is longer than most is not
// read to its end.
func readLine(in *bufio.Reader, most int) (line []byte, more bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > most+2 {
			return nil, false, fmt.Errorf("%w: more than %d bytes: cut it, or give larger slices", ErrLong, most)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF):
			more := err == nil || len(line) > 0
			line = bytes.TrimSuffix(line, []byte("\n"))
			return bytes.TrimSuffix(line, []byte("\r")), more, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n < 2 {
			return i
		}
		i += n
	}
	return len(b)
}

// csv reads comma-separated values into rows with tabs.
func (b *builder) csv(r io.Reader) error {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	in.FieldsPerRecord = -1
	for first := true; ; first = false {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return fmt.Errorf("line %d: %w: column %d: %w", bad.Line, ErrCSV, bad.Column, bad.Err)
		}
		if err != nil {
			return err
		}
		line, _ := in.FieldPos(0)
		if first {
			row[0] = strings.TrimPrefix(row[0], "\ufeff")
		}
		if err := b.row(row, first); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func (b *builder) row(row []string, first bool) error {
	if err := b.columns(len(row)); err != nil {
		return err
	}
	for i, c := range row {
		if !utf8.ValidString(c) {
			return fmt.Errorf("%w: column %d", ErrUTF8, i+1)
		}
		if strings.ContainsAny(c, "\t\n\r") {
			return fmt.Errorf("%w: column %d", ErrBreak, i+1)
		}
	}
	if b.Header && first {
		return nil
	}
	record := strings.Join(row, "\t")
	if strings.TrimSpace(record) == "" {
		if b.Blank {
			return nil
		}
		return fmt.Errorf("%w: leave empty lines out, or say that they may be", ErrBlank)
	}
	return b.add([]byte(record))
}

// readFolder makes a slice of each file below a folder, in the order of their
// paths; those whose names begin with a dot are left out.
func readFolder(dir string, s Source) (*Set, int, error) {
	if s.Slice > 0 && s.Slice < 2 {
		return nil, 0, fmt.Errorf("dataset: slices of %d bytes hold no file", s.Slice)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, 0, err
	}
	if !info.IsDir() {
		return nil, 0, fmt.Errorf("%s: format files takes a folder", dir)
	}
	var names []string
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != dir && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case e.Type().IsRegular():
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	sort.Strings(names)
	limit := s.Slice
	s.Slice = 0 // two files never share a slice
	b := &builder{Source: s}
	done := int64(0)
	for _, name := range names {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return nil, 0, err
		}
		rel = filepath.ToSlash(rel)
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return nil, 0, err
		case !utf8.ValidString(rel):
			return nil, 0, fmt.Errorf("%q: %w: its name", name, ErrUTF8)
		case strings.ContainsRune(rel, '\n'):
			return nil, 0, fmt.Errorf("%q: %w", name, ErrBreak)
		case info.Size() == 0:
			return nil, 0, fmt.Errorf("%s: %w: the file is empty", name, ErrEmpty)
		case info.Size() > math.MaxInt32 || len(rel)+1+int(info.Size()) > cmp.Or(limit, MaxSlice):
			return nil, 0, fmt.Errorf("%s: %w: %d bytes with its name, a slice has at most %d", name, ErrLong, int64(len(rel))+1+info.Size(), cmp.Or(limit, MaxSlice))
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, 0, err
		}
		if err := b.add(append([]byte(rel+"\n"), content...)); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", name, err)
		}
		if done += int64(len(content)); s.Progress != nil {
			s.Progress(done)
		}
	}
	set, n, err := b.set()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", dir, err)
	}
	return set, n, nil
}

// told says how much was read.
type told struct {
	r    io.Reader
	tell func(int64)
	done int64
}

func (t *told) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.done += int64(n)
	t.tell(t.done)
	return n, err
}
