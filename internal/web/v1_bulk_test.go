package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// bulkAnswer is the body of every answer to a bulk.
type bulkAnswer = apiv1.BulkProblem

func readBulk(t *testing.T, got response) (b bulkAnswer) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		t.Errorf("%v in %d %s", err, got.StatusCode, got.body)
	}
	return b
}

func patch(body string) write {
	return write{method: "PATCH", path: membersPath, body: body, bulk: true}
}

func set(body string) write { return write{method: "PUT", path: membersPath, body: body, bulk: true} }

// told are the results in short: member, action, outcome and the code of the problem.
func told(b bulkAnswer) (all []string) {
	for _, r := range b.Results {
		text := r.Member + " " + r.Action + " " + r.Outcome
		if r.Problem != nil {
			text += " " + r.Problem.Code
		}
		all = append(all, text)
	}
	return all
}

const (
	third  = "i-0333333333333333a"
	fourth = "i-0444444444444444a"
)

func TestBulkIsOneRequestInItsOrder(t *testing.T) {
	w := newWritable()
	got := w.send(patch(`{"detach": ["`+running+`", "`+third+`"], "reason": " deploy ", "attach": ["`+fourth+`", "`+spare+`"]}`), "atomic=true", nil)
	b := readBulk(t, got)
	want := []string{fourth + " attach applied", spare + " attach applied", running + " detach applied", third + " detach unchanged"}
	if got.StatusCode != http.StatusOK || !slices.Equal(told(b), want) || b.Pool != "elb/default-elb" || b.Code != "" {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
	bulk := w.members.bulks[0]
	if b.BulkID == "" || b.BulkID != bulk.BulkID || got.Header.Get("X-Bulk-Id") != b.BulkID || got.Header.Get("X-Change-Id") != "" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the bulk is %s, the answer %v %s", bulk.BulkID, got.Header, got.body)
	}
	if bulk.Reason != "deploy" || !bulk.Atomic || bulk.Desired != nil || bulk.Actor.Name != "alice" || bulk.ID != got.Header.Get("X-Request-Id") || bulk.At.IsZero() {
		t.Errorf("requested is %+v", bulk)
	}
	for i, r := range b.Results {
		if r.ChangeID != changeID(i, bulk.At) {
			t.Errorf("the id of %d is %s", i, r.ChangeID)
		}
	}
}

func TestSetRequestsTheDesiredMembers(t *testing.T) {
	for query, want := range map[string][]string{
		"":               {spare + " attach applied", fourth + " attach applied", running + " detach applied"},
		"additive=true":  {spare + " attach applied", fourth + " attach applied"},
		"additive=false": {spare + " attach applied", fourth + " attach applied", running + " detach applied"},
	} {
		w := newWritable()
		got := w.send(set(`{"members": ["`+spare+`", "`+fourth+`"]}`), query, nil)
		wanted := &lsapi.DesiredMembers{Members: []lsapi.MemberID{lsapi.InstanceMember(spare), lsapi.InstanceMember(fourth)}, Additive: query == "additive=true"}
		if bulk := w.members.bulks[0]; got.StatusCode != http.StatusOK || !slices.Equal(told(readBulk(t, got)), want) || !reflect.DeepEqual(bulk.Desired, wanted) || bulk.Items != nil {
			t.Errorf("%s is %d %s", query, got.StatusCode, got.body)
		}
	}
	w := newWritable()
	got := w.send(set(`{"members": ["`+running+`"]}`), "", nil)
	if b := readBulk(t, got); got.StatusCode != http.StatusOK || b.BulkID != "" || got.Header.Get("X-Bulk-Id") != "" || !slices.Equal(told(b), []string{running + " attach unchanged"}) {
		t.Errorf("without a difference it is %d %s", got.StatusCode, got.body)
	}
}

