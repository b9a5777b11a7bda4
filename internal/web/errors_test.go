package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/web"
)

// newFailing returns a handler with a Membership that always fails with err, and its log.
func newFailing(err error) (http.Handler, *bytes.Buffer) {
	members := newMemberships()
	members.fail = func(context.Context) error { return err }
	var log bytes.Buffer
	return handlerOf(web.Options{
		Membership: members, Authenticator: alice{}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}), &log
}

func TestCodeHasStatusAndText(t *testing.T) {
	cause := errors.New("secret cause")
	tests := []struct {
		name   string
		err    error
		status int
		text   string
		logged string // the level of the line with the cause, empty for none
	}{
		{"invalid", &lsapi.Error{Code: lsapi.CodeInvalid, Message: "instance x is stopped", Err: cause}, 400, "instance x is stopped", ""},
		{"invalid, unsaid", &lsapi.Error{Code: lsapi.CodeInvalid}, 400, "the request is invalid", ""},
		{"unauthenticated", &lsapi.Error{Code: lsapi.CodeUnauthenticated}, 401, "credentials are missing or wrong", ""},
		{"not found", &lsapi.Error{Code: lsapi.CodeNotFound}, 404, "there is no such load balancer", ""},
		{"conflict", &lsapi.Error{Code: lsapi.CodeConflict}, 409, "the membership already is as asked", ""},
		{"guarded", &lsapi.Error{Code: lsapi.CodeMinInService, Message: "a guard refuses it: 3 of 4 in service, minInService 3 (policy.yaml:4)", Err: &lsapi.GuardRefusal{Text: "3 of 4"}}, 409, "a guard refuses it: 3 of 4 in service, minInService 3 (policy.yaml:4)", ""},
		{"guarded by unknown health", &lsapi.Error{Code: lsapi.CodeHealthUnknown, Err: cause}, 503, "the health of the members cannot be read, and a guard needs it; nothing was changed", "WARN"},
		{"guarded by unknown tags", &lsapi.Error{Code: lsapi.CodeTagsUnknown, Err: cause}, 503, "the tags of the pool cannot be read, and its guards depend on them; nothing was changed", "WARN"},
		{"key reused", &lsapi.Error{Code: lsapi.CodeKeyReused}, 422, "the idempotency key is that of another request", ""},
		{"forbidden", &lsapi.Error{Code: lsapi.CodeForbidden, Message: "user x may not y", Err: cause}, 502, "AWS could not be asked, or refused it", "ERROR"},
		{"upstream", &lsapi.Error{Code: lsapi.CodeUpstream, Err: cause}, 502, "AWS failed or could not be reached", "WARN"},
		{"throttled", &lsapi.Error{Code: lsapi.CodeThrottled, Err: cause}, 503, "too much at once; nothing was changed", "WARN"},
		{"unavailable", &lsapi.Error{Code: lsapi.CodeUnavailable, Err: cause}, 503, "the service cannot answer for now; nothing was changed", "WARN"},
		{"timeout", &lsapi.Error{Code: lsapi.CodeTimeout, Message: "it may have happened", Err: cause}, 504, "it may have happened", "WARN"},
		{"internal", &lsapi.Error{Code: lsapi.CodeInternal, Message: "nil map", Err: cause}, 500, "the service failed", "ERROR"},
		{"a code of no meaning", &lsapi.Error{Code: "odd", Message: "odd things", Err: cause}, 500, "the service failed", "ERROR"},
		{"no code", cause, 500, "the service failed", "ERROR"},
		{"wrapped", fmt.Errorf("secret: %w", &lsapi.Error{Code: lsapi.CodeConflict, Message: "already there"}), 409, "already there", ""},
		{"a deadline without a code", fmt.Errorf("secret: %w", context.DeadlineExceeded), 504, "the deadline passed", "WARN"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				handler, log := newFailing(test.err)
				got := record(handler, method, "/elb/default-elb", machineID(spare))
				if want := `{"message":"` + test.text + `"}` + "\n"; got.StatusCode != test.status || got.body != want {
					t.Errorf("%s: answer is %d %s, want %d %s", method, got.StatusCode, got.body, test.status, want)
				}
				if strings.Contains(got.body, "secret") {
					t.Errorf("%s: the client learns the cause", method)
				}
				checkProblem(t, log.String(), got.Header.Get("X-Request-Id"), test.logged)
			}
		})
	}
}

