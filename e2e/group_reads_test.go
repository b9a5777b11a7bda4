package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// poolView is a pool of the /v1 API.
type poolView struct {
	Pool, Name, Kind, ARN, TargetType string
	MemberCount                       *int
	FailsOpen                         bool
	AsOf, HealthAsOf                  time.Time
	Health                            *struct{ InService, OutOfService, Unknown, Draining int }
	Members                           []memberState
}

// pool returns a pool of the API.
func (c client) pool(pool string, headers ...string) poolView {
	c.t.Helper()
	answer := c.send(http.MethodGet, "/v1/pools/"+pool, "", headers...)
	if answer.status != http.StatusOK {
		c.t.Fatalf("%s is %d %s", pool, answer.status, answer.body)
	}
	return decoded[poolView](c.t, answer.body)
}

// allPools returns all pools that match a query, from pages of 50.
func (c client) allPools(query string) (all []poolView) {
	c.t.Helper()
	for cursor := ""; ; {
		answer := c.get("/v1/pools?limit=50&" + query + cursor)
		if answer.status != http.StatusOK {
			c.t.Fatalf("pools are %d %s", answer.status, answer.body)
		}
		page := decoded[struct {
			Pools      []poolView
			NextCursor string
		}](c.t, answer.body)
		all = append(all, page.Pools...)
		if page.NextCursor == "" {
			return all
		}
		cursor = "&cursor=" + page.NextCursor
	}
}

func TestTargetOfAGroupWithoutRoutesIsOutOfService(t *testing.T) {
	t.Parallel()
	_, s := startPools(t)
	got := s.pool("tg/lonely", noCache)
	if len(got.Members) != 1 || got.Members[0].Health == nil {
		t.Fatalf("it is %+v", got)
	}
	if h := got.Members[0].Health; h.State != "OutOfService" || h.AWSState != "unused" || h.Reason != "Target.NotInUse" {
		t.Errorf("its health is %+v", h)
	}
	if got.FailsOpen || got.Health == nil || got.Health.InService != 0 || got.Health.OutOfService != 1 {
		t.Errorf("the group is %+v, its health %+v", got, got.Health)
	}
	// It never serves, and a wait for that does not end as if it did.
	answer := s.send(http.MethodPut, "/v1/pools/tg/lonely/members/"+spare+"?wait=true&timeout=3s", "")
	if answer.status != http.StatusGatewayTimeout && answer.status != http.StatusConflict || answer.header.Get("X-Change-Id") == "" {
		t.Errorf("an attach that waits is %d %s", answer.status, answer.body)
	}
	if got := s.freshly("tg/lonely"); !slices.Contains(got, spare+":8080") {
		t.Errorf("after it the members are %v", got)
	}
}

func TestUnavailableHealthKeepsLastAnswerWithItsAge(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startPools(t, at(store))
		before := s.pool("tg/web", noCache)
		members := s.freshly("tg/web")
		a.fault(t, `{"action":"DescribeTargetHealth","kind":"health-unavailable","probability":1}`)
		eventually(t, "its age exceeds the bound of 2 s", func() bool {
			kept := s.send(http.MethodGet, "/v1/pools/tg/web/members", "")
			age, err := strconv.Atoi(kept.header.Get("Age"))
			if got, _ := listedIn("tg/web", kept.body); kept.status != http.StatusOK || !slices.Equal(got, members) || err != nil {
				t.Fatalf("the members are %d %v %s", kept.status, kept.header, kept.body)
			}
			return age > 4 // Age is rounded up
		})
		got := s.pool("tg/web")
		if got.AsOf.Before(before.AsOf) || time.Since(got.AsOf) < 3*time.Second || time.Since(got.HealthAsOf) < 3*time.Second {
			t.Errorf("at %v it is as of %v, its health of %v", time.Now().UTC(), got.AsOf, got.HealthAsOf)
		}
		if got.Health == nil || len(got.Members) != len(members) || got.Members[0].Health == nil {
			t.Errorf("it is %+v", got)
		}
		// A read that must be fresh fails, and so does a change, which changes nothing.
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			path := map[string]string{http.MethodGet: "", http.MethodPut: "/" + spare, http.MethodDelete: "/" + member}[method]
			if answer := s.send(method, "/v1/pools/tg/web/members"+path, "", noCache); answer.status < 500 || answer.header.Get("X-Change-Id") != "" {
				t.Errorf("%s is %d %s", method, answer.status, answer.body)
			}
		}
		if got := s.freshly("elb/web"); !slices.Equal(got, []string{member}) {
			t.Errorf("the load balancer lists %v", got)
		}
		if calls := a.calls()[registerTargets] + a.calls()[deregisterTargets]; calls > 0 || len(s.changes("pool=tg/web")) > 0 {
			t.Errorf("AWS got %d changes, and on record are %+v", calls, s.changes("pool=tg/web"))
		}
		a.clearFaults(t)
		eventually(t, "it is read again", func() bool { return time.Since(s.pool("tg/web").AsOf) < 3*time.Second })
		s.changeMember("tg/web", spare, "attach", applied)
	})
}

