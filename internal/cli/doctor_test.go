package cli_test

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type found struct{ Check, Verdict, Found, Do string }

// runDoctor runs lsapi doctor and returns its findings by check.
func runDoctor(t *testing.T, environ []string, arguments ...string) (status int, findings map[string]found) {
	t.Helper()
	status, stdout, stderr := inProcess(append(environ, "HOME="+t.TempDir()), append([]string{"doctor", "-o", "json"}, arguments...)...)
	var all []found
	if err := json.Unmarshal([]byte(stdout), &all); err != nil {
		t.Fatalf("status %d, %s%s: %v", status, stdout, stderr, err)
	}
	findings = make(map[string]found)
	for _, f := range all {
		findings[f.Check] = f
		if (f.Verdict == "ok") != (f.Do == "") {
			t.Errorf("advice is missing or needless: %+v", f)
		}
	}
	if (status != 0) != strings.Contains(stdout, `"verdict": "fail"`) || (status != 0) != strings.Contains(stderr, "checks fail") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	return status, findings
}

func TestDoctorFindsProblems(t *testing.T) {
	service := newFakeService(t, soon)
	healthy := func(s *fakeService) {}
	for name, test := range map[string]struct {
		setUp   func(*fakeService)
		environ []string
		check   string
		verdict string
		says    string
	}{
		"nothing":            {healthy, nil, "reachable", "ok", "responds in"},
		"no TLS on loopback": {healthy, nil, "tls", "ok", "on this machine"},
		"the same clock":     {healthy, nil, "clock", "ok", "agree"},
		"good credentials":   {healthy, nil, "credentials", "ok", "accepted"},
		"another version":    {healthy, nil, "versions", "warn", "the service is v1"},
		"no version":         {func(s *fakeService) { s.version = "(devel) (commit 0123456789ab)" }, nil, "versions", "warn", "built without a version, as by go run: run a binary of make build"},
		"guards":             {healthy, nil, "guards", "ok", "their rules are known"},
		"a bad policy":       {func(s *fakeService) { s.metrics = "lsapi_policy_file_refused 1\n" }, nil, "guards", "warn", "the policy file is invalid"},
		"denied tags":        {func(s *fakeService) { s.metrics = "lsapi_guard_tags_denied 1\n" }, nil, "guards", "warn", "AWS denies reading tags"},
		"malformed tags":     {func(s *fakeService) { s.metrics = "lsapi_guard_malformed_pools 12\n" }, nil, "guards", "warn", "no valid guard"},
		"not ready":          {func(s *fakeService) { s.health["/readyz"] = 503 }, nil, "ready", "fail", "/readyz is 503"},
		"another status":     {func(s *fakeService) { s.health["/healthcheck"] = 500 }, nil, "reachable", "fail", "/healthcheck is 500"},
		"a wrong password":   {healthy, []string{"LSAPI_PASSWORD=wrong"}, "credentials", "fail", "user alice, from the environment"},
		"no password":        {healthy, []string{"LSAPI_PASSWORD=", "LSAPI_USER="}, "credentials", "fail", "none are set"},
		"no permission":      {func(s *fakeService) { s.health["/v1/pools"] = 403 }, nil, "credentials", "fail", "without permission"},
		"a user alone":       {healthy, []string{"LSAPI_PASSWORD="}, "configuration", "fail", "no password for the user alice"},
		"no listener":        {healthy, []string{"LSAPI_URL=http://127.0.0.1:1"}, "reachable", "fail", "is it running"},
		"a path":             {healthy, []string{"LSAPI_URL=" + service.URL + "/elb"}, "reachable", "fail", "is the path /elb of its URL right?"},
		"an unknown host":    {healthy, []string{"LSAPI_URL=http://no-such-host.invalid"}, "reachable", "fail", "host"},
		"no TLS":             {healthy, []string{"LSAPI_URL=" + strings.Replace(service.URL, "http:", "https:", 1)}, "tls", "fail", "does not use TLS"},
	} {
		s := newFakeService(t, soon)
		test.setUp(s)
		status, all := runDoctor(t, append(s.environ(), test.environ...))
		got, ok := all[test.check]
		if !ok || got.Verdict != test.verdict || !strings.Contains(got.Found+": "+got.Do, test.says) {
			t.Errorf("%s: status %d, %+v", name, status, all)
		}
	}
}