// checkProblem checks the line with the cause of a failure.
func checkProblem(t *testing.T, log, id, level string) {
	t.Helper()
	var problem string
	for line := range strings.Lines(log) {
		if strings.Contains(line, `msg="request failed"`) {
			problem += line
		}
	}
	if level == "" {
		if problem != "" {
			t.Errorf("the log has %s", problem)
		}
		return
	}
	if strings.Count(problem, "\n") != 1 || !strings.Contains(problem, "level="+level) || !strings.Contains(problem, "request_id="+id) {
		t.Errorf("the log has %q, want one line at %s with id %s", problem, level, id)
	}
}

func TestLogHasAWSError(t *testing.T) {
	handler, log := newFailing(&lsapi.Error{
		Code: lsapi.CodeForbidden, Reason: "AccessDenied", Err: errors.New("not authorized to perform: ec2:DescribeInstances"),
	})
	record(handler, "GET", "/elb/default-elb", "")
	for _, want := range []string{"reason=AccessDenied", "ec2:DescribeInstances"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
}

func TestThrottledCallerGetsRetryAfter(t *testing.T) {
	for advice, want := range map[time.Duration]string{
		0: "1", time.Millisecond: "1", time.Second: "1", 1500 * time.Millisecond: "2", time.Minute: "60", -time.Second: "1",
	} {
		handler, _ := newFailing(&lsapi.Error{Code: lsapi.CodeThrottled, RetryAfter: advice})
		if got := record(handler, "POST", "/elb/default-elb", machineID(spare)).Header.Get("Retry-After"); got != want {
			t.Errorf("with the advice %s, Retry-After is %q, want %q", advice, got, want)
		}
	}
}

func TestRequestHasTimeout(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Second: 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			members := newMemberships()
			members.fail = func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
			handler := handlerOf(web.Options{Membership: members, Authenticator: alice{}, RequestTimeout: given})
			for _, method := range []string{"GET", "POST", "DELETE"} {
				began := time.Now()
				got := record(handler, method, "/elb/default-elb", machineID(spare))
				if took := time.Since(began); got.StatusCode != http.StatusGatewayTimeout || took != want {
					t.Errorf("%s: answer is %d after %s, want 504 after %s", method, got.StatusCode, took, want)
				}
			}
		})
	}
}

func TestDefectIsAnsweredAndLogged(t *testing.T) {
	members := newMemberships()
	members.fail = func(context.Context) error { panic("secret cause") }
	var log bytes.Buffer
	handler := handlerOf(web.Options{
		Membership: members, Authenticator: alice{}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	server := serve(t, handler)
	got := send(t, server, request{method: "GET", path: "/elb/default-elb", header: http.Header{"X-Request-Id": {"r-1"}}})
	if want := `{"message":"the service failed"}` + "\n"; got.StatusCode != http.StatusInternalServerError || got.body != want {
		t.Errorf("answer is %d %s, want 500", got.StatusCode, got.body)
	}
	for _, want := range []string{"level=ERROR msg=panic request_id=r-1", "secret cause", "fake_test.go", "msg=request status=500"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
	if got := send(t, server, request{method: "GET", path: "/healthcheck"}); got.StatusCode != http.StatusOK {
		t.Errorf("the health check is %d afterwards", got.StatusCode)
	}
}

func TestAbortPropagates(t *testing.T) {
	members := newMemberships()
	members.fail = func(context.Context) error { panic(http.ErrAbortHandler) }
	server := serve(t, newHandler(members))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/elb/default-elb", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	got, err := server.Client().Do(r)
	if err == nil {
		t.Errorf("answer is %d, want a connection that is cut off", read(t, got).StatusCode)
	}
}
