package e2e

import (
	"encoding/base64"
	"testing"
)

// The credentials of services under test.
const (
	user     = "alice"
	password = "s3cret:with-a-colon"
)

func apiToken() string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// startEmulator starts lsapi emulator on a free port and returns its URL.
func startEmulator(t *testing.T, arguments ...string) (*process, string) {
	t.Helper()
	p := start(t, append([]string{"emulator", "--listen", "127.0.0.1:0"}, arguments...))
	return p, p.waitFor(p.stdout, `AWS_ENDPOINT_URL=(http://\S+)`)[1]
}

// service is a running lsapi serve.
type service struct {
	*process
	client
}

// startService starts lsapi serve on a free port, with the AWS at endpoint. Its log is
// JSON by default.
func startService(t *testing.T, endpoint string, settings ...setting) *service {
	t.Helper()
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0"}, append([]setting{with(serviceEnvironment(endpoint)...)}, settings...)...)
	address := p.waitFor(p.stderr, `listening.*?address"?[=:]"?([0-9.:]+)`)[1]
	return &service{p, client{t: t, base: "http://" + address, authorization: "Basic " + apiToken()}}
}

func serviceEnvironment(endpoint string) []string {
	return []string{
		"API_TOKEN=" + apiToken(),
		"AWS_ENDPOINT_URL=" + endpoint,
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
		"LOG_FORMAT=json",
	}
}
