package chain

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// address is how other nodes reach this one, in its transport's form.
func (r *running) address() string {
	if a := r.TCPAddress(); a != "" {
		return a
	}
	return fmt.Sprintf("%s/p2p/%s", r.host.Addrs()[0], r.host.ID())
}

// accused counts the double votes that a node has proof of, in blocks and
// waiting for one.
func (r *running) accused(t testing.TB) int {
	t.Helper()
	waiting, _ := r.engine.double.PendingEvidence(-1)
	n := len(waiting)
	for h := int64(1); h <= r.engine.blocks.Height(); h++ {
		if b := r.engine.blocks.LoadBlock(h); b != nil {
			n += len(b.Evidence.Evidence)
		}
	}
	return n
}

// dieAtSync runs a producer and kills it as it enters its first fsync or
// fdatasync after a delay: strace, which counts by thread, is attached then. It
// says whether that happened before the patience ran out, and how high it came.
func dieAtSync(t *testing.T, home, genesis string, i int, delay time.Duration, peers []*running) (died bool, height int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CHAIN_TEST_CHILD="+home, "CHAIN_TEST_GENESIS="+genesis, "CHAIN_TEST_INDEX="+strconv.Itoa(i), "CHAIN_TEST_PACE="+blockTime.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // held open: the child ends with it
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tracer := exec.Command("strace", "-f", "-o", os.DevNull, "-p", strconv.Itoa(cmd.Process.Pid), "-e", "trace=fsync,fdatasync",
		"-e", "inject=fsync,fdatasync:signal=SIGKILL:when=1")
	attach := time.AfterFunc(delay, func() { tracer.Run() }) // ends with the process
	defer attach.Stop()
	const patience = 20 * time.Second
	timer := time.AfterFunc(patience, func() { in.Close() })
	for s := bufio.NewScanner(out); s.Scan(); {
		switch word, rest, _ := strings.Cut(s.Text(), " "); word {
		case "addr":
			for _, p := range peers {
				fmt.Fprintln(in, p.address())
			}
		case "height":
			height, _ = strconv.ParseInt(rest, 10, 64)
		case "error":
			t.Errorf("after a kill it does not start: %s", rest)
		}
	}
	died = timer.Stop()
	cmd.Wait() // killed
	return died, height
}

// A producer that is killed as it is about to make something durable, again and
// again, comes back to the state that the others have and never votes twice. The
// number of kills is in CHAIN_TEST_FSYNC; it needs strace.
func TestKilledAtSync(t *testing.T) {
	kills, err := strconv.Atoi(os.Getenv("CHAIN_TEST_FSYNC"))
	if err != nil {
		t.Skip("a producer that is killed at its syncs: set CHAIN_TEST_FSYNC to the number of kills")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not here")
	}
	net, file, home := newTestnet(t, 4), t.TempDir()+"/genesis", t.TempDir()
	if err := os.WriteFile(file, net.genesis.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	var peers []*running
	for i := range 3 {
		peers = append(peers, net.launch(t, t.TempDir(), i))
		for _, p := range peers[:i] {
			greet(t, peers[i], p)
		}
	}
	peers[0].reach(t, 2)
	died, voted := 0, 0
	for k := range kills {
		// The first syncs of a start are those of opening and replaying; later ones
		// come while it votes.
		delay := 50*time.Millisecond + time.Duration(k)*1370*time.Millisecond%(6100*time.Millisecond)
		hit, height := dieAtSync(t, home, file, 3, delay, peers)
		if hit {
			died++
		}
		if height > 0 {
			voted++
		}
	}
	if died < kills*9/10 || voted < kills/4 {
		t.Errorf("only %d of %d kills came, %d of them in a node that took part", died, kills, voted)
	}
	last := net.launch(t, home, 3)
	for _, p := range peers {
		greet(t, last, p)
	}
	top := peers[0].Head().Height + 4
	for _, n := range append(peers, last) {
		n.reach(t, top)
	}
	for h := uint64(1); h < top; h++ {
		if last.root(t, h) != peers[0].root(t, h) {
			t.Fatalf("height %d: another root", h)
		}
	}
	for i, n := range append(peers, last) {
		if a := n.accused(t); a != 0 {
			t.Errorf("node %d has proof of %d double votes", i, a)
		}
	}
	t.Logf("%d kills, %d while taking part in consensus, %d blocks, equal roots, no double vote", died, voted, top)
}
