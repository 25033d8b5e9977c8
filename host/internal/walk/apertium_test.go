package walk

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// A miner with a real translator joins a network whose sentences were given by
// file, and out-earns the dictionary that is learned from the published ones, in
// the first epoch that pays both. It takes two minutes: set WALK_TEST_DEV.
func TestApertiumEarns(t *testing.T) {
	if os.Getenv("WALK_TEST_DEV") == "" {
		t.Skip("minutes of a network: set WALK_TEST_DEV")
	}
	if _, err := exec.LookPath("apertium"); err != nil {
		t.Skip("needs apertium and apertium-eng-spa")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	env := toolchain(t, t.TempDir())
	logs := t.TempDir()
	network := launch(t, env, root, filepath.Join(logs, "dev"),
		"plexus dev --plain --subnets translate --pairs examples/engines/apertium/testdata/pairs.tsv")
	network.says(t, "join it with", 3*time.Minute)
	miner := launch(t, env, root, filepath.Join(logs, "miner"), "plexus miner --hotkey //bob --register --netuid 4 --engine apertium")
	miner.says(t, `"event":"ready"`, time.Minute)
	paid := network.says(t, `translate: paid for epoch (\d+): (\S+) α to bob\n`, 3*time.Minute)
	// All of an epoch are paid in one block, in no order that matters.
	block := network.says(t, `translate: block \d+ ends epoch `+next(t, paid[1]), time.Minute)
	t.Log(block[0])
	dictionary := network.says(t, `translate: paid for epoch `+paid[1]+`: (\S+) α to baseline\n`, 0)
	if bob, baseline := alpha(t, paid[2]), alpha(t, dictionary[1]); baseline == 0 || bob <= baseline {
		t.Errorf("in epoch %s Apertium earned %v α, the dictionary %v", paid[1], bob, baseline)
	}
	miner.interrupt(t)
	network.interrupt(t)
}

func alpha(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// next is the number after the one given, as a pattern.
func next(t *testing.T, number string) string {
	t.Helper()
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.QuoteMeta(strconv.Itoa(n + 1))
}
