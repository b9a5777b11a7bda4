package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web"
)

func TestBulkWaitsForAllEffects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWritable()
		var mu sync.Mutex
		conditions := map[string]lsapi.WaitCondition{}
		w.fleet.await = func(_ context.Context, _ lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
			mu.Lock()
			conditions[member.String()] = condition
			mu.Unlock()
			time.Sleep(50 * time.Minute)
			return lsapi.MemberDetail{}, nil
		}
		began := time.Now()
		got := w.send(patch(`{"attach": ["`+spare+`", "`+running+`"], "detach": ["`+third+`"]}`), "wait=true&timeout=1h", nil)
		if took := time.Since(began); got.StatusCode != http.StatusOK || took != 50*time.Minute || len(readBulk(t, got).Results) != 3 {
			t.Errorf("after %v it is %d %s", took, got.StatusCode, got.body)
		}
		for member, want := range map[string]lsapi.WaitCondition{spare: lsapi.WaitInService, running: lsapi.WaitInService, third: lsapi.WaitDrained} {
			if conditions[member] != want {
				t.Errorf("%s is waited for until %q", member, conditions[member])
			}
		}
	})
}

func TestFailedBulkDoesNotWait(t *testing.T) {
	w := newWritable()
	w.members.refuse = failing(map[string]*lsapi.Error{running: refusal(lsapi.CodeKeepLast)})
	w.fleet.await = func(context.Context, lsapi.PoolID, lsapi.MemberID, lsapi.WaitCondition) (lsapi.MemberDetail, error) {
		t.Error("there is a wait")
		return lsapi.MemberDetail{}, nil
	}
	for _, accept := range []string{"", "text/event-stream"} {
		if got := w.send(patch(bulkOfTwo), "wait=true", http.Header{"Accept": {accept}}); got.StatusCode != http.StatusConflict || readBulk(t, got).Code != "bulk.failed" {
			t.Errorf("it is %d %s", got.StatusCode, got.body)
		}
	}
}

func TestUnconfirmedEffectsOfABulkHaveTheirStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWritable()
		w.fleet.await = func(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
			switch member.String() {
			case spare:
				return lsapi.MemberDetail{}, nil
			case running:
				return endless(ctx, pool, member, condition)
			}
			return lsapi.MemberDetail{}, &lsapi.Error{Code: lsapi.CodeForbidden, Message: "secret"}
		}
		got := w.send(patch(`{"attach": ["`+spare+`", "`+third+`"], "detach": ["`+running+`"]}`), "wait=true&timeout=10s", nil)
		b := readBulk(t, got)
		want := []string{spare + " attach applied", third + " attach applied wait_failed", running + " detach applied wait_failed"}
		if got.StatusCode != http.StatusGatewayTimeout || b.Code != "wait_failed" || !strings.Contains(b.Detail, "the changes stand; the effects of 2 of 3 were not confirmed") || !slices.Equal(told(b), want) {
			t.Errorf("it is %d %s", got.StatusCode, got.body)
		}
		first, second := b.Results[1].Problem, b.Results[2].Problem
		if second.Member == nil || second.Member.Member != running || second.Detail != "the time is up, and it is still a member" || first.Member != nil || strings.Contains(got.body, "secret") {
			t.Errorf("the states are %+v and %+v", first, second)
		}
		if lines := strings.Count(w.log.String(), "request failed"); lines != 1 {
			t.Errorf("%d failures are logged", lines)
		}
	})
}

func TestAsyncWriteIsAnsweredInPlaceOfTheWait(t *testing.T) {
	for _, q := range writes() {
		w := newWritable()
		w.fleet.await = func(context.Context, lsapi.PoolID, lsapi.MemberID, lsapi.WaitCondition) (lsapi.MemberDetail, error) {
			t.Error("there is a wait")
			return lsapi.MemberDetail{}, nil
		}
		got := w.send(q, "wait=true&timeout=1h", http.Header{"Prefer": {"respond-async"}, "Accept": {"text/event-stream"}})
		want := "/v1/changes/" + got.Header.Get("X-Change-Id")
		if q.bulk {
			want = "/v1/changes?bulk=" + got.Header.Get("X-Bulk-Id")
		}
		if got.StatusCode != http.StatusAccepted || got.Header.Get("Location") != want || got.Header.Get("Preference-Applied") != "respond-async" || !strings.Contains(got.body, `"outcome":"applied"`) {
			t.Errorf("%s %s is %d %v %s", q.method, q.template, got.StatusCode, got.Header, got.body)
		}
		plain := newWritable().send(q, "", http.Header{"Prefer": {"respond-async"}})
		if plain.StatusCode != q.status || plain.Header.Get("Preference-Applied") != "" {
			t.Errorf("%s %s without a wait is %d %v", q.method, q.template, plain.StatusCode, plain.Header)
		}
		w.members.fail = failsWith(lsapi.CodePrecondition)
		if failed := w.send(q, "wait=true", http.Header{"Prefer": {"respond-async"}}); failed.StatusCode != http.StatusPreconditionFailed || failed.Header.Get("Location") != "" {
			t.Errorf("%s %s that fails is %d %v", q.method, q.template, failed.StatusCode, failed.Header)
		}
	}
	got := newWritable().send(set(`{"members": ["`+running+`"]}`), "wait=true", http.Header{"Prefer": {"respond-async"}})
	if got.StatusCode != http.StatusAccepted || got.Header.Get("Location") != "" {
		t.Errorf("of a set that leaves nothing on record it is %d %v", got.StatusCode, got.Header)
	}
}

