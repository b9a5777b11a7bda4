package swagger_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
)

// startService starts lsapi with an emulated AWS of its own, both on free ports,
// and returns its address.
func startService(t *testing.T, lsapi, envelope string) string {
	t.Helper()
	endpoint := start(t, `AWS_ENDPOINT_URL=(http://\S+)`, nil, lsapi, "emulator", "--listen", "127.0.0.1:0")
	return start(t, `listening.*"address":"([^"]+)"`, []string{
		"API_TOKEN=YWxpY2U6c2VjcmV0", // alice:secret
		"AWS_ENDPOINT_URL=" + endpoint,
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
		"RESPONSE_ENVELOPE=" + envelope,
		"LOG_FORMAT=json",
	}, lsapi, "serve", "--listen", "127.0.0.1:0")
}

// start starts a command, which is stopped when the test ends, and returns what
// the group of the pattern matches in a line that it writes.
func start(t *testing.T, pattern string, variables []string, name string, arguments ...string) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Without the test's context: it is stopped by a signal, as its users do.
	command := exec.Command(name, arguments...)
	command.Dir = t.TempDir()
	command.Env = append([]string{"HOME=" + command.Dir, "GORACE=atexit_sleep_ms=20"}, variables...)
	command.Stdout, command.Stderr = writer, writer
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	t.Cleanup(func() { stop(t, command, reader) })
	return read(t, reader, regexp.MustCompile(pattern))
}

// read reads until a line matches, and lets the rest be read by nobody in
// particular.
func read(t *testing.T, from io.Reader, pattern *regexp.Regexp) string {
	t.Helper()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if match := pattern.FindStringSubmatch(lines.Text()); match != nil {
			go io.Copy(io.Discard, from)
			return match[1]
		}
		t.Log(lines.Text())
	}
	t.Fatalf("it ended and had not written %v", pattern)
	return ""
}

func stop(t *testing.T, command *exec.Cmd, output io.Closer) {
	t.Helper()
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("%v: %v", command.Args, err)
	}
	output.Close()
}
