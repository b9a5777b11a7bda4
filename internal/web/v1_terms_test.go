package web_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web"
)

// asked returns the terms of the one request that the membership got, and its reason.
func (w *waitable) asked(t *testing.T) (terms lsapi.Terms, reason string) {
	t.Helper()
	switch {
	case len(w.members.requests) == 1 && len(w.members.bulks) == 0:
		return w.members.requests[0].Terms, w.members.requests[0].Reason
	case len(w.members.requests) == 0 && len(w.members.bulks) == 1:
		return w.members.bulks[0].Terms, w.members.bulks[0].Reason
	}
	t.Fatalf("the membership got %d requests and %d bulks", len(w.members.requests), len(w.members.bulks))
	return terms, ""
}

func (w *waitable) wasAsked() bool { return len(w.members.requests)+len(w.members.bulks) > 0 }

func TestWritesPassTheirTerms(t *testing.T) {
	for _, q := range writes() {
		w := newWritable()
		got := w.send(q, "minInService=2&wait=false&timeout=60s", http.Header{
			"If-Match": {`"a", W/"c"`, `"b"`}, "X-Override-Guard": {" the machine burns "}, "X-Reason": {"deploy 117"},
		})
		terms, reason := w.asked(t)
		want := lsapi.Terms{IfMatch: []string{"a", "b"}, Override: "the machine burns", MinInService: 2}
		if got.StatusCode != q.status || !reflect.DeepEqual(terms, want) || reason != "deploy 117" {
			t.Errorf("%s %s is %d %s, with %+v because of %q", q.method, q.template, got.StatusCode, got.body, terms, reason)
		}
	}
}

func TestWritesReportAllMistakesAtOnce(t *testing.T) {
	for _, q := range writes() {
		w := newWritable()
		want := []string{
			"body", "header.Idempotency-Key", "header.If-Match", "header.X-Override-Guard", "header.X-Reason", "query.dryRun",
			"query.minInService", "query.timeout", "query.tiemout", "query.wait",
		}
		broken := q
		broken.body = "[]"
		got := w.send(broken, "dryRun=yes&minInService=0&wait=1&timeout=2h&tiemout=1s", http.Header{
			"Idempotency-Key": {"a b"}, "If-Match": {"a"}, "X-Override-Guard": {""}, "X-Reason": {"a", "b"},
		})
		p := readProblem(t, got)
		locations := make([]string, len(p.Errors))
		for i, e := range p.Errors {
			locations[i] = e.Location
		}
		slices.Sort(locations)
		slices.Sort(want)
		if p.Status != http.StatusBadRequest || !slices.Equal(locations, want) || w.wasAsked() {
			t.Errorf("%s %s is %d with %v, want %v", q.method, q.template, p.Status, locations, want)
		}
	}
}

func TestWritesRefuseEachMalformedTerm(t *testing.T) {
	for _, q := range writes() {
		for _, query := range []string{
			"dryRun=", "dryRun=1", "minInService=-1", "minInService=2.5", "minInService=", "wait=", "timeout=5m", "wait=true&timeout=0s",
			"atomic=1", "additive=1", "x=y", "dryRun=true&dryRun=true", "%",
		} {
			w := newWritable()
			if got := w.send(q, query, nil); readProblem(t, got).Status != http.StatusBadRequest || w.wasAsked() {
				t.Errorf("%s %s?%s is %d %s", q.method, q.template, query, got.StatusCode, got.body)
			}
		}
		for name, values := range map[string][]string{
			"If-Match": {`"a`, "*, *", ""}, "X-Override-Guard": {strings.Repeat("x", 257), "a\tb"}, "X-Reason": {strings.Repeat("x", 257)}, "Idempotency-Key": {"", "é"},
		} {
			for _, value := range values {
				w := newWritable()
				got := w.send(q, "", http.Header{name: {value}})
				if p := readProblem(t, got); p.Status != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Location != "header."+name || w.wasAsked() {
					t.Errorf("%s %s with %s %q is %d %s", q.method, q.template, name, value, got.StatusCode, got.body)
				}
			}
		}
	}
}

// overriders are users who may override the guards of some pools.
type overriders map[lsapi.PoolID]string

func (o overriders) MayOverride(actor lsapi.Actor, pool lsapi.PoolID) bool {
	return o[pool] == actor.Name
}

