package web_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// changeMember sends a change of a member of default-elb through /v1.
func (w *waitable) changeMember(method, member, query string, header http.Header) response {
	r := httptest.NewRequest(method, membersPath+"/"+member+"?"+query, http.NoBody)
	maps.Copy(r.Header, header)
	return do(w.handler, r)
}

func changeResult(t *testing.T, got response) (result apiv1.ChangeResult) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.body), &result); err != nil {
		t.Errorf("%v in %d %s", err, got.StatusCode, got.body)
	}
	return result
}

func TestMemberIsAttachedAndDetachedThroughV1(t *testing.T) {
	for _, test := range []struct {
		method, member string
		status         int
		outcome        string
	}{
		{"PUT", spare, http.StatusCreated, "applied"},
		{"PUT", running, http.StatusOK, "unchanged"},
		{"DELETE", running, http.StatusOK, "applied"},
	} {
		w := newWaitable()
		got := w.changeMember(test.method, test.member, "", http.Header{"X-Reason": {"deploy 117"}})
		asked := w.members.requests[0]
		action := map[string]lsapi.Action{"PUT": lsapi.Attach, "DELETE": lsapi.Detach}[test.method]
		want := apiv1.ChangeResult{Pool: "elb/default-elb", Member: test.member, Action: string(action), Outcome: test.outcome, ChangeID: asked.ChangeID}
		if got.StatusCode != test.status || changeResult(t, got) != want || got.Header.Get("X-Change-Id") != asked.ChangeID || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s is %d %v %s, want %+v", test.method, test.member, got.StatusCode, got.Header, got.body, want)
		}
		if asked.Action != action || asked.Pool != lsapi.ELB("default-elb") || asked.Member != lsapi.InstanceMember(test.member) || asked.Reason != "deploy 117" || asked.Actor.Name != "alice" {
			t.Errorf("%s %s requests %+v", test.method, test.member, asked)
		}
	}
}

func TestChangeAnswersWithThePortOfTheGroup(t *testing.T) {
	w := newWaitable()
	w.members.members[lsapi.TG("web")], w.members.port = nil, 8080
	r := httptest.NewRequest(http.MethodPut, "/v1/pools/tg/web/members/"+spare+"?wait=true", http.NoBody)
	var awaited lsapi.MemberID
	w.fleet.await = func(_ context.Context, _ lsapi.PoolID, member lsapi.MemberID, _ lsapi.WaitCondition) (lsapi.MemberDetail, error) {
		awaited = member
		return lsapi.MemberDetail{}, nil
	}
	got := do(w.handler, r)
	if result := changeResult(t, got); got.StatusCode != http.StatusCreated || result.Member != spare+":8080" {
		t.Errorf("the answer is %d %s", got.StatusCode, got.body)
	}
	if want := (lsapi.MemberID{Instance: spare, Port: 8080}); awaited != want {
		t.Errorf("the wait is for %v", awaited)
	}
}

func TestDetachWarnsOfAutoScalingGroup(t *testing.T) {
	const warning = `299 - "` + scaled + ` is in the Auto Scaling group web \"asg\", which may replace it"`
	send := func(w *waitable, method, path, body string) response {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Idempotency-Key", "k")
		return do(w.handler, r)
	}
	for path, test := range map[string]struct {
		body   string
		status int
	}{"/v1/pools/elb/scaled-elb/members/" + scaled: {"", http.StatusOK}, "/elb/scaled-elb": {machineID(scaled), http.StatusCreated}} {
		w := newWaitable()
		got := send(w, "DELETE", path, test.body)
		w.becomes(lsapi.OutcomeApplied)
		for _, got := range []response{got, send(w, "DELETE", path, test.body)} {
			if got.StatusCode != test.status || got.Header.Get("Warning") != warning {
				t.Errorf("%s is %d %v", path, got.StatusCode, got.Header)
			}
			if test.body == "" && changeResult(t, got).AutoScalingGroup != `web "asg"` {
				t.Errorf("the result is %s", got.body)
			}
		}
		method := map[bool]string{true: "PUT", false: "POST"}[test.body == ""]
		if got := send(w, method, path, test.body); got.StatusCode != http.StatusCreated || got.Header.Get("Warning") != "" || strings.Contains(got.body, "asg") {
			t.Errorf("%s %s is %d %v %s", method, path, got.StatusCode, got.Header, got.body)
		}
	}
	w := newWaitable()
	got := w.changeMember("DELETE", running, "", nil)
	if got.Header.Get("Warning") != "" || changeResult(t, got).AutoScalingGroup != "" {
		t.Errorf("of an instance without a group it is %v %s", got.Header, got.body)
	}
}

