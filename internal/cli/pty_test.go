package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// testTimeout bounds each wait, on a busy machine.
const testTimeout = 60 * time.Second

// terminal is a process on a terminal of 10 rows.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	screen *os.File
	ended  chan struct{}

	mu   sync.Mutex
	text bytes.Buffer // all output
}

// onTerminal starts lsapi on a terminal of 100 columns.
func onTerminal(t *testing.T, service *fakeService, piped io.Writer, variables []string, arguments ...string) *terminal {
	t.Helper()
	return onTerminalOf(t, 100, service, piped, variables, arguments...)
}

// onTerminalOf starts lsapi on a terminal. A non-nil piped replaces stdout.
func onTerminalOf(t *testing.T, columns uint16, service *fakeService, piped io.Writer, variables []string, arguments ...string) *terminal {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	term := &terminal{t: t, cmd: exec.CommandContext(ctx, "lsapi", arguments...), ended: make(chan struct{})}
	term.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TZ=UTC", "TERM=xterm", "GORACE=atexit_sleep_ms=20",
		"LSAPI_URL=" + service.URL, "LSAPI_USER=" + user, "LSAPI_PASSWORD=" + password,
	}, variables...)
	if piped != nil {
		term.cmd.Stdout = piped
	}
	screen, err := pty.StartWithSize(term.cmd, &pty.Winsize{Rows: 10, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	term.screen = screen
	t.Cleanup(func() { screen.Close() })
	go term.read()
	return term
}

// read reads the output until the process has closed the terminal.
func (term *terminal) read() {
	defer close(term.ended)
	buffer := make([]byte, 4096)
	for {
		n, err := term.screen.Read(buffer)
		term.mu.Lock()
		term.text.Write(buffer[:n])
		term.mu.Unlock()
		if err != nil {
			if !errors.Is(err, syscall.EIO) && !errors.Is(err, io.EOF) {
				term.t.Error(err)
			}
			return
		}
	}
}

func (term *terminal) String() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return strings.ReplaceAll(term.text.String(), "\r\n", "\n")
}