func TestOverrideRequiresTheRight(t *testing.T) {
	reason := http.Header{"X-Override-Guard": {"fire"}}
	for _, q := range append(writes(), write{method: "DELETE", path: "/elb/default-elb", body: machineID(running), status: http.StatusCreated}) {
		for user, allowed := range map[string]bool{"alice": true, "bob": false} {
			w := newWritable()
			w.handler = handlerOf(web.Options{
				Membership: w.members, Authenticator: alice{}, Keys: w.keys, Record: w.record, Fleet: w.fleet,
				Overrides: overriders{lsapi.ELB("default-elb"): user},
			})
			got := w.send(q, "", reason)
			if allowed {
				if got.StatusCode != q.status || !w.wasAsked() {
					t.Errorf("%s %s is %d %s", q.method, q.path, got.StatusCode, got.body)
				}
				continue
			}
			if got.StatusCode != http.StatusForbidden || got.Header.Get("X-Error-Code") != "denied" || w.wasAsked() {
				t.Errorf("%s %s is %d %s", q.method, q.path, got.StatusCode, got.body)
			}
			wrong := q
			wrong.body = "["
			if got := w.send(wrong, "", reason); got.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s, malformed, is %d %s", q.method, q.path, got.StatusCode, got.body)
			}
			if got := w.send(q, "", nil); got.StatusCode != q.status {
				t.Errorf("%s %s without override is %d %s", q.method, q.path, got.StatusCode, got.body)
			}
		}
	}
}

// A dry run takes the same request: its key is not reserved, and it does not wait.
func TestDryRunMakesNothing(t *testing.T) {
	for _, q := range writes() {
		for _, accept := range []string{"", "text/event-stream"} {
			w := newWritable()
			got := w.send(q, "dryRun=true&wait=true&timeout=1h", http.Header{"Idempotency-Key": {"k"}, "Accept": {accept}, "Prefer": {"respond-async"}})
			terms, _ := w.asked(t)
			if got.StatusCode != http.StatusOK || !terms.DryRun || got.Header.Get("X-Change-Id")+got.Header.Get("X-Bulk-Id")+got.Header.Get("Location") != "" ||
				!strings.Contains(got.body, `"outcome":"wouldApply","dryRun":true`) && !strings.Contains(got.body, `"dryRun":true,"results"`) || len(w.keys.taken) > 0 {
				t.Errorf("%s %s is %d %v %s", q.method, q.template, got.StatusCode, got.Header, got.body)
			}
			if again := w.send(q, "", http.Header{"Idempotency-Key": {"k"}}); again.StatusCode != q.status {
				t.Errorf("%s %s after it is %d %s", q.method, q.template, again.StatusCode, again.body)
			}
			// Under the key of a request it is no replay.
			if planned := w.send(q, "dryRun=true", http.Header{"Idempotency-Key": {"k"}}); planned.StatusCode != http.StatusOK || !strings.Contains(planned.body, `"dryRun":true`) {
				t.Errorf("%s %s after that is %d %s as a dry run", q.method, q.template, planned.StatusCode, planned.body)
			}
		}
	}
}

// refusal is the error of a guard with the members that count.
func refusal(code lsapi.Code) *lsapi.Error {
	of := &lsapi.GuardRefusal{Rule: "minInService 3", Text: "3 of 4 in service, minInService 3", Members: []lsapi.GuardedMember{
		{Member: lsapi.InstanceMember(running), Zone: "us-east-1a", Standing: lsapi.StandingInService}, {Member: lsapi.InstanceMember(spare), Standing: lsapi.StandingDraining},
	}}
	return &lsapi.Error{Code: code, Message: of.Text, Err: of}
}

func TestRefusalByGuardNamesTheMembersThatCount(t *testing.T) {
	for _, code := range []lsapi.Code{lsapi.CodeMinInService, lsapi.CodeMinPerZone, lsapi.CodeMaxOut, lsapi.CodeKeepLast, lsapi.CodeFreeze} {
		for _, q := range writes() {
			if q.bulk {
				continue
			}
			w := newWritable()
			w.members.refuseOne = func() (lsapi.Result, error) {
				return lsapi.Result{Recorded: true, Guard: &lsapi.GuardVerdict{Rule: "minInService 3"}}, refusal(code)
			}
			p := readProblem(t, w.send(q, "", nil))
			want := []apiv1.GuardedMember{{Member: running, Zone: "us-east-1a", Standing: "inService"}, {Member: spare, Standing: "draining"}}
			if p.Status != http.StatusConflict || p.Code != string(code) || p.Detail != "3 of 4 in service, minInService 3" || !slices.Equal(p.Members, want) {
				t.Errorf("%s %s is %+v", q.method, q.template, p)
			}
			w.members.refuseOne = func() (lsapi.Result, error) {
				return lsapi.Result{Guard: &lsapi.GuardVerdict{Rule: "minInService 3"}}, refusal(code)
			}
			got := w.send(q, "dryRun=true", nil)
			r := changeResult(t, got)
			if got.StatusCode != http.StatusOK || r.Outcome != "refused" || r.Problem == nil || r.Problem.Code != string(code) || len(r.Problem.Members) != 2 || r.Guard == nil || r.Guard.Rule != "minInService 3" {
				t.Errorf("%s %s as a dry run is %d %s", q.method, q.template, got.StatusCode, got.body)
			}
		}
	}
}