// event is a server-sent event; a comment has only data.
type event struct{ name, data string }

// readEvents parses a stream.
func readEvents(t *testing.T, body string) (events []event, comments int) {
	t.Helper()
	for block := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		if strings.HasPrefix(block, ":") {
			comments++
			continue
		}
		name, data, ok := strings.Cut(block, "\n")
		if !ok || !strings.HasPrefix(name, "event: ") || !strings.HasPrefix(data, "data: ") || strings.Contains(data, "\n") {
			t.Fatalf("no event is %q", block)
		}
		events = append(events, event{name[len("event: "):], data[len("data: "):]})
	}
	return events, comments
}

var wantsEvents = http.Header{"Accept": {"text/event-stream"}}

// reporting reports two states of each member a minute apart, the second of which meets
// the condition.
func reporting(_ context.Context, _ lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition, report func(lsapi.MemberDetail)) (lsapi.MemberDetail, error) {
	attached := condition == lsapi.WaitInService
	report(lsapi.MemberDetail{ID: member, Member: attached, Health: &lsapi.MemberHealth{State: lsapi.OutOfService, Draining: !attached}})
	time.Sleep(time.Minute)
	last := lsapi.MemberDetail{ID: member, Member: attached}
	if attached {
		last.Health = &lsapi.MemberHealth{State: lsapi.InService}
	}
	report(last)
	return last, nil
}

func TestWaitStreamsProgressAndResult(t *testing.T) {
	for _, q := range writes() {
		synctest.Test(t, func(t *testing.T) {
			w := newWritable()
			w.fleet.reports = reporting
			began := time.Now()
			got := w.send(q, "wait=true&timeout=5m", wantsEvents)
			if took := time.Since(began); got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/event-stream" || got.Header.Get("Cache-Control") != "no-store" || took != time.Minute {
				t.Fatalf("%s %s after %v is %d %v", q.method, q.template, took, got.StatusCode, got.Header)
			}
			if got.Header.Get("X-Change-Id")+got.Header.Get("X-Bulk-Id") == "" {
				t.Errorf("%s %s has no id: %v", q.method, q.template, got.Header)
			}
			events, comments := readEvents(t, got.body)
			if comments < 4 { // at the beginning, and each 15 s
				t.Errorf("%s %s has %d comments", q.method, q.template, comments)
			}
			last := events[len(events)-1]
			states := map[string][]string{}
			for _, e := range events[:len(events)-1] {
				var m apiv1.Member
				if err := json.Unmarshal([]byte(e.data), &m); err != nil || e.name != "progress" {
					t.Errorf("%v in %+v", err, e)
				}
				states[m.Member] = append(states[m.Member], fmt.Sprint(m.Attached, m.Draining))
			}
			plain := newWritable().send(q, "", nil)
			for member, of := range states {
				want := map[string][]string{spare: {"true false", "true false"}, running: {"false true", "false false"}}[member]
				if !slices.Equal(of, want) {
					t.Errorf("%s %s: the states of %s are %v", q.method, q.template, member, of)
				}
			}
			if last.name != "result" || len(states) == 0 || shape(last.data) != shape(plain.body) {
				t.Errorf("%s %s ends with %+v, want %s", q.method, q.template, last, plain.body)
			}
		})
	}
}

// shape is a body without ids.
func shape(body string) string {
	for _, name := range []string{`"changeId":"`, `"bulkId":"`} {
		for i := strings.Index(body, name); i >= 0; i = strings.Index(body, name) {
			body = body[:i] + body[i+len(name)+36:]
		}
	}
	return strings.TrimSpace(body)
}

func TestFailedWaitStreamsProblem(t *testing.T) {
	for _, q := range writes() {
		synctest.Test(t, func(t *testing.T) {
			w := newWritable()
			got := w.send(q, "wait=true&timeout=10s", wantsEvents)
			events, _ := readEvents(t, got.body)
			last := events[len(events)-1]
			var p bulkAnswer
			if err := json.Unmarshal([]byte(last.data), &p); err != nil || got.StatusCode != http.StatusOK || last.name != "problem" || p.Code != "wait_failed" || p.Status != http.StatusGatewayTimeout || (len(p.Results) > 0) != q.bulk {
				t.Errorf("%s %s is %d %s", q.method, q.template, got.StatusCode, got.body)
			}
		})
	}
}