func TestDoctorFindsTLSProblems(t *testing.T) {
	service := newFakeService(t, soon)
	secure := httptest.NewTLSServer(service.Config.Handler)
	t.Cleanup(secure.Close)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	old := httptest.NewUnstartedServer(service.Config.Handler)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	for name, test := range map[string]struct{ url, trusts, verdict, says string }{
		"trusted":      {secure.URL, authority, "ok", "valid until"},
		"unknown":      {secure.URL, "", "fail", "SSL_CERT_FILE"},
		"another name": {strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), authority, "fail", "not for the host"},
		"an old TLS":   {old.URL, authority, "fail", "TLS"},
	} {
		status, stdout, stderr := runAgainst(t, test.url, "doctor", "-o", "json")
		if test.trusts != "" {
			status, stdout, stderr = runWith(t, []string{"SSL_CERT_FILE=" + test.trusts}, test.url, "doctor", "-o", "json")
		}
		var all []found
		if err := json.Unmarshal([]byte(stdout), &all); err != nil {
			t.Fatalf("%s: status %d, %s%s", name, status, stdout, stderr)
		}
		got := all[1]
		if test.verdict == "ok" {
			got = all[2]
		}
		if got.Check != "tls" || got.Verdict != test.verdict || !strings.Contains(got.Found+got.Do, test.says) {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	for ahead, want := range map[time.Duration]string{time.Hour: "ahead by 59m5", -time.Hour: "behind by 59m5"} {
		service := newFakeService(t, soon)
		shifted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			service.Config.Handler.ServeHTTP(w, r)
		}))
		_, all := runDoctor(t, append(service.environ(), "LSAPI_URL="+shifted.URL))
		if got := all["clock"]; got.Verdict != "warn" || !strings.Contains(got.Found, want) {
			t.Errorf("%s ahead: %+v", ahead, got)
		}
		shifted.Close()
	}
}

func TestDoctorPrintsOneLinePerCheck(t *testing.T) {
	service := newFakeService(t, soon)
	status, stdout, stderr := inProcess(append(service.environ(), "HOME="+t.TempDir()), "doctor")
	if status != 0 || stderr != "" || strings.Count(stdout, "\n") != 8 || !strings.HasPrefix(stdout, "ok    configuration  "+service.URL+", user alice, from the environment\n") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	for _, wrong := range []string{"doctor -o xml", "doctor --region eu-west-1", "doctor now", "doctor --aws --region ??"} {
		if status, _, stderr := inProcess(append(service.environ(), "HOME="+t.TempDir()), strings.Fields(wrong)...); status != 2 {
			t.Errorf("%s: status %d, %s", wrong, status, stderr)
		}
	}
}

func TestDoctorTestsNotifications(t *testing.T) {
	s := newFakeService(t, soon)
	received := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { received++ }))
	t.Cleanup(receiver.Close)
	broken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(broken.Close)
	for name, test := range map[string]struct {
		environ []string
		verdict string
		says    string
	}{
		"a receiver":       {[]string{"NOTIFY=" + receiver.URL + "/hidden", "NOTIFY_ALLOW=127.0.0.1"}, "ok", "has accepted a test"},
		"none":             {nil, "warn", "there are no receivers"},
		"a broken one":     {[]string{"NOTIFY=" + broken.URL + "/hidden", "NOTIFY_ALLOW=127.0.0.1"}, "fail", "the receiver returned 404 Not Found"},
		"a forbidden host": {[]string{"NOTIFY=" + receiver.URL + "/hidden"}, "fail", "is loopback, which is refused unless --notify-allow has it"},
	} {
		status, all := runDoctor(t, append(s.environ(), test.environ...), "--notifications")
		got := all["notifications"]
		if got.Verdict != test.verdict || !strings.Contains(got.Found, test.says) || strings.Contains(got.Found, "hidden") {
			t.Errorf("%s: status %d, %+v", name, status, got)
		}
	}
	if received != 1 {
		t.Errorf("it received %d requests", received)
	}
}
