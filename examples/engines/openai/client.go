package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Errors of a request.
var (
	ErrServer  = errors.New("server refused")                           // wrapped in a *StatusError
	ErrReply   = errors.New("server's reply is not what was asked for") // not JSON, empty, of another shape
	ErrTooLong = errors.New("server's reply is too long")
	ErrCut     = errors.New("server's reply ended before its end")
	ErrStalled = errors.New("server said nothing for too long")
)

// StatusError is a refusal by the server. It is ErrServer.
type StatusError struct {
	Status  int    // of HTTP
	Message string // what the server said, at most 500 bytes
	after   time.Duration
}

// Error names the status and the server's words.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%v: %d %s", ErrServer, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Unwrap returns ErrServer.
func (e *StatusError) Unwrap() error { return ErrServer }

// Config says which server to ask, and how patiently.
type Config struct {
	BaseURL string // up to and with the version: http://127.0.0.1:8080/v1
	Model   string // name of the model; some servers need none
	Key     string // sent as a bearer token; empty for none
	// Insecure lets the key go over plain HTTP to another machine.
	Insecure bool
	Timeout  time.Duration // for one task and each of its requests, repetitions included; 0 for 15 s
	Stall    time.Duration // without a byte of a reply; 0 for Timeout
	Retries  int           // repetitions of a request, 0 for none, at most 10
	Log      *slog.Logger  // repetitions; nil drops them
}

const (
	firstDelay = 250 * time.Millisecond
	lastDelay  = 8 * time.Second
	maxReply   = 32 << 20 // bytes of a reply: a large picture in base64
	maxError   = 500
)

// Client asks one server. It may be used by many goroutines.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client
}

// New checks the configuration. It does not ask the server anything.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("base URL %q: must be like http://127.0.0.1:8080/v1", c.BaseURL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("base URL of %s: must have no user, query or fragment", u.Host)
	}
	if c.Key != "" && u.Scheme == "http" && !local(u.Hostname()) && !c.Insecure {
		return nil, fmt.Errorf("base URL %s: the key would go to another machine over plain HTTP: use https, or --insecure if the way there is yours", u)
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	if c.Stall == 0 {
		c.Stall = c.Timeout
	}
	if c.Timeout < 0 || c.Stall < 0 {
		return nil, errors.New("timeout and stall must be above 0")
	}
	if c.Retries < 0 || c.Retries > 10 {
		return nil, fmt.Errorf("retries %d: must be 0 to 10", c.Retries)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // the key goes nowhere else
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConnsPerHost = 16
	return &Client{cfg: c, base: u, http: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// call makes a request, again if it may help, and hands the reply's body to read.
// make is called for each attempt.
func (c *Client) call(ctx context.Context, path, accept string, body []byte, contentType string, read func(header http.Header, body io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	delay := firstDelay
	for attempt := 0; ; attempt++ {
		err := c.once(ctx, path, accept, body, contentType, read)
		if err == nil {
			return nil
		}
		err = c.redact(err)
		wait, again := again(err)
		if !again || attempt == c.cfg.Retries || ctx.Err() != nil {
			return err
		}
		if wait == 0 {
			wait = delay/2 + rand.N(delay/2) // so that miners do not come back all at once
			delay = min(2*delay, lastDelay)
		}
		// A wait that outlasts the task is not worth beginning.
		if until, ok := ctx.Deadline(); ok && time.Until(until) <= wait {
			return fmt.Errorf("%w (the next try would have been after %v)", err, wait.Round(time.Millisecond))
		}
		c.cfg.Log.Warn("asking again", "path", path, "in", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// final marks an error after which nothing is tried again, whatever it is: part of
// the reply was passed on.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// again reports whether to try again, and after what time the server wants, 0 for
// one of our own.
func again(err error) (wait time.Duration, ok bool) {
	var s *StatusError
	var f final
	switch {
	case errors.As(err, &f), errors.Is(err, ErrTooLong), errors.Is(err, ErrReply):
		return 0, false
	case errors.As(err, &s):
		switch s.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return s.after, true
		}
		return 0, false
	}
	return 0, true // no connection, or one that broke
}

func (c *Client) once(ctx context.Context, path, accept string, body []byte, contentType string, read func(http.Header, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := time.AfterFunc(c.cfg.Stall, func() { cancel(fmt.Errorf("%w (%v)", ErrStalled, c.cfg.Stall)) })
	defer clock.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "plexus-engine-openai")
	if c.cfg.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return because(ctx, err)
	}
	defer resp.Body.Close()
	in := &steady{r: resp.Body, clock: clock, stall: c.cfg.Stall, left: maxReply}
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(in, 16<<10)) // whatever can be had of the reason
		return &StatusError{Status: resp.StatusCode, Message: complaint(b), after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
	if err := read(resp.Header, in); err != nil {
		return because(ctx, err)
	}
	return nil
}

// because prefers why a context ended to what the connection says of it.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// steady reads a reply, starts the clock anew with each part of it, and stops at a
// bound.
type steady struct {
	r     io.Reader
	clock *time.Timer
	stall time.Duration
	left  int
}

func (s *steady) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, fmt.Errorf("%w (at most %d bytes)", ErrTooLong, maxReply)
	}
	n, err := s.r.Read(p[:min(len(p), s.left)])
	s.left -= n
	if n > 0 {
		s.clock.Reset(s.stall)
	}
	if err == io.ErrUnexpectedEOF {
		err = fmt.Errorf("%w: %w", ErrCut, err)
	}
	return n, err
}

// retryAfter reads a Retry-After header: seconds or a date. 0 is none.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31); err == nil {
		return max(time.Duration(n)*time.Second, time.Millisecond)
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(t.Sub(now), time.Millisecond)
	}
	return 0
}

// complaint finds the message in the reply of a server that refuses.
func complaint(b []byte) string {
	var one struct{ Error json.RawMessage }
	var detail struct{ Message string }
	s := string(b)
	if json.Unmarshal(b, &one) == nil && len(one.Error) > 0 {
		if json.Unmarshal(one.Error, &detail) == nil && detail.Message != "" {
			s = detail.Message
		} else if json.Unmarshal(one.Error, &s) != nil {
			s = string(one.Error)
		}
	}
	return clip(s)
}

// clip makes foreign text fit for an error: one line of bounded length.
func clip(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > maxError {
		s = strings.ToValidUTF8(s[:maxError], "") + "…"
	}
	return s
}

// redact cuts the key out of an error that a server or a library put it into.
func (c *Client) redact(err error) error {
	if c.cfg.Key == "" || !strings.Contains(err.Error(), c.cfg.Key) {
		return err
	}
	var s *StatusError
	if errors.As(err, &s) {
		return &StatusError{Status: s.Status, Message: strings.ReplaceAll(s.Message, c.cfg.Key, "[key]"), after: s.after}
	}
	return errors.New(strings.ReplaceAll(err.Error(), c.cfg.Key, "[key]"))
}

// ask posts JSON and reads JSON.
func (c *Client) ask(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.call(ctx, path, "application/json", body, "application/json", func(_ http.Header, r io.Reader) error { return decode(r, out) })
}

// decode reads one JSON value.
func decode(r io.Reader, out any) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%w: %s", ErrReply, clip(err.Error()+": "+string(b[:min(len(b), 200)])))
	}
	return nil
}
