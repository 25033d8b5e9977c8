package dev

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger"
)

// sixSubnets is a network's state as some minutes of events make it.
func sixSubnets() *Running {
	var all []*subnet
	for i := range 6 {
		s := (&own{Name: fmt.Sprintf("subnet%d", i), Tempo: 20, Rounds: []uint16{2}, DeadlineMS: 3000, Miners: []ownMiner{
			{Name: "good", Say: "the best there is"}, {Name: "baseline"}, {Name: "lazy"}, {Name: "copier"}}}).subnet()
		s.netuid = ledger.NetUID(i + 1)
		all = append(all, s)
	}
	r := &Running{Network: &Network{subnets: all, gen: &ledger.Genesis{ChainID: "plexus-dev-test"}}, State: newState(all), api: "http://127.0.0.1:1234"}
	r.words = r.State
	r.State.take(event.Event{Kind: "block", From: producerName(0), Height: 47})
	r.State.take(event.Event{Kind: "traded", Text: "two, by a schedule of seed 01020304"})
	r.State.take(event.Event{Kind: "note", Text: "a note with \x1b[2J what moves the cursor"})
	for _, s := range all {
		n := uint16(s.netuid)
		r.State.take(event.Event{Kind: "epoch", Netuid: n, Epoch: 1, Height: 40})
		scores := []event.Score{{Hotkey: ColdSeed("alice").Public().String(), Score: "0.400000", Status: "answered"}}
		for j, m := range s.Miners {
			hot := hotkeyOf(s.account(m.Name)).String()
			scores = append(scores, event.Score{Hotkey: hot, Score: fmt.Sprintf("0.%d00000", 8-j), Status: "answered"})
			r.State.take(event.Event{Kind: "paid", Netuid: n, Epoch: 0, Hotkey: hot, Amount: uint64(8-j) * 1e9})
			r.State.take(event.Event{Kind: "paid", Netuid: n, Epoch: 0, Hotkey: hot, Amount: uint64(8-j) * 1e9}) // another node's word
		}
		r.State.take(event.Event{Kind: "my-round", From: producerName(0), Netuid: n, Epoch: 1, Scores: scores})
		r.State.take(event.Event{Kind: "my-evidence", From: producerName(0), Netuid: n, Epoch: 0, Root: strings.Repeat("ab", 32), Bytes: 5000})
		r.State.take(event.Event{Kind: "replay", Netuid: n, Text: "a stranger's replay of epoch 0 of producer0: equal"})
	}
	return r
}

// TestFrame: the picture fits any screen, on a usual one all is shown, and on a
// small one each subnet has its turn.
func TestFrame(t *testing.T) {
	r := sixSubnets()
	p := &proved{markets: map[uint16]*ledger.Metagraph{}}
	for _, s := range r.subnets {
		m := &ledger.Metagraph{Price: "1.234567"}
		m.Neurons = append(m.Neurons, ledger.NeuronStatus{Hotkey: hotkeyOf(s.account("good")), Incentive: 32768})
		p.markets[uint16(s.netuid)] = m
	}
	for _, size := range [][2]int{{200, 100}, {100, 50}, {80, 40}, {80, 24}, {40, 8}, {1, 1}} {
		for turn := range 60 {
			lines := r.frame(p, "", size[0], size[1], turn)
			width, height := max(size[0], leastWidth), max(size[1], leastHeight)
			if len(lines) > height {
				t.Fatalf("%v: %d lines", size, len(lines))
			}
			for _, l := range lines {
				if utf8.RuneCountInString(l) > width || strings.ContainsAny(l, "\x1b\n\r") {
					t.Fatalf("%v: line %q", size, l)
				}
			}
		}
	}
	whole := strings.Join(r.frame(p, "", 160, 60, 0), "\n")
	for _, want := range []string{"plexus-dev-test", "block 47", "SUBNET5", "epoch 2", " 7/20", "1.2345", "incentive 0.5000", "0.8000", "8.0000 α", "the best there is",
		"alice", "joined from outside", "abababababab", "equal", "seed 01020304", "http://127.0.0.1:1234", "Ctrl-C"} {
		if !strings.Contains(whole, want) {
			t.Errorf("no %q in\n%s", want, whole)
		}
	}
	if usual := strings.Join(r.frame(p, "", 80, 46, 0), "\n"); strings.Count(usual, "baseline") != len(r.subnets) || strings.Count(usual, "alice") != len(r.subnets) {
		t.Errorf("not all miners in\n%s", usual)
	}
	for _, s := range r.State.markets {
		s.guests = nil
	}
	if usual := strings.Join(r.frame(p, "", 80, 40, 0), "\n"); strings.Count(usual, "baseline") != len(r.subnets) {
		t.Errorf("not all miners in\n%s", usual)
	}
	shown := map[string]bool{}
	for turn := range 60 {
		small := strings.Join(r.frame(p, "home", 80, 20, turn), "\n")
		for _, s := range r.subnets {
			if !strings.Contains(small, strings.ToUpper(s.Name)) {
				t.Fatalf("%s is missing in\n%s", s.Name, small)
			}
		}
		for i, part := range strings.Split(small, "SUBNET")[1:] {
			if strings.Contains(part, "baseline") {
				shown[fmt.Sprint(i)] = true
			}
		}
	}
	if len(shown) != len(r.subnets) {
		t.Errorf("subnets shown in full on a small screen: %v", shown)
	}
}
