package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what a Client reads of an answer.
const maxAnswer = 32 << 20

// ErrNoAPI is returned when nothing answers at the address.
var ErrNoAPI = errors.New("no API answers")

// Client asks an API. Errors of the server are *Problem.
type Client struct {
	base string
	http *http.Client
}

// NewClient makes a client for the API at a URL like http://127.0.0.1:9650.
func NewClient(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of an API: want http://HOST:PORT", base)
	}
	return &Client{base: strings.TrimSuffix(base, "/"), http: &http.Client{Timeout: answerTime + 5*time.Second}}, nil
}

// URL returns the address asked.
func (c *Client) URL() string { return c.base }

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w at %s: is the node running?: %w", ErrNoAPI, c.base, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%w at %s: %w", ErrNoAPI, c.base, err)
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("%s: the answer has more than %d bytes", path, maxAnswer)
	}
	if resp.StatusCode >= 300 {
		p := &Problem{}
		if json.Unmarshal(b, p) != nil || p.Status == 0 {
			p = problem(resp.StatusCode, "%s answered %s, but not as an API of this program", c.base, resp.Status)
		}
		return p
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s%s: the answer is not as expected: %w", c.base, path, err)
	}
	return nil
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	out := new(T)
	if err := c.do(ctx, http.MethodGet, path, nil, out); err != nil {
		return nil, err
	}
	return out, nil
}

// Head returns the newest block.
func (c *Client) Head(ctx context.Context) (*Head, error) { return get[Head](ctx, c, "/v1/head") }

// Status says how the node is doing.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return get[Status](ctx, c, "/v1/node/status")
}

// Block returns a block by height or hash.
func (c *Client) Block(ctx context.Context, block string) (*Block, error) {
	return get[Block](ctx, c, "/v1/blocks/"+url.PathEscape(block))
}

// Blocks returns a page of blocks, the first for an empty cursor.
func (c *Client) Blocks(ctx context.Context, cursor string, limit int) (*BlockPage, error) {
	return get[BlockPage](ctx, c, "/v1/blocks"+pageQuery(cursor, limit))
}

// Transaction returns a transaction.
func (c *Client) Transaction(ctx context.Context, id [32]byte) (*Transaction, error) {
	return get[Transaction](ctx, c, "/v1/transactions/"+Hash(id).String())
}

// Submit hands a signed transaction in.
func (c *Client) Submit(ctx context.Context, raw []byte) (*Submitted, error) {
	out := &Submitted{}
	return out, c.do(ctx, http.MethodPost, "/v1/transactions", Raw{hex.EncodeToString(raw)}, out)
}

// Simulate tries a signed transaction.
func (c *Client) Simulate(ctx context.Context, raw []byte) (*Simulated, error) {
	out := &Simulated{}
	return out, c.do(ctx, http.MethodPost, "/v1/transactions/simulate", Raw{hex.EncodeToString(raw)}, out)
}

// Account returns an account at the newest height.
func (c *Client) Account(ctx context.Context, address string) (*Account, error) {
	return get[Account](ctx, c, "/v1/accounts/"+url.PathEscape(address))
}

// History returns a page of an account's history, the first for an empty cursor.
func (c *Client) History(ctx context.Context, address, cursor string, limit int) (*HistoryPage, error) {
	return get[HistoryPage](ctx, c, "/v1/accounts/"+url.PathEscape(address)+"/history"+pageQuery(cursor, limit))
}

// State returns a value with its proof; height 0 is the newest.
func (c *Client) State(ctx context.Context, key []byte, height uint64) (*StateValue, error) {
	return get[StateValue](ctx, c, fmt.Sprintf("/v1/state/%x?height=%d", key, height))
}

// Producers returns the block producers.
func (c *Client) Producers(ctx context.Context) (*Producers, error) {
	return get[Producers](ctx, c, "/v1/producers")
}

// Subnets returns all subnets.
func (c *Client) Subnets(ctx context.Context) (*Subnets, error) {
	return get[Subnets](ctx, c, "/v1/subnets")
}

// Metagraph returns a subnet with its neurons.
func (c *Client) Metagraph(ctx context.Context, netuid uint16) (*Metagraph, error) {
	return get[Metagraph](ctx, c, fmt.Sprintf("/v1/subnets/%d/metagraph", netuid))
}

// Why explains a hotkey's income over some epochs, as far as the node can.
func (c *Client) Why(ctx context.Context, netuid uint16, hotkey string, epochs int) (*Why, error) {
	return get[Why](ctx, c, fmt.Sprintf("/v1/subnets/%d/why/%s?epochs=%d", netuid, url.PathEscape(hotkey), epochs))
}

// Parameters returns the named parameters of a subnet, or with 0 of the chain.
func (c *Client) Parameters(ctx context.Context, netuid uint16) (*Parameters, error) {
	return get[Parameters](ctx, c, fmt.Sprintf("/v1/subnets/%d/parameters", netuid))
}

// Weights returns what validators said of an epoch; a negative epoch is the last
// that ended.
func (c *Client) Weights(ctx context.Context, netuid uint16, epoch int64, mechanism uint8) (*Weights, error) {
	return get[Weights](ctx, c, fmt.Sprintf("/v1/subnets/%d/weights?epoch=%d&mechanism=%d", netuid, max(epoch, -1), mechanism))
}

// Proxies returns the delegates of an account.
func (c *Client) Proxies(ctx context.Context, address string) (*Proxies, error) {
	return get[Proxies](ctx, c, "/v1/accounts/"+url.PathEscape(address)+"/proxies")
}

// Proposals returns the newest proposals with numbers below below, 0 for all.
func (c *Client) Proposals(ctx context.Context, below uint64, limit int) (*Proposals, error) {
	return get[Proposals](ctx, c, fmt.Sprintf("/v1/proposals?below=%d&limit=%d", below, limit))
}

// Proposal returns a proposal by its number.
func (c *Client) Proposal(ctx context.Context, id uint64) (*Proposal, error) {
	return get[Proposal](ctx, c, fmt.Sprintf("/v1/proposals/%d", id))
}

// Events calls fn with each message of the event stream until fn or the
// connection fails or ctx ends. last is the id to go on from; "" is the next
// block, or since when that is not 0. A caller that connects again passes the id
// that fn saw last.
func (c *Client) Events(ctx context.Context, last string, since uint64, fn func(id string, e StreamEvent) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s%s?since=%d", c.base, eventsPath, since), nil)
	if err != nil {
		return err
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := (&http.Client{Transport: c.http.Transport}).Do(r) // no time limit
	if err != nil {
		return fmt.Errorf("%w at %s: %w", ErrNoAPI, c.base, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p := &Problem{}
		if json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(p) != nil || p.Status == 0 {
			p = problem(resp.StatusCode, "%s answered %s", c.base, resp.Status)
		}
		return p
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	var id, data string
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "id":
			id = value
		case name == "data":
			data = value
		case lines.Text() == "" && data != "":
			var e StreamEvent
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return fmt.Errorf("event %s: %w", id, err)
			}
			if err := fn(id, e); err != nil {
				return err
			}
			data = ""
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: the stream broke off: %w", ErrNoAPI, err)
	}
	return fmt.Errorf("%w: the stream ended", ErrNoAPI)
}

func pageQuery(cursor string, limit int) string {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit > 0 {
		q.Set("limit", fmt.Sprint(limit))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
