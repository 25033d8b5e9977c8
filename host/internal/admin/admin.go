// Package admin is how the operator of a running node talks to it: JSON over
// HTTP on a unix socket of mode 0600 in the node's home. Whoever can open the
// socket may stop the node, so nothing else is asked.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Errors of the socket.
var (
	// ErrServed: another node answers on the socket.
	ErrServed = errors.New("the admin socket is served by another node")
	// ErrNoNode: no node answers on the socket.
	ErrNoNode = errors.New("no node answers on the admin socket")
	// ErrLong: the system has no room for so long a name of a socket.
	ErrLong = errors.New("too long for the name of a socket")
	// ErrRefused: the node understood and would not.
	ErrRefused = errors.New("the node refuses")
)

// Peer is a connected or banned peer.
type Peer struct {
	ID      string     `json:"id"`
	Addrs   []string   `json:"addrs,omitempty"`
	Full    bool       `json:"consensus,omitempty"` // takes part in consensus gossip
	Banned  *time.Time `json:"banned_until,omitempty"`
	Inbound bool       `json:"inbound,omitempty"`
}

// Waiting is a transaction that waits for a block.
type Waiting struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Account string `json:"account"`
	Nonce   uint64 `json:"nonce"`
	Expiry  uint64 `json:"expiry"`
	Bytes   int    `json:"bytes"`
}

// Snapshot describes a snapshot file.
type Snapshot struct {
	Height  uint64 `json:"height"`
	Root    string `json:"root"`    // of the state, in hexadecimal
	Hash    string `json:"hash"`    // names its content
	Genesis string `json:"genesis"` // hash of the chain's
	Keys    uint64 `json:"keys"`
	Blobs   uint64 `json:"blobs"`
	Bytes   uint64 `json:"bytes"` // of keys, values and blobs
	Chunks  int    `json:"chunks"`
	File    string `json:"file"`
}

// Subnet is one subnet that the node validates.
type Subnet struct {
	NetUID    uint16         `json:"netuid"`
	State     string         `json:"state"`          // running; no permit, and so resting; ending, until its rounds in flight are kept; waiting, to be started again
	Data      string         `json:"data,omitempty"` // file or folder
	Root      string         `json:"data_root,omitempty"`
	Windows   uint64         `json:"data_windows,omitempty"` // of the data set, 0 for one that is not divided
	Left      uint64         `json:"data_windows_left"`      // from the running epoch on
	DataErr   string         `json:"data_error,omitempty"`   // why the data is not at hand
	Fuel      uint64         `json:"fuel,omitempty"`         // a second, 0 for no bound of its own
	Memory    uint64         `json:"memory,omitempty"`       // bytes, likewise
	Bandwidth uint64         `json:"bandwidth,omitempty"`    // bytes a second, likewise
	Scored    int            `json:"rounds_scored"`          // since the node's start
	Skipped   int            `json:"rounds_skipped"`
	Skips     map[string]int `json:"skips,omitempty"`        // those by why: module, data, other
	Faults    map[string]int `json:"miner_faults,omitempty"` // faulty messages of miners, by kind
	Restarts  int            `json:"restarts"`
	Err       string         `json:"last_error,omitempty"`
	ErrAt     *time.Time     `json:"last_error_at,omitempty"`
}

// Setting is a key of the configuration with which the node runs.
type Setting struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Unit  string `json:"unit,omitempty"`
}

// Request is what is asked: Do is one of reload, log-level, peers, ban, unban,
// mempool, subnets, settings, reindex, snapshot, shutdown.
type Request struct {
	Do    string        `json:"do"`
	Level string        `json:"level,omitempty"` // log-level
	Peer  string        `json:"peer,omitempty"`  // ban, unban
	For   time.Duration `json:"for,omitempty"`   // ban, in nanoseconds
}

// Answer is what a node says.
type Answer struct {
	Text     string    `json:"text,omitempty"` // for people
	Peers    []Peer    `json:"peers,omitempty"`
	Waiting  []Waiting `json:"waiting,omitempty"`
	Subnets  []Subnet  `json:"subnets,omitempty"`
	Settings []Setting `json:"settings,omitempty"`
	Evidence int64     `json:"evidence_bytes,omitempty"` // that the node keeps
	Fetched  int64     `json:"fetched_bytes,omitempty"`  // of data sets
	Snapshot *Snapshot `json:"snapshot,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// maxMessage bounds a request and an answer.
const maxMessage = 4 << 20

// Server answers on a socket.
type Server struct {
	ln   net.Listener
	file string
	do   func(context.Context, Request) (*Answer, error)
}

// Listen opens the socket. A file that a dead node left is replaced; one that is
// served, or that is no socket, is an error. do answers each request; its errors
// are told to the caller.
func Listen(file string, do func(context.Context, Request) (*Answer, error)) (*Server, error) {
	if most := 88; len(file) > most { // some systems have 104 bytes, and a longer name is needed on the way
		return nil, fmt.Errorf("admin.socket %s: %d bytes are %w, of at most %d: give a shorter one", file, len(file), ErrLong, most)
	}
	if info, err := os.Lstat(file); err == nil {
		if info.Mode()&fs.ModeSocket == 0 {
			return nil, fmt.Errorf("admin.socket %s: the file exists and is no socket: choose another name", file)
		}
		if c, err := net.DialTimeout("unix", file, time.Second); err == nil {
			c.Close()
			return nil, fmt.Errorf("admin.socket %s: %w: stop it, or choose another name", file, ErrServed)
		}
		if err := os.Remove(file); err != nil {
			return nil, fmt.Errorf("admin.socket: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("admin.socket: %w", err)
	}
	ln, err := listenPrivate(file)
	if err != nil {
		return nil, fmt.Errorf("admin.socket: %w", err)
	}
	return &Server{ln: ln, file: file, do: do}, nil
}

// listenPrivate makes the socket in a folder that nobody else may enter and
// moves it into its place once it has its mode, so that it is never open to
// others. The name of a socket has about 100 bytes of room, which a short name
// in the same folder keeps.
func listenPrivate(file string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(file), ".a")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // its name there is gone
	err = os.Chmod(filepath.Join(dir, "s"), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(dir, "s"), file)
	}
	if err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// Run serves until ctx ends and removes the socket.
func (s *Server) Run(ctx context.Context) error {
	h := &http.Server{Handler: http.HandlerFunc(s.serve), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx }}
	defer os.Remove(s.file)
	end := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if h.Shutdown(late) != nil {
			h.Close()
		}
	})
	defer end()
	if err := h.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return h.Shutdown(context.Background())
}

// Close ends a server that never ran.
func (s *Server) Close() error {
	return errors.Join(s.ln.Close(), os.Remove(s.file))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var req Request
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(Answer{Error: "want one request in JSON"})
		return
	}
	a, err := s.do(r.Context(), req)
	if err != nil {
		a = &Answer{Error: err.Error()}
		w.WriteHeader(http.StatusConflict)
	}
	json.NewEncoder(w).Encode(a)
}

// Ask sends one request to the node that serves a socket.
func Ask(ctx context.Context, file string, req Request) (*Answer, error) {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", file)
	}}}
	b, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin/", bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w %s: is the node running, with this home? %w", ErrNoNode, file, err)
	}
	defer resp.Body.Close()
	var a Answer
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxMessage)).Decode(&a); err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrNoNode, file, err)
	}
	if a.Error != "" {
		return nil, fmt.Errorf("%w: %s", ErrRefused, a.Error)
	}
	return &a, nil
}