func TestGroupOfAThousandTargets(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--fleet", "tg:1x1000")
	s := startService(t, a.base, unrestrained)
	const pool = "tg/tg-0001"
	first := s.freshly(pool)
	if len(first) != 1000 {
		t.Fatalf("%d members are listed", len(first))
	}
	if got := s.pool(pool); len(got.Members) != 1000 || got.Health == nil || got.Health.InService != 1000 {
		t.Errorf("%d members are shown, the health is %+v", len(got.Members), got.Health)
	}
	full := s.changeMember(pool, generatedSpare(1), "attach", "")
	if full.status != http.StatusBadRequest || !strings.Contains(full.body, "1000") {
		t.Errorf("one more is %d %s", full.status, full.body)
	}
	leaving, _, _ := strings.Cut(first[0], ":")
	s.changeMember(pool, leaving, "detach", applied)
	s.changeMember(pool, generatedSpare(1), "attach", applied)
	if got := s.freshly(pool); len(got) != 1000 || !slices.Contains(got, generatedSpare(1)+":8080") || slices.Contains(got, first[0]) {
		t.Errorf("then %d members are listed", len(got))
	}
}

func TestSixHundredGroupsAreListedOverPages(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--fleet", "2x2+tg:600x2")
	s := startService(t, a.base, unrestrained, with("SWEEP=30s"))
	eventuallyWithin(t, 2*testTimeout, "all groups are read", func() bool {
		groups := s.allPools("kind=tg")
		return len(groups) == 600 && !slices.ContainsFunc(groups, func(p poolView) bool { return p.MemberCount == nil })
	})
	all := s.allPools("")
	if len(all) != 602 || all[0].Pool != "elb/elb-0001" {
		t.Fatalf("%d pools are listed", len(all))
	}
	for n, p := range all[2:] {
		if want := fmt.Sprintf("tg/tg-%04d", n+1); p.Pool != want || *p.MemberCount != 2 || p.ARN == "" {
			t.Fatalf("listed is %+v, want %s", p, want)
		}
	}
	// AWS lists at most 400 groups a page, and pairs of groups have the same instances.
	last := "i-1" + fmt.Sprintf("%08x%08x", 300, 1)
	if got := s.instance(last, noCache); got.pools() != "tg/tg-0599 attached, tg/tg-0600 attached" || !got.Complete {
		t.Errorf("the instance of the last groups is in %q, complete %t, unread %d", got.pools(), got.Complete, len(got.Unread))
	}
	if found := s.allPools("kind=tg&instance=" + last); len(found) != 2 {
		t.Errorf("%d groups have the instance", len(found))
	}
	s.changeMember("tg/tg-0600", last, "detach", applied)
	if got := s.instance(last).pools(); got != "tg/tg-0599 attached" && got != "tg/tg-0599 attached, tg/tg-0600 draining" {
		t.Errorf("after a detach it is in %q", got)
	}
}

// A role for Classic load balancers only.
func TestRoleWithoutTargetGroupsServesClassicLoadBalancers(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a := startAWS(t, "--fleet", absolute(t, poolsFleet))
		a.fault(t, `{"action":"DescribeTargetGroups","kind":"denied","probability":1}`)
		s := startService(t, a.base, at(store))
		s.changeMember("elb/web", spare, "attach", applied)
		s.changeMember("elb/web", spare, "attach", conflict)
		if got := s.freshly("elb/web"); !slices.Equal(got, []string{member, spare}) {
			t.Errorf("the members are %v", got)
		}
		eventually(t, "it is ready", func() bool { return s.get("/readyz").status == http.StatusOK })
		if all := s.allPools(""); len(all) != 1 || all[0].Pool != "elb/web" {
			t.Errorf("listed are %+v", all)
		}
		if got := s.instance(spare, noCache); got.pools() != "elb/web attached" {
			t.Errorf("the instance is %+v", got)
		}
		s.waitFor(s.stderr, `AWS denies the listing of pools`)
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			if answer := s.send(method, "/v1/pools/tg/web/members/"+member, ""); answer.status < 500 {
				t.Errorf("%s of a member of a group is %d %s", method, answer.status, answer.body)
			}
		}
		s.changeMember("elb/web", spare, "detach", applied)
		if got := s.get("/v1/pools/elb/web/members"); got.status != http.StatusOK || got.header.Get("Age") == "" {
			t.Errorf("a cached list is %d %v", got.status, got.header)
		}
		if calls := a.calls()["DescribeTargetHealth"]; calls > 0 {
			t.Errorf("health was read %d times", calls)
		}
		// With the permission, the groups are there without a restart.
		a.clearFaults(t)
		eventually(t, "the groups are served", func() bool {
			return s.get("/v1/pools/tg/web").status == http.StatusOK && len(s.allPools("")) == 4
		})
		s.changeMember("tg/web", spare, "attach", applied)
		verify(t, store)
	})
}

// What AWS denies is no proof that a group does not exist.
func TestDeniedGroupIsNotNotFound(t *testing.T) {
	t.Parallel()
	a, s := startPools(t)
	s.changeMember("tg/web", spare, "attach", applied)
	for _, fault := range onActions(`"kind":"denied","probability":1`, "DescribeTargetGroups", "DescribeTargetHealth") {
		a.fault(t, fault)
	}
	s.waitFor(s.stderr, `AWS denies the listing of pools`)
	until := time.Now().Add(3 * time.Second)
	for time.Now().Before(until) {
		for _, answer := range []response{
			s.send(http.MethodGet, "/v1/pools/tg/web/members", "", noCache),
			s.send(http.MethodGet, "/v1/pools/tg/web/members", ""),
			s.send(http.MethodPut, "/v1/pools/tg/web/members/"+spare, ""),
		} {
			if answer.status == http.StatusNotFound {
				t.Fatalf("it is %d %s", answer.status, answer.body)
			}
		}
	}
	if recorded := s.membersAt("tg/web", time.Now()).ids(); !slices.Contains(recorded, spare+":8080") {
		t.Errorf("on record are %v", recorded)
	}
}
