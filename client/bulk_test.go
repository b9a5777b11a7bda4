package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
)

const otherInstance = "i-5203422c"

var (
	otherMember = lsapi.InstanceMember(otherInstance)
	bothMembers = client.MemberChanges{Attach: []lsapi.MemberID{webMember}, Detach: []lsapi.MemberID{otherMember}}
)

// bulkOf returns the response to bothMembers with the outcome of the detach.
func bulkOf(outcome string, p *apiv1.Problem) apiv1.BulkResult {
	return apiv1.BulkResult{Pool: "elb/web-elb", BulkID: "9", Results: []apiv1.MemberResult{
		{Member: instance, Action: "attach", Outcome: "applied", ChangeID: "7"},
		{Member: otherInstance, Action: "detach", Outcome: outcome, ChangeID: "8", Problem: p},
	}}
}

// received is a service that keeps the bodies of requests.
func received(t *testing.T, handler http.HandlerFunc) (c *client.Client, last func() (line, body string, header http.Header)) {
	t.Helper()
	var mu sync.Mutex
	var request *http.Request
	var text []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		request, text = r, got
		mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return newClient(t, s.URL), func() (string, string, http.Header) {
		mu.Lock()
		defer mu.Unlock()
		return request.Method + " " + request.URL.RequestURI(), string(text), request.Header
	}
}

func TestBulkIsOneRequestWithItsTerms(t *testing.T) {
	c, last := received(t, respond(http.StatusOK, bulkOf("applied", nil), "X-Request-Id: r"))
	result, err := c.ChangeMembers(t.Context(), webELB, bothMembers, client.ChangeOptions{
		Reason: "déploiement", IdempotencyKey: "k", IfMatch: "0a", Override: "fire", MinInService: 2, Atomic: true,
	})
	if err != nil || result.BulkID != "9" || result.RequestID != "r" || len(result.Results) != 2 || result.Results[1].ChangeID != "8" || result.Results[1].Err != nil {
		t.Errorf("%+v, %v", result, err)
	}
	line, body, header := last()
	if line != "PATCH /v1/pools/elb/web-elb/members?atomic=true&minInService=2" || body != `{"attach":["`+instance+`"],"detach":["`+otherInstance+`"]}` {
		t.Errorf("received %s %s", line, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Reason": "UTF-8''d%C3%A9ploiement", "Idempotency-Key": "k", "If-Match": `"0a"`, "X-Override-Guard": "fire",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestSetSendsTheDesiredMembers(t *testing.T) {
	set := apiv1.BulkResult{Pool: "elb/web-elb", Results: []apiv1.MemberResult{
		{Member: instance, Action: "attach", Outcome: "unchanged"}, {Member: otherInstance, Action: "detach", Outcome: "applied"},
	}}
	c, last := received(t, respond(http.StatusOK, set))
	result, err := c.SetMembers(t.Context(), webELB, lsapi.DesiredMembers{Members: []lsapi.MemberID{webMember}}, client.ChangeOptions{IfMatch: "*"})
	if err != nil || len(result.Results) != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	if line, body, header := last(); line != "PUT /v1/pools/elb/web-elb/members" || body != `{"members":["`+instance+`"]}` || header.Get("If-Match") != "*" {
		t.Errorf("received %s %s, If-Match %s", line, body, header.Get("If-Match"))
	}
	if _, err := c.SetMembers(t.Context(), webELB, lsapi.DesiredMembers{Members: []lsapi.MemberID{webMember}, Additive: true}, client.ChangeOptions{}); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("of an additive set that detaches: %v", err)
	}
	if line, _, _ := last(); line != "PUT /v1/pools/elb/web-elb/members?additive=true" {
		t.Errorf("received %s", line)
	}
}

func TestFailedBulkReturnsResultsAndError(t *testing.T) {
	refusal := &apiv1.Problem{
		Status: 409, Code: "guard.keep_last", Detail: "1 of 1 in service, keepLast",
		Members: []apiv1.GuardedMember{{Member: otherInstance, Standing: "inService"}},
	}
	body := struct {
		apiv1.Problem
		apiv1.BulkResult
	}{apiv1.Problem{Status: 409, Code: "bulk.failed", Detail: "some members were not changed"}, bulkOf("refused", refusal)}
	s := serve(t, respond(http.StatusConflict, body, "X-Error-Code: bulk.failed", "X-Request-Id: r"))
	result, err := s.client(t).ChangeMembers(t.Context(), webELB, bothMembers, client.ChangeOptions{IdempotencyKey: "k"})
	if client.ErrorCode(err) != lsapi.CodeBulkFailed || len(result.Results) != 2 || result.BulkID != "9" {
		t.Fatalf("%+v, %v", result, err)
	}
	if result.Results[0].Err != nil {
		t.Errorf("the applied change has the error %v", result.Results[0].Err)
	}
	e, ok := errors.AsType[*client.Error](result.Results[1].Err)
	if !ok || e.Code != lsapi.CodeKeepLast || e.ChangeID != "8" || e.RequestID != "r" || e.Message != refusal.Detail || !slices.Equal(e.Members, refusal.Members) {
		t.Errorf("the refused change has the error %+v", e)
	}
	if len(s.requests()) != 1 {
		t.Errorf("it was sent %d times", len(s.requests()))
	}
	_, err = serve(t, respond(http.StatusConflict, body.Problem)).client(t).ChangeMembers(t.Context(), webELB, bothMembers, client.ChangeOptions{})
	if !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("without its results it is %v", err)
	}
}

