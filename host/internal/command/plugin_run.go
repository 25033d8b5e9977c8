package command

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/trial"
)

// ran is what plugin run prints as JSON.
type ran struct {
	Op     string   `json:"op"`
	Seed   uint64   `json:"seed"`
	Reply  string   `json:"reply"` // hexadecimal
	Fields []string `json:"fields"`
	Fuel   uint64   `json:"fuel"`
	Took   string   `json:"took"`
	Log    string   `json:"log,omitempty"`
}

func pluginRunCommand() *cobra.Command {
	var f trialFlags
	var opName, input string
	var answers []string
	c := &cobra.Command{
		Use:   "run DIR|FILE --op OP",
		Short: "Call one operation of a module and show its reply, fuel and log",
		Long: `Calls one operation. Without --input the request is made as a node makes it: task from
--seed; score of that task and of the answers given with --answer (text, 0x and hexadecimal,
or @FILE); rank of one epoch with those scores; check of the first answer; solve of the task;
merge of the answers into --artifact.
--input gives the request's own bytes, from a file or from - for standard input.`,
		Example: "  plexus plugin run demo --op score --seed 7 --answer '' --answer guess",
		Args:    oneArg("a module's file, or the folder of its sources"),
		RunE: func(c *cobra.Command, args []string) error {
			op, err := parseOp(opName)
			if err != nil {
				return err
			}
			g, err := f.open(c, args[0])
			if err != nil {
				return err
			}
			defer g.close()
			if err := offers(g.module.Manifest(), op); err != nil {
				return err
			}
			opt, err := f.options(nil)
			if err != nil {
				return err
			}
			var body []byte
			if input != "" {
				if body, err = readInput(c, input); err != nil {
					return err
				}
			} else {
				payloads := make([][]byte, len(answers))
				for i, a := range answers {
					if payloads[i], err = readAnswer(a); err != nil {
						return err
					}
				}
				if body, err = trial.Request(c.Context(), g.module, opt, op, payloads); err != nil {
					return err
				}
			}
			began := time.Now()
			reply, err := g.module.Call(c.Context(), op, body, [32]byte{})
			out := ran{Op: op.String(), Seed: f.seed, Reply: hex.EncodeToString(reply.Body), Fuel: reply.Fuel,
				Took: time.Since(began).Round(time.Microsecond).String(), Log: string(reply.Log)}
			if err != nil {
				var fault *plugins.Fault
				if errors.As(err, &fault) && len(fault.Log) > 0 {
					fmt.Fprintf(c.ErrOrStderr(), "log: %s\n", strings.TrimRight(string(fault.Log), "\n"))
				}
				return err
			}
			if out.Fields, err = replyLines(op, reply.Body); err != nil {
				return fmt.Errorf("the reply breaks the contract: %w", err)
			}
			if f.json {
				return printJSON(c, out)
			}
			for _, line := range out.Fields {
				fmt.Fprintln(c.OutOrStdout(), line)
			}
			if out.Log != "" {
				fmt.Fprintf(c.OutOrStdout(), "log      %s\n", strings.TrimRight(out.Log, "\n"))
			}
			fmt.Fprintf(c.OutOrStdout(), "fuel     %d, %s\n", out.Fuel, out.Took)
			return nil
		},
	}
	f.add(c)
	c.Flags().Lookup("tasks").Hidden = true
	c.Flags().StringVar(&opName, "op", "task", "operation: describe, task, score, rank, check, solve, render, parse or merge")
	c.Flags().StringVar(&input, "input", "", "file of the request's bytes, or - for standard input")
	c.Flags().StringArrayVar(&answers, "answer", nil, "an answer to score: text, 0x and hexadecimal, or @FILE; again for more")
	jsonFlag(c, &f.json, ran{})
	return c
}

func parseOp(name string) (abi.Op, error) {
	if op, ok := abi.ParseOp(name); ok {
		return op, nil
	}
	return 0, usage("--op %s: describe, task, score, rank, check, solve, render, parse or merge", name)
}

// offers refuses an operation that the module does not have.
func offers(m abi.Manifest, op abi.Op) error {
	if m.Has(op) {
		return nil
	}
	var all []string
	for _, o := range m.Ops {
		all = append(all, o.String())
	}
	return usage("--op %s: %s offers %s", op, m.Name, strings.Join(all, ", "))
}

func readInput(c *cobra.Command, name string) ([]byte, error) {
	if name != "-" {
		return os.ReadFile(name)
	}
	b, err := io.ReadAll(io.LimitReader(c.InOrStdin(), abi.MaxMessage+1))
	if err == nil && len(b) > abi.MaxMessage {
		err = fmt.Errorf("more than %d bytes on standard input", abi.MaxMessage)
	}
	return b, err
}

func readAnswer(s string) ([]byte, error) {
	if name, ok := strings.CutPrefix(s, "@"); ok {
		return os.ReadFile(name)
	}
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil {
			return nil, usage("--answer %s: %v", s, err)
		}
		return b, nil
	}
	return []byte(s), nil
}

// countOf is how many items the array in a reply of scores or ranks has.
func countOf(body []byte) (int, error) {
	d := cbor.NewDecoder(body)
	d.Version(2, abi.Version)
	return d.ArrayMax(abi.MaxPayloads), d.Err()
}

// replyLines says a reply in lines.
func replyLines(op abi.Op, body []byte) (lines []string, err error) {
	line := func(name, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-8s ", name)+fmt.Sprintf(format, args...))
	}
	switch op {
	case abi.OpDescribe:
		d, err := abi.DecodeDescription(body)
		line("title", "%s", d.Title)
		line("task", "%s", d.Task)
		line("answer", "%s", d.Answer)
		line("score", "%s", d.Score)
		return lines, err
	case abi.OpTask:
		t, err := abi.DecodeTask(body)
		line("public", "%s", visible(t.Public))
		line("private", "%s", visible(t.Private))
		for _, in := range t.Inputs {
			line("input", "%s at block %d", in.Key, in.Height)
		}
		if t.ScoreAt > 0 {
			line("score at", "block %d", t.ScoreAt)
		}
		return lines, err
	case abi.OpScore:
		n, err := countOf(body)
		if err != nil {
			return nil, err
		}
		s, err := abi.DecodeScores(body, n)
		for _, v := range s {
			line("score", "%s", trial.Decimal(v))
		}
		return lines, err
	case abi.OpRank:
		n, err := countOf(body)
		if err != nil {
			return nil, err
		}
		ranks, err := abi.DecodeRanks(body, n)
		for _, k := range ranks {
			line("weight", "%s, carry %s", trial.Decimal(k.Weight), visible(k.Carry))
		}
		return lines, err
	case abi.OpCheck:
		v, err := abi.DecodeVerdict(body)
		line("ok", "%v %s", v.OK, v.Reason)
		return lines, err
	case abi.OpMerge:
		m, err := abi.DecodeMerged(body)
		line("artifact", "%s", visible(m.Artifact))
		return lines, err
	}
	line("reply", "%s", visible(body))
	return lines, nil
}

// visible is bytes as text when they are text, else as hexadecimal, cut.
func visible(b []byte) string {
	const most = 256
	if utf8.Valid(b) && !strings.ContainsFunc(string(b), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		if len(b) > most {
			return fmt.Sprintf("%q… (%d bytes)", strings.ToValidUTF8(string(b[:most]), ""), len(b))
		}
		return fmt.Sprintf("%q", b)
	}
	if len(b) > most/2 {
		return fmt.Sprintf("0x%x… (%d bytes)", b[:most/2], len(b))
	}
	return fmt.Sprintf("0x%x", b)
}
