package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Verdict is one line of what `plexus replay --json` prints.
type Verdict struct {
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

// Replay runs `plexus replay` as a stranger would: a separate process with an
// empty home, which gets everything over p2p, in the interpreter. It returns the
// verdicts also when they differ; the code is the process's exit code.
func (r *Running) Replay(ctx context.Context, args ...string) ([]Verdict, int, error) {
	home, err := os.MkdirTemp("", "plexus-stranger-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(home)
	c := exec.CommandContext(ctx, r.self, append([]string{"replay", "--json", "--engine", "interpreter", "--join", r.Join().String()}, args...)...)
	c.Env = []string{"HOME=" + home, "XDG_CACHE_HOME=" + home + "/cache", "TMPDIR=" + os.TempDir()}
	c.Dir = home
	defer tether(c)()
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
