package budget_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"

	"lsapi/internal/cloud/budget"
)

func TestAttemptsOverTheNetworkTakeTokensAndAWaitSendsNothing(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	allowance := budget.New(budget.Sizes{budget.ELBWrite: {Burst: 3, PerSecond: 1e-9}})
	client := newELB(allowance, func(o *elb.Options) { o.BaseEndpoint = aws.String(server.URL) })

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := client.DeleteLoadBalancer(ctx, deletion); err == nil {
		t.Fatal("a failing AWS gave no error")
	}
	if tokens := statsOf(t, allowance, budget.ELBWrite).Tokens; requests.Load() != 3 || tokens >= 0.5 {
		t.Fatalf("%d requests left %v of 3 tokens", requests.Load(), tokens)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := client.DeleteLoadBalancer(ctx, deletion)
	if _, ok := errors.AsType[*budget.WaitError](err); !ok {
		t.Errorf("got %v", err)
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("a call that got no token made %d requests", n-3)
	}
}
