package dev

import (
	"fmt"
	"sort"
	"sync"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger/key"
)

// State is what the events have told so far. Its methods may be called
// concurrently.
type State struct {
	mu       sync.Mutex
	names    map[string]string // hotkey -> name
	height   uint64
	heights  map[string]uint64
	roots    map[uint64]string // app hash by height, first reported
	split    string            // two app hashes at one height: the worst there is
	epoch    uint64            // last that ended
	ended    uint64            // height at which it did
	paid     map[uint64]map[string]uint64
	earned   map[string]uint64
	scores   map[string][]string // by miner, the last few
	skipped  int
	evidence string
	verdict  string
	notes    []string
}

func newState() *State {
	s := &State{names: map[string]string{}, heights: map[string]uint64{}, roots: map[uint64]string{}, paid: map[uint64]map[string]uint64{},
		earned: map[string]uint64{}, scores: map[string][]string{}}
	for i := range producers {
		s.names[hotSeed(producerName(i)).Public().String()] = producerName(i)
	}
	for _, m := range minerKinds {
		s.names[hotSeed(m.Name).Public().String()] = m.Name
	}
	return s
}

// Name is the development name of a hotkey, or the hotkey.
func (s *State) Name(hotkey string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name(hotkey)
}

func (s *State) name(hotkey string) string {
	if n, ok := s.names[hotkey]; ok {
		return n
	}
	return hotkey
}

// keepScores is how many scores of a miner the view shows.
const keepScores = 6

func (s *State) take(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case "block":
		s.block(e)
	case "epoch":
		if e.Height > s.ended {
			s.epoch, s.ended = e.Epoch, e.Height
		}
	case "paid":
		name := s.name(e.Hotkey)
		if s.paid[e.Epoch] == nil {
			s.paid[e.Epoch] = map[string]uint64{}
		}
		if _, seen := s.paid[e.Epoch][name]; !seen { // every node tells of it
			s.paid[e.Epoch][name] = e.Amount
			s.earned[name] += e.Amount
		}
	case "my-round":
		for _, sc := range e.Scores {
			n := s.name(sc.Hotkey)
			text := sc.Score
			if sc.Status != "answered" {
				text = sc.Status
			}
			s.scores[n] = append(s.scores[n], text)
			if l := len(s.scores[n]); l > keepScores {
				s.scores[n] = s.scores[n][l-keepScores:]
			}
		}
	case "my-skipped":
		s.skipped++
		s.note(fmt.Sprintf("%s skipped round %d of epoch %d: %s", e.From, e.Round, e.Epoch, e.Err))
	case "my-evidence":
		s.evidence = fmt.Sprintf("%s of %s, epoch %d, %d bytes", e.Root[:16], e.From, e.Epoch, e.Bytes)
	case "replay":
		s.verdict = e.Text
	case "restart", "note":
		s.note(e.Text)
	case "rejected":
		s.note(fmt.Sprintf("block %d: a transaction was rejected: %s", e.Height, e.Err))
	}
}

func (s *State) block(e event.Event) {
	s.heights[e.From] = e.Height
	s.height = max(s.height, e.Height)
	if have, ok := s.roots[e.Height]; !ok {
		s.roots[e.Height] = e.Root
	} else if have != e.Root && s.split == "" {
		s.split = fmt.Sprintf("block %d: %s has state %s, another node %s", e.Height, e.From, e.Root, have)
		s.note(s.split)
	}
	if e.Height > 1000 {
		delete(s.roots, e.Height-1000)
	}
}

func (s *State) note(text string) {
	if n := len(s.notes); n > 0 && s.notes[n-1] == text {
		return
	}
	s.notes = append(s.notes, text)
	if len(s.notes) > 4 {
		s.notes = s.notes[len(s.notes)-4:]
	}
}

// Height is the highest block that any node has reported.
func (s *State) Height() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.height
}

// Split says which nodes disagree about the state, empty when none do.
func (s *State) Split() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.split
}

// PaidEpochs lists the epochs whose step paid a miner, rising.
func (s *State) PaidEpochs() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uint64
	for e, by := range s.paid {
		for _, m := range minerKinds {
			if by[m.Name] > 0 {
				out = append(out, e)
				break
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// Paid is what an epoch's step paid by name.
func (s *State) Paid(e uint64) map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]uint64{}
	for k, v := range s.paid[e] {
		out[k] = v
	}
	return out
}

// hotkeyOf is a development name's hotkey.
func hotkeyOf(name string) key.ID { return hotSeed(name).Public() }

// IsMiner reports whether a hotkey is that of one of the network's miners.
func IsMiner(hotkey string) bool {
	for _, m := range minerKinds {
		if hotkeyOf(m.Name).String() == hotkey {
			return true
		}
	}
	return false
}