// waitFor waits until the output matches.
func (term *terminal) waitFor(pattern string) {
	term.t.Helper()
	expression := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(testTimeout); !expression.MatchString(term.String()); {
		if time.Now().After(deadline) {
			term.t.Fatalf("nothing matches %s in\n%q", pattern, term)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// wait waits for the process and returns its exit status and output.
func (term *terminal) wait() (status int, text string) {
	term.t.Helper()
	err := term.cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		term.t.Fatal(err)
	}
	<-term.ended
	return term.cmd.ProcessState.ExitCode(), term.String()
}

func TestTerminalShowsProgressThenResults(t *testing.T) {
	service := newFakeService(t, 2*time.Second)
	status, text := onTerminal(t, service, nil, nil, "elb", "attach", "web-elb", spare, failing, "--wait", "--timeout", "7s").wait()
	if status != 4 {
		t.Errorf("status %d", status)
	}
	for _, pattern := range []string{
		`[|/\\-] ` + spare + ` +[0-9]+s  attached`, // the spinner
		`[|/\\-] ` + failing + ` +[0-9]+s  attached, OutOfService, ELB: Instance registration is still in prog[res]*…\n`, // cut off at the edge
		"\x1b\\[32m\\+\x1b\\[m " + spare + " +[0-9]+s\x1b\\[32m  in service",
		"\x1b\\[2A\x1b\\[J", // progress is removed at the end
		"\x1b\\[1mMEMBER\x1b\\[m .*\n" + spare + "  attach  \x1b\\[32min service\x1b\\[m .*\n" + failing + "  attach  \x1b\\[33mtimed out\x1b\\[m ",
		`(?m)^lsapi: 1 of 2 not done: 1 timed out$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("nothing matches %q in\n%q", pattern, text)
		}
	}
	if !strings.Contains(text, "\x1b[2A") || strings.Contains(text, "\x1b[3A") {
		t.Errorf("the lines are not drawn over one another:\n%q", text)
	}
}

func TestColoursCanBeTurnedOff(t *testing.T) {
	for _, variable := range []string{"NO_COLOR=1", "TERM=dumb"} {
		service := newFakeService(t, soon)
		status, text := onTerminal(t, service, nil, []string{variable}, "elb", "attach", "web-elb", spare, "--wait").wait()
		if status != 0 || regexp.MustCompile("\x1b\\[[0-9;]*m").MatchString(text) || !strings.Contains(text, "\n"+spare+"  attach  in service") {
			t.Errorf("%s: status %d, %q", variable, status, text)
		}
		if dumb := variable == "TERM=dumb"; strings.Contains(text, "\x1b") == dumb {
			t.Errorf("%s: %q", variable, text)
		}
	}
}

func TestPipedOutputIsJSONWithProgressOnTerminal(t *testing.T) {
	service := newFakeService(t, soon)
	var piped bytes.Buffer
	status, text := onTerminal(t, service, &piped, nil, "elb", "attach", "web-elb", spare, "--wait").wait()
	if status != 0 || !strings.Contains(piped.String(), `"outcome": "inService"`) || strings.Contains(piped.String(), "\x1b") {
		t.Errorf("status %d, piped %s", status, &piped)
	}
	if !strings.Contains(text, spare) || strings.Contains(text, "INSTANCE") {
		t.Errorf("the terminal shows %q", text)
	}
}

func TestProgressFitsTheTerminal(t *testing.T) {
	service := newFakeService(t, time.Second)
	arguments := []string{"elb", "attach", "web-elb", "--wait"}
	for _, digit := range "0123456789abcdef" {
		arguments = append(arguments, "i-0ccc000000000000"+string(digit))
	}
	status, text := onTerminal(t, service, nil, nil, arguments...).wait()
	if status != 0 || !strings.Contains(text, "  and 8 more") || !strings.Contains(text, "\x1b[9A") || strings.Contains(text, "\x1b[10A") {
		t.Errorf("status %d, %q", status, text)
	}
}

func TestCtrlCEndsWaitAndReportsAttach(t *testing.T) {
	service := newFakeService(t, soon)
	term := onTerminal(t, service, nil, nil, "elb", "attach", "web-elb", failing, "--wait")
	term.waitFor("attached")
	if _, err := term.screen.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	status, text := term.wait()
	if status != 1 || !strings.Contains(text, "lsapi: "+failing+": attached, but the wait was stopped by a signal") || !strings.Contains(text, "interrupted") {
		t.Errorf("status %d, %q", status, text)
	}
}

func TestTerminalShowsColouredTables(t *testing.T) {
	service := newFakeService(t, soon)
	for command, want := range map[string]string{
		"list": "\x1b[31m1\x1b[m",
		"show": "\x1b[31mOutOfService\x1b[m",
	} {
		arguments := []string{"elb", command}
		if command == "show" {
			arguments = append(arguments, "web-elb")
		}
		if status, text := onTerminal(t, service, nil, nil, arguments...).wait(); status != 0 || !strings.Contains(text, want) {
			t.Errorf("%s: status %d, %q", command, status, text)
		}
	}
}

func TestTablesFitNarrowTerminal(t *testing.T) {
	service := newFakeService(t, soon)
	for _, test := range []struct {
		arguments []string
		columns   uint16
		has       string // a pattern that must match
		hasNot    string
	}{
		{[]string{"elb", "list"}, 80, `(?m)^NAME .* DRAINING`, "DNS NAME"},
		{[]string{"elb", "list"}, 60, `(?m)^NAME +MEMBERS  IN  OUT`, "DNS NAME"},
		{[]string{"elb", "list", "-o", "wide"}, 60, `DNS NAME .* TAGS`, "…"},
		{[]string{"elb", "show", "web-elb"}, 80, `(?m)^` + second + `  OutOfService  stopped`, "MEMBER SINCE"},
		{[]string{"elb", "show", "web-elb"}, 60, `(?m)^` + second + `  OutOfService  stopped`, "ADDRESS"},
		{[]string{"elb", "history", "web-elb"}, 80, `(?m)^2019-10-01 18:54:00  applied .* release 7$`, "CHANGE"},
		{[]string{"elb", "history"}, 60, `(?m)^2019-10-01 17:54:00  refused +attach  .*` + stopped, "REASON"},
		{[]string{"elb", "detach", "web-elb", spare, stopped}, 60, spare + `  detach  conflict`, "CHANGE"},
		{[]string{"elb", "list", "--no-headers"}, 60, `(?m)^web-elb  `, "NAME"},
	} {
		command := append([]string{}, test.arguments...)
		_, text := onTerminalOf(t, test.columns, service, nil, []string{"NO_COLOR=1"}, command...).wait()
		for line := range strings.Lines(text) {
			if width := len([]rune(strings.TrimSuffix(line, "\n"))); width > int(test.columns) && !strings.HasPrefix(line, "lsapi: ") && !slices.Contains(command, "wide") {
				t.Errorf("%v in %d columns has a row of %d: %s", test.arguments, test.columns, width, line)
			}
		}
		if !regexp.MustCompile(test.has).MatchString(text) || strings.Contains(text, test.hasNot) {
			t.Errorf("%v in %d columns is\n%s", test.arguments, test.columns, text)
		}
	}
}

func TestOnlyBadStatesAreColoured(t *testing.T) {
	_, text := onTerminal(t, newFakeService(t, soon), nil, nil, "elb", "history").wait()
	if !strings.Contains(text, "\x1b[31mrefused\x1b[m") || strings.Contains(text, "mapplied") {
		t.Errorf("the history is %q", text)
	}
	_, text = onTerminal(t, newFakeService(t, soon), nil, nil, "elb", "show", "web-elb").wait()
	if strings.Contains(text, "mInService") {
		t.Errorf("the members are %q", text)
	}
}

func TestQuietShowsNoProgress(t *testing.T) {
	status, text := onTerminal(t, newFakeService(t, soon), nil, nil, "elb", "attach", "web-elb", spare, "--wait", "-q").wait()
	if status != 0 || text != spare+"\n" {
		t.Errorf("status %d, %q", status, text)
	}
}
