package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// change is a change of the API.
type change struct {
	ID, Actor, Action, Reason, RequestID, Source string
	poolMember
	Outcome, Code, Resolution, AWSRequestID string
	IntendedAt, NotBefore, CompletedAt      time.Time
	MembersBefore, MembersAfter             *int
}

// membershipAt is a membership at a time, of the API.
type membershipAt struct {
	At        time.Time
	Members   []struct{ Member, ChangeID, Source string }
	Uncertain []change
}

func (r membershipAt) ids() []string {
	ids := make([]string, len(r.Members))
	for i, m := range r.Members {
		ids[i] = m.Member
	}
	return ids
}

// change returns a change by its id.
func (c client) change(id string) change {
	c.t.Helper()
	answer := c.get("/v1/changes/" + id)
	if answer.status != http.StatusOK {
		c.t.Fatalf("change %q: %d %s", id, answer.status, answer.body)
	}
	return decoded[change](c.t, answer.body)
}

// changes returns all changes that match a query, newest first.
func (c client) changes(query string) []change {
	c.t.Helper()
	answer := c.send(http.MethodGet, "/v1/changes?"+query, "", "Accept: application/x-ndjson")
	if answer.status != http.StatusOK {
		c.t.Fatalf("changes %s: %d %s", query, answer.status, answer.body)
	}
	return changesIn(c.t, answer.body)
}

// changesIn decodes one change per line.
func changesIn(t *testing.T, lines string) []change {
	t.Helper()
	var found []change
	for line := range strings.Lines(lines) {
		found = append(found, decoded[change](t, line))
	}
	return found
}

// membersAt returns the recorded membership at a time.
func (c client) membersAt(pool string, at time.Time) membershipAt {
	c.t.Helper()
	answer := c.get("/v1/pools/" + pool + "/members?at=" + atQuery(at))
	if answer.status != http.StatusOK {
		c.t.Fatalf("members at %v: %d %s", at, answer.status, answer.body)
	}
	return decoded[membershipAt](c.t, answer.body)
}

// atQuery returns a time as a parameter at.
func atQuery(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// settled waits until a change has an outcome.
func (c client) settled(id string) change {
	c.t.Helper()
	return c.settledWithin(id, testTimeout)
}

func (c client) settledWithin(id string, limit time.Duration) change {
	c.t.Helper()
	var found change
	eventuallyWithin(c.t, limit, "change "+id+" is settled", func() bool {
		answer := c.get("/v1/changes/" + id)
		if answer.status == http.StatusGatewayTimeout { // of a service with a short timeout
			return false
		}
		if answer.status != http.StatusOK {
			c.t.Fatalf("change %q: %d %s", id, answer.status, answer.body)
		}
		found = decoded[change](c.t, answer.body)
		return found.Outcome != "open"
	})
	return found
}

// is fails the test unless a change has the outcome and the resolution.
func (c change) is(t *testing.T, outcome, resolution string) {
	t.Helper()
	if c.Outcome != outcome || c.Resolution != resolution {
		t.Errorf("it is on record as %q, %q, want %q, %q: %+v", c.Outcome, c.Resolution, outcome, resolution, c)
	}
}

// changeID returns the id in an answer.
func (r response) changeID(t *testing.T) string {
	t.Helper()
	id := r.header.Get("X-Change-Id")
	if id == "" {
		t.Fatalf("%d has no X-Change-Id: %s", r.status, r.body)
	}
	return id
}

func TestChangeIsOnRecordWithActorReasonAndOutcome(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		before := len(a.members("default-elb"))
		for _, step := range []struct {
			method, action, outcome string
			status, before, after   int
		}{
			{http.MethodPost, "attach", "applied", 201, before, before + 1},
			{http.MethodPost, "attach", "conflict", 409, before + 1, before + 1},
			{http.MethodDelete, "detach", "applied", 201, before + 1, before},
			{http.MethodDelete, "detach", "conflict", 409, before, before},
		} {
			request := step.action + "-" + step.outcome
			answer := s.send(step.method, "/elb/default-elb", machineID(spare), "X-Reason: release 7, für alle", "X-Request-Id: "+request)
			if answer.status != step.status {
				t.Fatalf("%s is %d: %s", request, answer.status, answer.body)
			}
			c := s.change(answer.changeID(t))
			c.is(t, step.outcome, "")
			if c.Actor != user || c.Reason != "release 7, für alle" || c.RequestID != request || c.Source != "lsapi" ||
				c.Action != step.action || c.Pool != "elb/default-elb" || c.Member != spare {
				t.Errorf("%s: %+v", request, c)
			}
			if c.MembersBefore == nil || *c.MembersBefore != step.before || c.MembersAfter == nil || *c.MembersAfter != step.after {
				t.Errorf("%s: not %d members before and %d after: %+v", request, step.before, step.after, c)
			}
			if sent := step.outcome == "applied"; sent != (c.AWSRequestID != "") {
				t.Errorf("%s has AWS's request id %q", request, c.AWSRequestID)
			}
			if c.IntendedAt.IsZero() || c.CompletedAt.Before(c.IntendedAt) {
				t.Errorf("%s: intended at %v, completed at %v", request, c.IntendedAt, c.CompletedAt)
			}
		}
		if all := s.changes(""); len(all) != 4 || !slices.IsSortedFunc(all, func(a, b change) int { return strings.Compare(b.ID, a.ID) }) {
			t.Errorf("the record has %+v", all)
		}
	})
}

