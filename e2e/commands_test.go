package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEachCommandHasHelp(t *testing.T) {
	for command, words := range map[string][]string{
		"serve":       {"--listen", "$LISTEN", "$AWS_ENDPOINT_URL", "$TRUSTED_PROXIES", "API_TOKEN", "| base64", "Exit status"},
		"emulator":    {"--fleet", "100x20", "--throttle", "aws --endpoint-url"},
		"demo":        {"--emulator-listen", "Ctrl-C"},
		"healthcheck": {"--url", "LISTEN", "Exit status"},
		"pool":        {"--url", "LSAPI_TOKEN", "config.yaml", "Exit status"},
		"elb":         {"--url", "lsapi pool --help"},
		"tg":          {"--url", "lsapi pool --help"},
		"version":     {"commit"},
		"completion":  {"bash", "zsh", "fish"},
	} {
		t.Run(command, func(t *testing.T) {
			status, stdout, stderr := run(t, []string{command, "--help"})
			if status != 0 || stderr != "" {
				t.Errorf("status %d, stderr %s", status, stderr)
			}
			for _, word := range words {
				if !strings.Contains(stdout, word) {
					t.Errorf("the help does not mention %s:\n%s", word, stdout)
				}
			}
		})
	}
}

func TestHelpListsCommands(t *testing.T) {
	for _, arguments := range [][]string{nil, {"--help"}, {"help"}} {
		status, stdout, _ := run(t, arguments)
		if status != 0 || !strings.Contains(stdout, "lsapi demo") || !strings.Contains(stdout, "healthcheck") {
			t.Errorf("%v: status %d, %s", arguments, status, stdout)
		}
	}
}

func TestWrongUsagePrintsOneLineAndAHint(t *testing.T) {
	for name, arguments := range map[string][]string{
		"unknown command":              {"sreve"},
		"unknown flag":                 {"serve", "--lisen", ":8000"},
		"flag without value":           {"serve", "--listen"},
		"unexpected argument":          {"serve", "now"},
		"no flag for the token":        {"serve", "--api-token", "x"},
		"duration that is none":        {"emulator", "--latency", "long"},
		"unknown shell":                {"completion", "csh"},
		"help for an unknown command":  {"help", "sreve"},
		"version with an argument":     {"version", "now"},
		"healthcheck with an argument": {"healthcheck", "now"},
		"no load balancer named":       {"elb", "show"},
		"no member named":              {"elb", "attach", "default-elb"},
		"a member without a port":      {"tg", "attach", "web", "i-0592fe5ccee879f04:0"},
		"a member with a port":         {"pool", "detach", "elb/web", "i-0592fe5ccee879f04:80"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := run(t, arguments)
			if status != 2 || stdout != "" || !strings.HasPrefix(stderr, "lsapi: ") || strings.Contains(stderr, "Usage:") {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
}

func TestVersionContainsGoVersion(t *testing.T) {
	status, stdout, _ := run(t, []string{"version"})
	if status != 0 || !strings.HasPrefix(stdout, "lsapi ") || !strings.Contains(stdout, "commit") || !strings.Contains(stdout, " go1.") {
		t.Errorf("status %d, %q", status, stdout)
	}
}

func TestCompletionScriptIsValid(t *testing.T) {
	status, script, _ := run(t, []string{"completion", "bash"})
	if status != 0 {
		t.Fatalf("status %d", status)
	}
	paste(t, script)
}

func TestHealthcheckReportsWhetherServiceIsUp(t *testing.T) {
	s := startService(t, "http://127.0.0.1:1")
	address := strings.TrimPrefix(s.base, "http://")
	port := address[strings.LastIndex(address, ":"):]
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(elsewhere.Close)
	for name, tc := range map[string]struct {
		arguments []string
		variables []string
		status    int
	}{
		"with --url":                          {[]string{"--url", s.base + "/healthcheck"}, nil, 0},
		"with LISTEN":                         {nil, []string{"LISTEN=" + address}, 0},
		"on loopback when LISTEN has no host": {nil, []string{"LISTEN=" + port}, 0},
		// Loopback addresses bypass proxies; 0.0.0.0 is not a loopback address.
		"in spite of a proxy":     {[]string{"--url", "http://0.0.0.0" + port + "/healthcheck"}, []string{"HTTP_PROXY=http://127.0.0.1:1"}, 0},
		"without a listener":      {[]string{"--url", "http://127.0.0.1:1/healthcheck"}, nil, 1},
		"another answer than 200": {[]string{"--url", s.base + "/elb/default-elb"}, nil, 1},
		"something else":          {[]string{"--url", elsewhere.URL}, nil, 1},
		"no URL":                  {[]string{"--url", "localhost"}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := run(t, append([]string{"healthcheck"}, tc.arguments...), with(tc.variables...))
			if status != tc.status || strings.Count(stdout+stderr, "\n") != 1 {
				t.Errorf("status %d, want %d\n%s%s", status, tc.status, stdout, stderr)
			}
		})
	}
}