// A script with an empty variable sends an empty list too.
func TestEmptySetRequiresIfMatch(t *testing.T) {
	w := newWritable()
	got := w.send(set(`{"members": []}`), "", nil)
	if p := readProblem(t, got); p.Status != http.StatusBadRequest || p.Errors[0].Location != "body.members" || !strings.Contains(p.Detail, "If-Match") || w.wasAsked() {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
	got = w.send(set(`{"members": []}`), "", http.Header{"If-Match": {"*"}})
	if b := readBulk(t, got); got.StatusCode != http.StatusOK || !slices.Equal(told(b), []string{running + " detach applied"}) {
		t.Errorf("with If-Match it is %d %s", got.StatusCode, got.body)
	}
}

func TestBulkReportsEachMistake(t *testing.T) {
	many := func(n int) string {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf(`"i-%017x"`, i)
		}
		return strings.Join(ids, ",")
	}
	a, b := `"`+spare+`"`, `"`+running+`"`
	type mistakes map[string]string
	for name, test := range map[string]struct {
		write
		want mistakes
	}{
		"no body":             {patch(``), mistakes{"body": "is empty"}},
		"no JSON":             {patch(`{"attach": [`), mistakes{"body": "is not JSON"}},
		"no object":           {patch(`[]`), mistakes{"body": "is not a JSON object"}},
		"not UTF-8":           {patch("{\"reason\": \"\xff\"}"), mistakes{"body": "is not UTF-8"}},
		"trailing data":       {patch(`{"attach": [` + a + `]} {}`), mistakes{"body": "something after"}},
		"nothing":             {patch(`{}`), mistakes{"body": "no members"}},
		"empty lists":         {patch(`{"attach": [], "detach": [], "reason": "x"}`), mistakes{"body": "no members"}},
		"unknown fields":      {patch(`{"attach": [` + a + `], "Detach": [], "members": []}`), mistakes{"body.Detach": "there are attach, detach, reason", "body.members": "there are attach, detach, reason"}},
		"null":                {patch(`{"attach": null, "detach": [null], "reason": null}`), mistakes{"body.attach": "expected array", "body.detach[0]": "expected string", "body.reason": "expected string"}},
		"wrong types":         {patch(`{"attach": ` + a + `, "detach": [7, [` + a + `], {}], "reason": 7}`), mistakes{"body.attach": "expected array", "body.detach[0]": "expected string", "body.detach[1]": "expected string", "body.detach[2]": "expected string", "body.reason": "expected string"}},
		"a field twice":       {patch(`{"attach": [` + a + `], "attach": [` + b + `]}`), mistakes{"body.attach": "more than once"}},
		"a member twice":      {patch(`{"attach": [` + a + `,` + b + `,` + a + `,` + a + `]}`), mistakes{"body.attach[2]": "the same member as attach[0]", "body.attach[3]": "the same member as attach[0]"}},
		"in both lists":       {patch(`{"detach": [` + b + `,` + a + `], "attach": [` + a + `]}`), mistakes{"body.attach[0]": "contradicts detach[1]"}},
		"malformed members":   {patch(`{"attach": ["", "web-1", "i-x", ` + a + `]}`), mistakes{"body.attach[0]": "empty", "body.attach[1]": "neither", "body.attach[2]": "the instance"}},
		"of another kind":     {patch(`{"attach": ["` + spare + `:80", "10.0.1.7:80"]}`), mistakes{"body.attach[0]": "no port", "body.attach[1]": "not IP addresses"}},
		"a long reason":       {patch(`{"attach": [` + a + `], "reason": "` + strings.Repeat("é", 257) + `"}`), mistakes{"body.reason": "more than 256 characters"}},
		"a control character": {patch(`{"attach": [` + a + `], "reason": "a\u0000b"}`), mistakes{"body.reason": "control characters"}},
		"too many":            {patch(`{"attach": [` + many(1001) + `]}`), mistakes{"body": "more than 1,000 members"}},
		"too many in both":    {patch(`{"attach": [` + many(600) + `], "detach": [` + strings.ReplaceAll(many(401), "i-00", "i-1a") + `]}`), mistakes{"body": "more than 1,000 members"}},
		"a set of none":       {set(`{}`), mistakes{"body.members": "is missing"}},
		"a set twice":         {set(`{"members": [` + a + `,` + b + `,` + a + `]}`), mistakes{"body.members[2]": "the same member as members[0]"}},
		"a set that is null":  {set(`{"members": null}`), mistakes{"body.members": "expected array"}},
		"a set of changes":    {set(`{"attach": [` + a + `]}`), mistakes{"body.attach": "there are members, reason"}},
		"a set of too many":   {set(`{"members": [` + many(1001) + `]}`), mistakes{"body": "more than 1,000 members"}},
	} {
		w := newWritable()
		p := readProblem(t, w.send(test.write, "", nil))
		found := mistakes{}
		for _, e := range p.Errors {
			found[e.Location] = e.Message
			if !strings.Contains(e.Message, test.want[e.Location]) || test.want[e.Location] == "" {
				t.Errorf("%s: %s %s", name, e.Location, e.Message)
			}
		}
		if p.Status != http.StatusBadRequest || len(found) != len(test.want) || len(p.Errors) != len(found) || w.wasAsked() {
			t.Errorf("%s is %+v", name, p)
		}
	}
	w := newWritable()
	if got := w.send(patch(`{"attach": [`+many(1000)+`]}`), "", nil); got.StatusCode != http.StatusOK || len(readBulk(t, got).Results) != 1000 {
		t.Errorf("a thousand are %d", got.StatusCode)
	}
	both := newWritable().send(patch(`{"attach": [`+a+`], "reason": ""}`), "", http.Header{"X-Reason": {"x"}})
	if p := readProblem(t, both); p.Status != http.StatusBadRequest || p.Errors[0].Location != "body.reason" {
		t.Errorf("with two reasons it is %d %s", both.StatusCode, both.body)
	}
	none := newWritable().send(set(`{"members": []}`), "additive=true", http.Header{"If-Match": {"*"}})
	if p := readProblem(t, none); p.Status != http.StatusBadRequest || p.Errors[0].Location != "body.members" {
		t.Errorf("an additive set of none is %d %s", none.StatusCode, none.body)
	}
}

