package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plexus-network/plexus/host/internal/index"
)

const eventsPath = "/v1/events"

// StreamEvent is the data of one message of the stream: a block, or something
// that it did.
type StreamEvent struct {
	Height uint64    `json:"height"`
	Time   time.Time `json:"time"`
	Hash   Hash      `json:"hash" doc:"Of the block"`
	Root   *Hash     `json:"root,omitempty" doc:"In block messages"`
	Txs    *int      `json:"transactions,omitempty" doc:"Their number, in block messages"`
	LedgerEvent
}

// place is where a stream stands: the block, and how many of its messages were
// sent. The first message is the block itself.
type place struct {
	height uint64
	sent   int
}

func (p place) String() string { return fmt.Sprintf("%d-%d", p.height, p.sent) }

// parsePlace reads the id of a message; the stream goes on behind it.
func parsePlace(s string) (p place, err error) {
	a, b, ok := strings.Cut(s, "-")
	if p.height, err = strconv.ParseUint(a, 10, 63); err != nil || !ok {
		return p, fmt.Errorf("Last-Event-ID %q: want the id of a message", clip(s))
	}
	n, err := strconv.ParseUint(b, 10, 31)
	if err != nil {
		return p, fmt.Errorf("Last-Event-ID %q: want the id of a message", clip(s))
	}
	p.sent = int(n)
	return p, nil
}

func (s *Server) eventRoutes() {
	op := s.route(http.MethodGet, eventsPath, "stream-events", "Events", "Stream blocks and events",
		"Server-sent events: a message block for every block, then one for each thing that it did, named by its kind. "+
			"A message's id is the place to go on from: a client that lost the connection sends it as Last-Event-ID, as browsers do by themselves, and misses nothing. "+
			"Messages are read from the history as fast as the client takes them; one that takes none for 10 seconds is cut off.")
	op.Responses["200"] = &huma.Response{Description: "The stream, without an end", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: s.api.OpenAPI().Components.Schemas.Schema(typeOf[StreamEvent](), true, "")}}}
	huma.Register(s.api, op, func(_ context.Context, in *struct {
		Since uint64 `query:"since" doc:"First height to tell of; 0 is the next block"`
		Kind  string `query:"kind" maxLength:"200" doc:"Kinds to tell of, with commas between; empty for all"`
		Last  string `header:"Last-Event-ID" maxLength:"64" doc:"Id of the last message received"`
	}) (*huma.StreamResponse, error) {
		first, last := s.cfg.Index.Heights()
		from := place{height: last + 1}
		if in.Since > 0 {
			from.height = in.Since
		}
		if in.Last != "" {
			p, err := parsePlace(in.Last)
			if err != nil {
				return nil, problem(http.StatusBadRequest, "%v", err)
			}
			from = p
		}
		if from.height < first {
			return nil, problem(http.StatusGone, "the history of this node begins at block %d: start there, or ask another node", first)
		}
		if from.height > last+1 {
			return nil, problem(http.StatusBadRequest, "block %d is to come: the newest is %d", from.height, last)
		}
		select {
		case s.streams <- struct{}{}:
		default:
			p := problem(http.StatusServiceUnavailable, "%d event streams are open: try again later", maxStreams)
			p.Retry = 10
			return nil, p
		}
		kinds := map[string]bool{}
		for _, k := range strings.FieldsFunc(in.Kind, func(r rune) bool { return r == ',' }) {
			kinds[k] = true
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			defer func() { <-s.streams }()
			s.stream(c, from, kinds)
		}}, nil
	})
}

// stream writes messages until the client or the server ends. It holds one block
// in memory: what a slow client has not taken stays on disk.
func (s *Server) stream(c huma.Context, p place, kinds map[string]bool) {
	w, ok := c.BodyWriter().(http.ResponseWriter)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{})
	send := func(text string) bool {
		// Servers without deadlines, those of tests, have no slow clients either.
		control.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := w.Write([]byte(text))
		return err == nil && control.Flush() == nil
	}
	if !send("retry: 2000\n\n") {
		return
	}
	beat := time.NewTicker(s.beat)
	defer beat.Stop()
	for {
		changed := s.cfg.Index.Changed()
		for _, last := s.cfg.Index.Heights(); p.height <= last; p = (place{height: p.height + 1}) {
			r, err := s.cfg.Index.Block(p.height)
			if err != nil {
				send(": the history has no block " + strconv.FormatUint(p.height, 10) + "\n\n")
				return
			}
			for _, m := range messages(r, p.sent, kinds) {
				if !send(m) {
					return
				}
			}
		}
		select {
		case <-c.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-beat.C:
			if !send(": alive\n\n") {
				return
			}
		case <-changed:
		}
	}
}

// messages are those of a block behind the first skip ones.
func messages(r *index.BlockRecord, skip int, kinds map[string]bool) []string {
	var out []string
	add := func(n int, kind string, e StreamEvent) {
		if n < skip || len(kinds) > 0 && !kinds[kind] {
			return
		}
		e.Height, e.Time, e.Hash, e.Kind = r.Height, at(r.Time), r.Hash, kind
		b, err := json.Marshal(e)
		if err != nil {
			return // cannot be: the fields are plain
		}
		out = append(out, fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", place{r.Height, n + 1}, kind, b))
	}
	root, txs := Hash(r.Root), len(r.Txs)
	add(0, "block", StreamEvent{Root: &root, Txs: &txs})
	for i := range r.Events {
		add(i+1, r.Events[i].Kind, StreamEvent{LedgerEvent: event(&r.Events[i])})
	}
	return out
}
