package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
)

// Bounds that are not configured.
const (
	maxHeader  = 16 << 10
	maxConns   = 512 // connections at once
	maxStreams = 64  // event streams at once
	answerTime = 20 * time.Second
	idleTime   = 60 * time.Second
	writeTime  = 10 * time.Second // for one message of an event stream
	heartbeat  = 15 * time.Second
)

// Config of a Server. Genesis, View and Prove are required; with a Node and an
// Index it is a node's API, without them that of a light client.
type Config struct {
	Listen  string // HOST:PORT; port 0 takes a free one
	Rate    int    // requests a second from one address, twice as many at once; 0 is 50
	Body    int64  // bytes of a request's body; 0 is 1 MiB
	Genesis *ledger.Genesis
	// View returns the newest state with its block; release ends its use.
	View func(ctx context.Context) (head chain.Head, v ledger.View, release func(), err error)
	// Prove returns a key's value with its proof; height 0 is the newest that
	// can be proved.
	Prove func(ctx context.Context, key []byte, height uint64) (*StateValue, error)
	Node  *chain.Node
	Index *index.Index
	// Why explains a hotkey's income over some epochs; nil leaves the route out.
	Why     func(ctx context.Context, v ledger.View, n ledger.NetUID, hot ledger.Hotkey, epochs int) (*Why, error)
	Network func() Network // who the node is connected to; needed with Node
	Version string         // of the program
	Metrics http.Handler   // served at /metrics; nil for none
	// Observe is told of each answer, by the pattern of its route; nil for nobody.
	Observe func(route string, status int, took time.Duration)
	Log     *slog.Logger // nil discards
}

// Server is an open API.
type Server struct {
	cfg     Config
	api     huma.API
	handler http.Handler
	limiter *limiter
	streams chan struct{}
	beat    time.Duration // between signs of life in a stream
	ln      net.Listener
	ctx     context.Context // ends with Run, and every stream with it
	cancel  context.CancelFunc
}

// New makes the handlers without listening.
func New(c Config) (*Server, error) {
	if c.Genesis == nil || c.View == nil || c.Prove == nil || c.Node != nil && (c.Index == nil || c.Network == nil) {
		return nil, errors.New("api: config: genesis, view and prove are required, with a node its index and network too")
	}
	if c.Rate == 0 {
		c.Rate = 50
	}
	if c.Body == 0 {
		c.Body = 1 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: c, limiter: newLimiter(c.Rate), streams: make(chan struct{}, maxStreams), beat: heartbeat}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	r := chi.NewRouter()
	r.Use(s.observe, s.guard, s.limiter.limit, s.deadline)
	hc := huma.DefaultConfig("Plexus", "1")
	hc.Info.Description = "A node of a Plexus network, or a light client of one. Amounts are decimal strings in the smallest unit " +
		"(fields _rao for TAO, _alpha for a subnet's alpha; 10^9 are one coin), bytes are hexadecimal, times RFC 3339, lists newest first in pages."
	hc.DocsPath, hc.SchemasPath, hc.CreateHooks = "", "", nil
	hc.RejectUnknownQueryParameters = true
	s.api = humachi.New(r, hc)
	s.routes()
	r.Get("/docs", s.docs)
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/docs", http.StatusFound) })
	if c.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", c.Metrics)
	}
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		problem(http.StatusNotFound, "no such route: /docs lists them").write(w)
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		problem(http.StatusMethodNotAllowed, "the route exists, but not with this method: see /docs").write(w)
	})
	s.handler = r
	return s, nil
}

// Listen opens the listener, so that the address is known before Run.
func (s *Server) Listen() (err error) {
	if s.ln, err = net.Listen("tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("api.listen %s: %w: choose another port, or an empty one for no API", s.cfg.Listen, err)
	}
	return nil
}

// Addr returns the address listened on.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// SetRate changes the requests a second that one address may make.
func (s *Server) SetRate(rate int) { s.limiter.set(rate) }

// Handler returns all routes, for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves until ctx ends. It listens first if that was not done.
func (s *Server) Run(ctx context.Context) error {
	defer s.cancel()
	if s.ln == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	h := &http.Server{Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: answerTime, WriteTimeout: answerTime + 5*time.Second,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0)}
	end := context.AfterFunc(ctx, func() {
		s.cancel()
		late, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if h.Shutdown(late) != nil {
			h.Close()
		}
	})
	defer end()
	err := h.Serve(&bounded{Listener: s.ln, free: make(chan struct{}, maxConns)})
	if errors.Is(err, http.ErrServerClosed) {
		return h.Shutdown(context.Background()) // waits for the one under way
	}
	return fmt.Errorf("api: %w", err)
}

// Close releases the listener of a server that never ran.
func (s *Server) Close() error {
	s.cancel()
	if s.ln == nil {
		return nil
	}
	return s.ln.Close()
}

// routes registers what the backend can answer.
func (s *Server) routes() {
	s.stateRoutes()
	s.subnetRoutes()
	s.whyRoutes()
	s.marketRoutes()
	if s.cfg.Node != nil {
		s.stakeRoutes()
		s.blockRoutes()
		s.txRoutes()
		s.eventRoutes()
	}
	s.nodeRoutes()
}

// route describes an operation.
func (s *Server) route(method, path, id, tag, summary, description string) huma.Operation {
	return huma.Operation{Method: method, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary, Description: description,
		MaxBodyBytes: s.cfg.Body,
		Responses: map[string]*huma.Response{"default": {Description: "What went wrong", Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(typeOf[Problem](), true, "")}}}}}
}

// guard answers a panic with 500, sets what keeps browsers from misusing the
// answers, and refuses names that are not this listener's: a page elsewhere
// could otherwise point a name of its own at the loopback address.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.cfg.Log.Error("a handler panicked", "path", clip(r.URL.Path), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				problem(http.StatusInternalServerError, "the node failed to answer; its log says why").write(w)
			}
		}()
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		if local(addressOf(r.RemoteAddr)) && !ownName(r.Host) {
			problem(http.StatusMisdirectedRequest, "host %q is not this server: use its address or localhost", clip(r.Host)).write(w)
			return
		}
		if r.Header.Get("Origin") != "" && !ownName(strings.TrimPrefix(strings.TrimPrefix(r.Header.Get("Origin"), "http://"), "https://")) {
			problem(http.StatusForbidden, "cross-origin requests are off").write(w)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, s.cfg.Body)
		next.ServeHTTP(w, r)
	})
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// ownName accepts addresses, which no name service can redirect, and localhost.
func ownName(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil
}

// deadline ends the work for an answer; streams have their own.
func (s *Server) deadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == eventsPath {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerTime)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// observe counts answers by route.
func (s *Server) observe(next http.Handler) http.Handler {
	if s.cfg.Observe == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		route := "none" // bounds the number of routes, whatever is asked for
		if c := chi.RouteContext(r.Context()); c != nil && c.RoutePattern() != "" {
			route = c.RoutePattern()
		}
		s.cfg.Observe(route, ww.Status(), time.Since(began))
	})
}

// bounded is a listener with a limit of open connections.
type bounded struct {
	net.Listener
	free chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case b.free <- struct{}{}:
			return &counted{Conn: c, release: func() { <-b.free }}, nil
		default:
			c.Close() // at once, so that the others are not held up
		}
	}
}
