// Package conform says whether a module keeps the contract: whether every node
// could run it and get the same replies, and whether what a miner or a broken
// peer sends can make it trap.
//
// Check loads a module as a node does, in the compiler and in the interpreter,
// draws tasks from several seeds, scores and ranks answers of many shapes, sends
// it what is no message at all, and repeats calls in another order and with
// another seed of the host. It knows nothing of what the module is for: that a
// score is fair is for package trial.
//
//	report, err := conform.Check(ctx, code, conform.Options{})
//	for _, f := range report.Findings {
//		fmt.Println(f.Check, f.Verdict, f.Detail)
//	}
package conform
