package cli_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// foreign is a response of a server, mostly one that is not lsapi.
type foreign struct {
	status int
	header string // NAME: VALUE, in addition to the content type
	body   string
	want   int    // the exit status
	says   string // in the outcome or the message
}

// made is lsapi's response to an attach or detach, ACTION.
const made = `{"pool":"elb/web-elb","member":"` + spare + `","action":"ACTION","outcome":"applied","changeId":"01a20ee8-6140-7a11-8000-0123456789ab"}`

// A proxy may fail or respond instead of lsapi after the change was made: then the outcome
// is unknown.
func TestUnconfirmedChangeHasUnknownOutcome(t *testing.T) {
	var running sync.WaitGroup
	defer running.Wait()
	const mine = "X-Request-Id: r\nX-Change-Id: c"
	for name, test := range map[string]foreign{
		"lsapi's 200":             {200, mine, made, 0, ""},
		"an empty object":         {200, mine, `{}`, 4, "whether it was made"},
		"another instance":        {200, mine, strings.ReplaceAll(made, spare, first), 4, "whether it was made"},
		"another pool":            {200, mine, strings.ReplaceAll(made, "elb/web-elb", "tg/web-elb"), 4, "whether it was made"},
		"another action":          {200, mine, strings.ReplaceAll(made, "ACTION", "undo"), 4, "whether it was made"},
		"203":                     {203, mine, made, 4, "whether it was made"},
		"201 and an empty object": {201, mine, `{}`, 4, "whether it was made"},
		"202 and an empty object": {202, mine, `{}`, 4, "whether it was made"},
		"204":                     {204, mine, ``, 4, "whether it was made"},
		"no change on record":     {200, mine, strings.ReplaceAll(made, "changeId", "change"), 4, "whether it was made"},
		"a page of a proxy":       {200, "Content-Type: text/html", "<html>welcome</html>", 4, "whether it was made"},
		"JSON by another name":    {200, mine + "\nContent-Type: text/plain", made, 4, "whether it was made"},
		"a truncated body":        {200, mine + "\nContent-Length: 500", made, 4, "whether it was made"},
		"half of the JSON":        {200, mine, made[:40], 4, "whether it was made"},
		"an array":                {200, mine, `[` + made + `]`, 4, "whether it was made"},
		"null":                    {200, mine, `null`, 4, "whether it was made"},
		"nothing":                 {200, mine, ``, 4, "whether it was made"},
		"a proxy's 502":           {502, "Content-Type: text/html", "<html>bad gateway</html>", 4, "not from lsapi"},
		"a proxy's 504":           {504, "Content-Type: text/html", "<html>timeout</html>", 4, ""},
		"a proxy's 500":           {500, "", `{"message":"oops"}`, 4, "not from lsapi"},
		"a proxy's 408":           {408, "Content-Type: text/html", "<html>timeout</html>", 4, ""},
		"lsapi's 504":             {504, mine, `{"message":"the deadline passed"}`, 4, "the deadline passed"},
		"lsapi's 502":             {502, mine, `{"message":"AWS failed"}`, 1, "AWS failed"},
		"a proxy's 403":           {403, "Content-Type: text/html", "<html>forbidden</html>", 5, "not from lsapi"},
		"a proxy's 407":           {407, "Content-Type: text/html", "<html>who are you</html>", 5, "407 Proxy Authentication Required"},
		"a proxy's 400":           {400, "Content-Type: text/html", "<html>plain HTTP to a TLS port</html>", 5, "does it require https"},
		"a redirect":              {301, "Location: https://elsewhere/", "", 5, "redirects"},
		"a proxy's 401":           {401, `WWW-Authenticate: Basic realm="proxy"`, "", 6, "not from lsapi"},
		"lsapi's 401":             {401, mine, `{"message":"credentials are missing or wrong"}`, 6, "rejects the user alice"},
	} {
		for _, command := range []string{"attach", "detach"} {
			// Concurrent, because the client retries some of them for a while.
			running.Go(func() {
				response := test
				response.body = strings.ReplaceAll(test.body, "ACTION", command)
				server := httptest.NewServer(response)
				defer server.Close()
				status, stdout, stderr := runAgainst(t, server.URL, "elb", command, "web-elb", spare)
				if status != test.want || !strings.Contains(stdout+stderr, test.says) || status != 0 && strings.Contains(stdout, `"applied"`) {
					t.Errorf("%s, %s: status %d, want %d: %s%s", name, command, status, test.want, stdout, stderr)
				}
				if status == 4 && !strings.Contains(stdout, `"outcome": "unknown"`) {
					t.Errorf("%s, %s: the outcome is %s", name, command, stdout)
				}
				if strings.Contains(stderr, "is it running") {
					t.Errorf("%s, %s: the server is running: %s", name, command, stderr)
				}
			})
		}
	}
}

// ServeHTTP implements http.Handler.
func (f foreign) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for line := range strings.SplitSeq(f.header, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(f.status)
	_, _ = fmt.Fprint(w, f.body)
}

// runAgainst runs lsapi against a service.
func runAgainst(t *testing.T, url string, arguments ...string) (status int, stdout, stderr string) {
	t.Helper()
	return runWith(t, nil, url, arguments...)
}

// runWith is runAgainst with additional environment variables.
func runWith(t *testing.T, environ []string, url string, arguments ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.CommandContext(t.Context(), "lsapi", arguments...)
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LSAPI_URL=" + url, "LSAPI_USER=" + user, "LSAPI_PASSWORD=" + password, "GORACE=atexit_sleep_ms=20"}, environ...)
	command.Stdout, command.Stderr = &out, &errs
	_ = command.Run() // the exit status has the result
	return command.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestReadsRejectForeignResponses(t *testing.T) {
	for name, test := range map[string]foreign{
		"a page":        {200, "Content-Type: text/html", "<html>welcome</html>", 5, "is not lsapi"},
		"a proxy's 502": {502, "Content-Type: text/html", "<html>bad gateway</html>", 5, "not from lsapi"},
		"a proxy's 404": {404, "Content-Type: text/html", "<html>not found</html>", 5, "not from lsapi"},
		"a redirect":    {302, "Location: /login", "", 5, "redirects"},
	} {
		server := httptest.NewServer(test)
		for _, command := range []string{"list", "show web-elb", "history web-elb"} {
			status, stdout, stderr := runAgainst(t, server.URL, append([]string{"elb"}, strings.Fields(command)...)...)
			if status != test.want || !strings.Contains(stderr, test.says) || stdout != "" {
				t.Errorf("%s, %s: status %d, want %d: %s%s", name, command, status, test.want, stdout, stderr)
			}
		}
		server.Close()
	}
}