func TestDetachOfNoMemberIsNotFound(t *testing.T) {
	w := newWaitable()
	got := w.changeMember("DELETE", spare, "wait=true&timeout=1h", nil)
	if p := readProblem(t, got); p.Status != http.StatusNotFound || p.Code != "member.absent" || got.Header.Get("X-Change-Id") == "" {
		t.Errorf("it is %d %v %s", got.StatusCode, got.Header, got.body)
	}
	unknown := record(w.handler, "DELETE", "/v1/pools/elb/other-elb/members/"+spare, "")
	if p := readProblem(t, unknown); p.Status != http.StatusNotFound || p.Code != "not_found" {
		t.Errorf("of an unknown pool it is %d %s", unknown.StatusCode, unknown.body)
	}
}

func TestMalformedMemberIsInvalidForEveryMethod(t *testing.T) {
	for member, part := range map[string]string{
		"i-x:0": "the instance", ":80": "before the port", running + ":65536": "no port", running + ":8080": "no port",
		"::1": "brackets", "10.0.1.7:8080": "not IP addresses", "web-1": "neither",
	} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			w := newWaitable()
			got := w.changeMember(method, member, "", nil)
			p := readProblem(t, got)
			if p.Status != http.StatusBadRequest || p.Code != "invalid" || len(p.Errors) != 1 || p.Errors[0].Location != "path.member" || !strings.Contains(p.Errors[0].Message, part) || len(w.members.requests) > 0 {
				t.Errorf("%s %s is %d %s", method, member, got.StatusCode, got.body)
			}
		}
	}
}

func TestChangeOfMemberRefusesBodyAndUnknownParameters(t *testing.T) {
	w := newWaitable()
	for _, method := range []string{"PUT", "DELETE"} {
		for path, body := range map[string]string{
			membersPath + "/" + spare: `{"reason": "deploy"}`, membersPath + "/" + spare + "?wiat=true": "", membersPath + "/" + spare + "?wait=yes": "",
			membersPath + "/" + spare + "?timeout=5m": "", membersPath + "/" + spare + "?wait=true&timeout=2h": "",
		} {
			if got := record(w.handler, method, path, body); readProblem(t, got).Status != http.StatusBadRequest {
				t.Errorf("%s %s is %d %s", method, path, got.StatusCode, got.body)
			}
		}
		for name, value := range map[string]string{"X-Reason": strings.Repeat("x", 257), "Idempotency-Key": "a b"} {
			if got := w.changeMember(method, spare, "", http.Header{name: {value}}); readProblem(t, got).Status != http.StatusBadRequest {
				t.Errorf("%s with %s is %d %s", method, name, got.StatusCode, got.body)
			}
		}
	}
	if len(w.members.requests) > 0 {
		t.Errorf("requested was %+v", w.members.requests)
	}
}

