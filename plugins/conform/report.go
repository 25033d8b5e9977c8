package conform

import (
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// Verdict is the outcome of one check.
type Verdict string

// The outcomes. A check is skipped when what it needs failed, or when the module
// does not offer what it looks at.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Skipped Verdict = "skipped"
)

// Finding is what one check found.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail,omitempty"` // the first thing that was wrong, or what was counted
}

// Report is what Check found, in the order in which it looked.
type Report struct {
	ID       plugins.ID   `json:"-"`
	Manifest abi.Manifest `json:"-"` // zero when the module could not be loaded
	Findings []Finding    `json:"findings"`
	Calls    int          `json:"calls"` // that were made
	Fuel     uint64       `json:"fuel"`  // that the dearest call took
}

// OK reports whether nothing failed.
func (r *Report) OK() bool {
	for _, f := range r.Findings {
		if f.Verdict == Failed {
			return false
		}
	}
	return true
}

func (r *Report) add(check string, err error, format string, args ...any) bool {
	f := Finding{Check: check, Verdict: Passed, Detail: fmt.Sprintf(format, args...)}
	if err != nil {
		f.Verdict, f.Detail = Failed, err.Error()
	}
	r.Findings = append(r.Findings, f)
	return err == nil
}

func (r *Report) skip(check, why string) {
	r.Findings = append(r.Findings, Finding{Check: check, Verdict: Skipped, Detail: why})
}
