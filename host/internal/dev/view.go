package dev

import (
	"context"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/plexus-network/plexus/ledger"
)

// The size of a screen that does not tell its own, and the smallest that is drawn
// for.
const (
	usualWidth, usualHeight = 80, 40
	leastWidth, leastHeight = 40, 8
)

// drawEvery is the time between two pictures.
const drawEvery = 500 * time.Millisecond

// View draws the network until ctx ends.
func View(ctx context.Context, out io.Writer, r *Running, keep string) error {
	fmt.Fprint(out, "\033[?1049h\033[?25l")
	defer fmt.Fprint(out, "\033[?25h\033[?1049l")
	p := proved{note: "proving the first view of the chain"}
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		if i%4 == 0 {
			p.refresh(ctx, r)
		}
		width, height := usualWidth, usualHeight
		if w, h, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 && h > 0 {
			width, height = w, h
		}
		fmt.Fprint(out, "\033[H"+strings.Join(r.frame(&p, keep, width, height, i), "\033[K\r\n")+"\033[K\033[J")
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// proved is what the view shows of the chain's state, every value with a proof.
type proved struct {
	note    string // why there is nothing newer
	markets map[uint16]*ledger.Metagraph
}

func (p *proved) refresh(ctx context.Context, r *Running) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	v, err := r.Client().View(ctx)
	if err != nil {
		p.note = "no proved view of the chain: " + err.Error()
		return
	}
	all := map[uint16]*ledger.Metagraph{}
	for _, s := range r.subnets {
		m, err := ledger.LoadMetagraph(v, s.netuid)
		if err != nil || m == nil {
			p.note = fmt.Sprintf("no proved view of %s: %v", s.Name, err)
			return
		}
		all[uint16(s.netuid)] = m
	}
	p.note, p.markets = "", all
}

// row is one miner as the view shows it.
type row struct {
	name, last, say string
	mean            float64 // of the scores in last
	incentive       uint16
	earned          uint64
}

// rows are a subnet's miners, the network's own first.
func (m *market) rows(s *State, p *proved) (out []row) {
	incentive := map[string]uint16{}
	if meta := p.markets[uint16(m.subnet.netuid)]; meta != nil {
		for _, n := range meta.Neurons {
			incentive[n.Hotkey.String()] = n.Incentive
		}
	}
	add := func(hotkey, say string) {
		out = append(out, row{name: s.Name(hotkey), last: lastScores(m.scores[hotkey]), say: say, mean: mean(m.scores[hotkey]),
			incentive: incentive[hotkey], earned: m.earned[hotkey]})
	}
	for _, x := range m.subnet.Miners {
		add(hotkeyOf(m.subnet.account(x.Name)).String(), x.Say)
	}
	for _, hotkey := range m.guests {
		add(hotkey, "joined from outside")
	}
	return out
}

// lastScores are scores in four characters each, the newest last.
func lastScores(all []string) string {
	var b strings.Builder
	for _, s := range all[max(0, len(all)-3):] {
		switch {
		case strings.HasPrefix(s, "0."):
			s = s[1:min(len(s), 5)]
		case strings.HasPrefix(s, "1"):
			s = "1.00"
		default:
			s = s[:min(len(s), 4)] // the status of one who did not answer
		}
		fmt.Fprintf(&b, " %4s", s)
	}
	return b.String()
}

func mean(all []string) float64 {
	if len(all) == 0 {
		return 0
	}
	sum := 0.0
	for _, s := range all {
		var v float64
		if _, err := fmt.Sscan(s, &v); err == nil { // a status counts as nothing
			sum += v
		}
	}
	return sum / float64(len(all))
}

