package metrics_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"lsapi/internal/cloud/metrics"
	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
)

func TestSurgeQueueIsReadFromCloudWatch(t *testing.T) {
	e, endpoint := emulate(t, "demo")
	q, err := metrics.NewSurgeQueue(t.Context(), "web-elb", endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if waiting, spilled, err := q.Read(t.Context()); err != nil || waiting != 0 || spilled != 0 {
		t.Fatalf("before any request it is %d, %d, %v", waiting, spilled, err)
	}
	const requests = 5
	var done sync.WaitGroup
	eventually(t, "a member serves", func() bool { return slices.ContainsFunc(web(e).Members, inService) })
	for range requests {
		done.Go(func() { get(t, web(e).Listeners[0].URL+"/?sleep=300ms", http.StatusOK) })
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

func web(e *emulator.Emulator) dataplane.Traffic { return e.Traffic()[1] }
