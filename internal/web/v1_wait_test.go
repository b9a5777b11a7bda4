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
	apiv1 "lsapi/api/v1"
)

const memberPath = "/v1/pools/elb/default-elb/members/" + running

// endless is a wait that ends with its context.
func endless(ctx context.Context, _ lsapi.PoolID, id lsapi.MemberID, _ lsapi.WaitCondition) (lsapi.MemberDetail, error) {
	<-ctx.Done()
	return lsapi.MemberDetail{ID: id, Instance: instance(id), Member: true}, &lsapi.Error{Code: lsapi.CodeWaitTimeout, Message: "it is still a member", Err: ctx.Err()}
}

func TestWaitAnswersWhenConditionIsMet(t *testing.T) {
	for _, condition := range []lsapi.WaitCondition{lsapi.WaitInService, lsapi.WaitDrained, lsapi.WaitAbsent} {
		synctest.Test(t, func(t *testing.T) {
			handler, f := withFleet()
			var waited [2]string
			f.await = func(_ context.Context, pool lsapi.PoolID, id lsapi.MemberID, asked lsapi.WaitCondition) (lsapi.MemberDetail, error) {
				waited = [2]string{pool.Name + " " + id.String(), string(asked)}
				time.Sleep(10 * time.Minute)
				return shown(pool).Members[0], nil
			}
			began := time.Now()
			m := decode[apiv1.Member](t, record(handler, "GET", memberPath+"?timeout=15m&wait="+string(condition), ""))
			if took := time.Since(began); m.InstanceID != running || took != 10*time.Minute || waited != [2]string{"default-elb " + running, string(condition)} {
				t.Errorf("after %v it is %+v; waited for was %v", took, m, waited)
			}
		})
	}
}

func TestWaitLastsForItsTimeout(t *testing.T) {
	for timeout, want := range map[string]time.Duration{"": time.Minute, "&timeout=1ms": time.Millisecond, "&timeout=1h": time.Hour, "&timeout=1m30s": 90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			handler, f := withFleet()
			f.await = endless
			began := time.Now()
			got := record(handler, "GET", memberPath+"?wait=drained"+timeout, "")
			if took := time.Since(began); took != want {
				t.Errorf("%q: it took %v, want %v", timeout, took, want)
			}
			if p := readProblem(t, got); p.Status != http.StatusRequestTimeout || p.Detail != "the time is up, and it is still a member" || p.Member == nil || p.Member.InstanceID != running || !p.Member.Attached {
				t.Errorf("it is %s", got.body)
			}
		})
	}
}

func TestFailedWaitGivesReason(t *testing.T) {
	for code, want := range map[lsapi.Code]struct {
		status int
		last   bool
	}{
		lsapi.CodeWaitTimeout: {408, true}, lsapi.CodeConflict: {409, true}, lsapi.CodeNotFound: {404, false},
		lsapi.CodeForbidden: {502, false}, lsapi.CodeUpstream: {502, false}, lsapi.CodeThrottled: {503, false},
	} {
		handler, f := withFleet()
		f.await = func(context.Context, lsapi.PoolID, lsapi.MemberID, lsapi.WaitCondition) (lsapi.MemberDetail, error) {
			return shown(lsapi.ELB("default-elb")).Members[0], lsapi.Errorf(code, "it is so")
		}
		got := record(handler, "GET", memberPath+"?wait=inService", "")
		p := readProblem(t, got)
		if got.StatusCode != want.status || (p.Member != nil) != want.last || code != lsapi.CodeForbidden && !strings.HasSuffix(p.Detail, "it is so") {
			t.Errorf("%s is %d %s", code, got.StatusCode, got.body)
		}
		if want.last {
			checkGolden(t, "wait-"+string(code)+".json", indented(t, got.body))
		}
	}
}

func TestInvalidWaitIsRefused(t *testing.T) {
	for query, parameter := range map[string]string{
		"wait=": "wait", "wait=served": "wait", "wait=InService": "wait", "wait=inService&wait=inService": "wait",
		"timeout=61s": "timeout", "wait=inService&timeout=": "timeout", "wait=inService&timeout=60": "timeout", "wait=inService&timeout=soon": "timeout",
		"wait=inService&timeout=0s": "timeout", "wait=inService&timeout=-1s": "timeout", "wait=inService&timeout=1h1ns": "timeout", "wait=inService&timeout=1s&timeout=1s": "timeout",
		"wait=inService&tiemout=60s": "tiemout",
	} {
		handler, f := withFleet()
		f.await = func(context.Context, lsapi.PoolID, lsapi.MemberID, lsapi.WaitCondition) (lsapi.MemberDetail, error) {
			t.Errorf("%s: it is waited for", query)
			return lsapi.MemberDetail{}, nil
		}
		got := record(handler, "GET", memberPath+"?"+query, "")
		if p := readProblem(t, got); got.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, "query."+parameter) {
			t.Errorf("%s is %d %s", query, got.StatusCode, got.body)
		}
	}
}

// stoppable returns a handler with endless waits, and its stop.
func stoppable() (handler http.Handler, f *fleets, stop context.CancelFunc) {
	options := withRecord(story())
	options.Stopping, stop = context.WithCancel(context.Background())
	f = options.Fleet.(*fleets)
	f.await = endless
	return handlerOf(options), f, stop
}

func TestStopEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, _, stop := stoppable()
		time.AfterFunc(5*time.Second, stop)
		for _, when := range []time.Duration{5 * time.Second, 0} { // when it stops, and when it has
			began := time.Now()
			got := record(handler, "GET", memberPath+"?wait=drained&timeout=1h", "")
			if took := time.Since(began); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || took != when {
				t.Errorf("it is %d %s after %v", got.StatusCode, got.body, took)
			}
		}
	})
}

func TestWaitEndsWhenClientLeaves(t *testing.T) {
	handler, f, stop := stoppable()
	defer stop()
	begun, ended := make(chan struct{}), make(chan struct{})
	f.await = func(ctx context.Context, pool lsapi.PoolID, id lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
		close(begun)
		defer close(ended)
		return endless(ctx, pool, id, condition)
	}
	server := serve(t, handler)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-begun
		leave()
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+memberPath+"?wait=drained&timeout=1h", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	if answer, err := server.Client().Do(r); err == nil {
		t.Error(answer.Body.Close(), "there is an answer")
	}
	<-ended
}

// The server's own timeouts are for short requests.
func TestWaitOutlastsRequestTimeout(t *testing.T) {
	const most = time.Second
	handler, f, stop := stoppable()
	defer stop()
	f.await = func(ctx context.Context, pool lsapi.PoolID, _ lsapi.MemberID, _ lsapi.WaitCondition) (lsapi.MemberDetail, error) {
		select {
		case <-time.After(most * 3 / 2):
			return shown(pool).Members[0], nil
		case <-ctx.Done():
			return lsapi.MemberDetail{}, lsapi.Errorf(lsapi.CodeWaitTimeout, "it was cut off")
		}
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = most, most
	server.Start()
	t.Cleanup(server.Close)
	for range 2 { // the second on the same connection
		got := send(t, server, request{method: "GET", path: memberPath + "?wait=inService"})
		if got.StatusCode != http.StatusOK {
			t.Errorf("it is %d %s", got.StatusCode, got.body)
		}
	}
}