// frame is one picture of at most height lines of at most width characters. turn
// counts pictures: what does not fit is shown in turns.
func (r *Running) frame(p *proved, keep string, width, height, turn int) []string {
	s := r.State
	s.mu.Lock()
	defer s.mu.Unlock()
	width, height = max(width, leastWidth), max(height, leastHeight)
	head := []string{fmt.Sprintf("plexus dev  %s  block %d  %s", r.gen.ChainID, s.height, p.note)}
	foot := r.foot(keep)
	room := height - len(head) - len(foot)
	var whole [][]string
	lines := 0
	for _, n := range s.subnets {
		whole = append(whole, s.markets[uint16(n.netuid)].paint(s, p))
		lines += len(whole[len(whole)-1])
	}
	if lines > room { // one line a subnet, and one of them in full
		open := turn / int(4*time.Second/drawEvery) % len(whole)
		spare := room - len(whole)
		for i := range whole {
			if i == open && spare > 0 {
				whole[i] = whole[i][:min(len(whole[i]), 1+spare)]
				continue
			}
			whole[i] = whole[i][:1]
		}
	}
	out := head
	for _, w := range whole {
		out = append(out, w...)
	}
	if len(out) > height-len(foot) {
		out = out[:max(1, height-len(foot))]
	}
	out = append(out, foot...)
	for i := range out {
		out[i] = fit(out[i], width)
	}
	return out[:min(len(out), height)]
}

// replayed is what strangers found in the subnet's evidence.
func (m *market) replayed() string {
	switch {
	case m.other > 0:
		return fmt.Sprintf("%d bundles NOT EQUAL", m.other)
	case m.equal > 0:
		return fmt.Sprintf("%d replayed equal", m.equal)
	}
	return ""
}

// paint is a subnet in full: a line of its own, and one for each miner.
func (m *market) paint(s *State, p *proved) []string {
	tempo := uint64(m.subnet.Tempo)
	into, running := uint64(0), uint64(0)
	if s.height > m.ended {
		into = min(s.height-m.ended, tempo)
	}
	if m.ended > 0 {
		running = m.epoch + 1
	}
	const cells = 12
	full := int(into * cells / max(tempo, 1))
	price := ""
	if meta := p.markets[uint16(m.subnet.netuid)]; meta != nil {
		price = fmt.Sprintf("%.6s TAO/α", meta.Price)
	}
	out := []string{fmt.Sprintf("%d %-10s epoch %-3d [%s%s] %2d/%d  %s  %s", m.subnet.netuid, strings.ToUpper(m.subnet.Name), running,
		strings.Repeat("#", full), strings.Repeat(".", cells-full), into, tempo, price, m.replayed())}
	for _, x := range m.rows(s, p) {
		out = append(out, fmt.Sprintf("  %-11s %.4f  %-15s incentive %.4f  %11s α  %s", clip(x.name, 11), x.mean, x.last, float64(x.incentive)/65535, coins(x.earned), x.say))
	}
	return out
}

// foot is what stands below the subnets.
func (r *Running) foot(keep string) []string {
	s := r.State
	var nodes []string
	for i := range producers {
		nodes = append(nodes, fmt.Sprintf("%s %d", producerName(i), s.heights[producerName(i)]))
	}
	sort.Strings(nodes)
	out := []string{"nodes     " + strings.Join(nodes, "  ")}
	if s.evidence != "" {
		out = append(out, "evidence  "+s.evidence)
	}
	if s.verdict != "" {
		out = append(out, "replay    "+s.verdict)
	}
	if s.traded != "" {
		out = append(out, "traders   "+s.traded)
	}
	if n := len(s.notes); n > 0 {
		out = append(out, "note      "+s.notes[n-1])
	}
	out = append(out, "API       "+r.API()+"   other terminals: plexus metagraph | replay | miner")
	if keep == "" {
		return append(out, "Ctrl-C stops the network and forgets it; --keep DIR keeps it")
	}
	return append(out, "Ctrl-C stops the network; 'plexus dev --keep "+keep+"' resumes it")
}

// clip cuts text to a number of characters.
func clip(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width])
}

// fit makes a line of foreign text one line of the screen, without what would move
// the cursor.
func fit(s string, width int) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
	return clip(s, width)
}
