package dev

import (
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/plexus-network/plexus/host/internal/event"
)

// State is what the events have told so far. Its methods may be called
// concurrently.
type State struct {
	mu      sync.Mutex
	subnets []*subnet
	names   map[string]string // hotkey -> development name
	height  uint64
	heights map[string]uint64
	roots   map[uint64]string // app hash by height, first reported
	split   string            // two app hashes at one height: the worst there is
	markets map[uint16]*market
	traded  string // what the traders do
	// The last of all subnets:
	evidence, verdict string
	notes             []string
}

// market is what is known of one subnet.
type market struct {
	subnet  *subnet
	epoch   uint64                       // last that ended
	ended   uint64                       // height at which it did
	paid    map[uint64]map[string]uint64 // by epoch and hotkey
	earned  map[string]uint64            // by hotkey
	scores  map[string][]string          // by hotkey, the last few
	guests  []string                     // hotkeys of miners that joined, in the order seen
	rounds  int                          // scored, by all validators
	skipped int
	equal   int // bundles that replay found equal
	other   int // and others
}

func newState(subnets []*subnet) *State {
	s := &State{subnets: subnets, names: map[string]string{}, heights: map[string]uint64{}, roots: map[uint64]string{}, markets: map[uint16]*market{}}
	for i := range producers {
		s.names[hotkeyOf(producerName(i)).String()] = producerName(i)
	}
	for _, n := range subnets {
		s.markets[uint16(n.netuid)] = &market{subnet: n, paid: map[uint64]map[string]uint64{}, earned: map[string]uint64{}, scores: map[string][]string{}}
		for _, m := range n.Miners {
			s.names[hotkeyOf(n.account(m.Name)).String()] = m.Name
		}
		s.names[hotkeyOf(n.owner()).String()] = n.owner()
	}
	for _, name := range slices.Concat(people, traders) { // as hotkeys they are what they are as accounts
		s.names[ColdSeed(name).Public().String()] = name
	}
	return s
}

// Name is the development name of a hotkey: a miner's within its subnet, or the
// hotkey's first characters.
func (s *State) Name(hotkey string) string {
	if n, ok := s.names[hotkey]; ok {
		return n
	}
	return hotkey[:min(len(hotkey), 10)]
}

// keepScores is how many scores of a miner are remembered for the view.
const keepScores = 8

func (s *State) take(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case "block":
		s.block(e)
	case "restart", "note":
		s.note(e.Text)
	case "traded":
		s.traded = e.Text
	case "rejected":
		s.note(fmt.Sprintf("block %d: a transaction was rejected: %s", e.Height, e.Err))
	}
	if m := s.markets[e.Netuid]; m != nil {
		m.take(s, e)
	}
}

func (m *market) take(s *State, e event.Event) {
	switch e.Kind {
	case "epoch":
		if e.Height > m.ended {
			m.epoch, m.ended = e.Epoch, e.Height
		}
	case "paid":
		if m.paid[e.Epoch] == nil {
			m.paid[e.Epoch] = map[string]uint64{}
		}
		if _, seen := m.paid[e.Epoch][e.Hotkey]; !seen { // every node tells of it
			m.paid[e.Epoch][e.Hotkey] = e.Amount
			m.earned[e.Hotkey] += e.Amount
		}
	case "my-round":
		m.rounds++
		for _, sc := range e.Scores {
			text := sc.Score
			if sc.Status != "answered" {
				text = sc.Status
			}
			if !m.ours(sc.Hotkey) && !slices.Contains(m.guests, sc.Hotkey) {
				m.guests = append(m.guests, sc.Hotkey)
			}
			l := append(m.scores[sc.Hotkey], text)
			m.scores[sc.Hotkey] = l[max(0, len(l)-keepScores):]
		}
	case "my-skipped":
		m.skipped++
		s.note(fmt.Sprintf("%s skipped round %d of epoch %d of %s: %s", e.From, e.Round, e.Epoch, m.subnet.Name, e.Err))
	case "my-evidence":
		s.evidence = fmt.Sprintf("%s: %.16s of %s, epoch %d, %d KiB", m.subnet.Name, e.Root, e.From, e.Epoch, (e.Bytes+1023)>>10)
	case "replay":
		s.verdict = m.subnet.Name + ": " + e.Text
		if e.Err == "" {
			m.equal++
		} else {
			m.other++
		}
	}
}

// ours reports whether a hotkey is that of a miner that the network started.
func (m *market) ours(hotkey string) bool {
	for _, x := range m.subnet.Miners {
		if hotkeyOf(m.subnet.account(x.Name)).String() == hotkey {
			return true
		}
	}
	return false
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

// keepNotes is how many notes are remembered.
const keepNotes = 4

func (s *State) note(text string) {
	if n := len(s.notes); n > 0 && s.notes[n-1] == text {
		return
	}
	s.notes = append(s.notes, text)
	s.notes = s.notes[max(0, len(s.notes)-keepNotes):]
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

// PaidEpochs lists the epochs of a subnet whose step paid a miner, rising.
func (s *State) PaidEpochs(netuid uint16) []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uint64
	m := s.markets[netuid]
	if m == nil {
		return nil
	}
	for e, by := range m.paid {
		for hotkey, amount := range by {
			if amount > 0 && m.ours(hotkey) {
				out = append(out, e)
				break
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// Paid is what an epoch's step of a subnet paid by hotkey.
func (s *State) Paid(netuid uint16, e uint64) map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]uint64{}
	if m := s.markets[netuid]; m != nil {
		for k, v := range m.paid[e] {
			out[k] = v
		}
	}
	return out
}

// Skipped is how many rounds of a subnet validators skipped.
func (s *State) Skipped(netuid uint16) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.markets[netuid]; m != nil {
		return m.skipped
	}
	return 0
}
