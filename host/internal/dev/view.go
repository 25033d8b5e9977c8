package dev

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p"
)

// names are the development names of hotkeys, for lines.
var names = newState()

// Line is an event in words, empty for one that is not worth a line. Blocks and
// payments are reported by every node; one node's word is enough.
func Line(e event.Event) string {
	if e.From != "" && e.From != producerName(0) && (e.Kind == "block" || e.Kind == "epoch" || e.Kind == "paid" || e.Kind == "registered" ||
		e.Kind == "staked" || e.Kind == "transfer" || e.Kind == "committed" || e.Kind == "revealed" || e.Kind == "rejected") {
		return ""
	}
	who := names.Name(e.Hotkey)
	switch e.Kind {
	case "block":
		if e.Height%5 != 0 {
			return ""
		}
		return fmt.Sprintf("block %d, %d transactions, state %s", e.Height, e.Entries-1, e.Root[:12])
	case "epoch":
		return fmt.Sprintf("block %d ends epoch %d", e.Height, e.Epoch)
	case "paid":
		return fmt.Sprintf("paid for epoch %d: %s α to %s", e.Epoch, coins(e.Amount), who)
	case "registered":
		return fmt.Sprintf("%s registered for %s TAO", who, coins(e.Amount))
	case "staked":
		return fmt.Sprintf("%s got a stake of %s α", who, coins(e.Amount))
	case "committed", "revealed":
		return fmt.Sprintf("%s %s the weights of epoch %d", who, e.Kind, e.Epoch)
	case "rejected":
		return "rejected: " + e.Err
	case "my-round":
		var b strings.Builder
		fmt.Fprintf(&b, "%s scored round %d of epoch %d:", e.From, e.Round, e.Epoch)
		for _, s := range e.Scores {
			v := s.Score
			if s.Status != "answered" {
				v = s.Status
			}
			fmt.Fprintf(&b, " %s %s", names.Name(s.Hotkey), v)
		}
		return b.String()
	case "my-skipped":
		return fmt.Sprintf("%s skipped round %d of epoch %d: %s", e.From, e.Round, e.Epoch, e.Err)
	case "my-evidence":
		return fmt.Sprintf("%s published evidence %s of epoch %d, %d bytes", e.From, e.Root[:12], e.Epoch, e.Bytes)
	case "replay", "restart", "note":
		return e.Text
	case "ready":
		if len(e.Addrs) > 0 {
			return fmt.Sprintf("%s listens on %s", e.From, e.Addrs[0])
		}
		return e.From + " are ready"
	}
	return ""
}

// Watch replays one validator's evidence of each epoch, in turn, from outside,
// and reports the verdict as an event. It ends with ctx.
func (r *Running) Watch(ctx context.Context) error {
	seen := map[uint64]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		for _, e := range r.State.PaidEpochs() {
			if seen[e] || ctx.Err() != nil {
				continue
			}
			seen[e] = true
			who := producerName(int(e) % validators)
			v, _, err := r.Replay(ctx, "--netuid", fmt.Sprint(netuid), "--epoch", fmt.Sprint(e), "--validator", hotkeyOf(who).String())
			text := fmt.Sprintf("replay of epoch %d, %s, by a stranger: ", e, who)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				text += err.Error()
			case len(v) == 1:
				text += v[0].Verdict
				if v[0].Difference+v[0].Error != "" {
					text += ": " + v[0].Difference + v[0].Error
				}
			}
			select {
			case r.events <- event.Event{Kind: "replay", From: "dev", Netuid: netuid, Epoch: e, Text: text}:
			case <-ctx.Done():
			}
		}
	}
}

// View draws the network until ctx ends.
func View(ctx context.Context, out io.Writer, r *Running, keep string) error {
	fmt.Fprint(out, "\033[?1049h\033[?25l")
	defer fmt.Fprint(out, "\033[?25h\033[?1049l")
	p := proved{note: "proving the first view of the chain"}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		if i%4 == 0 {
			p.refresh(ctx, r)
		}
		fmt.Fprint(out, "\033[H\033[2J"+r.frame(&p, keep))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// proved is what the view shows of the chain's state, every value with a proof.
type proved struct {
	note      string // why there is nothing newer
	market    string
	incentive map[string]uint16 // by hotkey
}

func (p *proved) refresh(ctx context.Context, r *Running) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	v, err := r.Client().View(ctx)
	if err != nil {
		p.note = "no proved view of the chain: " + err.Error()
		return
	}
	m, err := ledger.LoadMetagraph(v, netuid)
	if err != nil || m == nil {
		p.note = fmt.Sprintf("no proved view of the subnet: %v", err)
		return
	}
	t, err := ledger.LoadTotals(v)
	if err != nil || t == nil {
		p.note = fmt.Sprintf("no proved view of the totals: %v", err)
		return
	}
	p.note, p.incentive = "", map[string]uint16{}
	p.market = fmt.Sprintf("price %s TAO/α   pool %s TAO, %s α   issued %s TAO, %s α   burned %s TAO, %s α", m.Price, coins(uint64(m.PoolTAO)),
		coins(uint64(m.PoolAlpha)), coins(uint64(t.Issued)), coins(uint64(m.Issued)), coins(uint64(t.Burned)), coins(uint64(m.Burned)))
	for _, n := range m.Neurons {
		p.incentive[n.Hotkey.String()] = n.Incentive
	}
}

// frame is one picture.
func (r *Running) frame(p *proved, keep string) string {
	join := r.Join()
	s := r.State
	s.mu.Lock()
	defer s.mu.Unlock()
	tempo := uint64(r.gen.Subnets[0].Params.Tempo)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("plexus dev   %s   block %d", r.gen.ChainID, s.height)
	into := uint64(0)
	if s.height > s.ended {
		into = s.height - s.ended
	}
	running := s.epoch + 1
	if s.ended == 0 {
		running = 0
	}
	line("subnet 1 text   epoch %d   [%s%s] %d/%d blocks", running, strings.Repeat("#", int(min(into, tempo))),
		strings.Repeat(".", int(tempo-min(into, tempo))), into, tempo)
	line("%s%s", p.market, p.note)
	line("")
	line("%-10s %-56s %10s %12s   %s", "miner", "last scores", "incentive", "earned α", "model")
	for _, m := range minerKinds {
		line("%-10s %-56s %10.4f %12s   %s", m.Name, strings.Join(s.scores[m.Name], " "),
			float64(p.incentive[hotkeyOf(m.Name).String()])/65535, coins(s.earned[m.Name]), m.Say)
	}
	line("")
	line("%-10s %-8s %12s   %s", "producer", "block", "dividends α", "listens on")
	for i := range producers {
		n := producerName(i)
		addr := ""
		for _, a := range join.Addrs {
			if strings.HasSuffix(a, "/"+p2p.PeerID(hotSeed(n).Derive("peer")).String()) {
				addr, _, _ = strings.Cut(a, "/p2p/")
			}
		}
		line("%-10s %-8d %12s   %s", n, s.heights[n], coins(s.earned[n]), addr)
	}
	line("")
	line("last evidence  %s", s.evidence)
	line("last replay    %s", s.verdict)
	for _, n := range s.notes {
		line("note           %s", n)
	}
	line("")
	line("join with  plexus metagraph | plexus replay | plexus send   (--join is found by itself)")
	if keep == "" {
		line("Ctrl-C stops the network and forgets it; --keep DIR keeps it")
	} else {
		line("Ctrl-C stops the network; 'plexus dev --keep %s' resumes it", keep)
	}
	return b.String()
}
