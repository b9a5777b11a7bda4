package cloud_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/classic"
)

// start returns a client of Classic ELB, whose changes stand for all.
func start(t *testing.T, script ...awstest.Reply) (*classic.Client, *awstest.Server) {
	t.Helper()
	config, aws := awstest.Start(t, script...)
	return classic.New(config), aws
}

func registered() awstest.Reply {
	return awstest.Result(awstest.ELBNamespace, "RegisterInstancesWithLoadBalancer", "<Instances/>")
}

// register registers instances with the load balancer web.
func register(ctx context.Context, client *classic.Client, ids ...lsapi.MemberID) error {
	_, err := client.Register(ctx, lsapi.ELB("web"), "", ids, nil)
	return err
}

func TestChangeIsAmbiguousIfAnAttemptMayHaveTakenEffect(t *testing.T) {
	refusal := awstest.Error(400, "InvalidInstance", "no")
	tests := []struct {
		name      string
		script    []awstest.Reply
		code      lsapi.Code // "" for success
		ambiguous bool
	}{
		{"500s", []awstest.Reply{awstest.Error(500, "InternalFailure", "")}, lsapi.CodeUpstream, true},
		{"500s of something in between", []awstest.Reply{awstest.Says(502, "<html>Bad Gateway</html>")}, lsapi.CodeUpstream, true},
		{"cut off each time", []awstest.Reply{awstest.CutOff}, lsapi.CodeUpstream, true},
		{"500, then refused", []awstest.Reply{awstest.Error(500, "InternalFailure", ""), refusal}, lsapi.CodeInvalid, true},
		{"cut off, then throttled", []awstest.Reply{awstest.CutOff, awstest.Error(400, "Throttling", "")}, lsapi.CodeThrottled, true},
		{"500, then done", []awstest.Reply{awstest.Error(500, "InternalFailure", ""), registered()}, "", false},
		{"refused", []awstest.Reply{refusal}, lsapi.CodeInvalid, false},
		{"throttled, then refused", []awstest.Reply{awstest.Error(400, "Throttling", ""), refusal}, lsapi.CodeInvalid, false},
		{"done, the answer cut short", []awstest.Reply{awstest.CutShort}, "", false},
		{"a 404 that is not AWS's", []awstest.Reply{awstest.Says(404, "not here")}, lsapi.CodeUpstream, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, _ := start(t, test.script...)
			err := register(t.Context(), client, lsapi.InstanceMember("i-a"))
			if code := lsapi.ErrorCode(err); code != test.code {
				t.Fatalf("got %v, want code %q", err, test.code)
			}
			if err != nil && lsapi.AsError(err).Ambiguous != test.ambiguous {
				t.Errorf("ambiguous is %v, want %v: %v", !test.ambiguous, test.ambiguous, err)
			}
		})
	}
}

func TestCancelledCallIsAmbiguous(t *testing.T) {
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	client, _ := start(t, func(http.ResponseWriter, url.Values) {
		arrived <- struct{}{}
		<-release
	})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	err := lsapi.AsError(register(ctx, client, lsapi.InstanceMember("i-a")))
	if err.Code != lsapi.CodeTimeout || !err.Ambiguous {
		t.Errorf("got %+v", err)
	}
}

func TestCallThatCannotConnectIsNotAmbiguous(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	client := classic.New(awstest.Configure(t, cloud.Options{Endpoint: closed.URL}))
	err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
	if err.Code != lsapi.CodeUpstream || err.Ambiguous {
		t.Errorf("got %+v", err)
	}
}

func TestBeforeAttemptIsCalledBeforeEachAttempt(t *testing.T) {
	client, aws := start(t, awstest.CutOff, registered())
	calls := 0
	id, err := client.Register(t.Context(), lsapi.ELB("web"), "", []lsapi.MemberID{lsapi.InstanceMember("i-a")}, func(context.Context) (time.Time, error) {
		if calls++; calls != len(aws.Attempts())+1 {
			t.Errorf("call %d came after %d attempts", calls, len(aws.Attempts()))
		}
		return time.Time{}, nil
	})
	if err != nil || calls != 2 || id != "aws-request" {
		t.Errorf("got %q, %v after %d calls", id, err, calls)
	}
}

func TestErrorOfBeforeAttemptPreventsTheAttempt(t *testing.T) {
	client, aws := start(t, awstest.CutOff, registered())
	calls := 0
	_, err := client.Register(t.Context(), lsapi.ELB("web"), "", []lsapi.MemberID{lsapi.InstanceMember("i-a")}, func(context.Context) (time.Time, error) {
		if calls++; calls > 1 {
			return time.Time{}, lsapi.Errorf(lsapi.CodeUnavailable, "no more")
		}
		return time.Time{}, nil
	})
	if e := lsapi.AsError(err); e.Code != lsapi.CodeUnavailable || !e.Ambiguous || len(aws.Attempts()) != 1 {
		t.Errorf("got %+v after %d attempts, want one, which is open", e, len(aws.Attempts()))
	}
}

func TestAttemptEndsAtTheDeadlineOfBeforeAttempt(t *testing.T) {
	hang := make(chan struct{})
	client, _ := start(t, func(http.ResponseWriter, url.Values) { <-hang })
	defer close(hang)
	began := time.Now()
	_, err := client.Register(t.Context(), lsapi.ELB("web"), "", []lsapi.MemberID{lsapi.InstanceMember("i-a")}, func(context.Context) (time.Time, error) {
		return time.Now().Add(50 * time.Millisecond), nil
	})
	if e := lsapi.AsError(err); !e.Ambiguous || time.Since(began) > 5*time.Second {
		t.Errorf("got %+v after %v", e, time.Since(began))
	}
}
