package command

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins/wasm"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// content is bytes for a person: as text where they are text, else in
// hexadecimal, both cut.
type content struct {
	Bytes    int    `json:"bytes"`
	Text     string `json:"text,omitempty"`
	Legible  string `json:"legible,omitempty"` // of bytes that are mostly text: the rest as dots
	Hex      string `json:"hex,omitempty"`
	Rendered string `json:"rendered,omitempty"` // by the module
}

// shownLeaf is one response as `plexus evidence show` shows it.
type shownLeaf struct {
	Round     int      `json:"round"`
	Place     int      `json:"place"` // among the asked of the round
	Hotkey    string   `json:"hotkey"`
	Index     uint16   `json:"roster_index"`
	Status    string   `json:"status"`
	Score     string   `json:"score"`
	ScoreQ32  uint64   `json:"score_q32"`
	Hash      string   `json:"answer_hash,omitempty"` // salted, as the miner signed it
	Request   string   `json:"request_id"`
	Task      *content `json:"task,omitempty"`      // drawn again by the module
	Reference *content `json:"reference,omitempty"` // what the validator kept of the task
	Answer    *content `json:"answer,omitempty"`
}

// shownEvidence is what `plexus evidence show --json` prints.
type shownEvidence struct {
	ChainID   string       `json:"chain_id"`
	Netuid    uint16       `json:"netuid"`
	Epoch     uint64       `json:"epoch"`
	Validator string       `json:"validator"`
	Root      string       `json:"root"`
	Rounds    int          `json:"rounds"`
	Skipped   int          `json:"skipped"`
	About     *subnetAbout `json:"about,omitempty"` // the module's own words
	Leaves    []shownLeaf  `json:"leaves"`
}

// subnetAbout is what a module says of its subnet.
type subnetAbout struct {
	Title  string `json:"title"`
	Task   string `json:"task"`
	Answer string `json:"answer"`
	Score  string `json:"score"`
}

type showFlags struct {
	epochFlags
	round   int
	hotkey  string
	proof   string
	offline bool
	trust   trustFlag
	full    bool
	json    bool
}

func evidenceShow() *cobra.Command {
	f := showFlags{}
	c := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Read a bundle: tasks, answers, scores",
		Long: `Lists the responses in a bundle, or shows those chosen by --round and --hotkey in full: the
task, drawn again by the module, what the validator kept of it, the answer, and the score. Answers
are rendered by the module where it can; else text is shown as text and the rest in hexadecimal.
Without a file the bundle is fetched, of --validator or the first that committed.

--proof FILE writes the inclusion proof of the one response chosen, which 'plexus evidence verify
--proof' checks against the chain without the bundle.`,
		Example: "  plexus evidence show netuid1-epoch7-5GrwvaEF.bundle --round 2 --hotkey 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("%s takes one file, got %q", c.CommandPath(), args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return showEvidence(c, &f, strings.Join(args, "")) },
	}
	f.add(c)
	f.trust.add(c)
	c.Flags().IntVar(&f.round, "round", -1, "only this round")
	c.Flags().StringVar(&f.hotkey, "hotkey", "", "only this miner")
	c.Flags().BoolVar(&f.full, "full", false, "show everything in full, not a table")
	c.Flags().BoolVar(&f.offline, "offline", false, "show the file alone: tasks, which need the module, are not shown")
	c.Flags().StringVar(&f.proof, "proof", "", "write the inclusion proof of the one response chosen to this file")
	jsonFlag(c, &f.json, shownEvidence{})
	return c
}

