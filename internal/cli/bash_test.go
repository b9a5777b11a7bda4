package cli_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// startBash starts an interactive bash that has sourced the script, without the package
// bash-completion.
func startBash(t *testing.T, service *fakeService) *terminal {
	t.Helper()
	status, script, stderr := inProcess(nil, "completion", "bash")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	file := filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	bash := &terminal{t: t, cmd: exec.CommandContext(ctx, "bash", "--norc", "--noprofile", "-i"), ended: make(chan struct{})}
	bash.cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(bash.cmd.Dir, "a-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bash.cmd.Env = append(service.environ(),
		"PATH="+os.Getenv("PATH"), "HOME="+bash.cmd.Dir, "TERM=xterm", "PS1=> ", "HISTFILE=", "GORACE=atexit_sleep_ms=0", "INPUTRC="+os.DevNull)
	screen, err := pty.StartWithSize(bash.cmd, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	bash.screen = screen
	t.Cleanup(func() { screen.Close() })
	go bash.read()
	bash.write("declare -F _init_completion _get_comp_words_by_ref __ltrim_colon_completions; bind 'set enable-bracketed-paste off'; source " + file + "; echo rea''dy\n")
	bash.waitFor(`[\r\n]ready`)
	if strings.Contains(bash.String(), "\n_get_comp_words_by_ref") {
		t.Fatal("this bash has the package")
	}
	return bash
}

func (term *terminal) write(text string) {
	term.t.Helper()
	if _, err := term.screen.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

func TestBashCompletionNeedsNoPackage(t *testing.T) {
	service := newFakeService(t, soon)
	bash := startBash(t, service)
	for _, test := range []struct{ typed, line string }{
		{"lsapi healthc\t", `lsapi healthcheck `},
		{"lsapi elb sh\t", `lsapi elb show `},
		{"lsapi elb show we\t", `lsapi elb show web-elb `},
		{"lsapi elb show --url " + service.URL + " we\t", `lsapi elb show --url ` + service.URL + ` web-elb `},
		{"lsapi elb show --url=" + service.URL + " de\t", `lsapi elb show --url=` + service.URL + ` default-elb `},
		{"lsapi pool show tg/s\t", `lsapi pool show tg/shop `},
		{"lsapi tg detach shop i-0aaa0000000000001:9\t", `lsapi tg detach shop i-0aaa0000000000001:9090 `},
		{"lsapi tg detach shop 10\t", `lsapi tg detach shop 10.0.1.7:8080 `},
		{"lsapi tg detach shop 10.0.1.7:8080 i-0aaa0000000000001:8\t", `lsapi tg detach shop 10.0.1.7:8080 i-0aaa0000000000001:8080 `},
		{"lsapi elb list -o ya\t", `lsapi elb list -o yaml `},
		{"lsapi elb list --output=ya\t", `lsapi elb list --output=yaml `},
		{"lsapi elb list --health Out\t", `lsapi elb list --health OutOfService `},
		{"lsapi elb history --outc\tap\t", `lsapi elb history --outcome applied `},
		{"lsapi serve --users-file a-f\t", `lsapi serve --users-file a-file `},
		{"lsapi elb show a-f\t", `lsapi elb show a-f`},
	} {
		from := len(bash.String())
		bash.write(test.typed + "#end")
		want := regexp.QuoteMeta(test.line) + `#end`
		deadline := time.Now().Add(testTimeout)
		for !regexp.MustCompile(want).MatchString(withoutBells(bash.String()[from:])) {
			if time.Now().After(deadline) {
				t.Fatalf("%q becomes %q, want %q", test.typed, bash.String()[from:], test.line)
			}
			<-time.After(10 * time.Millisecond)
		}
		bash.write("\x15") // clears the line
	}
	bash.write("exit\n")
	if status, text := bash.wait(); status != 0 {
		t.Errorf("status %d, %s", status, text)
	}
}

func withoutBells(text string) string { return strings.ReplaceAll(text, "\a", "") }
