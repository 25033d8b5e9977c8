// Package event is what the processes of a network tell about themselves, one
// JSON object a line: the form in which a node reports to whoever started it
// and in which `plexus dev --json` reports to programs.
package event

import (
	"encoding/json"
	"io"
	"sync"
)

// Event is one line. Kind says which of the other fields are set.
type Event struct {
	Kind    string   `json:"event"`             // ready, block, round, skipped, evidence, commit, reveal, epoch, paid, registered, staked, transfer, exchange, replay, restart, note, progress, stopped
	From    string   `json:"from,omitempty"`    // name of the process
	Height  uint64   `json:"height,omitempty"`  // of a block
	Time    int64    `json:"time,omitempty"`    // Unix milliseconds
	Root    string   `json:"root,omitempty"`    // app hash of a block, or root of evidence
	Entries int      `json:"entries,omitempty"` // of a block, the proposer's included
	Netuid  uint16   `json:"netuid,omitempty"`
	Epoch   uint64   `json:"epoch,omitempty"`
	Round   int      `json:"round,omitempty"`
	Hotkey  string   `json:"hotkey,omitempty"`
	Amount  uint64   `json:"amount,omitempty"` // smallest units
	Bytes   int      `json:"bytes,omitempty"`
	Done    uint64   `json:"done,omitempty"` // chunks of a snapshot that is restored
	Total   uint64   `json:"total,omitempty"`
	Scores  []Score  `json:"scores,omitempty"`
	Addrs   []string `json:"addrs,omitempty"`
	API     string   `json:"api,omitempty"` // address of the HTTP API
	Text    string   `json:"text,omitempty"`
	Err     string   `json:"error,omitempty"`
}

// Score is a miner's result in a round.
type Score struct {
	Hotkey string `json:"hotkey"`
	Score  string `json:"score"` // decimal, 0 to 1
	Status string `json:"status"`
}

// Writer writes events as lines; it may be used by many goroutines. A nil
// Writer drops them.
type Writer struct {
	From string
	mu   sync.Mutex
	enc  *json.Encoder
}

// NewWriter writes to w as the process called from.
func NewWriter(w io.Writer, from string) *Writer { return &Writer{From: from, enc: json.NewEncoder(w)} }

// Emit writes one event. A reader that is gone is no error of the writer.
func (w *Writer) Emit(e Event) {
	if w == nil {
		return
	}
	if e.From == "" {
		e.From = w.From
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enc.Encode(e)
}