func showEvidence(c *cobra.Command, f *showFlags, file string) error {
	ctx := c.Context()
	var only key.ID
	var err error
	if f.hotkey != "" {
		if only, err = key.Parse(f.hotkey); err != nil {
			return err
		}
	}
	if f.offline && file == "" {
		return usage("--offline needs a file")
	}
	x, done, err := f.open(ctx, file)
	if err != nil {
		return err
	}
	defer done()
	b := x.b
	out := shownEvidence{ChainID: b.ChainID, Netuid: uint16(b.NetUID), Epoch: b.Epoch, Validator: b.Validator.String(), Root: fmt.Sprintf("%x", b.Root()), Rounds: len(b.Rounds)}
	for i := range b.Rounds {
		if b.Rounds[i].Skipped {
			out.Skipped++
		}
		for j := range b.Rounds[i].Responses {
			l, miner, err := leafOf(b, i, j)
			if err != nil {
				return err
			}
			if (f.round < 0 || f.round == i) && (f.hotkey == "" || miner == only) {
				out.Leaves = append(out.Leaves, l)
			}
		}
	}
	if len(out.Leaves) == 0 && (f.round >= 0 || f.hotkey != "") {
		return usage("no response is of round %d and miner %q: the bundle has rounds 0 to %d; without --round and --hotkey all are listed", f.round, f.hotkey, len(b.Rounds)-1)
	}
	if f.proof != "" {
		if len(out.Leaves) != 1 {
			return usage("--proof is of one response, and %d are chosen: choose by --round and --hotkey", len(out.Leaves))
		}
		p, err := b.Prove(out.Leaves[0].Round, out.Leaves[0].Place)
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.proof, p.Append(nil), 0o644); err != nil {
			return err
		}
	}
	full := f.full || f.json || len(out.Leaves) == 1
	if full {
		if err := x.fill(ctx, &out); err != nil {
			return err
		}
	}
	if f.json {
		return printJSON(c, out)
	}
	return out.print(c.OutOrStdout(), full)
}

// open reads or fetches the bundle to show.
func (f *showFlags) open(ctx context.Context, name string) (x *exhibit, done func(), err error) {
	x = &exhibit{}
	if name != "" {
		file, err := readBundle(name)
		if err != nil {
			return nil, nil, err
		}
		x.b = file.bundle
		if f.offline {
			return x, func() {}, nil
		}
		if x.src, done, err = f.trust.of(ctx, file, f.join); err == nil {
			x.v, err = x.src.Fresh(ctx)
		}
		return x, done, err
	}
	if err := f.trust.unused(); err != nil {
		return nil, nil, err
	}
	r, err := dial(ctx, f.join)
	if err != nil {
		return nil, nil, err
	}
	x.src = r
	if x.v, err = r.View(ctx); err == nil {
		var all []published
		if all, err = f.find(x.v); err == nil {
			if x.b, err = all[0].fetch(ctx, r); err != nil {
				err = &coded{exitUnavailable, err}
			}
		}
	}
	if err != nil {
		r.Close()
	}
	return x, func() { r.Close() }, err
}

// leafOf is the response at a place of a round, without what needs the module.
func leafOf(b *evidence.Bundle, i, j int) (shownLeaf, key.ID, error) {
	res := &b.Rounds[i].Responses[j]
	req, err := round.DecodeRequest(res.Request.Body)
	if err != nil {
		return shownLeaf{}, key.ID{}, fmt.Errorf("round %d, response %d: request: %w", i, j, err)
	}
	l := shownLeaf{Round: i, Place: j, Hotkey: req.Callee.String(), Index: res.Leaf.Index, Status: res.Leaf.Status.String(),
		Score: evidence.Decimal(res.Leaf.Score), ScoreQ32: res.Leaf.Score, Request: hex.EncodeToString(req.ID[:])}
	if res.Leaf.Hash != ([32]byte{}) {
		l.Hash = hex.EncodeToString(res.Leaf.Hash[:])
	}
	return l, req.Callee, nil
}

// exhibit shows what is in a bundle with the help of its module, as far as there
// is something to get it from.
type exhibit struct {
	src     source // nil without one
	v       ledger.View
	b       *evidence.Bundle
	modules modules
}

