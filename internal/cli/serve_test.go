package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestServeNamesAllProblemsOfTheConfiguration(t *testing.T) {
	status, stdout, stderr := inProcess([]string{
		"API_TOKEN=ZGVtbzpkZW1v", "STORE_URL=sqlite:" + filepath.Join(t.TempDir(), "none", "none.db"),
		"TZ=Europe/Berln", "AWS_PROFILE=nope", "AWS_CA_BUNDLE=/nope", "AWS_MAX_ATTEMPTS=abc", "AWS_RETRY_MODE=abc",
	}, "serve", "--env-file", "/dev/null", "--listen", "nowhere")
	if status != 2 || stdout != "" || !strings.Contains(stderr, "the configuration has 6 problems") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	for _, variable := range []string{"LISTEN", "TZ", "AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"} {
		if strings.Count(stderr, variable) != 1 {
			t.Errorf("%s is missing in %s", variable, stderr)
		}
	}
}

// The AWS SDK also fails for what its files contain.
func TestServeRejectsAFileOfTheAWSSDK(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("[default]\nretry_mode = nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	status, _, stderr := inProcess([]string{"API_TOKEN=ZGVtbzpkZW1v", "STORE_URL=sqlite:" + filepath.Join(t.TempDir(), "a.db")},
		"serve", "--env-file", "/dev/null", "--listen", "127.0.0.1:0")
	if status != 2 || !strings.Contains(stderr, "retry_mode") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestServeNotifiesSystemdWhyItDoesNotStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	if status, _, stderr := inProcess([]string{"LISTEN=nowhere"}, "serve", "--env-file", "/dev/null"); status != 2 {
		t.Errorf("status %d: %s", status, stderr)
	}
	buffer := make([]byte, 4096)
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(buffer)
	if text := string(buffer[:n]); err != nil || !strings.HasPrefix(text, "STATUS=the configuration has 2 problems: API_TOKEN: not set; ") || !strings.Contains(text, " --listen (LISTEN): ") {
		t.Errorf("got %q, %v", text, err)
	}
}
