package cli_test

import (
	"bytes"
	"strings"
	"testing"

	"lsapi/internal/cli"
)

// inProcess runs a command in the test process.
func inProcess(environ []string, arguments ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = cli.Run(cli.Process{Args: arguments, Environ: environ, Stdout: &out, Stderr: &errs})
	return status, out.String(), errs.String()
}

func TestMistypedCommandOrFlagGetsSuggestion(t *testing.T) {
	for arguments, want := range map[string]string{
		"sreve":                   "did you mean serve?",
		"elb lst":                 "did you mean list?",
		"elb attahc web-elb":      "did you mean attach?",
		"changes verfy":           "did you mean verify?",
		"completion fsh":          "did you mean fish or zsh?",
		"help elb shwo":           "did you mean show?",
		"elb list --healt x":      "did you mean --health?",
		"serve --lisen :8000":     "did you mean --listen?",
		"elb show web --password": "did you mean --password-file?",
		"changes list --outcomes": "did you mean --outcome?",
	} {
		status, stdout, stderr := inProcess(nil, strings.Fields(arguments)...)
		if status != 2 || stdout != "" || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") > 2 {
			t.Errorf("%s: status %d, %s%s", arguments, status, stdout, stderr)
		}
	}
	for _, arguments := range []string{"xyzzy", "elb list --xyzzy", "elb list -Z"} {
		if status, _, stderr := inProcess(nil, strings.Fields(arguments)...); status != 2 || strings.Contains(stderr, "did you mean") {
			t.Errorf("%s: status %d, %s", arguments, status, stderr)
		}
	}
}

func TestWrongNumberOfArgumentsGetsUsageLine(t *testing.T) {
	for arguments, want := range map[string]string{
		"pool show":       "0 arguments in place of one: lsapi pool show [elb/|tg/]NAME",
		"tg guard a b":    "2 arguments in place of one: lsapi tg guard NAME",
		"changes undo":    "lsapi changes undo CHANGE",
		"policy check":    "lsapi policy check FILE",
		"instance show":   "lsapi instance show INSTANCE",
		"stress http:a b": "lsapi stress URL",
	} {
		status, stdout, stderr := inProcess(nil, strings.Fields(arguments)...)
		if status != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, %s%s", arguments, status, stdout, stderr)
		}
	}
}

func TestVersionFlag(t *testing.T) {
	_, want, _ := inProcess(nil, "version")
	for _, flag := range []string{"--version", "-v"} {
		if status, stdout, _ := inProcess(nil, flag); status != 0 || stdout != want || want == "" {
			t.Errorf("%s: status %d, %q, want %q", flag, status, stdout, want)
		}
	}
}
