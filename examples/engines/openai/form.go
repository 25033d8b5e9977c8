package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	models "github.com/plexus-network/plexus/examples/engines/text"
	"github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/plugins/engine"
)

// Options say how a form asks.
type Options struct {
	System   string // what the model is told before the task; the hint of speech, the beginning of an image's prompt
	Tokens   int    // most tokens of one reply; 0 for the server's bound
	Parallel int    // requests at once, for forms that make several; 0 for 4
}

// form turns a task into requests and the replies into an answer, which it writes.
type form func(ctx context.Context, c *Client, o Options, t engine.Task, w io.Writer) error

var forms = map[string]form{"plain": plain, "text": nextBytes, "translate": translation, "speech": transcript, "image": pictures}

// Forms returns the names of the forms: plain, and the example subnets that a
// server of this kind can answer.
func Forms() []string {
	var names []string
	for n := range forms {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// ErrTask says that a task is not of the form that the engine was started for.
var ErrTask = errors.New("task is not of this form")

// Answer answers a task of a form, one of Forms, within the client's timeout.
func (c *Client) Answer(ctx context.Context, name string, o Options, t engine.Task, w io.Writer) error {
	f, ok := forms[name]
	if !ok {
		return fmt.Errorf("no form %q, there are %s", name, strings.Join(Forms(), ", "))
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	return f(ctx, c, o, t, w)
}

// plain takes the task for what a user says, and the reply for the answer.
func plain(ctx context.Context, c *Client, o Options, t engine.Task, w io.Writer) error {
	if !utf8.Valid(t.Public) {
		return fmt.Errorf("%w: it is no text", ErrTask)
	}
	var talk []Message
	if o.System != "" {
		talk = append(talk, Message{"system", o.System})
	}
	_, err := c.Chat(ctx, append(talk, Message{"user", string(t.Public)}), o.Tokens, func(s string) error {
		_, err := io.WriteString(w, s)
		return err
	})
	return err
}

// nextBytes answers the text subnet: the most probable next tokens of each passage,
// as probabilities of their first bytes. What the server leaves out is spread over
// all bytes.
func nextBytes(ctx context.Context, c *Client, o Options, t engine.Task, w io.Writer) error {
	contexts, err := text.DecodeContexts(t.Public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTask, err)
	}
	a := make(text.Answer, len(contexts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Parallel)
	for i, passage := range contexts {
		g.Go(func() error {
			// A passage begins anywhere, also in the middle of a character.
			next, err := c.Complete(ctx, strings.ToValidUTF8(string(passage), ""), 20)
			if err != nil {
				return err
			}
			a[i] = firstBytes(next)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = w.Write(a.Append(nil))
	return err
}

// firstBytes is the distribution of the next byte that the most probable next
// tokens give.
func firstBytes(next []Next) text.Distribution {
	var p [256]float64
	known := 0.0
	for _, n := range next {
		if len(n.Token) > 0 { // an empty one ends the text
			p[n.Token[0]] += n.Probability
			known += n.Probability
		}
	}
	// At least a hundredth is left over, so that nothing is called impossible.
	scale := min(1, 0.99/max(known, 0.99))
	for i := range p {
		p[i] = p[i]*scale + (1-known*scale)/256
	}
	return models.Quantise(&p)
}
