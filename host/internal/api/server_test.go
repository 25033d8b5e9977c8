package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

var bob = key.ID{0xb0}

// served is a chain with a running API.
type served struct {
	*solo.Chain
	*Client
	index  *index.Index
	server *Server
}

func serve(t *testing.T, change ...func(*Config)) *served {
	t.Helper()
	s := &served{Chain: solo.Start(t, solo.Genesis(t), t.TempDir())}
	var err error
	if s.index, err = index.Open(s.Work, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	c := Config{Listen: "127.0.0.1:0", Rate: 10_000, Genesis: s.Gen, Index: s.index, Version: "test",
		Network: func() Network { return Network{Peer: s.Net.ID().String(), Addrs: s.Net.Addrs()} }}
	c.UseNode(s.Node)
	for _, f := range change {
		f(&c)
	}
	if s.server, err = New(c); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- s.index.Run(ctx, s.Node) }()
	go func() { done <- s.server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		s.Stop(t)
	})
	s.Client, err = NewClient("http://" + s.server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// indexed waits until the history has a height.
func (s *served) indexed(t *testing.T, h uint64) {
	t.Helper()
	solo.Eventually(t, "the history", func() bool { _, last := s.index.Heights(); return last >= h })
}

// A transfer seen through every route.
func TestRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	s.Reach(t, 1)
	raw := s.Transfer(0, bob, 5*unit.Coin)
	sim, err := s.Simulate(ctx, raw)
	if err != nil || !sim.OK || sim.Fee == 0 || len(sim.Events) != 1 || len(sim.Changes) != 2 || sim.Changes[1].Account != Address(bob.String()) || sim.Changes[1].After != 5e9 {
		t.Fatalf("simulated %+v, %v", sim, err)
	}
	sub, err := s.Client.Submit(ctx, raw)
	if err != nil || sub.ID != sim.ID {
		t.Fatalf("submitted %+v, %v", sub, err)
	}
	var p *Problem
	if _, err := s.Client.Submit(ctx, raw); !errors.As(err, &p) || p.Status != http.StatusConflict {
		t.Fatalf("submitted again: %v", err)
	}
	if tx, err := s.Transaction(ctx, sub.ID); err != nil || tx.State == "dropped" || tx.ID != sub.ID {
		t.Fatalf("just submitted: %+v, %v", tx, err)
	}
	solo.Eventually(t, "inclusion", func() bool {
		tx, err := s.Transaction(ctx, sub.ID)
		return err == nil && tx.State == "included" && tx.Kind == "transfer"
	})
	tx, err := s.Transaction(ctx, sub.ID)
	if err != nil || tx.Code != 0 || tx.Result != "ok" || tx.Account != Address(solo.Alice.Public().String()) || !bytes.Equal(tx.Raw, raw) {
		t.Fatalf("transaction %+v, %v", tx, err)
	}
	b, err := s.Block(ctx, fmt.Sprint(tx.Height))
	if err != nil || len(b.Transactions) != 1 || b.Transactions[0].ID != tx.ID || len(b.Events) != 1 || b.Events[0].Kind != "transfer" ||
		b.Events[0].Amount != 5e9 || b.Events[0].Entry != 1 {
		t.Fatalf("block %+v, %v", b, err)
	}
	if same, err := s.Block(ctx, b.Hash.String()); err != nil || !reflect.DeepEqual(same, b) {
		t.Fatalf("block by hash %+v, %v", same, err)
	}
	acc, err := s.Account(ctx, bob.String())
	if err != nil || acc.Balance != 5e9 || acc.Height < tx.Height || acc.Balance.Coins() != "5" {
		t.Fatalf("account %+v, %v", acc, err)
	}
	old, err := get[Account](ctx, s.Client, fmt.Sprintf("/v1/accounts/%s?height=%d", bob, tx.Height-1))
	if err != nil || old.Balance != 0 || old.Height != tx.Height-1 {
		t.Fatalf("account a block before %+v, %v", old, err)
	}
	page, err := s.History(ctx, bob.String(), "", 2)
	if err != nil || len(page.Items) != 2 || page.Next == "" || page.Items[0].Type != "balance" || *page.Items[0].After != 5e9 || page.Items[1].Event.Amount != 5e9 {
		t.Fatalf("history %+v, %v", page, err)
	}
	page, err = s.History(ctx, bob.String(), page.Next, 2)
	if err != nil || len(page.Items) != 1 || page.Next != "" || *page.Items[0].ID != tx.ID {
		t.Fatalf("second page %+v, %v", page, err)
	}

	s.Reach(t, tx.Height+3)
	s.indexed(t, tx.Height+3)
	var all []Block
	for next := ""; ; {
		p, err := s.Blocks(ctx, next, 2)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Items...)
		if next = p.Next; next == "" {
			break
		}
	}
	for i, b := range all {
		if want := uint64(len(all) - i); b.Height != want || i > 0 && all[i-1].Parent != b.Hash {
			t.Fatalf("block %d of the list is %d", i, b.Height)
		}
	}
	if len(all) < 4 {
		t.Fatalf("%d blocks in all", len(all))
	}

	st, err := s.Client.Status(ctx)
	if err != nil || st.ChainID != "solo" || st.Genesis != Hash(s.Gen.Hash()) || st.Producers != 1 || len(st.Epochs) != 1 || st.Network.Peer == "" || st.History.First != 1 {
		t.Fatalf("status %+v, %v", st, err)
	}
	prod, err := s.Client.Producers(ctx)
	if err != nil || len(prod.Items) != 1 || prod.Power != 10 {
		t.Fatalf("producers %+v, %v", prod, err)
	}
	nets, err := s.Client.Subnets(ctx)
	if err != nil || len(nets.Items) != 1 || nets.Items[0].Tempo != 20 || nets.Items[0].Params != nil {
		t.Fatalf("subnets %+v, %v", nets, err)
	}
	if m, err := s.Client.Metagraph(ctx, 1); err != nil || m.NetUID != 1 || m.Neurons == nil {
		t.Fatalf("metagraph %+v, %v", m, err)
	}
	net, err := get[Subnet](ctx, s.Client, "/v1/subnets/1")
	if err != nil || net.Params["tempo"] != float64(20) || net.Params["min_burn_rao"] != "500000" || net.Params["max_uids"] != float64(256) {
		t.Fatalf("subnet %+v, %v", net, err)
	}
	par, err := get[Params](ctx, s.Client, "/v1/params")
	if err != nil || par.Params["fee_base_rao"] != "100000" || par.Params["tao_weight"] != "971718665099567868" {
		t.Fatalf("params %+v, %v", par, err)
	}
	gen, err := get[Genesis](ctx, s.Client, "/v1/genesis")
	if err != nil {
		t.Fatal(err)
	}
	if g, err := ledger.DecodeGenesis(gen.Raw); err != nil || g.Hash() != s.Gen.Hash() || gen.Hash != Hash(g.Hash()) {
		t.Fatalf("genesis %v, %v", gen.Hash, err)
	}
	for _, path := range []string{"/v1/node/health", "/v1/node/readiness"} {
		if h, err := get[Health](ctx, s.Client, path); err != nil || !h.OK {
			t.Fatalf("%s: %+v, %v", path, h, err)
		}
	}
}

