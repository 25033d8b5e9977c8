package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	const one = `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
	for _, c := range []struct {
		name, in string
		code     int
		want     string
	}{
		{"a passing package", one + `{"Action":"pass","Package":"p","Elapsed":0.1}`, 0, "ok\tp\t0.1s\t1 cases"},
		{"no input", "", 1, "0 cases ran"},
		{"tests that ran nothing", `{"Action":"output","Package":"p","Output":"testing: warning: no tests to run\n"}` + "\n" + `{"Action":"pass","Package":"p"}`, 1, "ran no case"},
		{"nothing but skipped tests", `{"Action":"skip","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p"}`, 1, "ran no case"},
		{"a failing test", `{"Action":"output","Package":"p","Test":"TestA","Output":"it broke\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}`, 1, "it broke"},
		{"a panic", `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, 1, "panic: no"},
		{"a failing test and one without an end", `{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"output","Package":"p","Test":"TestB","Output":"panic: test timed out\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, 1, "panic: test timed out"},
		{"a build that failed", `{"ImportPath":"p","Action":"build-output","Output":"x.go:1: no\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, 1, "x.go:1: no"},
		{"a package without tests beside one with", one + `{"Action":"pass","Package":"p"}` + "\n" + `{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}` + "\n" + `{"Action":"skip","Package":"q"}`, 0, "1 cases ran in 1 packages"},
		{"lines that are no JSON", "go: oh\n" + one + `{"Action":"pass","Package":"p"}`, 0, "go: oh"},
		{"a run that was cut off", one, 1, "has no end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := count(strings.NewReader(c.in), &out, nil); code != c.code || !strings.Contains(out.String(), c.want) {
				t.Errorf("code %d and %q, want %d and %q", code, out.String(), c.code, c.want)
			}
		})
	}
}

func TestSkipsOfCI(t *testing.T) {
	list, err := parseSkips("# why\n\nledger TestVectors/m.json/row#*: not ours\nledger/chain TestPower: needs a socket\n")
	if err != nil {
		t.Fatal(err)
	}
	run := func(pkg, test string) (int, string) {
		in := `{"Action":"pass","Package":"` + pkg + `","Test":"TestOther"}
{"Action":"skip","Package":"` + pkg + `","Test":"` + test + `"}
{"Action":"pass","Package":"` + pkg + `"}
`
		var out strings.Builder
		return count(strings.NewReader(in), &out, list), out.String()
	}
	for _, c := range []struct {
		pkg, test string
		code      int
	}{
		{"m/ledger", "TestVectors/m.json/row#3", 0},
		{"m/ledger", "TestVectors/m.json/col#3", 1},
		{"m/other", "TestVectors/m.json/row#3", 1},
		{"m/ledger/chain", "TestPower", 0},
		{"m/ledger/chain", "TestPowerOfOne", 1},
	} {
		code, out := run(c.pkg, c.test)
		if code != c.code || c.code != 0 && !strings.Contains(out, c.test+" was skipped") {
			t.Errorf("%s %s: code %d, want %d: %s", c.pkg, c.test, code, c.code, out)
		}
	}
	for _, bad := range []string{"ledger TestA", "ledger: why", "ledger TestA: ", "ledger Test[: why"} {
		if _, err := parseSkips(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
