package classic_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi/internal/cloud/classic"
	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/fleet"
)

func TestSurgeQueueIsReadFromCloudWatch(t *testing.T) {
	parsed, err := fleet.Parse("demo")
	if err != nil {
		t.Fatal(err)
	}
	e, err := emulator.New(emulator.Options{Fleet: parsed})
	if err != nil {
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
	q, err := classic.NewSurgeQueue(t.Context(), "web-elb", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if waiting, spilled, err := q.Read(t.Context()); err != nil || waiting != 0 || spilled != 0 {
		t.Fatalf("before any request it is %d, %d, %v", waiting, spilled, err)
	}
	web := e.Traffic()[1]
	const requests = 5
	var done sync.WaitGroup
	for deadline := time.Now().Add(20 * time.Second); !serves(e); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no member serves")
		}
	}
	for range requests {
		done.Go(func() { get(t, web.Listeners[0].URL+"/?sleep=300ms") })
	}
	done.Wait()
	if waiting, spilled, err := q.Read(t.Context()); err != nil || waiting < 1 || waiting > requests-1 || spilled != 0 {
		t.Errorf("of %d requests to a member that serves one, %d wait at most, and %d have spilled over; %v", requests, waiting, spilled, err)
	}
	if err := e.AddFault(emulator.Fault{Action: "GetMetricData", Kind: emulator.FaultDenied, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := q.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("without the permission it returns %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := q.Read(ctx); err == nil {
		t.Error("a cancelled read succeeds")
	}
}

// serves reports whether a member of web-elb is in service.
func serves(e *emulator.Emulator) bool {
	for _, m := range e.Traffic()[1].Members {
		if m.InService {
			return true
		}
	}
	return false
}

func get(t *testing.T, url string) {
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
	if response.StatusCode != http.StatusOK {
		t.Errorf("a request is answered %s", response.Status)
	}
}
