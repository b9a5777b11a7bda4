package cli_test

import (
	"encoding/base64"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"lsapi/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lsapi": func() {
		os.Exit(cli.Run(cli.Process{Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}))
	}})
}

// testdata/script has one file per feature.
func TestCommandScripts(t *testing.T) {
	unreachable := httptest.NewServer(nil)
	unreachable.Close()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			service := newFakeService(t, soon)
			env.Values["service"] = service
			env.Vars = slices.DeleteFunc(env.Vars, func(v string) bool { return strings.HasPrefix(v, "LSAPI_") })
			env.Vars = append(env.Vars,
				"LSAPI_URL="+service.URL, "LSAPI_USER="+user, "LSAPI_PASSWORD="+password,
				"TOKEN="+base64.StdEncoding.EncodeToString([]byte(user+":"+password)),
				"UNREACHABLE="+unreachable.URL, "HOME="+env.WorkDir, "TZ=UTC",
				// The race detector delays the exit by a second by default.
				"GORACE=atexit_sleep_ms=20",
			)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status, "requested": requested, "follow": follow},
	})
}

// status runs lsapi and expects an exit status: status 3 elb attach ...
func status(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) < 2 {
		ts.Fatalf("usage: status STATUS ARGUMENT...")
	}
	command := append([]string{"-c", `lsapi "$@"; echo "status $?" >&2`, "sh"}, arguments[1:]...)
	ts.Check(ts.Exec("sh", command...))
	if want := "status " + arguments[0] + "\n"; !strings.HasSuffix(ts.ReadFile("stderr"), want) {
		ts.Fatalf("the status is not %s", want)
	}
}

// requested expects, or with ! does not expect, that the fake service received a request:
// requested 'GET /v1/pools'.
func requested(ts *testscript.TestScript, neg bool, arguments []string) {
	service, ok := ts.Value("service").(*fakeService)
	if !ok || len(arguments) != 1 {
		ts.Fatalf("usage: requested REQUEST")
	}
	service.mu.Lock()
	defer service.mu.Unlock()
	if slices.Contains(service.requests, arguments[0]) == neg {
		ts.Fatalf("the requests are\n%s", strings.Join(service.requests, "\n"))
	}
}

// follow runs a command until it has written some lines, interrupts it, and expects
// success: follow 2 lsapi elb watch.
func follow(ts *testscript.TestScript, neg bool, arguments []string) {
	lines, err := strconv.Atoi(arguments[0])
	if neg || err != nil || len(arguments) < 2 {
		ts.Fatalf("usage: follow LINES COMMAND...")
	}
	const script = `lines=$1; shift
mkfifo pipe; "$@" >pipe 2>errors & 
while [ "$lines" -gt 0 ] && read -r line; do printf '%s\n' "$line"; lines=$((lines-1)); done <pipe
kill -INT $!; wait $!; status=$?; rm pipe; cat errors >&2; exit $status`
	ts.Check(ts.Exec("bash", append([]string{"-c", script, "bash", strconv.Itoa(lines)}, arguments[1:]...)...))
}
