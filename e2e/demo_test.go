package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// startDemo starts lsapi demo and waits until it has printed all its lines.
func startDemo(t *testing.T, arguments []string, settings ...setting) *process {
	t.Helper()
	p := start(t, append([]string{"demo"}, arguments...), settings...)
	p.waitFor(p.stdout, `curl .*/healthcheck\n`)
	return p
}

var onFreePorts = []string{"--listen", "127.0.0.1:0", "--emulator-listen", "127.0.0.1:0"}

// curlLine is a printed line to paste, with the status in the comment above it.
type curlLine struct{ announced, command string }

func curlLines(t *testing.T, stdout string) []curlLine {
	t.Helper()
	var lines []curlLine
	for _, match := range regexp.MustCompile(`(?m)^# .* -> (\d{3})\n(curl .*)$`).FindAllStringSubmatch(stdout, -1) {
		lines = append(lines, curlLine{match[1], match[2]})
	}
	if len(lines) < 5 || len(lines) != strings.Count(stdout, "\ncurl ") {
		t.Fatalf("found %d lines with a status announced in:\n%s", len(lines), stdout)
	}
	return lines
}

// paste runs a line in a shell and returns its output.
func paste(t *testing.T, line string) string {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "bash", "-c", line)
	shell.Env = []string{"PATH=" + os.Getenv("PATH")}
	text, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, text)
	}
	return string(text)
}

func TestDemoLinesReturnTheirStatusRepeatedly(t *testing.T) {
	demo := startDemo(t, onFreePorts)
	for _, round := range []string{"first", "second"} {
		for _, line := range curlLines(t, demo.stdout.String()) {
			if text := paste(t, line.command); !strings.HasSuffix(text, "\n"+line.announced+"\n") {
				t.Errorf("%s time, %s\nannounces %s, printed:\n%s", round, line.command, line.announced, text)
			}
		}
	}
}

func TestDemoListsItsMember(t *testing.T) {
	demo := startDemo(t, onFreePorts)
	text := paste(t, curlLines(t, demo.stdout.String())[0].command)
	for _, want := range []string{"i-0592fe5ccee879f04", "t2.micro", "2019-10-01T18:54:00.000Z"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestDemoIgnoresConfiguration(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte("no variable\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	demo := startDemo(t, onFreePorts, in(folder), with("API_TOKEN=nonsense", "LISTEN=nonsense",
		"AWS_PROFILE=none", "AWS_REGION=nowhere", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ENDPOINT_URL_EC2=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING=http://127.0.0.1:1", "AWS_CA_BUNDLE=/none", "HTTP_PROXY=http://127.0.0.1:1"))
	if text := paste(t, curlLines(t, demo.stdout.String())[0].command); !strings.HasSuffix(text, "\n200\n") {
		t.Error(text)
	}
}

func TestDemoEndsWithStatus0WhenInterrupted(t *testing.T) {
	demo := startDemo(t, onFreePorts)
	demo.signal(interrupt)
	if status := demo.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestDemoReplacesDefaultPortInUse(t *testing.T) {
	// If this fails, another process uses the ports.
	for _, address := range []string{"127.0.0.1:8000", "127.0.0.1:4566"} {
		if listener, err := net.Listen("tcp", address); err == nil {
			t.Cleanup(func() { listener.Close() })
		}
	}
	demo := startDemo(t, nil)
	stdout := demo.stdout.String()
	if regexp.MustCompile(`127\.0\.0\.1:(8000|4566)\b`).MatchString(stdout) {
		t.Errorf("it prints an address that is taken:\n%s", stdout)
	}
	for _, line := range curlLines(t, stdout) {
		if text := paste(t, line.command); !strings.HasSuffix(text, "\n"+line.announced+"\n") {
			t.Errorf("%s printed:\n%s", line.command, text)
		}
	}
}

func TestDemoRejectsRequestedPortInUse(t *testing.T) {
	taken := listen(t)
	for _, arguments := range [][]string{
		{"--listen", taken, "--emulator-listen", "127.0.0.1:0"},
		{"--listen", "127.0.0.1:0", "--emulator-listen", taken},
	} {
		status, stdout, stderr := run(t, append([]string{"demo"}, arguments...))
		if status != 2 || stdout != "" || !strings.HasSuffix(stderr, "lsapi: cannot listen on "+taken+": the port is in use\n") {
			t.Errorf("%v: status %d\n%s%s", arguments, status, stdout, stderr)
		}
	}
}

func TestDemoRejectsInvalidAddress(t *testing.T) {
	for _, flag := range []string{"--listen", "--emulator-listen"} {
		if status, _, stderr := run(t, []string{"demo", flag, "8000"}); status != 2 || !strings.HasPrefix(stderr, "lsapi: "+flag+": ") {
			t.Errorf("%s: status %d, %s", flag, status, stderr)
		}
	}
}

// listen listens on a port and returns its address.
func listen(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}