func TestChangesAreFilteredAndPaged(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		begin := time.Now()
		first := s.attach("default-elb", spare).changeID(t)
		s.attach("default-elb", spare)
		s.attach("web-elb", otherSpare)
		last := s.detach("default-elb", spare).changeID(t)
		for query, want := range map[string]int{
			"":                       4,
			"pool=elb/default-elb":   3,
			"instance=" + otherSpare: 1,
			"actor=" + user:          4,
			"actor=stranger":         0,
			"action=detach":          1,
			"outcome=conflict":       1,
			"outcome=open":           0,
			"pool=elb/default-elb&outcome=applied&action=attach":                    1,
			"from=" + url.QueryEscape(begin.Add(-time.Minute).Format(time.RFC3339)): 4,
			"to=" + url.QueryEscape(begin.Add(-time.Minute).Format(time.RFC3339)):   0,
			"limit=3": 3,
		} {
			if found := s.changes(query); len(found) != want {
				t.Errorf("%q finds %d changes, want %d: %+v", query, len(found), want, found)
			}
		}
		type page struct {
			Changes    []change
			NextCursor string
		}
		var ids []string
		for cursor := "limit=1"; ; {
			p := decoded[page](t, s.get("/v1/changes?"+cursor).body)
			for _, c := range p.Changes {
				ids = append(ids, c.ID)
			}
			if p.NextCursor == "" {
				break
			}
			cursor = "limit=1&cursor=" + p.NextCursor
		}
		if len(ids) != 4 || ids[0] != last || ids[3] != first {
			t.Errorf("page by page: %v", ids)
		}
	})
}

func TestInvalidQueryNamesTheParameter(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for query, parameter := range map[string]string{
		"colour=red":       "colour",
		"limit=0":          "limit",
		"limit=many":       "limit",
		"outcome=maybe":    "outcome",
		"action=register":  "action",
		"instance=i-7":     "instance",
		"member=web-1":     "member",
		"pool=default-elb": "pool",
		"pool=alb/web":     "pool",
		"loadBalancer=x":   "loadBalancer",
		"from=yesterday":   "from",
		"actor=":           "actor",
		"cursor=x":         "cursor",
		"to=2026-01-01T00:00:00Z&from=2026-01-02T00:00:00Z": "to",
		"pool=elb/a&pool=elb/b":                             "pool",
	} {
		answer := s.get("/v1/changes?" + query)
		type problem struct {
			Status int
			Errors []struct{ Location string }
		}
		p := decoded[problem](t, answer.body)
		if answer.status != 400 || p.Status != 400 || answer.header.Get("Content-Type") != "application/problem+json" ||
			len(p.Errors) == 0 || p.Errors[0].Location != "query."+parameter {
			t.Errorf("%s: %d %s", query, answer.status, answer.body)
		}
	}
	for _, path := range []string{"/v1/changes/7", "/v1/changes/01a20ee8-6140-7a11-8000-0123456789ab"} {
		if answer := s.get(path); answer.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, answer.status, answer.body)
		}
	}
}

func TestInvalidReasonOrKeyIsRefusedWithoutEffect(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	for name, header := range map[string]string{
		"reason too long":                 "X-Reason: " + strings.Repeat("ü", 257),
		"reason with a tabulator":         "X-Reason: a\tb",
		"reason with a control character": "X-Reason: a\u0085b",
		"reason in a broken encoding":     "X-Reason: UTF-8''f%FCr",
		"key with a space":                "Idempotency-Key: a b",
		"key beyond ASCII":                "Idempotency-Key: schlüssel",
		"key too long":                    "Idempotency-Key: " + strings.Repeat("k", 129),
		"key that is empty":               "Idempotency-Key: ",
	} {
		answer := s.send(http.MethodPost, "/elb/default-elb", machineID(spare), header)
		named, _, _ := strings.Cut(header, ":")
		if answer.status != http.StatusBadRequest || !strings.Contains(answer.errorText(t, "message"), named) {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
	if calls := a.calls()["RegisterInstancesWithLoadBalancer"]; calls != 0 || len(s.changes("")) != 0 {
		t.Errorf("AWS got %d calls, and on record is %+v", calls, s.changes(""))
	}
	longest := s.send(http.MethodPost, "/elb/default-elb", machineID(spare),
		"X-Reason: "+strings.Repeat("ü", 256), "Idempotency-Key: "+strings.Repeat("k", 128))
	if longest.status != http.StatusCreated || s.change(longest.changeID(t)).Reason != strings.Repeat("ü", 256) {
		t.Errorf("the longest of both: %d %s", longest.status, longest.body)
	}
}
