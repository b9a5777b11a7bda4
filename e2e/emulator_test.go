package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEmulatorLinesWorkWithAWSCLI(t *testing.T) {
	p, _ := startEmulator(t)
	var lines []string
	for line := range strings.Lines(p.stdout.String()) {
		lines = append(lines, line)
	}
	// The AWS CLI is Debian's, whatever PATH contains.
	text := paste(t, "PATH=/usr/bin:/bin AWS_PAGER=''\n"+strings.Join(lines, ""))
	if !strings.Contains(text, "default-elb") {
		t.Error(text)
	}
}

func TestEmulatorRejectsInvalidFlags(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "fleet.yaml"), []byte("colour: red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		arguments []string
		message   string
	}{
		"negative latency": {[]string{"--latency", "-1s"}, "--latency"},
		"negative lag":     {[]string{"--lag", "-1s"}, "--lag"},
		"throttle":         {[]string{"--throttle", "maybe"}, "--throttle"},
		"address":          {[]string{"--listen", "4566"}, "--listen"},
		"port":             {[]string{"--listen", "127.0.0.1:70000"}, "--listen"},
		"fleet":            {[]string{"--fleet", "huge"}, "--fleet"},
		"missing file":     {[]string{"--fleet", "none.yaml"}, "none.yaml"},
		"broken file":      {[]string{"--fleet", filepath.Join(folder, "fleet.yaml")}, "fleet.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := run(t, append([]string{"emulator"}, tc.arguments...))
			if status != 2 || stdout != "" || !strings.HasPrefix(stderr, "lsapi: ") || !strings.Contains(stderr, tc.message) {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
}

func TestEmulatorNamesPortInUse(t *testing.T) {
	taken := listen(t)
	status, _, stderr := run(t, []string{"emulator", "--listen", taken})
	if status != 2 || stderr != "lsapi: cannot listen on "+taken+": the port is in use\n" {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestEmulatorStopsDuringHeldCall(t *testing.T) {
	p, url := startEmulator(t)
	c := client{t: t, base: url}
	c.send("POST", "/_emulator/faults", hold)
	s := startService(t, url)
	answered := inFlight(t, s, c)
	if status := p.stop(); status != 0 {
		t.Errorf("status %d", status)
	}
	<-answered
}
