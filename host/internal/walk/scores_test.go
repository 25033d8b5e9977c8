package walk

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// freePorts finds so many ports in a row that are free for TCP and UDP now, and
// returns the first.
func freePorts(t *testing.T, n int) string {
	t.Helper()
	for range 100 {
		first, err := strconv.Atoi(freePort(t))
		if err != nil {
			t.Fatal(err)
		}
		free := first+n < 65536
		for i := 0; i < n && free; i++ {
			addr := fmt.Sprintf("127.0.0.1:%d", first+i)
			tcp, err := net.Listen("tcp", addr)
			if free = err == nil; !free {
				break
			}
			udp, err := net.ListenPacket("udp", addr)
			if free = err == nil; free {
				udp.Close()
			}
			tcp.Close()
		}
		if free {
			return strconv.Itoa(first)
		}
	}
	t.Fatal("no free ports in a row")
	return ""
}

// goEnviron adds where the toolchain keeps what it compiled: the user's home is
// an empty one, and compiling the library anew takes minutes.
func goEnviron(t *testing.T, env []string) []string {
	t.Helper()
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOPROXY"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env
}

// The README's walk-through of evidence and replay does what it says, line by
// line: three validators and four miners as processes, two epochs, every
// validator's scores recomputed as equal, and a forged one found.
func TestScoresWalkthrough(t *testing.T) {
	if os.Getenv("WALK_TEST_SCORES") == "" {
		t.Skip("two epochs of seven processes take two minutes: set WALK_TEST_SCORES=1")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the walk-through is for a Unix shell")
	}
	t.Parallel()
	script := walkthrough(t, "<!-- scores:", "<!-- end of scores -->")
	if !strings.Contains(script, "--port 4001") {
		t.Fatal("the walk-through does not name its ports")
	}
	script = strings.ReplaceAll(script, "--port 4001", "--port "+freePorts(t, 3))
	dir := t.TempDir()
	// A line that fails ends it; what it leaves behind ends with it.
	script = "set -e\ntrap 'kill -9 $miners $nodes 2>/dev/null || true' EXIT\n" + script + "trap - EXIT\n"
	c := exec.Command("sh", "-c", script)
	c.Dir = dir
	began := time.Now()
	r := finishWithin(t, c, goEnviron(t, environ(dir, "PATH="+filepath.Dir(binary(t))+":"+os.Getenv("PATH"))), 5*time.Minute)
	t.Logf("it took %v", time.Since(began).Round(time.Second))
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf(format, args...)
		for _, name := range []string{"operator1.log", "operator2.log", "operator3.log", "ada.log", "dan.log"} {
			b, _ := os.ReadFile(filepath.Join(dir, name))
			t.Logf("%s:\n%s", name, b[max(0, len(b)-3000):])
		}
	}
	if r.code != 0 {
		fail("exit code %d\n%s\n%s", r.code, r.out, r.err)
		return
	}
	// Epoch 3 in the interpreter, epoch 2 in both engines, for three validators.
	for _, c := range []struct {
		what string
		many int
	}{
		{`(?m)^netuid 1 epoch 3 validator 5\w+: equal \(3 rounds, 12 scores, \d+ fuel, interpreter, `, 4}, // and once more with everything off
		{`(?m)^netuid 1 epoch 2 validator 5\w+: equal \(\d rounds, \d+ scores, \d+ fuel, compiler, `, 3},
		{`(?m)^netuid 1 epoch 2 validator 5\w+: equal \(\d rounds, \d+ scores, \d+ fuel, interpreter, `, 3},
		{`(?m)^3 +5\w+ +revealed +\d+ +[0-9a-f]{16} +by \d+, \d+ bytes$`, 3},
		{`(?m)^netuid 1 epoch 3 validator 5\w+: good \(3 rounds, 12 responses; scores not recomputed\)$`, 1},
		{`(?m)^netuid 1 epoch 3 validator 5\w+: shown \(3 receipts\)$`, 3},
		{`(?m)^round 1 miner 5\w+: answered, score [01]\.\d{6}$`, 1},
		{`(?m)^forged\.bundle: round 1 miner 5\w+: score 0\.750000 instead of 0\.\d{6}$`, 1},
		{`(?m)^netuid 1 epoch 3 validator 5\w+: different: round 1 miner 5\w+: score: published 0\.750000, replayed 0\.\d{6}$`, 1},
	} {
		if got := len(regexp.MustCompile(c.what).FindAllString(r.out, -1)); got < c.many {
			fail("%d times %s, want %d\n%s", got, c.what, c.many, r.out)
		}
	}
	// ada earned and dan did not, and the explanation names all three validators.
	parts := regexp.MustCompile(`(?m)^5\w+ in netuid 1 at block \d+, epoch \d+$`).Split(r.out, -1)
	if len(parts) != 3 {
		fail("%d explanations\n%s", len(parts)-1, r.out)
		return
	}
	for i, earns := range []bool{true, false} {
		if got := regexp.MustCompile(`epoch 2, from block \d+: settled; incentive 0\.[0-9]*[1-9][0-9]*, `).MatchString(parts[i+1]); got != earns {
			fail("miner %d earns %v in epoch 2, want %v:\n%s", i, got, earns, parts[i+1])
		}
		if n := strings.Count(parts[i+1], "at hand"); n < 3 {
			fail("evidence of %d validators is at hand:\n%s", n, parts[i+1])
		}
	}
}
