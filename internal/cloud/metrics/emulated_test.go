package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/fleet"
)

// emulate starts an emulator that carries traffic, with one request at a time to each
// member, and sets the AWS environment.
func emulate(t *testing.T, spec string) (e *emulator.Emulator, endpoint string) {
	t.Helper()
	parsed, err := fleet.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	if e, err = emulator.New(emulator.Options{Fleet: parsed}); err != nil {
		t.Fatal(err)
	}
	e.Carry(dataplane.Options{Concurrency: 1})
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "us-east-1")
	return e, server.URL
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for this in vain: %s", what)
		}
	}
}

func inService(m dataplane.Load) bool { return m.InService }

func get(t *testing.T, url string, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Error(err)
		return
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	response.Body.Close()
	if response.StatusCode != status {
		t.Errorf("a request gets %s, want %d", response.Status, status)
	}
}
