package apertium

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors of Open and Translate.
var (
	ErrNotInstalled = errors.New("the program apertium is not installed: apt-get install apertium apertium-eng-spa")
	ErrDirection    = errors.New("no such direction of translation is installed for apertium")
	ErrChain        = errors.New("the programs of apertium ended or said nothing")
)

const (
	program     = "apertium"
	modes       = "/usr/share/apertium/modes"
	maxReply    = 64 << 10
	longest     = 10 * time.Second // a sentence takes milliseconds, the first one a second
	listTimeout = 10 * time.Second
)

// environment is what Apertium's programs need: a PATH, and UTF-8.
func environment() []string {
	path := os.Getenv("PATH")
	if path == "" { // an engine has no environment
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	return []string{"PATH=" + path, "LC_ALL=C.UTF-8"}
}

func find() (string, error) {
	if os.Getenv("PATH") == "" {
		_ = os.Setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", ErrNotInstalled
	}
	return path, nil
}

// Directions lists what the installed Apertium translates: "eng-spa" and so on.
func Directions(ctx context.Context) ([]string, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-l")
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("apertium -l: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// Chain is one running chain of Apertium's programs. It may be used by many
// goroutines, which wait for each other.
type Chain struct {
	path, direction string

	mu  sync.Mutex
	cmd *exec.Cmd // nil while it does not run
	in  io.WriteCloser
	out *bufio.Reader
}

// Open finds Apertium and its direction; the chain starts with the first sentence.
func Open(ctx context.Context, direction string) (*Chain, error) {
	all, err := Directions(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(all, direction) {
		return nil, fmt.Errorf("%w: %q; installed are %s", ErrDirection, direction, strings.Join(all, ", "))
	}
	path, err := find()
	if err != nil {
		return nil, err
	}
	return &Chain{path: path, direction: direction}, nil
}

// Translate translates one sentence without line feeds or zero bytes. Words that
// Apertium does not know stay as they are; unknown is their number. When ctx ends or
// the chain breaks, it is stopped, and the next call starts another.
func (c *Chain) Translate(ctx context.Context, sentence string) (translation string, unknown int, err error) {
	if strings.ContainsAny(sentence, "\n\x00") {
		return "", 0, errors.New("sentence holds a line feed or a zero byte")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	if c.cmd == nil {
		if err := c.start(); err != nil {
			return "", 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	cmd := c.cmd
	stop := context.AfterFunc(ctx, func() { killGroup(cmd) })
	reply, err := c.exchange(escape(sentence))
	if !stop() || err != nil {
		c.stop()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ErrChain, ctx.Err())
		}
	}
	if err != nil {
		return "", 0, err
	}
	translation, unknown = unescape(reply)
	return translation, unknown, nil
}

// start starts the programs of a direction. The front end "apertium -z" will not do:
// the gawk in it holds a sentence back until it sees the next one. So they are started
// as the front end starts them, by the script that another of its programs prints.
func (c *Chain) start() error {
	mode := filepath.Join(modes, c.direction+".mode")
	print := exec.Command(filepath.Join(filepath.Dir(c.path), "apertium-wblank-mode"), "-z", mode)
	print.Env = environment()
	script, err := print.Output()
	if err != nil {
		return fmt.Errorf("%w: apertium-wblank-mode %s: %w", ErrChain, mode, err)
	}
	cmd := exec.Command("/bin/sh", "-c", string(script), program, "-g", "") // -g marks unknown words
	cmd.Env = environment()
	ownGroup(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChain, err)
	}
	c.cmd, c.in, c.out = cmd, in, bufio.NewReader(out)
	return nil
}

func (c *Chain) exchange(text string) (string, error) {
	if _, err := io.WriteString(c.in, text+"\x00"); err != nil {
		return "", fmt.Errorf("%w: %w", ErrChain, err)
	}
	var reply []byte
	for {
		b, err := c.out.ReadByte()
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrChain, err)
		}
		if b == 0 {
			return string(reply), nil
		}
		if reply = append(reply, b); len(reply) > maxReply {
			return "", fmt.Errorf("%w: a reply of more than %d bytes", ErrChain, maxReply)
		}
	}
}

// stop ends the chain, whose programs all belong to one group.
func (c *Chain) stop() {
	if c.cmd == nil {
		return
	}
	killGroup(c.cmd)
	_ = c.in.Close()
	_ = c.cmd.Wait()
	c.cmd = nil
}

// Close ends the chain.
func (c *Chain) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop()
}

// escape puts a backslash before what Apertium's stream format gives a meaning, and
// ends the sentence with a full stop of its own, as Apertium's own front end does.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\[]{}^$/@<>`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String() + ".[][\n]"
}

// unescape takes away what escape put there, whatever stands in brackets, and the
// marks of unknown words, which it counts.
func unescape(s string) (text string, unknown int) {
	s = strings.TrimSuffix(s, ".[][\n]")
	var b strings.Builder
	escaped, inside, start := false, false, true
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
			if !inside {
				b.WriteRune(r)
			}
		case r == '\\':
			escaped = true
			continue
		case r == '[':
			inside = true
		case r == ']':
			inside = false
		case inside:
		case r == '*' && start:
			unknown++
		default:
			b.WriteRune(r)
		}
		start = r == ' ' || r == '(' || r == '"'
	}
	return strings.Join(strings.Fields(b.String()), " "), unknown
}
