package main

import (
	"strings"
	"testing"
	"time"
)

func TestTestOutputPrintsClosingLinesAndWhatFailedTestsWrote(t *testing.T) {
	var printed strings.Builder
	o := newTestOutput(&progress{out: &printed, began: time.Now()})
	for line := range strings.Lines(`{"Action":"start","Package":"lsapi/a"}
{"Action":"run","Package":"lsapi/a","Test":"TestOne"}
{"Action":"output","Package":"lsapi/a","Test":"TestOne","Output":"    one_test.go:7: quiet\n"}
{"Action":"pass","Package":"lsapi/a","Test":"TestOne"}
{"Action":"output","Package":"lsapi/a","Output":"PASS\n"}
{"Action":"output","Package":"lsapi/a","Output":"ok  \tlsapi/a\t0.1s\n"}
{"Action":"pass","Package":"lsapi/a"}
{"Action":"start","Package":"lsapi/b"}
{"Action":"run","Package":"lsapi/b","Test":"TestTwo"}
{"Action":"run","Package":"lsapi/b","Test":"TestThree"}
`) {
		o.line(strings.TrimSuffix(line, "\n"))
	}
	if got := printed.String(); got != "ok  \tlsapi/a\t0.1s\n" {
		t.Errorf("of a package that passed it prints %q", got)
	}
	if got := o.status(); got != "1 packages tested, 0 tests failed; running: lsapi/b TestThree and 1 more" {
		t.Errorf("the status is %q", got)
	}
	printed.Reset()
	for line := range strings.Lines(`{"Action":"output","Package":"lsapi/b","Test":"TestTwo","Output":"    two_test.go:9: want 1\n"}
{"Action":"fail","Package":"lsapi/b","Test":"TestTwo"}
{"Action":"output","Package":"lsapi/b","Test":"TestThree","Output":"panic: three\n"}
{"Action":"output","Package":"lsapi/b","Output":"FAIL\tlsapi/b\t0.2s\n"}
{"Action":"fail","Package":"lsapi/b"}
# lsapi/c
`) {
		o.line(strings.TrimSuffix(line, "\n"))
	}
	o.end()
	want := "    two_test.go:9: want 1\npanic: three\nFAIL\tlsapi/b\t0.2s\n# lsapi/c\nfailed: lsapi/b TestTwo\n"
	if got := printed.String(); got != want {
		t.Errorf("of a package that failed it prints %q, want %q", got, want)
	}
}

func TestVetOutputPrintsFindingsAndCountsPackages(t *testing.T) {
	var printed strings.Builder
	o := &vetOutput{p: &progress{out: &printed, began: time.Now()}}
	for _, line := range []string{"errors", "github.com/aws/aws-sdk-go-v2/aws", "# lsapi/a", "a/a.go:3:2: unreachable code"} {
		o.line(line)
	}
	if got := printed.String(); got != "# lsapi/a\na/a.go:3:2: unreachable code\n" {
		t.Errorf("it prints %q", got)
	}
	if got := o.status(); got != "vet: 2 packages compiled, the last github.com/aws/aws-sdk-go-v2/aws" {
		t.Errorf("the status is %q", got)
	}
}

func TestLineWriterKeepsWhatIsNoWholeLine(t *testing.T) {
	var lines []string
	w := &lineWriter{to: func(line string) { lines = append(lines, line) }}
	for _, part := range []string{"one\ntw", "o\n", "three"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	w.flush()
	if got := strings.Join(lines, "|"); got != "one|two|three" {
		t.Errorf("the lines are %q", got)
	}
}
