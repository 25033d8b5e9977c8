package dev

import (
	"fmt"
	"strings"

	"github.com/plexus-network/plexus/host/internal/event"
)

// Line is an event in words, empty for one that is not worth a line. Blocks and
// payments are reported by every node; one node's word is enough.
func (n *Network) Line(e event.Event) string {
	if e.From != "" && e.From != producerName(0) && (e.Kind == "block" || e.Kind == "epoch" || e.Kind == "paid" || e.Kind == "registered" ||
		e.Kind == "committed" || e.Kind == "revealed" || e.Kind == "rejected") {
		return ""
	}
	who := n.words.Name(e.Hotkey)
	net := fmt.Sprintf("netuid %d", e.Netuid)
	if m := n.words.markets[e.Netuid]; m != nil {
		net = m.subnet.Name
	}
	switch e.Kind {
	case "block":
		if e.Height%5 != 0 {
			return ""
		}
		return fmt.Sprintf("block %d, %d transactions, state %.12s", e.Height, e.Entries-1, e.Root)
	case "epoch":
		return fmt.Sprintf("%s: block %d ends epoch %d", net, e.Height, e.Epoch)
	case "paid":
		return fmt.Sprintf("%s: paid for epoch %d: %s α to %s", net, e.Epoch, coins(e.Amount), who)
	case "registered":
		return fmt.Sprintf("%s: %s registered for %s TAO", net, who, coins(e.Amount))
	case "committed", "revealed":
		return fmt.Sprintf("%s: %s %s the weights of epoch %d", net, who, e.Kind, e.Epoch)
	case "rejected":
		return "rejected: " + e.Err
	case "my-round":
		var b strings.Builder
		fmt.Fprintf(&b, "%s: %s scored round %d of epoch %d:", net, e.From, e.Round, e.Epoch)
		for _, s := range e.Scores {
			v := s.Score
			if s.Status != "answered" {
				v = s.Status
			}
			fmt.Fprintf(&b, " %s %s", n.words.Name(s.Hotkey), v)
		}
		return b.String()
	case "my-skipped":
		return fmt.Sprintf("%s: %s skipped round %d of epoch %d: %s", net, e.From, e.Round, e.Epoch, e.Err)
	case "my-evidence":
		return fmt.Sprintf("%s: %s published evidence %.12s of epoch %d, %d bytes", net, e.From, e.Root, e.Epoch, e.Bytes)
	case "replay":
		return fmt.Sprintf("%s: %s", net, e.Text)
	case "traded", "restart", "note":
		return e.Text
	case "ready":
		if len(e.Addrs) > 0 {
			return fmt.Sprintf("%s listens on %s", e.From, e.Addrs[0])
		}
		return e.From + " are ready"
	}
	return ""
}