func TestOverriddenGuardIsInTheResult(t *testing.T) {
	for _, q := range writes() {
		if q.bulk {
			continue
		}
		w := newWritable()
		verdict := lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "fire"}
		w.members.refuseOne = func() (lsapi.Result, error) { return lsapi.Result{Recorded: true, Guard: &verdict}, nil }
		got := w.send(q, "", http.Header{"X-Override-Guard": {"fire"}})
		if r := changeResult(t, got); r.Guard == nil || *r.Guard != (apiv1.Guard{Rule: "keepLast", Overridden: true, Reason: "fire"}) {
			t.Errorf("%s %s is %d %s", q.method, q.template, got.StatusCode, got.body)
		}
	}
}

// What the dry run says is what the request then gets.
func TestDryRunOfNoChange(t *testing.T) {
	for _, test := range []struct{ method, member, outcome, code string }{
		{"PUT", running, "unchanged", ""}, {"DELETE", spare, "refused", "member.absent"},
	} {
		got := newWaitable().changeMember(test.method, test.member, "dryRun=true", nil)
		r := changeResult(t, got)
		if got.StatusCode != http.StatusOK || r.Outcome != test.outcome || (r.Problem != nil) != (test.code != "") || r.Problem != nil && r.Problem.Code != test.code {
			t.Errorf("%s %s is %d %s", test.method, test.member, got.StatusCode, got.body)
		}
	}
	for _, code := range []lsapi.Code{lsapi.CodePrecondition, lsapi.CodeHealthUnknown, lsapi.CodeNotChangeable, lsapi.CodeNotFound, lsapi.CodeTimeout} {
		w := newWaitable()
		w.members.refuseOne = func() (lsapi.Result, error) { return lsapi.Result{}, &lsapi.Error{Code: code} }
		if got := w.changeMember("DELETE", running, "dryRun=true", nil); readProblem(t, got).Code != string(code) {
			t.Errorf("%s is %d %s", code, got.StatusCode, got.body)
		}
	}
}

// A guard's refusal and unknown health have texts of their own in the first API, and its
// body holds nothing else.
func TestFirstAPIReportsGuards(t *testing.T) {
	for code, want := range map[lsapi.Code]struct {
		status int
		text   string
	}{
		lsapi.CodeMinInService: {409, "3 of 4 in service, minInService 3"}, lsapi.CodeFreeze: {409, "3 of 4 in service, minInService 3"},
		lsapi.CodeHealthUnknown: {503, "3 of 4 in service, minInService 3"},
	} {
		w := newWaitable()
		w.members.refuseOne = func() (lsapi.Result, error) { return lsapi.Result{Recorded: true}, refusal(code) }
		got := record(w.handler, "DELETE", "/elb/default-elb", machineID(running))
		if got.StatusCode != want.status || got.body != `{"message":"`+want.text+`"}`+"\n" || got.Header.Get("X-Error-Code") != string(code) || (got.Header.Get("Retry-After") != "") != (want.status == 503) {
			t.Errorf("%s is %d %v %s", code, got.StatusCode, got.Header, got.body)
		}
	}
	w := newWaitable()
	q := write{method: "DELETE", path: "/elb/default-elb", body: machineID(running)}
	header := http.Header{"X-Override-Guard": {"fire"}, "Prefer": {"respond-async"}}
	if got := w.send(q, "", header); got.StatusCode != http.StatusCreated {
		t.Errorf("with an override it is %d %s", got.StatusCode, got.body)
	}
	if terms, _ := w.asked(t); !reflect.DeepEqual(terms, lsapi.Terms{Override: "fire"}) {
		t.Errorf("the terms are %+v", terms)
	}
	if got := newWaitable().send(q, "", http.Header{"If-Match": {`"version"`}}); got.StatusCode != http.StatusBadRequest {
		t.Errorf("with If-Match it is %d %s", got.StatusCode, got.body)
	}
	if got := newWaitable().send(q, "", http.Header{"X-Override-Guard": {""}}); got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "X-Override-Guard is empty") {
		t.Errorf("without a reason it is %d %s", got.StatusCode, got.body)
	}
}
