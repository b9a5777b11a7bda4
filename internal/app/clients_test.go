package app

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
)

func TestSettingsDoNotDelayReadsOfMembers(t *testing.T) {
	var mu sync.Mutex
	var actions []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		actions = append(actions, r.FormValue("Action"))
		mu.Unlock()
		awstest.Error(http.StatusBadRequest, "LoadBalancerNotFound", "none")(w, r.Form)
	}))
	defer server.Close()
	allowance := budget.New(budget.Sizes{budget.ELBRead: {Burst: 1, PerSecond: 5}})
	config := awstest.Configure(t, cloud.Options{Endpoint: server.URL, Budget: allowance})
	aws := clients{classic: classic.New(config), groups: targetgroup.New(config)}
	const settings = 6
	var reading sync.WaitGroup
	defer reading.Wait()
	for range settings {
		reading.Go(func() { _, _ = aws.forSettings().Attributes(t.Context(), lsapi.ELB("web")) })
	}
	waiting := func() (n int) {
		for _, s := range allowance.Stats() {
			n += s.Waiting
		}
		return n
	}
	for began := time.Now(); waiting() < settings-1; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d reads of settings wait", waiting())
		}
	}
	if _, err := aws.kinds().Members(t.Context(), lsapi.ELB("web")); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if at := slices.Index(actions, "DescribeLoadBalancers"); at < 1 || at > 3 {
		t.Errorf("the calls are %q", actions)
	}
}
