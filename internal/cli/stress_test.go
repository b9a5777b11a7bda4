package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"lsapi/internal/cli"
	"lsapi/internal/stress"
)

// runStress runs lsapi stress for a second and returns its report.
func runStress(t *testing.T, handler http.HandlerFunc, arguments ...string) (status int, report stress.Report, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	var out, errs strings.Builder
	for i := range arguments {
		arguments[i] = strings.ReplaceAll(arguments[i], "SERVER", strings.TrimPrefix(server.URL, "http://"))
	}
	status = cli.Run(cli.Process{
		Args:   append([]string{"stress", "--duration", "1s", "--rate", "20", "-o", "json"}, arguments...),
		Stdout: &out, Stderr: &errs,
	})
	if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
		t.Fatalf("status %d, stdout %q, stderr %q: %v", status, out.String(), errs.String(), err)
	}
	return status, report, out.String(), errs.String()
}

func TestStressSendsMethodAndBody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		arguments          []string
		method, kind, body string
	}{
		"none":           {nil, "GET", "", ""},
		"a body":         {[]string{"--body", `{"a":1}`}, "POST", "application/json", `{"a":1}`},
		"a file":         {[]string{"-d", "@" + file, "--content-type", "text/plain"}, "POST", "text/plain", "from a file"},
		"a method":       {[]string{"-X", "DELETE"}, "DELETE", "", ""},
		"all":            {[]string{"--method", "PUT", "-d", "x", "-H", "Content-Type: text/csv"}, "PUT", "text/csv", "x"},
		"type over head": {[]string{"-d", "x", "-H", "Content-Type: text/csv", "--content-type", "text/plain"}, "POST", "text/plain", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			var wrong atomic.Int64
			handler := func(_ http.ResponseWriter, r *http.Request) {
				if body, err := io.ReadAll(r.Body); err != nil || string(body) != test.body || r.Method != test.method || r.Header.Get("Content-Type") != test.kind {
					wrong.Add(1)
				}
			}
			status, report, _, stderr := runStress(t, handler, append(test.arguments, "http://SERVER/")...)
			if status != cli.ExitOK || wrong.Load() > 0 || report.Method != test.method || report.Steps[0].Requests != 20 || stderr != "" {
				t.Errorf("status %d, %d wrong requests, %+v, %q", status, wrong.Load(), report, stderr)
			}
		})
	}
}

func TestStressConditionsDetermineStatus(t *testing.T) {
	var count atomic.Int64
	handler := func(w http.ResponseWriter, _ *http.Request) {
		if count.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	for name, test := range map[string]struct {
		conditions []string
		status     int
		word       string
	}{
		"none met": {[]string{"--fail-if", "errors>10", "--fail-if", "p99>1h"}, cli.ExitOK, ""},
		"one met":  {[]string{"--fail-if", "p99>1h", "--fail-if", "errors >= 10"}, cli.ExitCondition, "lsapi: --fail-if errors>=10: it is 10 with 12 connections\n"},
		"both met": {[]string{"--fail-if", "errors>1%", "--fail-if", "throughput<1000"}, cli.ExitCondition, "errors>1%: it is 50% with 12 connections; throughput<1000"},
	} {
		t.Run(name, func(t *testing.T) {
			count.Store(0)
			status, report, _, stderr := runStress(t, handler, append(test.conditions, "http://SERVER/")...)
			if status != test.status || !strings.Contains(stderr, test.word) || len(report.Conditions) != 2 || test.word == "" && stderr != "" {
				t.Errorf("status %d, %q, %+v", status, stderr, report.Conditions)
			}
		})
	}
}

func TestStressReportOmitsCredentials(t *testing.T) {
	files := t.TempDir()
	headers, page := filepath.Join(files, "headers"), filepath.Join(files, "report.html")
	if err := os.WriteFile(headers, []byte("X-Api-Key: hush4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var wrong atomic.Int64
	handler := func(_ http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "hush1" || r.Header.Get("Cookie") != "hush2" ||
			r.Header.Get("X-Api-Key") != "hush4" || r.URL.Query().Get("token") != "hush5" {
			wrong.Add(1)
		}
	}
	status, report, stdout, stderr := runStress(t, handler,
		"-H", "cookie: hush2", "-H", "@"+headers, "-H", "Accept: text/plain", "-d", "hush3", "--html", page, "--fail-if", "errors > 0",
		"--aws-endpoint", "http://me:hush6@127.0.0.1:1", "--i-own-this-host", "http://me:hush1@SERVER/x?token=hush5&wait=true")
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if status != cli.ExitOK || wrong.Load() > 0 || strings.Contains(stdout+stderr+string(html), "hush") {
		t.Errorf("status %d, %d without credentials, %s%s", status, wrong.Load(), stdout, stderr)
	}
	url := report.URL
	want := "lsapi stress --aws-endpoint http://127.0.0.1:1 --body '… (5 bytes)' --duration 1s --fail-if 'errors > 0'" +
		" --header 'cookie: …' --header @" + headers + " --header 'Accept: text/plain' --html " + page +
		" --i-own-this-host --output json --rate 20 '" + url + "'"
	if report.Command != want || !strings.HasSuffix(url, "/x?token=…&wait=true") {
		t.Errorf("the command is\n%s, want\n%s", report.Command, want)
	}
	if report.Version == "" || report.Host.Name == "" || report.Host.CPUs == 0 || report.Host.Go == "" {
		t.Errorf("the report is of version %q, host %+v", report.Version, report.Host)
	}
}