func TestBulkOfAnotherRequestIsRefused(t *testing.T) {
	edit := func(change func(*apiv1.BulkResult)) apiv1.BulkResult {
		b := bulkOf("applied", nil)
		change(&b)
		return b
	}
	for name, body := range map[string]apiv1.BulkResult{
		"of another pool":   edit(func(b *apiv1.BulkResult) { b.Pool = "elb/other" }),
		"with less results": edit(func(b *apiv1.BulkResult) { b.Results = b.Results[:1] }),
		"in another order":  edit(func(b *apiv1.BulkResult) { slices.Reverse(b.Results) }),
		"without outcomes":  edit(func(b *apiv1.BulkResult) { b.Results[0].Outcome = "" }),
		"that was sent":     edit(func(b *apiv1.BulkResult) { b.DryRun = true }),
	} {
		_, err := serve(t, respond(http.StatusOK, body)).client(t).ChangeMembers(t.Context(), webELB, bothMembers, client.ChangeOptions{})
		if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), "is not lsapi") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBulkWithKeyIsSentAgainWhole(t *testing.T) {
	var bodies []string
	s := serve(t, abort, respond(http.StatusServiceUnavailable, map[string]string{"message": "no health"}, "X-Error-Code: guard.health_unknown"), respond(http.StatusOK, bulkOf("applied", nil)))
	counted := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, string(text))
		r.Body = io.NopCloser(strings.NewReader(""))
		counted.ServeHTTP(w, r)
	})
	if _, err := s.client(t).ChangeMembers(t.Context(), webELB, bothMembers, client.ChangeOptions{IdempotencyKey: "k"}); err != nil {
		t.Error(err)
	}
	if len(bodies) != 3 || bodies[0] == "" || bodies[0] != bodies[1] || bodies[0] != bodies[2] || !slices.Equal(s.headers("Idempotency-Key"), []string{"k", "k", "k"}) {
		t.Errorf("received %q with %v", bodies, s.headers("Idempotency-Key"))
	}
}