// A value's proof leads to the root that the next block's header carries.
func TestStateProof(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	_, height := s.Include(t, s.Transfer(0, bob, unit.Coin))
	s.Reach(t, height+1)
	for name, k := range map[string][]byte{"there": append([]byte("account/"), bob[:]...), "absent": append([]byte("account/"), 1, 2)} {
		v, err := s.State(ctx, k, height)
		if err != nil {
			t.Fatal(err)
		}
		p, err := store.DecodeProof(v.Proof)
		if err != nil {
			t.Fatal(err)
		}
		var value []byte
		if v.Value != nil {
			value = *v.Value
		}
		if (value != nil) != (name == "there") || store.Verify(v.Root, k, value, p) != nil || len(v.ICS23) == 0 {
			t.Fatalf("%s: %+v", name, v)
		}
		b, err := s.Stored(height)
		if err != nil || v.Root != Hash(b.Root) || v.Height != height {
			t.Fatalf("%s: root %s, block has %x, %v", name, v.Root, b.Root, err)
		}
	}
	s.Reach(t, height+20) // it goes out of the last sixteen heights
	var p *Problem
	if _, err := s.State(ctx, []byte("totals/"), height); !errors.As(err, &p) || p.Status != http.StatusNotFound || !strings.Contains(p.Detail, "this node has") {
		t.Fatalf("an old height: %v", err)
	}
}

