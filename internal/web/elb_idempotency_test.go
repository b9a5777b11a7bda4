package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/web"
)

// keys are Keys in memory, with the outcomes of a record.
type keys struct {
	record *records
	mu     sync.Mutex
	taken  map[lsapi.IdempotencyKey]lsapi.Reservation
}

func (k *keys) Reserve(ctx context.Context, key lsapi.IdempotencyKey, r lsapi.Reservation) (*lsapi.Reservation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if taken, ok := k.taken[key]; ok {
		var outcome lsapi.Outcome
		if k.record != nil {
			change, _ := k.record.Change(ctx, taken.ChangeID) // none is zero
			outcome = change.Outcome
		}
		if outcome != lsapi.OutcomeFailed && outcome != lsapi.OutcomeWithdrawn {
			return &taken, nil
		}
	}
	if k.taken == nil {
		k.taken = make(map[lsapi.IdempotencyKey]lsapi.Reservation)
	}
	k.taken[key] = r
	return nil, nil
}

func (k *keys) Free(_ context.Context, key lsapi.IdempotencyKey, changeID string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.taken[key].ChangeID == changeID {
		delete(k.taken, key)
	}
	return nil
}

// repeatable is a service with keys, and its parts.
type repeatable struct {
	members *memberships
	keys    *keys
	record  *records
	handler http.Handler
}

func newRepeatable() *repeatable {
	r := &repeatable{members: newMemberships(), record: &records{}}
	r.keys = &keys{record: r.record}
	r.handler = handlerOf(web.Options{Membership: r.members, Authenticator: alice{}, Keys: r.keys, Record: r.record})
	return r
}

// attach sends the request under the key.
func (r *repeatable) attach(t *testing.T, key, body string) response {
	t.Helper()
	return send(t, serve(t, r.handler), request{
		method: "POST", path: "/elb/default-elb", body: body, header: http.Header{"Idempotency-Key": {key}},
	})
}

// becomes records the outcome of the last change.
func (r *repeatable) becomes(outcome lsapi.Outcome) {
	asked := r.members.requests[len(r.members.requests)-1]
	r.record.changes = []lsapi.Change{{
		ID: asked.ChangeID, Action: asked.Action, Pool: asked.Pool, Member: asked.Member,
		Outcome: outcome, Instance: instance(asked.Member),
	}}
}

func TestRepeatedRequestIsExecutedOnce(t *testing.T) {
	r := newRepeatable()
	first := r.attach(t, "k", machineID(spare))
	r.becomes(lsapi.OutcomeApplied)
	again := r.attach(t, "k", machineID(spare))
	if first.StatusCode != http.StatusCreated || again.StatusCode != http.StatusCreated || again.body != first.body {
		t.Errorf("first %d %s, then %d %s", first.StatusCode, first.body, again.StatusCode, again.body)
	}
	if got, want := again.Header.Get("X-Change-Id"), first.Header.Get("X-Change-Id"); got != want || got == "" {
		t.Errorf("the change's id is %q, and was %q", got, want)
	}
	if n := len(r.members.requests); n != 1 {
		t.Errorf("it was carried out %d times", n)
	}
}

func TestRepeatedRequestGetsFinalOutcome(t *testing.T) {
	for outcome, status := range map[lsapi.Outcome]int{
		lsapi.OutcomeApplied: http.StatusCreated, lsapi.OutcomeConflict: http.StatusConflict, lsapi.OutcomeRefused: http.StatusBadRequest,
		lsapi.OutcomeUnknown: http.StatusGatewayTimeout,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			r := newRepeatable()
			r.members.fail, r.members.recorded = func(context.Context) error { return lsapi.Errorf(lsapi.CodeTimeout, "") }, true
			if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusGatewayTimeout {
				t.Fatalf("the first status is %d", got.StatusCode)
			}
			r.becomes("")
			if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusConflict || got.Header.Get("Retry-After") == "" {
				t.Errorf("while the outcome is not known: %d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
			}
			r.becomes(outcome)
			if got := r.attach(t, "k", machineID(spare)); got.StatusCode != status || got.Header.Get("X-Change-Id") == "" {
				t.Errorf("got %d %s, want %d", got.StatusCode, got.body, status)
			}
			if n := len(r.members.requests); n != 1 {
				t.Errorf("it was carried out %d times", n)
			}
		})
	}
}

