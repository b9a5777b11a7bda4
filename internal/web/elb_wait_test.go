package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/web"
)

// waitable is a service with effects to wait for, and its parts.
type waitable struct {
	*repeatable
	fleet *fleets
	log   accessLog
	stop  context.CancelFunc
}

func newWaitable() *waitable {
	w := &waitable{repeatable: newRepeatable(), fleet: &fleets{await: endless}}
	options := web.Options{
		Membership: w.members, Authenticator: alice{}, Keys: w.keys, Record: w.record, Fleet: w.fleet, Log: w.log.logger(),
	}
	options.Stopping, w.stop = context.WithCancel(context.Background())
	w.handler = handlerOf(options)
	return w
}

// change sends a change with a query, and perhaps a key.
func (w *waitable) change(method, query string, member lsapi.MemberID, key string) response {
	r := httptest.NewRequest(method, "/elb/default-elb?"+query, strings.NewReader(machineID(member.String())))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return do(w.handler, r)
}

func TestChangeWaitsForEffect(t *testing.T) {
	for method, want := range map[string]lsapi.WaitCondition{"POST": lsapi.WaitInService, "DELETE": lsapi.WaitDrained} {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitable()
			id := map[string]lsapi.MemberID{"POST": lsapi.InstanceMember(spare), "DELETE": lsapi.InstanceMember(running)}[method]
			w.fleet.await = func(_ context.Context, pool lsapi.PoolID, asked lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
				if len(w.members.requests) != 1 || pool != lsapi.ELB("default-elb") || asked != id || condition != want {
					t.Errorf("after %d changes %s of %s in %s is waited for", len(w.members.requests), condition, asked, pool)
				}
				time.Sleep(50 * time.Minute)
				return lsapi.MemberDetail{}, nil
			}
			began := time.Now()
			got := w.change(method, "wait=true&timeout=1h", id, "")
			if took := time.Since(began); got.StatusCode != http.StatusCreated || took != 50*time.Minute || !strings.Contains(got.body, id.String()) || got.Header.Get("X-Change-Id") == "" {
				t.Errorf("after %v it is %d %s", took, got.StatusCode, got.body)
			}
		})
	}
}

func TestChangeWithoutWaitAnswersAtOnce(t *testing.T) {
	for _, query := range []string{"", "wait=false", "x=y", "verbose&wait=false"} {
		if got := newWaitable().change("POST", query, lsapi.InstanceMember(spare), ""); got.StatusCode != http.StatusCreated {
			t.Errorf("%s is %d %s", query, got.StatusCode, got.body)
		}
	}
}

func TestFailedChangeDoesNotWait(t *testing.T) {
	w := newWaitable()
	if got := w.change("POST", "wait=true&timeout=1h", lsapi.InstanceMember(running), ""); got.StatusCode != http.StatusConflict {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
}

func TestFailedWaitKeepsChange(t *testing.T) {
	for timeout, want := range map[string]time.Duration{"": time.Minute, "&timeout=1h": time.Hour, "&timeout=2s": 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitable()
			began := time.Now()
			got := w.change("POST", "wait=true"+timeout, lsapi.InstanceMember(spare), "")
			if took := time.Since(began); got.StatusCode != http.StatusGatewayTimeout || took != want || got.Header.Get("X-Change-Id") == "" {
				t.Errorf("after %v it is %d %v", took, got.StatusCode, got.Header)
			}
			const body = `{"message":"AWS accepted the attach, and the change stands; its effect was not confirmed: the time is up, and it is still a member"}` + "\n"
			if got.body != body {
				t.Errorf("it is %s", got.body)
			}
			if line := w.log.only(t); line["status"] != 504. || line["msg"] != "request" {
				t.Errorf("the log is %v", line)
			}
		})
	}
}

// A client may take 409 for "already attached", so a terminated instance must not be 409.
func TestFailedWaitDiffersFromFailedChange(t *testing.T) {
	for code, logged := range map[lsapi.Code]bool{
		lsapi.CodeNotFound: false, lsapi.CodeConflict: false, lsapi.CodeUpstream: true, lsapi.CodeForbidden: true, lsapi.CodeInternal: true,
	} {
		w := newWaitable()
		w.fleet.await = func(context.Context, lsapi.PoolID, lsapi.MemberID, lsapi.WaitCondition) (lsapi.MemberDetail, error) {
			return lsapi.MemberDetail{}, &lsapi.Error{Code: code, Message: "secret"}
		}
		got := w.change("DELETE", "wait=true", lsapi.InstanceMember(running), "")
		if got.StatusCode != http.StatusGatewayTimeout || !strings.Contains(got.body, "the change stands") || got.Header.Get("X-Change-Id") == "" {
			t.Errorf("%s is %d %s", code, got.StatusCode, got.body)
		}
		if kept := code == lsapi.CodeForbidden || code == lsapi.CodeInternal; strings.Contains(got.body, "secret") == kept {
			t.Errorf("%s is answered as %s", code, got.body)
		}
		if strings.Contains(w.log.String(), "request failed") != logged {
			t.Errorf("the log of %s is %s", code, w.log.String())
		}
	}
}

func TestStopEndsWaitOfChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitable()
		time.AfterFunc(time.Second, w.stop)
		began := time.Now()
		got := w.change("POST", "wait=true&timeout=1h", lsapi.InstanceMember(spare), "")
		if took := time.Since(began); got.StatusCode != http.StatusGatewayTimeout || !strings.Contains(got.body, "the service is stopping") || took != time.Second {
			t.Errorf("after %v it is %d %s", took, got.StatusCode, got.body)
		}
	})
}

func TestChangeWithInvalidWaitIsRefused(t *testing.T) {
	for query, parameter := range map[string]string{
		"wait=": "wait", "wait=perhaps": "wait", "wait": "wait", "wait=1": "wait", "wait=TRUE": "wait", "wait=true&wait=true": "wait",
		"timeout=61s": "timeout", "wait=false&timeout=5m": "timeout", "wait=true&timeout=": "timeout", "wait=true&timeout=60": "timeout",
		"wait=true&timeout=0s": "timeout", "wait=true&timeout=-1s": "timeout", "wait=true&timeout=61m": "timeout", "wait=true&timeout=1s&timeout=1s": "timeout",
		"wait=true;timeout=1s": "query", "wait=%zz": "query",
	} {
		w := newWaitable()
		got := w.change("POST", query, lsapi.InstanceMember(spare), "")
		if got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, parameter) || len(w.members.requests) > 0 {
			t.Errorf("%s is %d %s", query, got.StatusCode, got.body)
		}
	}
}

// A caller who asks the first API for a dry run must not get the change.
func TestFirstAPIRefusesTermsOfV1(t *testing.T) {
	for _, query := range []string{"dryRun=true", "dryRun", "minInService=2", "wait=true&dryRun=false"} {
		w := newWaitable()
		got := w.change("POST", query, lsapi.InstanceMember(spare), "")
		if got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "/v1/pools/elb") || len(w.members.requests) > 0 {
			t.Errorf("%s is %d %s", query, got.StatusCode, got.body)
		}
	}
}

func TestRepeatedRequestWaitsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitable()
		first := w.change("POST", "wait=true&timeout=1s", lsapi.InstanceMember(spare), "k")
		w.becomes(lsapi.OutcomeApplied)
		w.fleet.await = func(_ context.Context, pool lsapi.PoolID, id lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
			if pool != lsapi.ELB("default-elb") || id != lsapi.InstanceMember(spare) || condition != lsapi.WaitInService {
				t.Errorf("%s of %s in %s is waited for", condition, id, pool)
			}
			time.Sleep(time.Minute)
			return lsapi.MemberDetail{}, nil
		}
		began := time.Now()
		second := w.change("POST", "wait=true&timeout=5m", lsapi.InstanceMember(spare), "k")
		if took := time.Since(began); first.StatusCode != http.StatusGatewayTimeout || second.StatusCode != http.StatusCreated || took != time.Minute {
			t.Errorf("first %d, then after %v %d %s", first.StatusCode, took, second.StatusCode, second.body)
		}
		if id := first.Header.Get("X-Change-Id"); id == "" || second.Header.Get("X-Change-Id") != id || len(w.members.requests) != 1 {
			t.Errorf("the changes are %s and %s", id, second.Header.Get("X-Change-Id"))
		}
		w.fleet.await = endless
		if third := w.change("POST", "", lsapi.InstanceMember(spare), "k"); third.StatusCode != http.StatusCreated {
			t.Errorf("without waiting it is %d", third.StatusCode)
		}
		w.becomes(lsapi.OutcomeRefused)
		if refused := w.change("POST", "wait=true&timeout=5m", lsapi.InstanceMember(spare), "k"); refused.StatusCode != http.StatusBadRequest {
			t.Errorf("one that was refused is %d", refused.StatusCode)
		}
	})
}

func TestDepartedCallerKeepsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitable()
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/elb/default-elb?wait=true&timeout=1h", strings.NewReader(machineID(spare)))
		do(w.handler, r)
		if line := w.log.only(t); line["status"] != 499. || len(w.members.requests) != 1 {
			t.Errorf("the log is %v after %d changes", line, len(w.members.requests))
		}
	})
}
