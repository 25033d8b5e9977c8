package ledger

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestChainHash tells the state's hash after a random chain, for another build
// of the same test to compare: see TestRandomChainOnARM64.
func TestChainHash(t *testing.T) {
	blocks, err := strconv.Atoi(os.Getenv("LEDGER_TEST_HASH_BLOCKS"))
	if err != nil {
		t.Skip("run by TestRandomChainOnARM64")
	}
	c := newChaos(t, 3)
	for range blocks {
		c.play()
	}
	fmt.Printf("state %x\n", c.v.hash())
}

// TestRandomChainOnARM64: another processor gives the same state. The build
// takes a while, so that only the longer runs do it.
func TestRandomChainOnARM64(t *testing.T) {
	if os.Getenv("LEDGER_TEST_ARM64") == "" {
		t.Skip("set LEDGER_TEST_ARM64 to the number of blocks to play, as .ci/long does")
	}
	blocks := rounds(t, "LEDGER_TEST_ARM64", 1000)
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("qemu-aarch64-static is not installed: the chain is not played as arm64")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Minute)
	defer cancel()
	bin := filepath.Join(t.TempDir(), "ledger.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", bin, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building for arm64: %v\n%s", err, out)
	}
	run := exec.CommandContext(ctx, qemu, bin, "-test.run", "^TestChainHash$", "-test.v")
	run.Env = append(os.Environ(), "LEDGER_TEST_HASH_BLOCKS="+strconv.Itoa(blocks))
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`state ([0-9a-f]{64})`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no hash: %s", out)
	}
	c := newChaos(t, 3)
	for range blocks {
		c.play()
	}
	if here := fmt.Sprintf("%x", c.v.hash()); here != string(found[1]) {
		t.Errorf("the state after %d blocks is %s here and %s on arm64", blocks, here, found[1])
	}
}
