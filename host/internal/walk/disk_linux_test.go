package walk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A node whose disk fills up says so and ends with 28; with room again it goes
// on from where it was. It needs root, for a small disk of its own.
func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a small disk needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("a small disk cannot be mounted:", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	env := environ(dir, "PLEXUS_ADMIN_SOCKET=", "PLEXUS_API_LISTEN=")
	var made struct{ Homes []string }
	out := works(t, env, "init", "--network", "1", "--home", dir, "--no-password", "--json", "--port", freePort(t), "--set", "block_time=250ms", "--set", "log.level=warn")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "log") // there is no room for what it says beside it
	n := startLogged(t, env, made.Homes[0], elsewhere, nil)
	n.reach(3, 30*time.Second)

	big := filepath.Join(dir, "big")
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 64<<10); err == nil; { // what the node frees is taken too
		_, err = f.Write(block)
	}
	f.Close()
	filled := time.Now()
	late := time.AfterFunc(60*time.Second, func() { n.cmd.Process.Kill() })
	<-n.ended
	late.Stop()
	if code := n.end(0); code != 28 || !strings.Contains(n.log(), "no space left on device") {
		t.Fatalf("exit code %d at block %d\n%s", code, n.at(), n.log())
	}
	t.Logf("it ended %v after the disk was full", time.Since(filled).Round(100*time.Millisecond))
	// Nor does it start, with the same code.
	if r := command(t, env, "start", "--home", made.Homes[0]); r.code != 28 || !strings.Contains(r.err, "make room") {
		t.Errorf("started on a full disk: %d\n%s", r.code, r.err)
	}
	if err := os.Remove(big); err != nil {
		t.Fatal(err)
	}
	at := n.at()
	again := startLogged(t, env, made.Homes[0], elsewhere, nil)
	again.reach(at+3, 30*time.Second)
	for h, root := range again.roots {
		if old, ok := n.roots[h]; ok && old != root {
			t.Errorf("block %d has another state than before", h)
		}
	}
	if code := again.end(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d\n%s", code, again.log())
	}
}