// Before something was changed, an error has its status.
func TestErrorPrecedesTheStream(t *testing.T) {
	for _, q := range writes() {
		w := newWritable()
		w.members.fail = failsWith(lsapi.CodePrecondition)
		got := w.send(q, "wait=true", wantsEvents)
		if p := readProblem(t, got); p.Status != http.StatusPreconditionFailed || got.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s is %d %s", q.method, q.template, got.StatusCode, got.body)
		}
	}
}

func TestStopEndsWaitsOfWrites(t *testing.T) {
	for _, q := range writes() {
		for _, header := range []http.Header{nil, wantsEvents} {
			synctest.Test(t, func(t *testing.T) {
				w := newWritable()
				time.AfterFunc(5*time.Second, w.stop)
				began := time.Now()
				got := w.send(q, "wait=true&timeout=1h", header)
				if took := time.Since(began); took != 5*time.Second || !strings.Contains(got.body, "the service is stopping") || !strings.Contains(got.body, "wait_failed") {
					t.Errorf("%s %s after %v is %d %s", q.method, q.template, took, got.StatusCode, got.body)
				}
			})
		}
	}
}

func TestLeavingClientEndsTheWaitAndNotTheChange(t *testing.T) {
	w := newWritable()
	ended := make(chan struct{})
	var ends atomic.Int32
	w.fleet.reports = func(ctx context.Context, _ lsapi.PoolID, member lsapi.MemberID, _ lsapi.WaitCondition, report func(lsapi.MemberDetail)) (lsapi.MemberDetail, error) {
		report(lsapi.MemberDetail{ID: member, Member: true})
		<-ctx.Done()
		if ends.Add(1) == 2 {
			close(ended)
		}
		return lsapi.MemberDetail{}, &lsapi.Error{Code: lsapi.CodeWaitTimeout, Err: ctx.Err()}
	}
	server := serve(t, w.handler)
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, server.URL+membersPath+"?wait=true&timeout=1h", strings.NewReader(bulkOfTwo))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {authorization}, "Accept": {"text/event-stream"}}
	got, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	for lines := bufio.NewScanner(got.Body); lines.Scan() && lines.Text() != "event: progress"; {
	}
	leave()
	<-ended
	if len(w.members.bulks) != 1 || !slices.Contains(w.members.members[lsapi.ELB("default-elb")], lsapi.InstanceMember(spare)) {
		t.Errorf("the members are %v", w.members.members)
	}
}

// A client that does not read gets the last state of a member only.
func TestSlowClientGetsTheLastStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWritable()
		w.fleet.reports = func(_ context.Context, _ lsapi.PoolID, member lsapi.MemberID, _ lsapi.WaitCondition, report func(lsapi.MemberDetail)) (lsapi.MemberDetail, error) {
			for i := range 1000 {
				report(lsapi.MemberDetail{ID: member, Instance: lsapi.Instance{Type: fmt.Sprint(i)}})
			}
			return lsapi.MemberDetail{}, nil
		}
		got := w.send(writes()[0], "wait=true", wantsEvents)
		events, _ := readEvents(t, got.body)
		if last := events[len(events)-2]; !strings.Contains(last.data, `"instanceType":"999"`) {
			t.Errorf("the last state is %+v", last)
		}
	})
}

func TestMembersThatAreWaitedForAreBoundedPerUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWritable()
		stopping, stop := context.WithCancel(t.Context())
		handler := handlerOf(web.Options{
			Membership: w.members, Authenticator: named{}, Keys: w.keys, Record: w.record, Fleet: w.fleet, Stopping: stopping,
		})
		send := func(user string, q write, query string) response {
			r := httptest.NewRequest(q.method, q.path+"?"+query, strings.NewReader(q.body))
			r.SetBasicAuth(user, "secret")
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			return response{answer.Result(), answer.Body.String()}
		}
		ids := make([]string, 1000)
		for i := range ids {
			ids[i] = fmt.Sprintf(`"i-%017x"`, i)
		}
		var waiting sync.WaitGroup
		wait := func(user string, bulks int) {
			for range bulks {
				waiting.Go(func() { send(user, patch(`{"attach": [`+strings.Join(ids, ",")+`]}`), "wait=true&timeout=1h") })
			}
			synctest.Wait()
		}
		refused := func(user, why string) {
			t.Helper()
			if got := send(user, writes()[0], "wait=true"); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.body, why) || len(w.members.requests) > 0 {
				t.Errorf("one more of %s is %d %s", user, got.StatusCode, got.body)
			}
		}
		wait("alice", 15)
		refused("alice", "of this user are waited for")
		wait("bob", 5)
		refused("carol", "too many members are waited for")
		if len(w.members.bulks) != 20 {
			t.Errorf("%d bulks were made", len(w.members.bulks))
		}
		stop()
		waiting.Wait()
		if got := send("alice", writes()[0], ""); got.StatusCode != http.StatusCreated {
			t.Errorf("after them it is %d %s", got.StatusCode, got.body)
		}
	})
}
