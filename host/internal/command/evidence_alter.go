package command

import (
	"fmt"
	"math"
	"os"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/evidence"
)

func evidenceAlter() *cobra.Command {
	var round int
	var hotkey, out string
	var score float64
	c := &cobra.Command{
		Use:   "alter FILE --round N --hotkey H --score S --out FILE",
		Short: "Write a copy of a bundle with one score altered, to see that replay finds it",
		Long: `Forges evidence, as a dishonest validator would, so that one can see what 'plexus replay
--bundle' and 'plexus evidence verify' say of it. The copy has another root than the one on the
chain, and nothing signs it. What 'plexus evidence get' kept in the file is kept in the copy, which
can be replayed without a network too.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes one file", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" || hotkey == "" || round < 0 {
				return usage("--round N, --hotkey H and --out FILE are needed")
			}
			if math.IsNaN(score) || score < 0 || score > 1 {
				return usage("--score %v: 0 to 1", score)
			}
			hot, err := key.Parse(hotkey)
			if err != nil {
				return err
			}
			file, err := readBundle(args[0])
			if err != nil {
				return err
			}
			return alterScore(c, file, round, hot, uint64(score*float64(abi.One)), out)
		},
	}
	c.Flags().IntVar(&round, "round", -1, "round of the score")
	c.Flags().StringVar(&hotkey, "hotkey", "", "miner whose score it is")
	c.Flags().Float64Var(&score, "score", 0, "what to write, 0 to 1")
	c.Flags().StringVar(&out, "out", "", "file to write")
	return c
}

func alterScore(c *cobra.Command, from *bundleFile, round int, hot key.ID, score uint64, out string) error {
	b := from.bundle
	if round >= len(b.Rounds) {
		return usage("--round %d: the bundle has rounds 0 to %d", round, len(b.Rounds)-1)
	}
	for j := range b.Rounds[round].Responses {
		_, miner, err := leafOf(b, round, j)
		if err != nil {
			return err
		}
		if miner != hot {
			continue
		}
		l := &b.Rounds[round].Responses[j].Leaf
		was := l.Score
		l.Score = score
		file, err := b.Encode()
		if err == nil && from.raw != nil {
			file, err = evidence.Attach(file, from.raw)
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(out, file, 0o644); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: round %d miner %s: score %s instead of %s\n", out, round, hot, evidence.Decimal(score), evidence.Decimal(was))
		return err
	}
	return usage("round %d asked no miner %s", round, hot)
}