// A retry of an attach finds the member, and needs the same answer.
func TestChangeOfMemberWaitsForEffect(t *testing.T) {
	for _, test := range []struct {
		method, member string
		status         int
		condition      lsapi.WaitCondition
	}{
		{"PUT", spare, http.StatusCreated, lsapi.WaitInService}, {"PUT", running, http.StatusOK, lsapi.WaitInService}, {"DELETE", running, http.StatusOK, lsapi.WaitDrained},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitable()
			w.fleet.await = func(_ context.Context, pool lsapi.PoolID, asked lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
				if len(w.members.requests) != 1 || pool != lsapi.ELB("default-elb") || asked != lsapi.InstanceMember(test.member) || condition != test.condition {
					t.Errorf("after %d changes %s of %s in %s is waited for", len(w.members.requests), condition, asked, pool)
				}
				time.Sleep(50 * time.Minute)
				return lsapi.MemberDetail{}, nil
			}
			began := time.Now()
			got := w.changeMember(test.method, test.member, "wait=true&timeout=1h", nil)
			if took := time.Since(began); got.StatusCode != test.status || took != 50*time.Minute || got.Header.Get("X-Change-Id") == "" {
				t.Errorf("after %v it is %d %s", took, got.StatusCode, got.body)
			}
		})
	}
}

func TestFailedWaitOfMemberKeepsChange(t *testing.T) {
	for member, text := range map[string]string{spare: "AWS accepted the attach, and the change stands", running: "it is a member already, and was not changed"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitable()
			got := w.changeMember("PUT", member, "wait=true&timeout=2s", nil)
			if p := readProblem(t, got); p.Status != http.StatusGatewayTimeout || p.Code != "wait_failed" || !strings.Contains(p.Detail, text) || got.Header.Get("X-Change-Id") == "" {
				t.Errorf("it is %d %v %s", got.StatusCode, got.Header, got.body)
			}
		})
	}
}

func TestChangeOfMemberIsMadeOnceForItsKey(t *testing.T) {
	key := http.Header{"Idempotency-Key": {"k"}}
	for _, test := range []struct {
		method, member  string
		outcome         lsapi.Outcome
		status, repeats int
	}{
		{"PUT", spare, lsapi.OutcomeApplied, 201, 201}, {"PUT", running, lsapi.OutcomeConflict, 200, 200},
		{"DELETE", running, lsapi.OutcomeApplied, 200, 200}, {"DELETE", spare, lsapi.OutcomeConflict, 404, 404},
		{"PUT", spare, lsapi.OutcomeUnknown, 201, 504}, {"PUT", spare, "", 201, 409},
	} {
		w := newWaitable()
		first := w.changeMember(test.method, test.member, "", key)
		w.becomes(test.outcome)
		again := w.changeMember(test.method, test.member, "", key)
		if first.StatusCode != test.status || again.StatusCode != test.repeats || len(w.members.requests) != 1 || again.Header.Get("X-Change-Id") != first.Header.Get("X-Change-Id") {
			t.Errorf("%s %s is %d %s, and repeated after %q %d %s", test.method, test.member, first.StatusCode, first.body, test.outcome, again.StatusCode, again.body)
		}
		if test.status == test.repeats && test.status < 300 && again.body != first.body {
			t.Errorf("%s %s is %s, and repeated %s", test.method, test.member, first.body, again.body)
		}
	}
	// A key belongs to the member and the method.
	w := newWaitable()
	for i, member := range []string{spare, running} {
		if got := w.changeMember("PUT", member, "", key); got.StatusCode >= 300 || len(w.members.requests) != i+1 {
			t.Errorf("of another member it is %d %s", got.StatusCode, got.body)
		}
	}
}

func TestUnchangeablePoolIsAConflictOfItsOwn(t *testing.T) {
	w := newWaitable()
	w.members.fail = func(context.Context) error { return &lsapi.Error{Code: lsapi.CodeNotChangeable} }
	for _, method := range []string{"PUT", "DELETE"} {
		got := w.changeMember(method, spare, "", nil)
		if p := readProblem(t, got); p.Status != http.StatusConflict || p.Code != "pool.not_changeable" {
			t.Errorf("%s is %d %s", method, got.StatusCode, got.body)
		}
	}
}
