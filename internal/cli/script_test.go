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
		os.Exit(cli.Run(cli.Process{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}))
	}})
}

// The commands as their users meet them, against a stand-in of the service:
// testdata/script has a file for each capability.
func TestTheCommandsAgainstAServiceDoWhatTheScriptsSay(t *testing.T) {
	nobody := httptest.NewServer(nil)
	nobody.Close()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			service := newStandIn(t, soon)
			env.Values["service"] = service
			env.Vars = slices.DeleteFunc(env.Vars, func(v string) bool { return strings.HasPrefix(v, "LSAPI_") })
			env.Vars = append(env.Vars,
				"LSAPI_URL="+service.URL, "LSAPI_USER="+user, "LSAPI_PASSWORD="+password,
				"TOKEN="+base64.StdEncoding.EncodeToString([]byte(user+":"+password)),
				"NOBODY="+nobody.URL, "HOME="+env.WorkDir, "TZ=UTC",
				// By default the race detector makes each process linger for a second.
				"GORACE=atexit_sleep_ms=20",
			)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status, "asked": asked, "told": told},
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
		ts.Fatalf("it is not %s", want)
	}
}

// asked expects of the stand-in that it was asked what is named, or was not: asked
// 'GET /v1/load-balancers'.
func asked(ts *testscript.TestScript, neg bool, arguments []string) {
	service, ok := ts.Value("service").(*standIn)
	if !ok || len(arguments) != 1 {
		ts.Fatalf("usage: asked REQUEST")
	}
	service.mu.Lock()
	defer service.mu.Unlock()
	if slices.Contains(service.requests, arguments[0]) == neg {
		ts.Fatalf("it was asked\n%s", strings.Join(service.requests, "\n"))
	}
}

// told runs a command that does not end by itself until it has written some lines,
// interrupts it, and expects it to end well: told 2 lsapi elb watch.
func told(ts *testscript.TestScript, neg bool, arguments []string) {
	lines, err := strconv.Atoi(arguments[0])
	if neg || err != nil || len(arguments) < 2 {
		ts.Fatalf("usage: told LINES COMMAND...")
	}
	// The shell counts the lines of a pipe, and interrupts what writes them.
	const script = `lines=$1; shift
mkfifo pipe; "$@" >pipe 2>errors & 
while [ "$lines" -gt 0 ] && read -r line; do printf '%s\n' "$line"; lines=$((lines-1)); done <pipe
kill -INT $!; wait $!; status=$?; rm pipe; cat errors >&2; exit $status`
	ts.Check(ts.Exec("bash", append([]string{"-c", script, "bash", strconv.Itoa(lines)}, arguments[1:]...)...))
}
