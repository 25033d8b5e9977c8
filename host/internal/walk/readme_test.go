package walk

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// walkthrough is what the README has between two markers, as a script.
func walkthrough(t *testing.T, begin, end string) string {
	t.Helper()
	b, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(b), begin)
	text, _, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatal("README.md has no walk-through between its markers")
	}
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, command)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// The README's walk-through does what it says, line by line, with the ports that
// are free here.
func TestReadmeWalkthrough(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the walk-through is for a Unix shell")
	}
	script := walkthrough(t, "<!-- walk:", "<!-- end of walk -->")
	for _, port := range []string{"4001", "9650"} {
		if !strings.Contains(script, port) {
			t.Fatalf("the walk-through does not name port %s", port)
		}
		script = strings.ReplaceAll(script, port, freePort(t))
	}
	dir := t.TempDir()
	// A line that fails ends it; a node that it leaves behind ends with it.
	script = "set -e\ntrap 'kill -9 $node 2>/dev/null || true' EXIT\n" + script + "trap - EXIT\n"
	c := exec.Command("sh", "-c", script)
	c.Dir = dir
	env := environ(dir, "PATH="+filepath.Dir(binary(t))+":"+os.Getenv("PATH"))
	r := finish(t, c, env)
	node, _ := os.ReadFile(filepath.Join(dir, "node.log"))
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s\n%s\nnode: %s", r.code, r.out, r.err, node)
	}
	proved := regexp.MustCompile(`account 5\w+: 2\.5 TAO, nonce 0\nproved at height \d+ of `).FindAllString(r.out, -1)
	if len(proved) != 2 {
		t.Errorf("the balance was proved %d times, want before and after the kill\n%s", len(proved), r.out)
	}
	if !strings.Contains(r.out, "2.5 TAO (+2.5)") || !strings.HasSuffix(string(node), "stopped in order\n") {
		t.Errorf("%s\nnode: %s", r.out, node)
	}
}