// Every refusal says what was wrong, as problem+json.
func TestProblems(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Reach(t, 1)
	s.indexed(t, 1)
	forged := s.Transfer(0, bob, unit.Coin)
	forged[len(forged)-1] ^= 1
	ahead := s.Transfer(7, bob, unit.Coin)
	foreign := ledger.Sign(solo.Alice, "other", 0, 100, &ledger.Transfer{To: bob, Amount: 1})
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		detail             string
		code               ledger.Code
	}{
		"no route":         {"GET", "/v1/nothing", "", 404, "/docs", 0},
		"method":           {"DELETE", "/v1/blocks", "", 405, "method", 0},
		"block to come":    {"GET", "/v1/blocks/1000000", "", 404, "block 1000000", 0},
		"block of letters": {"GET", "/v1/blocks/last", "", 400, "want a height", 0},
		"unknown hash":     {"GET", "/v1/blocks/" + strings.Repeat("ab", 32), "", 404, "not in the history", 0},
		"short id":         {"GET", "/v1/transactions/abcd", "", 422, "validation failed", 0},
		"unknown id":       {"GET", "/v1/transactions/" + strings.Repeat("ab", 32), "", 404, "not in the history", 0},
		"address":          {"GET", "/v1/accounts/5Grwva", "", 400, "5Grwva", 0},
		"state to come":    {"GET", "/v1/accounts/" + bob.String() + "?height=999999", "", 404, "this node has", 0},
		"cursor":           {"GET", "/v1/blocks?cursor=zzzz", "", 400, "cursor", 0},
		"other's cursor":   {"GET", "/v1/blocks?cursor=" + cursor(cursorHistory, 1, 1), "", 400, "cursor", 0},
		"limit":            {"GET", "/v1/blocks?limit=201", "", 422, "validation failed", 0},
		"unknown query":    {"GET", "/v1/blocks?page=2", "", 422, "validation failed", 0},
		"no subnet":        {"GET", "/v1/subnets/9", "", 404, "netuid 9", 0},
		"netuid":           {"GET", "/v1/subnets/65536", "", 422, "validation failed", 0},
		"no graph":         {"GET", "/v1/subnets/9/metagraph", "", 404, "netuid 9", 0},
		"key":              {"GET", "/v1/state/xyz", "", 422, "validation failed", 0},
		"no body":          {"POST", "/v1/transactions", "", 400, "body", 0},
		"not JSON":         {"POST", "/v1/transactions", "raw", 400, "", 0},
		"field":            {"POST", "/v1/transactions", `{"raw":"00","fee":1}`, 422, "validation failed", 0},
		"not hex":          {"POST", "/v1/transactions", `{"raw":"zz"}`, 422, "validation failed", 0},
		"no transaction":   {"POST", "/v1/transactions", `{"raw":"00"}`, 422, "malformed", ledger.CodeMalformed},
		"forged":           {"POST", "/v1/transactions", fmt.Sprintf(`{"raw":"%x"}`, forged), 422, "bad signature", ledger.CodeSignature},
		"other chain":      {"POST", "/v1/transactions", fmt.Sprintf(`{"raw":"%x"}`, foreign), 422, "this is", ledger.CodeChain},
		"big body":         {"POST", "/v1/transactions", `{"raw":"` + strings.Repeat("00", 1<<20) + `"}`, 413, "", 0},
		"since the future": {"GET", "/v1/events?since=100000", "", 400, "is to come", 0},
		"since what":       {"GET", "/v1/events?since=x", "", 422, "validation failed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, s.URL()+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			var p Problem
			if err := json.Unmarshal(b, &p); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%s, %s: %s", resp.Status, resp.Header.Get("Content-Type"), b)
			}
			if resp.StatusCode != c.status || p.Status != c.status || !strings.Contains(p.Detail, c.detail) || ledger.Code(p.Code) != c.code {
				t.Errorf("%d: %s", resp.StatusCode, b)
			}
			if (p.Code != 0) != (p.Reject != "") {
				t.Errorf("code %d is called %q", p.Code, p.Reject)
			}
		})
	}
	// A simulation answers what a submission would be refused for.
	sim, err := s.Simulate(t.Context(), ahead)
	if err != nil || sim.OK || sim.Code != uint32(ledger.CodeNonceHigh) || sim.Result != "nonce too high" {
		t.Errorf("simulated %+v, %v", sim, err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config) { c.Rate = 5 })
	var refused *Problem
	for range 30 {
		if _, err := s.Client.Head(t.Context()); errors.As(err, &refused) {
			break
		}
	}
	if refused == nil || refused.Status != http.StatusTooManyRequests {
		t.Fatalf("thirty requests at once: %+v", refused)
	}
	resp, err := http.Get(s.URL() + "/v1/head")
	if err != nil || resp.Header.Get("Retry-After") != "1" {
		t.Fatalf("%v, Retry-After %q", err, resp.Header.Get("Retry-After"))
	}
	resp.Body.Close()
	s.server.SetRate(10_000)
	solo.Eventually(t, "a token", func() bool { _, err := s.Client.Head(t.Context()); return err == nil })

	// A header that never ends and one that is too large.
	c, err := net.Dial("tcp", s.server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /v1/head HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", maxHeader+8<<10))
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer := make([]byte, 64)
	n, _ := c.Read(answer)
	if !strings.Contains(string(answer[:n]), "431") {
		t.Errorf("a large header: %q", answer[:n])
	}

	// Pages of other origins, and names that may be another's.
	for name, h := range map[string][2]string{"origin": {"Origin", "http://example.com"}, "host": {"Host", "example.com"}} {
		r, _ := http.NewRequest("GET", s.URL()+"/v1/head", nil)
		r.Header.Set(h[0], h[1])
		if name == "host" {
			r.Host = h[1]
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode/100 != 4 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
}

func TestLimiterForgets(t *testing.T) {
	l := newLimiter(1)
	now := time.Now()
	l.now = func() time.Time { return now }
	for i := range maxAddresses {
		if _, ok := l.take(fmt.Sprint(i)); !ok {
			t.Fatal(i)
		}
	}
	if wait, ok := l.take("one more"); ok || wait < 1 {
		t.Fatal("the table is full of busy addresses and takes another")
	}
	now = now.Add(3 * time.Second)
	if _, ok := l.take("one more"); !ok || len(l.buckets) != 1 {
		t.Fatalf("%d buckets after three quiet seconds", len(l.buckets))
	}
}

// A client that comes back with the last id misses nothing and gets nothing
// twice.
func TestEventsResume(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.server.beat = 20 * time.Millisecond
	_, height := s.Include(t, s.Transfer(0, bob, 3*unit.Coin))
	s.Reach(t, height+1)
	s.indexed(t, height+1)
	type got struct {
		id string
		e  StreamEvent
	}
	var all []got
	stop := errors.New("enough")
	take := func(n int) func(string, StreamEvent) error {
		return func(id string, e StreamEvent) error {
			all = append(all, got{id, e})
			if n--; n == 0 {
				return stop
			}
			return nil
		}
	}
	last := ""
	for _, n := range []int{1, int(height), 1, 4} { // cut off at several places, one between a block and its events
		if err := s.Events(t.Context(), last, 1, take(n)); !errors.Is(err, stop) {
			t.Fatal(err)
		}
		last = all[len(all)-1].id
	}
	want := uint64(1)
	transfers := 0
	for _, g := range all {
		switch g.e.Kind {
		case "block":
			if g.e.Height != want {
				t.Fatalf("block %d, want %d", g.e.Height, want)
			}
			want++
		case "transfer":
			transfers++
			if g.e.Height != height || g.e.Amount != 3e9 {
				t.Fatalf("%+v", g)
			}
		}
	}
	if transfers != 1 {
		t.Fatalf("%d transfers", transfers)
	}
	for id, status := range map[string]int{"x": 400, "1-": 400, "-1-1": 400, "0-0": 410, "99999-1": 400} {
		var p *Problem
		if err := s.Events(t.Context(), id, 0, take(1)); !errors.As(err, &p) || p.Status != status {
			t.Errorf("Last-Event-ID %s: %v", id, err)
		}
	}
}

// stuck is a client that takes nothing.
type stuck struct {
	http.ResponseWriter
	writes int
}

func (s *stuck) Flush() {}
func (s *stuck) Write([]byte) (int, error) {
	s.writes++
	return 0, os.ErrDeadlineExceeded
}

// A client that takes nothing is cut off, and its place is free for another.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Reach(t, 2)
	s.indexed(t, 2)
	w := &stuck{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest("GET", "http://localhost/v1/events?since=1", nil)
	done := make(chan bool)
	go func() { s.server.Handler().ServeHTTP(w, r); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the stream goes on")
	}
	if w.writes == 0 || len(s.server.streams) != 0 {
		t.Fatalf("%d writes, %d streams", w.writes, len(s.server.streams))
	}
	for range maxStreams {
		s.server.streams <- struct{}{}
	}
	var p *Problem
	if err := s.Events(t.Context(), "", 1, nil); !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable {
		t.Fatalf("one stream too many: %v", err)
	}
}

// The description is generated from the types: a change of it is a change of the
// API, to be seen in a diff. `go test ./host/internal/api -rewrite` writes it.
func TestOpenAPI(t *testing.T) {
	s, err := New(described())
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/openapi.yaml", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "openapi: 3.1.0") {
		t.Fatalf("%d: %.100s", w.Code, w.Body)
	}
	const file = "testdata/openapi.yaml"
	if *rewrite {
		if err := os.WriteFile(file, w.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, w.Body.Bytes()) {
		t.Error("the API is not as " + file + " says: look whether that is meant, then run the test with -rewrite")
	}
	w = httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/openapi.json", nil))
	if !json.Valid(w.Body.Bytes()) {
		t.Error("openapi.json is no JSON")
	}

	w = httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/docs", nil))
	for path := range s.api.OpenAPI().Paths {
		if !strings.Contains(w.Body.String(), strings.ReplaceAll(path, "&", "&amp;")) {
			t.Errorf("the page does not show %s", path)
		}
	}
	for _, foreign := range []string{"http://", "https://", "<script", "//cdn"} {
		if strings.Contains(w.Body.String(), foreign) {
			t.Errorf("the page has %s", foreign)
		}
	}
}

// described is a configuration that has every route and answers nothing.
func described() Config {
	g := &ledger.Genesis{ChainID: "x"}
	return Config{Genesis: g, Node: &chain.Node{}, Index: &index.Index{}, Network: func() Network { return Network{} },
		View: func(context.Context) (chain.Head, ledger.View, func(), error) {
			return chain.Head{}, nil, nil, chain.ErrUnavailable
		},
		Prove: func(context.Context, []byte, uint64) (*StateValue, error) { return nil, chain.ErrUnavailable },
		Why: func(context.Context, ledger.View, ledger.NetUID, ledger.Hotkey, int) (*Why, error) {
			return nil, chain.ErrUnavailable
		}}
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{"FeeBase": "fee_base", "TAOWeight": "tao_weight", "MaxUIDs": "max_uids", "DeadlineMS": "deadline_ms",
		"StepsABlock": "steps_a_block", "Tempo": "tempo", "MinStake": "min_stake"} {
		if got := snake(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

// A cursor that is read is the one that was made.
func FuzzCursor(f *testing.F) {
	f.Add(cursor(cursorBlocks, 7, 0))
	f.Add(cursor(cursorHistory, 1<<63, 9))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		for kind := range uint64(3) {
			if h, seq, ok, err := parseCursor(s, kind); err == nil && ok && cursor(kind, h, seq) != s {
				t.Errorf("%q is %d %d", s, h, seq)
			}
		}
		if p, err := parsePlace(s); err == nil {
			if again, err := parsePlace(p.String()); err != nil || again != p {
				t.Errorf("%q is %v", s, p)
			}
		}
	})
}

// No body makes the API panic or answer with a fault of its own.
func FuzzBody(f *testing.F) {
	c := described()
	s, err := New(c)
	if err != nil {
		f.Fatal(err)
	}
	s.limiter.set(1 << 30)
	f.Add([]byte(`{"raw":"00"}`))
	f.Add([]byte(`{"raw":1}`))
	f.Add([]byte(`{"raw":"8401"}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := httptest.NewRequest("POST", "http://localhost/v1/transactions/simulate", bytes.NewReader(b))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		var p Problem
		if w.Code < 400 || w.Code >= 500 || json.Unmarshal(w.Body.Bytes(), &p) != nil || p.Status != w.Code {
			t.Errorf("%x: %d %s", b, w.Code, w.Body)
		}
	})
}