// fill adds tasks and answers.
func (x *exhibit) fill(ctx context.Context, out *shownEvidence) error {
	var m *wasm.Module
	var err error
	if x.src != nil {
		if m, err = x.modules.of(ctx, x.src, x.v, x.b, "compiler"); err != nil {
			return err
		}
		if man := m.Manifest(); man.Has(abi.OpDescribe) {
			if r, err := m.Call(ctx, abi.OpDescribe, nil, [32]byte{}); err == nil {
				if d, err := abi.DecodeDescription(r.Body); err == nil {
					out.About = &subnetAbout{d.Title, d.Task, d.Answer, d.Score}
				}
			}
		}
	}
	renders := false
	if m != nil {
		man := m.Manifest()
		renders = man.Has(abi.OpRender)
	}
	for k := range out.Leaves {
		l := &out.Leaves[k]
		if m != nil {
			if k > 0 && out.Leaves[k-1].Round == l.Round {
				l.Task, l.Reference = out.Leaves[k-1].Task, out.Leaves[k-1].Reference
			} else {
				t, err := evidence.Task(ctx, x.v, m, x.b, l.Round)
				if err != nil {
					return err
				}
				l.Task, l.Reference = preview(t.Public), preview(t.Private)
			}
		}
		if p := x.b.Rounds[l.Round].Responses[l.Place].Payload; p != nil {
			l.Answer = preview(p.Data)
			if renders {
				if r, err := m.Call(ctx, abi.OpRender, p.Data, [32]byte{}); err == nil && utf8.Valid(r.Body) {
					l.Answer.Rendered = printable(string(r.Body[:min(len(r.Body), mostText)]))
				}
			}
		}
	}
	return nil
}

// Most of what is shown of a text, and of other bytes.
const (
	mostText = 2048
	mostHex  = 64
)

// preview shows bytes as text where they are text.
func preview(b []byte) *content {
	c := &content{Bytes: len(b)}
	cut := b[:min(len(b), mostText)]
	for len(cut) < len(b) && len(cut) > 0 && !utf8.RuneStart(b[len(cut)]) {
		cut = cut[:len(cut)-1]
	}
	switch {
	case len(b) == 0:
	case utf8.Valid(cut) && strings.IndexFunc(string(cut), unprintable) < 0:
		c.Text = string(cut)
	default:
		c.Hex = hex.EncodeToString(b[:min(len(b), mostHex)])
		c.Legible = legible(b[:min(len(b), mostText)])
	}
	return c
}

// legible is the text in bytes of which four fifths are printable ASCII.
func legible(b []byte) string {
	out, odd := make([]rune, len(b)), 0
	for i, c := range b {
		out[i] = rune(c)
		if (c < ' ' || c > '~') && c != '\n' {
			out[i] = '·'
			odd++
		}
	}
	if odd*5 > len(b) {
		return ""
	}
	return string(out)
}

func unprintable(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }

// printable keeps a stranger's text from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func (c *content) print(w io.Writer, name string) {
	if c == nil {
		return
	}
	indent := func(s string) string {
		return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
	}
	fmt.Fprintf(w, "  %s, %d bytes:\n", name, c.Bytes)
	switch {
	case c.Rendered != "":
		fmt.Fprintln(w, indent(c.Rendered))
	case c.Text != "":
		cut := ""
		if len(c.Text) < c.Bytes {
			cut = " …"
		}
		fmt.Fprintln(w, indent(c.Text+cut))
	case c.Legible != "":
		fmt.Fprintln(w, indent(c.Legible))
	case c.Hex != "":
		cut := ""
		if len(c.Hex)/2 < c.Bytes {
			cut = "…"
		}
		fmt.Fprintln(w, indent(c.Hex+cut))
	}
}

func (s *shownEvidence) print(w io.Writer, full bool) error {
	fmt.Fprintf(w, "netuid %d epoch %d of %s, validator %s: %d rounds, %d skipped, root %s\n", s.Netuid, s.Epoch, s.ChainID, s.Validator, s.Rounds, s.Skipped, s.Root)
	if !full {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "round\tminer\tstatus\tscore")
		for _, l := range s.Leaves {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", l.Round, l.Hotkey, l.Status, l.Score)
		}
		return t.Flush()
	}
	if d := s.About; d != nil {
		fmt.Fprintf(w, "%s\n  a task is %s\n  an answer is %s\n  it is scored by %s\n", printable(d.Title), printable(d.Task), printable(d.Answer), printable(d.Score))
	}
	for _, l := range s.Leaves {
		fmt.Fprintf(w, "round %d miner %s: %s, score %s\n", l.Round, l.Hotkey, l.Status, l.Score)
		l.Task.print(w, "task")
		l.Reference.print(w, "kept by the validator")
		l.Answer.print(w, "answer")
	}
	return nil
}
