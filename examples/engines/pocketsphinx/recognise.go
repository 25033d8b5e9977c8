package pocketsphinx

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/plugins/engine"
)

// Errors of New and Answer.
var (
	ErrNotInstalled = errors.New("PocketSphinx is not installed: apt-get install pocketsphinx pocketsphinx-en-us")
	ErrFailed       = errors.New("PocketSphinx failed")
)

const (
	program      = "pocketsphinx_batch"
	defaultModel = "/usr/share/pocketsphinx/model/en-us"
	maxOutput    = 64 << 10
)

// Config says how to recognise.
type Config struct {
	Model   string        // folder with en-us, cmudict-en-us.dict and en-us.lm.bin; empty for the package's
	Grammar string        // file in the form JSGF; empty for the synthesiser's words
	Free    bool          // any English, by the language model, instead of a grammar
	Timeout time.Duration // for one task; 0 for 10 s
}

// Recogniser answers tasks of the speech subnet. It may be used by many goroutines.
type Recogniser struct {
	path  string
	args  []string
	words string // the grammar's text, when it is ours
	said  string // its dictionary
	limit time.Duration
}

// New finds PocketSphinx and its English model.
func New(c Config) (*Recogniser, error) {
	if os.Getenv("PATH") == "" { // an engine has no environment
		_ = os.Setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, ErrNotInstalled
	}
	if c.Model == "" {
		c.Model = defaultModel
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("timeout %v: must be above 0", c.Timeout)
	}
	if c.Free && c.Grammar != "" {
		return nil, errors.New("a grammar and free English exclude each other")
	}
	r := &Recogniser{path: path, limit: c.Timeout}
	acoustic, dictionary, language := filepath.Join(c.Model, "en-us"), filepath.Join(c.Model, "cmudict-en-us.dict"), filepath.Join(c.Model, "en-us.lm.bin")
	r.args = []string{"-hmm", acoustic}
	need := []string{acoustic, dictionary}
	switch {
	case c.Free:
		r.args = append(r.args, "-dict", dictionary, "-lm", language)
		need = append(need, language)
	case c.Grammar != "":
		if c.Grammar, err = filepath.Abs(c.Grammar); err != nil {
			return nil, err
		}
		r.args = append(r.args, "-dict", dictionary, "-jsgf", c.Grammar)
		need = append(need, c.Grammar)
	default:
		r.words = grammar(speech.Words)
	}
	for _, name := range need {
		if _, err := os.Stat(name); err != nil {
			if strings.HasPrefix(name, defaultModel) {
				return nil, fmt.Errorf("%w (%w)", ErrNotInstalled, err)
			}
			return nil, err
		}
	}
	if r.words != "" {
		if r.said, err = pronounced(dictionary, speech.Words); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// pronounced takes the lines of some words, "word phones" and "word(2) phones", out of
// a dictionary, of which the program would otherwise read the whole for each task.
func pronounced(dictionary string, words []string) (string, error) {
	f, err := os.Open(dictionary)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var out strings.Builder
	found := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		word, _, _ := strings.Cut(lines.Text(), " ")
		if word, _, _ = strings.Cut(word, "("); slices.Contains(words, word) {
			found[word] = true
			fmt.Fprintln(&out, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s: %w", dictionary, err)
	}
	for _, w := range words {
		if !found[w] {
			return "", fmt.Errorf("%s: %w: it lacks the word %q", dictionary, ErrFailed, w)
		}
	}
	return out.String(), nil
}

// grammar lets two to four of the words follow each other, as the subnet's clips have
// them: without a bound noise becomes words.
func grammar(words []string) string {
	return "#JSGF V1.0;\ngrammar words;\n<w> = " + strings.Join(words, " | ") + ";\npublic <s> = <w> <w> [<w>] [<w>];\n"
}

// Answer recognises the clips of a task.
func (r *Recogniser) Answer(ctx context.Context, public []byte) ([]byte, error) {
	waves, err := speech.Waves(public)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "plexus-speech-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var list strings.Builder
	for i, w := range waves {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)+".wav"), w, 0o600); err != nil {
			return nil, err
		}
		fmt.Fprintln(&list, i)
	}
	args := append([]string{"-adcin", "yes", "-adchdr", "44", "-cepdir", dir, "-cepext", ".wav", "-ctl", filepath.Join(dir, "list"),
		"-hyp", filepath.Join(dir, "heard")}, r.args...)
	files := map[string]string{"list": list.String()}
	if r.words != "" {
		files["words.gram"], files["words.dict"] = r.words, r.said
		args = append(args, "-jsgf", filepath.Join(dir, "words.gram"), "-dict", filepath.Join(dir, "words.dict"))
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, r.path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"LC_ALL=C"}
	words := &lastWords{}
	cmd.Stderr = words
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w%s", ErrFailed, err, words)
	}
	heard, err := readFile(filepath.Join(dir, "heard"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w%s", ErrFailed, err, words)
	}
	return speech.AppendTexts(nil, transcripts(heard, len(waves))), nil
}

func readFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxOutput))
	return string(b), err
}

// transcripts reads lines "words (clip score)" into the texts of n clips.
func transcripts(heard string, n int) []string {
	out := make([]string, n)
	for line := range strings.Lines(heard) {
		at := strings.LastIndexByte(line, '(')
		if at < 0 {
			continue
		}
		id, _, _ := strings.Cut(strings.TrimRight(line[at+1:], ")\r\n"), " ")
		i, err := strconv.Atoi(id)
		text := strings.Join(strings.Fields(strings.ToValidUTF8(line[:at], "")), " ")
		if err == nil && i >= 0 && i < n && len(text) <= speech.MaxText {
			out[i] = text
		}
	}
	return out
}

// lastWords keeps the last errors of a long log.
type lastWords struct{ tail []byte }

func (w *lastWords) Write(p []byte) (int, error) {
	w.tail = append(w.tail, p[max(0, len(p)-4096):]...)
	w.tail = w.tail[max(0, len(w.tail)-4096):]
	return len(p), nil
}

func (w *lastWords) String() string {
	for _, prefix := range []string{"FATAL", "ERROR"} {
		if at := bytes.LastIndex(w.tail, []byte(prefix)); at >= 0 {
			line, _, _ := strings.Cut(strings.ToValidUTF8(string(w.tail[at:]), "?"), "\n")
			return ": " + line
		}
	}
	return ""
}

// Run answers tasks until the host ends the process. It returns only an error: no
// PocketSphinx (ErrNotInstalled), or a process that was not started as an engine.
func Run(c Config) error {
	r, err := New(c)
	if err != nil {
		return err
	}
	return engine.Serve(func(ctx context.Context, t engine.Task) ([]byte, error) { return r.Answer(ctx, t.Public) })
}
