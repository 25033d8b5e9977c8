//go:build !unix

package ledger

import "time"

func processorTime() (time.Duration, bool) { return 0, false }
