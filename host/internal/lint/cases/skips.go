package main

import (
	"fmt"
	"path"
	"strings"
)

// skip is a line of the list of tests that may be skipped: "PACKAGE TEST: WHY",
// the package as it ends, the test as a pattern of path.Match.
type skip struct {
	pkg, test, why string
}

// parseSkips reads the list; empty lines and those that begin with # are left
// out. A line without a reason is an error.
func parseSkips(text string) ([]skip, error) {
	list := []skip{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, why, ok := strings.Cut(line, ": ")
		pkg, test, two := strings.Cut(name, " ")
		if !ok || !two || strings.TrimSpace(why) == "" {
			return nil, fmt.Errorf("line %d: %q: want PACKAGE TEST: WHY", i+1, line)
		}
		if _, err := path.Match(test, ""); err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", i+1, test, err)
		}
		list = append(list, skip{pkg, test, why})
	}
	return list, nil
}

func listed(list []skip, pkg, test string) bool {
	for _, s := range list {
		ok, _ := path.Match(s.test, test) // the pattern was tried when it was read
		if ok && (pkg == s.pkg || strings.HasSuffix(pkg, "/"+s.pkg)) {
			return true
		}
	}
	return false
}
