//go:build !wasip1

package speech

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	// MinRecordings is how many recordings a data set needs: half of them are hidden.
	MinRecordings = 12
	// MaxRecordings bounds a data set to 320 MB of hidden slices.
	MaxRecordings = 10_000

	maxWAV = 16 << 20 // bytes of a file
)

// Errors of recordings, wrapped with a path.
var (
	ErrMissing    = errors.New("speech: no recordings found; name a folder of NAME.wav and NAME.txt, or a file of lines: WAV file, tab, transcript")
	ErrFew        = errors.New("speech: too few recordings, want at least 12")
	ErrMany       = errors.New("speech: too many recordings, want at most 10000")
	ErrTranscript = errors.New("speech: transcript is missing, not UTF-8 or longer than 512 bytes, or has not 1 to 64 words")
	ErrLine       = errors.New("speech: line is not a WAV file, a tab and a transcript")
)

// ReadRecordings reads the recordings that a folder holds as NAME.wav and NAME.txt,
// or that the lines of a file name as WAV file, tab, transcript, with paths relative
// to the file. They come in the order of their names or lines.
func ReadRecordings(path string) ([]Recording, error) {
	pairs, err := list(path)
	if err != nil {
		return nil, err
	}
	switch {
	case len(pairs) < MinRecordings:
		return nil, fmt.Errorf("%s: %d recordings: %w", path, len(pairs), ErrFew)
	case len(pairs) > MaxRecordings:
		return nil, fmt.Errorf("%s: %d recordings: %w", path, len(pairs), ErrMany)
	}
	out := make([]Recording, len(pairs))
	for i, p := range pairs {
		if out[i], err = readRecording(p[0], p[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", p[0], err)
		}
	}
	return out, nil
}

// list returns the WAV files and their transcripts.
func list(path string) (pairs [][2]string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("speech: recordings: %w", err)
	}
	if info.IsDir() {
		files, err := filepath.Glob(filepath.Join(path, "*.wav")) // in the order of their names
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("%s: %w", path, ErrMissing)
		}
		for _, f := range files[:min(len(files), MaxRecordings+1)] {
			text, err := readFile(strings.TrimSuffix(f, ".wav")+".txt", MaxText+2)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f, ErrTranscript)
			}
			pairs = append(pairs, [2]string{f, strings.TrimRight(string(text), "\r\n")})
		}
		return pairs, nil
	}
	text, err := readFile(path, MaxRecordings*(MaxText+4096))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		name, said, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if !ok || name == "" || !utf8.ValidString(line) {
			return nil, fmt.Errorf("%s:%d: %w", path, n, ErrLine)
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		pairs = append(pairs, [2]string{name, said})
	}
	return pairs, nil
}

func readRecording(file, text string) (r Recording, err error) {
	if words := Normalise(text); len(text) > MaxText || !utf8.ValidString(text) || len(words) == 0 || len(words) > MaxWords {
		return r, ErrTranscript
	}
	b, err := readFile(file, maxWAV)
	if errors.Is(err, os.ErrNotExist) {
		return r, ErrMissing
	}
	if err != nil {
		return r, err
	}
	samples, err := DecodeWAV(b)
	if err != nil {
		return r, err
	}
	loud := false
	for _, x := range samples {
		loud = loud || x > 100 || x < -100
	}
	if !loud || len(samples) > MaxClip {
		return r, ErrLength
	}
	return Recording{Text: text, Clip: Pack(samples)}, nil
}

// errFile is returned for a file that is longer than it may be.
var errFile = errors.New("speech: file is too long")

func readFile(name string, most int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(b) > most {
		err = errFile
	}
	return b, err
}

// Split gives every second recording to publish, and as slices the others, which
// tasks come from.
func Split(all []Recording) (public []Recording, hidden []byte) {
	for i := range all {
		if i%2 == 0 {
			public = append(public, all[i])
		} else {
			hidden = all[i].Append(hidden)
		}
	}
	return public, hidden
}

// RecipeLen is the number of bytes of a data slice of Recipes.
const RecipeLen = 16

// Recipes returns the default data: slices of each recipe that there is, once.
func Recipes() []byte {
	var b []byte
	for i := range byte(3 * 4 * 3 * 3) {
		b = append(b, i%3, i/3%4, i/12%3, i/36)
		b = append(b, "a recipe    "...)
	}
	return b
}