// AWS may have refused a change because its pool is gone.
func TestReplayOfRefusedChangeHasFirstStatus(t *testing.T) {
	for reason, status := range map[string]int{
		"LoadBalancerNotFound": http.StatusNotFound, "TargetGroupNotFound": http.StatusNotFound, "not_found": http.StatusNotFound,
		"InvalidInstance": http.StatusBadRequest, "invalid": http.StatusBadRequest,
	} {
		r := newRepeatable()
		r.attach(t, "k", machineID(spare))
		r.becomes(lsapi.OutcomeRefused)
		r.record.changes[0].Code = reason
		if got := r.attach(t, "k", machineID(spare)); got.StatusCode != status || len(r.members.requests) != 1 {
			t.Errorf("%s: status %d %s after %d changes, want %d", reason, got.StatusCode, got.body, len(r.members.requests), status)
		}
	}
}

func TestKeyRequiresSameBody(t *testing.T) {
	r := newRepeatable()
	r.attach(t, "k", machineID(spare))
	if got := r.attach(t, "k", machineID(running)); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another body: status is %d", got.StatusCode)
	}
	if got := r.attach(t, "another", machineID(running)); got.StatusCode != http.StatusConflict || len(r.members.requests) != 2 {
		t.Errorf("another key: status is %d after %d changes", got.StatusCode, len(r.members.requests))
	}
}

func TestKeyIsFreedWhenNothingBegan(t *testing.T) {
	r := newRepeatable()
	for _, refuse := range []error{lsapi.Errorf(lsapi.CodeInvalid, ""), lsapi.Errorf(lsapi.CodeNotFound, ""), lsapi.Errorf(lsapi.CodeUnavailable, "")} {
		r.members.fail = func(context.Context) error { return refuse }
		r.attach(t, "k", machineID(spare))
	}
	r.members.fail = nil
	if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusCreated {
		t.Errorf("after refusals the status is %d", got.StatusCode)
	}
	r.becomes(lsapi.OutcomeWithdrawn)
	if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusConflict || len(r.members.requests) != 5 {
		t.Errorf("after a withdrawal the status is %d, %d changes were asked for", got.StatusCode, len(r.members.requests))
	}
}

// The caller has left, so it gets no id of a change that a crash may lose.
func TestKeyIsKeptForPendingChange(t *testing.T) {
	r := newRepeatable()
	r.members.fail, r.members.pending = func(context.Context) error { return lsapi.Errorf(lsapi.CodeTimeout, "") }, true
	first := r.attach(t, "k", machineID(spare))
	if id := first.Header.Get("X-Change-Id"); first.StatusCode != http.StatusGatewayTimeout || id != "" {
		t.Errorf("the first answer is %d, with the id %q", first.StatusCode, id)
	}
	if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusConflict || len(r.members.requests) != 1 {
		t.Errorf("the second answer is %d, after %d changes", got.StatusCode, len(r.members.requests))
	}
}

// Its 503 makes the caller send the request again.
func TestFailedChangeIsRetriedUnderItsKey(t *testing.T) {
	for _, outcome := range []lsapi.Outcome{lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn} {
		r := newRepeatable()
		r.members.fail, r.members.recorded = func(context.Context) error { return lsapi.Errorf(lsapi.CodeThrottled, "") }, true
		if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Fatalf("the first answer is %d %v", got.StatusCode, got.Header)
		}
		r.members.fail = nil
		r.becomes(outcome)
		if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusCreated || len(r.members.requests) != 2 {
			t.Errorf("%s: the second answer is %d %s after %d requests", outcome, got.StatusCode, got.body, len(r.members.requests))
		}
	}
}

