package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// kindsView is a page of pools, by what is listed.
type kindsView struct {
	Pools    []poolView
	Complete bool
	Outdated []struct {
		Kind, Reason string
		Shown        bool
		AsOf         time.Time
	}
}

// listedKinds returns the ids of a page of pools, then the kinds that are outdated, in
// brackets if their pools are left out; or the status of another answer than 200.
func (c client) listedKinds(query string) string {
	c.t.Helper()
	answer := c.get("/v1/pools?" + query)
	if answer.status != http.StatusOK {
		return http.StatusText(answer.status)
	}
	page := decoded[kindsView](c.t, answer.body)
	if page.Complete != (len(page.Outdated) == 0) {
		c.t.Errorf("complete and outdated differ: %s", answer.body)
	}
	var words []string
	for _, p := range page.Pools {
		words = append(words, p.Pool)
	}
	for _, k := range page.Outdated {
		word := k.Kind + "=" + k.Reason
		if !k.Shown {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// While AWS fails to list one kind of pool, all replicas list the other, and say so.
func TestKindThatCannotBeListedLeavesTheOtherListed(t *testing.T) {
	t.Parallel()
	const groups = "tg/addresses tg/lonely tg/web"
	for _, test := range []struct{ action, of, fault, reason string }{
		{"DescribeTargetGroups", "tg", "500", "upstream"},
		{"DescribeTargetGroups", "tg", "denied", "denied"},
		{"DescribeLoadBalancers", "elb", "500", "upstream"},
	} {
		t.Run(test.of+" "+test.fault, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, 2, []string{"--fleet", absolute(t, poolsFleet)}, with("MAX_STALE_ON_ERROR=15s"))
			onEach := func(what string, condition func(c client) bool) {
				t.Helper()
				for _, r := range c.replicas {
					eventuallyWithin(t, 2*testTimeout, what, func() bool { return condition(r.client()) })
				}
			}
			onEach("all pools are listed", func(c client) bool { return c.listedKinds("") == "elb/web "+groups })
			onEach("the instance is complete", func(c client) bool { return c.instance(member).Complete })

			c.aws.fault(t, `{"action":"`+test.action+`","kind":"`+test.fault+`","probability":1}`)
			failing := test.of + "=" + test.reason
			onEach("a kind is outdated", func(c client) bool { return c.listedKinds("") == "elb/web "+groups+" "+failing })
			onEach("the instance is incomplete", func(c client) bool {
				got := c.instance(member)
				return !got.Complete && len(got.Outdated) == 1 && got.Outdated[0].Kind == test.of && len(got.Memberships) > 1
			})
			rest, other := "elb/web", "elb"
			if test.of == "elb" {
				rest, other = groups, "tg"
			}
			onEach("the kind is left out", func(c client) bool { return c.listedKinds("") == rest+" ["+failing+"]" })
			onEach("the other is complete", func(c client) bool { return c.listedKinds("kind="+other) == rest })
			onEach("the kind alone is unavailable", func(c client) bool { return c.listedKinds("kind="+test.of) == "Service Unavailable" })
			onEach("it is ready", func(c client) bool { return c.get("/readyz").status == http.StatusOK })

			if test.of == "tg" { // a new pool of the kind that is listed is found
				c.aws.do("CreateLoadBalancer", anewELB)
				onEach("a new one is listed", func(c client) bool { return strings.HasPrefix(c.listedKinds(""), "elb/anew elb/web ") })
				onEach("a new one is read by its name", func(c client) bool { return c.get("/elb/anew").status == http.StatusOK })
			}
			c.aws.clearFaults(t)
			onEach("all is listed again", func(c client) bool { return strings.HasSuffix(c.listedKinds(""), "elb/web "+groups) })
			onEach("the instance is complete again", func(c client) bool { return c.instance(member).Complete })
		})
	}
}

// A role for one kind of pool, and the setting that says so.
func TestKindsThatAreNotServedDoNotExist(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--fleet", absolute(t, poolsFleet))
	for _, fault := range onActions(`"kind":"denied","probability":1`, "DescribeTargetGroups", "DescribeTargetHealth", "RegisterTargets") {
		a.fault(t, fault)
	}
	s := startService(t, a.base, with("KINDS=elb"))
	eventually(t, "it lists", func() bool { return s.listedKinds("") == "elb/web" })
	if got := s.listedKinds("kind=tg"); got != "" {
		t.Errorf("listed of the other kind are %q", got)
	}
	for _, headers := range [][]string{nil, {noCache}} {
		if got := s.instance(member, headers...); !got.Complete || got.pools() != "elb/web attached" {
			t.Errorf("the instance is %+v", got)
		}
		if answer := s.send(http.MethodGet, "/v1/pools/tg/web", "", headers...); answer.status != http.StatusNotFound {
			t.Errorf("a group is %d %s", answer.status, answer.body)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		if answer := s.send(method, "/v1/pools/tg/web/members/"+spare, ""); answer.status != http.StatusNotFound {
			t.Errorf("%s of a member of a group is %d %s", method, answer.status, answer.body)
		}
	}
	s.changeMember("elb/web", spare, "attach", applied)
	eventually(t, "it is ready", func() bool { return s.get("/readyz").status == http.StatusOK })
	if calls := a.calls(); calls["DescribeTargetGroups"]+calls["DescribeTargetHealth"] > 0 {
		t.Errorf("AWS got %v", calls)
	}
}
