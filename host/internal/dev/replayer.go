package dev

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/plexus-network/plexus/host/internal/event"
)

// Verdict is one line of what `plexus replay --json` prints.
type Verdict struct {
	Netuid     uint16  `json:"netuid"`
	Epoch      uint64  `json:"epoch"`
	Validator  string  `json:"validator"`
	Verdict    string  `json:"verdict"`
	Evidence   string  `json:"evidence"`
	Engine     string  `json:"engine"`
	Rounds     int     `json:"rounds"`
	Leaves     int     `json:"leaves"`
	Fuel       uint64  `json:"fuel"`
	Seconds    float64 `json:"seconds"`
	Difference string  `json:"difference"`
	Error      string  `json:"error"`
	Scores     []struct {
		Hotkey string `json:"hotkey"`
		Asked  int    `json:"asked"`
		Sum    uint64 `json:"sum"`
	} `json:"scores"`
}

// stranger is `plexus replay` as somebody would start it who has nothing of this
// network: a separate process with an empty home, which gets everything over p2p.
func (r *Running) stranger(ctx context.Context, args ...string) (c *exec.Cmd, cleanup func(), err error) {
	home, err := os.MkdirTemp("", "plexus-stranger-")
	if err != nil {
		return nil, nil, err
	}
	c = exec.CommandContext(ctx, r.self, append([]string{"replay", "--json", "--engine", r.engine(), "--join", r.Join().String()}, args...)...)
	c.Env = []string{"HOME=" + home, "XDG_CACHE_HOME=" + home + "/cache", "TMPDIR=" + os.TempDir(), "GOMAXPROCS=1", "GOGC=50"}
	c.Dir = home
	release := tether(c)
	return c, func() {
		release()
		os.RemoveAll(home)
	}, nil
}

// engine is what a stranger runs modules in. The interpreter is the referee; two
// cores have time for it only while one subnet is scored.
func (r *Running) engine() string {
	if len(r.subnets) == 1 {
		return "interpreter"
	}
	return "compiler"
}

// Replay replays once and returns the verdicts, also when they differ; the code
// is the process's exit code.
func (r *Running) Replay(ctx context.Context, args ...string) ([]Verdict, int, error) {
	c, cleanup, err := r.stranger(ctx, args...)
	if err != nil {
		return nil, 0, err
	}
	defer cleanup()
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	code := c.ProcessState.ExitCode()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, code, err
	}
	var v []Verdict
	if jerr := json.Unmarshal(out, &v); jerr != nil {
		return nil, code, fmt.Errorf("replay ended with code %d: %s", code, strings.TrimSpace(stderr.String()))
	}
	return v, code, nil
}

// follow has a stranger replay the evidence of all subnets as it appears, and
// calls each with the verdicts. It ends with ctx, or when the stranger does.
func (r *Running) follow(ctx context.Context, each func(Verdict)) error {
	c, cleanup, err := r.stranger(ctx, "--follow")
	if err != nil {
		return err
	}
	defer cleanup()
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	s := bufio.NewScanner(out)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var v Verdict
		if err := json.Unmarshal(s.Bytes(), &v); err == nil && v.Verdict != "" {
			each(v)
		}
	}
	if err := c.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("replay ended: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// Watch has all evidence replayed from outside, and reports each verdict as an
// event. It ends with ctx.
func (r *Running) Watch(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.follow(ctx, func(v Verdict) { r.report(ctx, r.said(v)) }); err != nil {
			r.report(ctx, event.Event{Kind: "note", From: "dev", Text: err.Error()})
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
	return nil
}

// said is a verdict as an event.
func (r *Running) said(v Verdict) event.Event {
	e := event.Event{Kind: "replay", From: "dev", Netuid: v.Netuid, Epoch: v.Epoch, Hotkey: v.Validator, Root: v.Evidence,
		Text: fmt.Sprintf("a stranger's replay of epoch %d of %s: %s", v.Epoch, r.State.Name(v.Validator), v.Verdict)}
	if v.Verdict != "equal" {
		e.Err = v.Difference + v.Error
		e.Text += ": " + e.Err
	}
	return e
}
