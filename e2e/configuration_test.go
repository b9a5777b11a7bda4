package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigurationErrorsAreReportedTogether(t *testing.T) {
	status, stdout, stderr := run(t, []string{"serve", "--listen", "127.0.0.1:99999", "--log-level", "loud", "--env-file", "missing.env"},
		with("REQUEST_TIMEOUT=soon", "AWS_SECRET_ACCESS_KEY=hush"))
	want := `lsapi: the configuration has 5 problems:
  --env-file (ENV_FILE): cannot read the file of variables missing.env: no such file or directory
  API_TOKEN: not set; it is base64 of user:password, made by: printf '%s' 'user:password' | base64; or name a file that holds it with --token-file (API_TOKEN_FILE), or a file of users, made by htpasswd -B, with --users-file (USERS_FILE)
  --listen (LISTEN): the port is not a number from 0 to 65535; it is set by the flag
  --request-timeout (REQUEST_TIMEOUT): not a positive duration of at most 24h, such as 30s or 1m30s; it is set in the environment
  --log-level (LOG_LEVEL): not debug, info, warn or error; it is set by the flag
`
	if status != 2 || stdout != "" || stderr != want {
		t.Errorf("status %d, stdout %q, stderr:\n%s", status, stdout, stderr)
	}
}

// Defect of the original: a missing API_TOKEN was detected by the first request.
func TestMalformedTokenStopsTheStart(t *testing.T) {
	for name, token := range map[string]string{
		"not base64": "p4ssword!",
		"no colon":   "cDRzc3dvcmQ=",
	} {
		t.Run(name, func(t *testing.T) {
			status, _, stderr := run(t, []string{"serve"}, with("API_TOKEN="+token))
			if status != 2 || !strings.Contains(stderr, "\n  API_TOKEN: ") || !strings.Contains(stderr, "| base64") {
				t.Errorf("status %d, %s", status, stderr)
			}
			if strings.Contains(stderr, token) || strings.Contains(stderr, "p4ssword") {
				t.Errorf("the token shows in %s", stderr)
			}
		})
	}
}

func TestUnreadableEnvFileStopsTheStart(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := run(t, []string{"serve"}, in(folder), with("API_TOKEN="+apiToken()))
	if status != 2 || !strings.Contains(stderr, "--env-file (ENV_FILE): cannot read the file of variables .env: it is a directory") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	taken := listen(t)
	status, stdout, stderr := run(t, []string{"serve", "--listen", taken}, with(serviceEnvironment("http://127.0.0.1:1")...))
	if status != 2 || stdout != "" || stderr != "lsapi: cannot listen on "+taken+": the port is in use\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestEnvFileMayContainAWSCredentials(t *testing.T) {
	_, url := startEmulator(t)
	folder := t.TempDir()
	lines := strings.Join(serviceEnvironment(url), "\n")
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startService(t, "", in(folder), with("API_TOKEN=", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="))
	if answer := s.get("/elb/default-elb"); answer.status != http.StatusOK {
		t.Errorf("%d %s", answer.status, answer.body)
	}
}

func TestServiceStartsWithoutAWS(t *testing.T) {
	s := startService(t, "http://127.0.0.1:1")
	if answer := s.anonymous().get("/healthcheck"); answer.status != http.StatusOK {
		t.Errorf("%d %s", answer.status, answer.body)
	}
}

func TestLogNamesAWSEndpoint(t *testing.T) {
	s := startService(t, "http://127.0.0.1:1", with("AWS_REGION=eu-west-1"))
	s.waitFor(s.stderr, `"region":"eu-west-1","aws":"http://127.0.0.1:1"`)
}

func TestSecretsAreNotLogged(t *testing.T) {
	_, url := startEmulator(t)
	s := startService(t, url, with("LOG_LEVEL=debug", "AWS_SECRET_ACCESS_KEY=hush-hush"))
	s.get("/elb/default-elb")
	s.send(http.MethodGet, "/elb/default-elb", "", "Authorization: Basic "+apiToken()+"x")
	s.stop()
	for _, secret := range []string{"hush-hush", password, apiToken()} {
		if strings.Contains(s.stderr.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, s.stderr)
		}
	}
}
