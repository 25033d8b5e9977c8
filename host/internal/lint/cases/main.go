// Command cases reads what `go test -json` prints, shows a line for each package
// and the output of what failed, and counts: a package that has tests but ran
// none, or skipped all of them, is a failure, because a check that looks at
// nothing must not be green. With PLEXUS_CI=1 a skipped test is a failure too,
// unless the file named by its first argument lists it with a reason.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// suite is one package's run.
type suite struct {
	ran, skipped, failed int
	output               map[string][]string // by test, "" for the package's own
	notests, ended       bool
}

func main() {
	var list []skip
	if os.Getenv("PLEXUS_CI") == "1" {
		if len(os.Args) != 2 {
			fmt.Println("cases: with PLEXUS_CI=1, give the file that lists the tests that may be skipped")
			os.Exit(2)
		}
		b, err := os.ReadFile(os.Args[1])
		if err == nil {
			list, err = parseSkips(string(b))
		}
		if err != nil {
			fmt.Println("cases:", err)
			os.Exit(2)
		}
	}
	os.Exit(count(os.Stdin, os.Stdout, list))
}

// count returns the exit code. Without a list of skips any test may be skipped.
func count(in io.Reader, out io.Writer, skips []skip) int {
	suites := map[string]*suite{}
	ran, skipped, packages, code := 0, 0, 0, 0
	s := bufio.NewScanner(in)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var e event
		if json.Unmarshal(s.Bytes(), &e) != nil { // what the compiler or the linker says
			fmt.Fprintln(out, s.Text())
			continue
		}
		if e.Action == "build-output" {
			fmt.Fprint(out, e.Output)
		}
		if e.Package == "" {
			continue
		}
		u := suites[e.Package]
		if u == nil {
			u = &suite{output: map[string][]string{}}
			suites[e.Package] = u
		}
		switch e.Action {
		case "output":
			u.notests = u.notests || strings.Contains(e.Output, "[no test files]")
			u.output[e.Test] = append(u.output[e.Test], e.Output)
			continue
		case "pass", "skip", "fail":
		default:
			continue
		}
		if e.Test != "" {
			switch e.Action {
			case "pass":
				u.ran++
			case "fail":
				u.ran++
				u.failed++
				fmt.Fprint(out, strings.Join(u.output[e.Test], ""))
			case "skip":
				u.skipped++
				if skips != nil && !listed(skips, e.Package, e.Test) {
					code = 1
					fmt.Fprint(out, strings.Join(u.output[e.Test], ""))
					fmt.Fprintf(out, "FAIL\t%s\t%s was skipped, and is not on the list of tests that may be\n", e.Package, e.Test)
				}
			}
			delete(u.output, e.Test)
			continue
		}
		u.ended = true
		if u.notests {
			continue
		}
		packages++
		ran += u.ran
		skipped += u.skipped
		switch {
		case e.Action == "fail":
			code = 1
			// What is left is of the package itself and of tests without an end: it
			// did not build, panicked or was stopped.
			var left []string
			for _, lines := range u.output {
				left = append(left, strings.Join(lines, ""))
			}
			sort.Strings(left)
			fmt.Fprint(out, strings.Join(left, ""))
			fmt.Fprintf(out, "FAIL\t%s\t%.1fs\t%d of %d cases failed\n", e.Package, e.Elapsed, u.failed, u.ran)
		case u.ran == 0:
			code = 1
			fmt.Fprintf(out, "FAIL\t%s\t%.1fs\tit has tests, but ran no case (%d skipped)\n", e.Package, e.Elapsed, u.skipped)
		default:
			fmt.Fprintf(out, "ok\t%s\t%.1fs\t%d cases", e.Package, e.Elapsed, u.ran)
			if u.skipped > 0 {
				fmt.Fprintf(out, ", %d skipped", u.skipped)
			}
			fmt.Fprintln(out)
		}
	}
	if err := s.Err(); err != nil {
		fmt.Fprintln(out, "cases:", err)
		code = 1
	}
	for name, u := range suites {
		if !u.ended {
			code = 1
			fmt.Fprintf(out, "FAIL\t%s\tits run has no end\n", name)
		}
	}
	if ran == 0 {
		code = 1
	}
	fmt.Fprintf(out, "%d cases ran in %d packages, %d were skipped\n", ran, packages, skipped)
	return code
}