func TestDryRunIsMarkedOnBothSides(t *testing.T) {
	planned := bulkOf("wouldApply", nil)
	planned.DryRun, planned.BulkID, planned.Results[0].Outcome = true, "", "unchanged"
	s := serve(t, abort, respond(http.StatusOK, planned))
	result, err := s.client(t).ChangeMembers(t.Context(), webELB, bothMembers, client.ChangeOptions{DryRun: true, IdempotencyKey: "k", Await: &client.AwaitOptions{Timeout: time.Minute}})
	if err != nil || !result.DryRun || result.Results[1].Outcome != "wouldApply" || result.Results[1].Err != nil {
		t.Errorf("%+v, %v", result, err)
	}
	if got := s.requests(); !slices.Equal(got, slices.Repeat([]string{"PATCH /v1/pools/elb/web-elb/members?dryRun=true"}, 2)) || s.headers("Idempotency-Key")[1] != "" {
		t.Errorf("received %q with the keys %q", got, s.headers("Idempotency-Key"))
	}
	// A service that ignored the parameter has made the change.
	_, err = serve(t, respond(http.StatusCreated, attachResult)).client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{DryRun: true})
	if !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("of an attach that was made: %v", err)
	}
	refused := attachResult
	refused.Outcome, refused.DryRun, refused.ChangeID = "refused", true, ""
	refused.Problem = &apiv1.Problem{Status: 409, Code: "guard.freeze", Detail: "frozen"}
	_, err = serve(t, respond(http.StatusOK, refused)).client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{DryRun: true})
	if client.ErrorCode(err) != lsapi.CodeFreeze || err.Error() != "frozen" {
		t.Errorf("of one that is refused: %v", err)
	}
}

func TestChangeAwaitsItsEffect(t *testing.T) {
	drained := &apiv1.Member{Member: otherInstance}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPatch:
			respond(http.StatusOK, bulkOf("applied", nil))(w, r)
		case r.Method == http.MethodPut:
			respond(http.StatusCreated, attachResult)(w, r)
		case strings.HasSuffix(r.URL.Path, otherInstance):
			respond(http.StatusOK, drained)(w, r)
		default:
			problem(http.StatusConflict, "the instance is terminated", memberIn("OutOfService"))(w, r)
		}
	})
	result, err := s.client(t).ChangeMembers(t.Context(), webELB, bothMembers, client.ChangeOptions{Await: &client.AwaitOptions{Timeout: testTimeout}})
	if client.ErrorCode(err) != lsapi.CodeConflict || len(result.Results) != 2 || client.ErrorCode(result.Results[0].Err) != lsapi.CodeConflict || result.Results[1].Err != nil || result.Results[1].State == nil {
		t.Errorf("%+v, %v", result, err)
	}
	waits := s.requests()[1:]
	slices.Sort(waits)
	if len(waits) != 2 || !strings.HasPrefix(waits[0], "GET /v1/pools/elb/web-elb/members/"+instance+"?") || !strings.HasSuffix(waits[0], "wait=inService") || !strings.HasSuffix(waits[1], "wait=drained") {
		t.Errorf("the waits are %q", waits)
	}
	one, err := s.client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{Await: &client.AwaitOptions{Timeout: testTimeout}})
	if client.ErrorCode(err) != lsapi.CodeConflict || one.ChangeID != "7" {
		t.Errorf("of one member: %+v, %v", one, err)
	}
}

func TestUndoReturnsTheOppositeChange(t *testing.T) {
	undone := apiv1.ChangeResult{Pool: "tg/web", Member: instance + ":8080", Action: "attach", Outcome: "applied", ChangeID: "8", Undoes: "7"}
	s := serve(t, respond(http.StatusOK, undone), problem(http.StatusConflict, "later changes came after it: 9", nil))
	got, err := s.client(t).Undo(t.Context(), "7", client.ChangeOptions{IdempotencyKey: "k"})
	if err != nil || got.ChangeResult != undone || s.requests()[0] != "POST /v1/changes/7/undo" {
		t.Errorf("%+v, %v; received %v", got, err, s.requests())
	}
	if _, err := s.client(t).Undo(t.Context(), "7", client.ChangeOptions{}); client.ErrorCode(err) != lsapi.CodeConflict {
		t.Errorf("got %v", err)
	}
}