// errors has all mistakes, the text a few of them.
func TestManyMistakesHaveAShortText(t *testing.T) {
	body := `{"attach": [` + strings.TrimSuffix(strings.Repeat(`"x",`, 1000), ",") + `]}`
	p := readProblem(t, newWritable().send(patch(body), "", nil))
	if p.Status != http.StatusBadRequest || len(p.Errors) != 1000 || p.Errors[999].Location != "body.attach[999]" || len(p.Detail) > 4000 || !strings.HasSuffix(p.Detail, "; and 984 more in errors") {
		t.Errorf("it is %d with %d errors: %s", p.Status, len(p.Errors), p.Detail)
	}
}

func TestBulkOfGroupTakesItsMembers(t *testing.T) {
	w := newWritable()
	w.members.members[lsapi.TG("web")], w.members.port = nil, 8080
	q := write{method: "PATCH", path: "/v1/pools/tg/web/members", body: `{"attach": ["` + spare + `", "` + spare + `:9090", "10.0.1.7:80", "[2001:db8::7]:80"]}`}
	got := w.send(q, "", nil)
	want := []string{spare + ":8080 attach applied", spare + ":9090 attach applied", "10.0.1.7:80 attach applied", "[2001:db8::7]:80 attach applied"}
	if b := readBulk(t, got); got.StatusCode != http.StatusOK || !slices.Equal(told(b), want) {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
}

// failing refuses members by a guard, by AWS and by a failure, and leaves one unknown.
func failing(of map[string]*lsapi.Error) func(lsapi.BulkItem) *lsapi.Error {
	return func(item lsapi.BulkItem) *lsapi.Error { return of[item.Member.String()] }
}

func TestFailedBulkHasTheProblemOfEach(t *testing.T) {
	w := newWritable()
	w.members.members[lsapi.ELB("default-elb")] = []lsapi.MemberID{lsapi.InstanceMember(running), lsapi.InstanceMember(third)}
	w.members.refuse = failing(map[string]*lsapi.Error{
		running: refusal(lsapi.CodeMinInService), third: refusal(lsapi.CodeMinInService), gone: lsapi.Errorf(lsapi.CodeInvalid, "EC2 does not know it"),
	})
	got := w.send(patch(`{"attach": ["`+spare+`", "`+gone+`"], "detach": ["`+running+`", "`+third+`", "`+fourth+`"]}`), "", nil)
	b := readBulk(t, got)
	want := []string{
		spare + " attach applied", gone + " attach refused invalid", running + " detach refused guard.min_in_service",
		third + " detach refused guard.min_in_service", fourth + " detach unchanged",
	}
	if got.StatusCode != http.StatusConflict || got.Header.Get("Content-Type") != "application/problem+json" || got.Header.Get("X-Error-Code") != "bulk.failed" ||
		b.Code != "bulk.failed" || b.Status != 409 || !strings.HasPrefix(b.Detail, "3 of 5 members") || !slices.Equal(told(b), want) || b.BulkID == "" {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
	// Else the answer would have a million members.
	if first, second := b.Results[2].Problem, b.Results[3].Problem; len(first.Members) != 2 || first.Detail == "" || second.Members != nil || second.Detail != first.Detail {
		t.Errorf("the members that count are %+v and %+v", first.Members, second.Members)
	}
	dry := newWritable()
	dry.members.refuse = w.members.refuse
	got = dry.send(patch(`{"attach": ["`+spare+`"], "detach": ["`+running+`"]}`), "dryRun=true", nil)
	if b := readBulk(t, got); got.StatusCode != http.StatusOK || !b.DryRun || b.Code != "" || b.BulkID != "" || !slices.Equal(told(b), []string{spare + " attach wouldApply", running + " detach refused guard.min_in_service"}) {
		t.Errorf("as a dry run it is %d %s", got.StatusCode, got.body)
	}
}

func TestAtomicBulkSkipsTheOthers(t *testing.T) {
	w := newWritable()
	w.members.refuse = failing(map[string]*lsapi.Error{running: refusal(lsapi.CodeKeepLast)})
	got := w.send(patch(bulkOfTwo), "atomic=true", nil)
	if b := readBulk(t, got); got.StatusCode != http.StatusConflict || !slices.Equal(told(b), []string{spare + " attach skipped bulk.skipped", running + " detach refused guard.keep_last"}) {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
}

func TestOutcomesOfABulk(t *testing.T) {
	for outcome, want := range map[lsapi.MemberResult]string{
		{Outcome: lsapi.OutcomeFailed, Err: lsapi.Errorf(lsapi.CodeUpstream, "x")}:          "failed upstream",
		{Outcome: lsapi.OutcomeWithdrawn, Err: lsapi.Errorf(lsapi.CodeTimeout, "x")}:        "failed timeout",
		{Outcome: lsapi.OutcomeUnknown, Err: lsapi.Errorf(lsapi.CodeTimeout, "x")}:          "unknown timeout",
		{Outcome: lsapi.OutcomeRefused, Err: lsapi.Errorf(lsapi.CodeInvalid, "x")}:          "refused invalid",
		{Err: lsapi.Errorf(lsapi.CodeTimeout, "x")}:                                         "unknown timeout",
		{Err: lsapi.Errorf(lsapi.CodeInvalid, "x")}:                                         "refused invalid",
		{Err: lsapi.Errorf(lsapi.CodeFreeze, "x")}:                                          "refused guard.freeze",
		{Err: lsapi.Errorf(lsapi.CodeThrottled, "x")}:                                       "failed throttled",
		{Err: lsapi.Errorf(lsapi.CodeForbidden, "secret")}:                                  "failed upstream",
		{Outcome: lsapi.OutcomeApplied, Guard: &lsapi.GuardVerdict{Rule: "maxOut 1"}}:       "applied",
		{Outcome: lsapi.OutcomeConflict, Instance: lsapi.Instance{AutoScalingGroup: "asg"}}: "unchanged",
	} {
		w := newWritable()
		w.members.result = &outcome
		got := w.send(patch(`{"detach": ["`+running+`"]}`), "", nil)
		b := readBulk(t, got)
		failed := !strings.HasPrefix(want, "applied") && !strings.HasPrefix(want, "unchanged")
		if !slices.Equal(told(b), []string{running + " detach " + want}) || (got.StatusCode == http.StatusConflict) != failed || strings.Contains(got.body, "secret") {
			t.Errorf("%+v is %d %s, want %s", outcome, got.StatusCode, got.body, want)
		}
	}
}

// Of a bulk the results warn, and no header.
func TestBulkNamesAutoScalingGroups(t *testing.T) {
	w := newWritable()
	q := write{method: "PATCH", path: "/v1/pools/elb/scaled-elb/members", body: `{"detach": ["` + scaled + `"]}`}
	got := w.send(q, "", nil)
	if b := readBulk(t, got); got.Header.Get("Warning") != "" || b.Results[0].AutoScalingGroup != `web "asg"` {
		t.Errorf("it is %d %v %s", got.StatusCode, got.Header, got.body)
	}
}

func TestBulkTakesUpToOneMiB(t *testing.T) {
	for size, want := range map[int]int{64 << 10: 200, 1 << 20: 200, 1<<20 + 1: 413, 4 << 20: 413} {
		body := patch(bulkOfTwo)
		body.body += strings.Repeat(" ", size-len(body.body))
		if got := newWritable().send(body, "", nil); got.StatusCode != want {
			t.Errorf("%d bytes are %d %s", size, got.StatusCode, got.body)
		}
		unknown := httptest.NewRequest(http.MethodPatch, membersPath, struct{ *strings.Reader }{strings.NewReader(body.body)})
		unknown.ContentLength = -1
		if got := do(newWritable().handler, unknown); got.StatusCode != want {
			t.Errorf("%d bytes without a length are %d %s", size, got.StatusCode, got.body)
		}
	}
}

func TestErrorOfABulk(t *testing.T) {
	for _, test := range []struct {
		code              lsapi.Code
		recorded, pending bool
		status            int
	}{
		{lsapi.CodePrecondition, false, false, 412}, {lsapi.CodeHealthUnknown, false, false, 503}, {lsapi.CodeNotFound, false, false, 404},
		{lsapi.CodeTimeout, false, true, 504}, {lsapi.CodeTimeout, true, false, 504}, {lsapi.CodeInvalid, false, false, 400},
	} {
		w := newWritable()
		w.members.fail, w.members.recorded, w.members.pending = failsWith(test.code), test.recorded, test.pending
		got := w.send(patch(bulkOfTwo), "", nil)
		if p := readProblem(t, got); p.Status != test.status || (got.Header.Get("X-Bulk-Id") != "") != (test.recorded || test.pending) {
			t.Errorf("%+v is %d %v %s", test, got.StatusCode, got.Header, got.body)
		}
	}
}

// Bodies of usual sizes are read at once, others a few at a time.
func TestLargeBodiesAreReadAFewAtATime(t *testing.T) {
	w := newWritable()
	var reading sync.WaitGroup
	begun, end := make(chan struct{}), make(chan struct{})
	large := patch(bulkOfTwo)
	large.body += strings.Repeat(" ", 100<<10)
	for range 8 {
		reading.Go(func() {
			body := &slowBody{Reader: strings.NewReader(large.body), begun: begun, end: end}
			do(w.handler, httptest.NewRequest(http.MethodPatch, membersPath, body))
		})
		<-begun
	}
	got := w.send(large, "", nil)
	if p := readProblem(t, got); p.Status != http.StatusServiceUnavailable || p.Code != "throttled" || got.Header.Get("Retry-After") == "" {
		t.Errorf("one more is %d %s", got.StatusCode, got.body)
	}
	if got := w.send(patch(bulkOfTwo), "", nil); got.StatusCode != http.StatusOK {
		t.Errorf("a small one is %d %s", got.StatusCode, got.body)
	}
	close(end)
	reading.Wait()
	if got := w.send(large, "", nil); got.StatusCode != http.StatusOK {
		t.Errorf("after them it is %d %s", got.StatusCode, got.body)
	}
}

// slowBody is a body that stays where it has 20 KB to go.
type slowBody struct {
	*strings.Reader
	begun, end chan struct{}
	stayed     bool
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.Len() < 20<<10 && !b.stayed {
		b.stayed = true
		b.begun <- struct{}{}
		<-b.end
	}
	return b.Reader.Read(p[:min(len(p), 4<<10)])
}