// The change may fail between the look at the key and that at the record. A refusal by a
// guard may pass the next time.
func TestSpentKeyIsReservedAnew(t *testing.T) {
	for name, spend := range map[string]func(*lsapi.Change){
		"failed":    func(c *lsapi.Change) { c.Outcome = lsapi.OutcomeFailed },
		"withdrawn": func(c *lsapi.Change) { c.Outcome = lsapi.OutcomeWithdrawn },
		"guarded": func(c *lsapi.Change) {
			c.Outcome, c.Code, c.Guard = lsapi.OutcomeRefused, string(lsapi.CodeKeepLast), &lsapi.GuardVerdict{Rule: "keepLast"}
		},
	} {
		r := newRepeatable()
		r.members.fail, r.members.recorded = func(context.Context) error { return lsapi.Errorf(lsapi.CodeThrottled, "") }, true
		r.attach(t, "k", machineID(spare))
		r.members.fail = nil
		r.becomes("")
		spend(&r.record.changes[0])
		r.keys.record = nil // as before it failed
		if got := r.attach(t, "k", machineID(spare)); got.StatusCode != http.StatusCreated || len(r.members.requests) != 2 {
			t.Errorf("%s: the second answer is %d %s after %d requests", name, got.StatusCode, got.body, len(r.members.requests))
		}
	}
}

func TestKeyOfDeadProcessExpires(t *testing.T) {
	for age, status := range map[time.Duration]int{time.Second: http.StatusConflict, 45 * time.Second: http.StatusConflict, 2 * time.Minute: http.StatusCreated} {
		r := newRepeatable()
		r.attach(t, "k", machineID(spare))
		for key, reservation := range r.keys.taken { // by a process that is no more
			reservation.ChangeID, reservation.At = "no such change", time.Now().Add(-age)
			r.keys.taken[key] = reservation
		}
		r.members.members[lsapi.ELB("default-elb")] = nil
		if got := r.attach(t, "k", machineID(spare)); got.StatusCode != status {
			t.Errorf("after %v: %d %s, want %d", age, got.StatusCode, got.body, status)
		}
	}
}

func TestReadinessHidesInternals(t *testing.T) {
	for want, err := range map[string]error{
		"AWS could not be asked, or refused it": &lsapi.Error{Code: lsapi.CodeForbidden, Message: "secret"},
		"the service failed":                    errors.New("secret"),
		"the deadline passed":                   context.DeadlineExceeded,
		"AWS refuses changes":                   &lsapi.Error{Code: lsapi.CodeUpstream, Message: "AWS refuses changes"},
	} {
		handler := handlerOf(web.Options{Authenticator: alice{}, Ready: func(context.Context) error { return err }})
		got := record(handler, "GET", "/readyz", "")
		if got.StatusCode != http.StatusServiceUnavailable || got.body != `{"message":"`+want+`"}`+"\n" || got.Header.Get("Retry-After") == "" {
			t.Errorf("%v is %d %s", err, got.StatusCode, got.body)
		}
	}
}

func TestReadinessGivesReason(t *testing.T) {
	missing := lsapi.Errorf(lsapi.CodeUnavailable, "this process is a standby")
	ready := map[string]error{"ok": nil, "this process is a standby": missing}
	for want, err := range ready {
		handler := handlerOf(web.Options{Authenticator: alice{}, Ready: func(context.Context) error { return err }})
		got := send(t, serve(t, handler), request{method: "GET", path: "/readyz"})
		var said struct{ Message string }
		if failure := json.Unmarshal([]byte(got.body), &said); failure != nil || said.Message != want || (got.StatusCode == http.StatusOK) != (err == nil) {
			t.Errorf("%d %s, want %q", got.StatusCode, got.body, want)
		}
		if up := send(t, serve(t, handler), request{method: "GET", path: "/healthcheck"}); up.StatusCode != http.StatusOK {
			t.Errorf("the health check's status is %d", up.StatusCode)
		}
	}
}
