package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
)

// Problem is an error as the API answers it: problem details of RFC 9457, with
// the ledger's code when the ledger refused a transaction.
type Problem struct {
	Type   string `json:"type,omitempty" doc:"about:blank, always"`
	Title  string `json:"title" doc:"The status in words"`
	Status int    `json:"status" doc:"HTTP status"`
	Detail string `json:"detail" doc:"What was wrong, and what would help"`
	Code   uint32 `json:"code,omitempty" doc:"The ledger's code of a refused transaction; numbers never change their meaning"`
	Reject string `json:"reject,omitempty" doc:"Name of the code"`
	Retry  int    `json:"-"` // seconds after which to try again, 0 for none
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes the answer problem+json.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders adds Retry-After.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Retry > 0 {
		h.Set("Retry-After", fmt.Sprint(p.Retry))
	}
	return h
}

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// fail turns an error of the node into the answer for it. What is not the
// caller's business is logged and not told.
func (s *Server) fail(err error) error {
	var p *Problem
	var r *ledger.Reject
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		return p
	case errors.As(err, &r):
		p = problem(http.StatusUnprocessableEntity, "%s", clip(err.Error()))
		p.Code, p.Reject = uint32(r.Code), r.Code.String()
		return p
	case errors.Is(err, chain.ErrKnown):
		return problem(http.StatusConflict, "%v", err)
	case errors.Is(err, chain.ErrFull):
		p = problem(http.StatusServiceUnavailable, "%v", err)
		p.Retry = 12
		return p
	case errors.Is(err, chain.ErrUnavailable), errors.Is(err, index.ErrNotFound):
		return problem(http.StatusNotFound, "%v", err)
	case errors.Is(err, chain.ErrVerify):
		return problem(http.StatusBadGateway, "%s", clip(err.Error()))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem(http.StatusGatewayTimeout, "the answer took too long")
	}
	s.cfg.Log.Error("answering a request", "err", err)
	return problem(http.StatusInternalServerError, "the node failed to answer; its log says why")
}

// clip bounds a text that may quote what a stranger sent.
func clip(s string) string {
	if len(s) > 500 {
		s = s[:500]
	}
	return s
}

// write answers outside the described routes.
func (p *Problem) write(w http.ResponseWriter) {
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}
