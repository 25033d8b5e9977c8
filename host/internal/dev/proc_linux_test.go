package dev_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// proc is a process as /proc shows it. A pid alone may be given again to
// another process; with the start time it is not.
type proc struct {
	pid, parent int
	start       string // clock ticks since the system's start
	zombie      bool
	args        string // separated by spaces
}

func (p proc) String() string { return fmt.Sprintf("%d (%.120s)", p.pid, p.args) }

// processes reads the whole table.
func processes(t *testing.T) map[int]proc {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no process table: %v", err)
	}
	out := map[int]proc{}
	for _, dir := range dirs {
		p, ok := readProcess(dir)
		if ok {
			out[p.pid] = p
		}
	}
	return out
}

func readProcess(dir string) (p proc, ok bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, false // gone meanwhile
	}
	p.pid, _ = strconv.Atoi(filepath.Base(dir))
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the name may hold spaces
	p.zombie = f[0] == "Z"
	p.parent, _ = strconv.Atoi(f[1])
	p.start = f[19]
	args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	p.args = strings.TrimSpace(strings.ReplaceAll(string(args), "\x00", " "))
	return p, true
}

// descendants are the children of pid, theirs, and so on.
func descendants(t *testing.T, pid int) []proc {
	t.Helper()
	table := processes(t)
	var out []proc
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		for _, p := range table {
			if p.parent == queue[0] && !p.zombie {
				out = append(out, p)
				queue = append(queue, p.pid)
			}
		}
	}
	return out
}

// child finds the one descendant whose arguments contain text.
func child(t *testing.T, pid int, text string) proc {
	t.Helper()
	var found []proc
	for _, p := range descendants(t, pid) {
		if strings.Contains(p.args, text) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		t.Fatalf("processes under %d with %q: %v, want one", pid, text, found)
	}
	return found[0]
}

// alive lists those of before that still run, and whatever else names home.
func alive(t *testing.T, before []proc, home string) (out []proc) {
	t.Helper()
	table := processes(t)
	for _, p := range before {
		if now, ok := table[p.pid]; ok && now.start == p.start && !now.zombie {
			out = append(out, now)
			delete(table, p.pid)
		}
	}
	for _, p := range table {
		if p.pid != os.Getpid() && !p.zombie && strings.Contains(p.args, home) {
			out = append(out, p)
		}
	}
	return out
}

// allGone fails when a process is left after the limit, and ends it.
func allGone(t *testing.T, before []proc, home string, limit time.Duration) {
	t.Helper()
	start := time.Now()
	for {
		left := alive(t, before, home)
		if len(left) == 0 {
			t.Logf("all of %d processes gone after %v", len(before), time.Since(start).Round(10*time.Millisecond))
			return
		}
		if time.Since(start) > limit {
			for _, p := range left {
				t.Errorf("still running %v later: %v", limit, p)
				syscall.Kill(p.pid, syscall.SIGKILL)
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
