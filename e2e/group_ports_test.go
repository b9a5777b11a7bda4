package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// startPools is startBoth with the fleet of testdata/pools.yaml.
func startPools(t *testing.T, settings ...setting) (aws, *service) {
	t.Helper()
	a := startAWS(t, "--fleet", absolute(t, poolsFleet))
	return a, startService(t, a.base, settings...)
}

// changeMember attaches or detaches a member, which must state the outcome.
func (c client) changeMember(pool, member, action, outcome string, headers ...string) response {
	c.t.Helper()
	m := poolMember{pool, member}
	method, path, body := m.request(action)
	answer := c.send(method, path, body, headers...)
	if got := m.outcome(action, answer); got != outcome {
		c.t.Errorf("%s of %s in %s is %d %s, want %s", action, member, pool, answer.status, answer.body, outcome)
	}
	return answer
}

// freshly returns a fresh list of a pool's members.
func (c client) freshly(pool string) []string {
	c.t.Helper()
	answer := c.send(http.MethodGet, listPath(pool), "", noCache)
	members, err := listedIn(pool, answer.body)
	if answer.status != http.StatusOK || err != nil {
		c.t.Fatalf("a fresh list of %s is %d %s", pool, answer.status, answer.body)
	}
	return members
}

// AWS answers 200 to a detach with another port than that of the member, and does nothing.
func TestDetachStatesWhatAWSDid(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startPools(t, at(store))
		const pool = "tg/web"
		for _, step := range []struct {
			member, outcome string
			left            []string
		}{
			{member + ":80", conflict, []string{member + ":8080", member + ":9090"}},
			{member, applied, []string{member + ":9090"}}, // on the group's port
			{member, conflict, []string{member + ":9090"}},
			{member + ":8080", conflict, []string{member + ":9090"}},
			{member + ":9090", applied, nil},
			{member + ":9090", conflict, nil},
		} {
			answer := s.changeMember(pool, step.member, "detach", step.outcome)
			if got := a.membersOf(pool); !slices.Equal(got, step.left) && len(got)+len(step.left) > 0 {
				t.Errorf("after %d to a detach of %s AWS has %v, want %v", answer.status, step.member, got, step.left)
			}
			if fresh := s.freshly(pool); !slices.Equal(fresh, a.membersOf(pool)) {
				t.Errorf("listed are %v, AWS has %v", fresh, a.membersOf(pool))
			}
		}
		if calls := a.calls()[deregisterTargets]; calls != 2 {
			t.Errorf("AWS got %d calls for two members", calls)
		}
		verify(t, store)
	})
}

func TestInstanceIsAMemberOnEachOfItsPorts(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startPools(t, at(store))
		first := s.changeMember("tg/web", spare, "attach", applied).changeID(t)
		second := s.changeMember("tg/web", spare+":9000", "attach", applied).changeID(t)
		s.changeMember("tg/web", spare+":8080", "attach", conflict)
		for id, want := range map[string]string{first: spare + ":8080", second: spare + ":9000"} {
			if c := s.change(id); c.Member != want || c.Pool != "tg/web" || c.Outcome != applied {
				t.Errorf("on record is %+v, want %s", c, want)
			}
		}
		// Each port has a health of its own.
		if answer := a.send(http.MethodPost, "/_emulator/health", `{"instanceId":"`+spare+`","port":9000,"healthy":false}`); answer.status >= 300 {
			t.Fatalf("health: %d %s", answer.status, answer.body)
		}
		health := func() string {
			var states []string
			for _, m := range s.instance(spare, noCache).Memberships {
				if m.Health != nil {
					states = append(states, m.Member+" "+m.Health.AWSState)
				}
			}
			return strings.Join(states, ", ")
		}
		want := spare + ":8080 healthy, " + spare + ":9000 unhealthy"
		eventually(t, want, func() bool { return health() == want })
		s.changeMember("tg/web", spare+":9000", "detach", applied)
		if got := s.freshly("tg/web"); !slices.Equal(got, []string{member + ":8080", member + ":9090", spare + ":8080"}) {
			t.Errorf("the members are %v", got)
		}
		verify(t, store)
	})
}

func TestPoolsOfOneNameAreIndependent(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startPools(t, at(store))
		attached := map[string]string{}
		for _, pool := range []string{"elb/web", "tg/web"} {
			attached[pool] = s.changeMember(pool, spare, "attach", applied, "Idempotency-Key: one").changeID(t)
		}
		if got := s.instance(spare, noCache).pools(); got != "elb/web attached, tg/web attached" {
			t.Errorf("the instance is in %s", got)
		}
		for pool, id := range attached {
			if found := s.changes("pool=" + pool); len(found) != 1 || found[0].ID != id || found[0].Pool != pool {
				t.Errorf("the changes of %s are %+v, want %s", pool, found, id)
			}
		}
		s.changeMember("elb/web", spare, "detach", applied)
		if got := s.freshly("tg/web"); !slices.Contains(got, spare+":8080") || slices.Contains(s.freshly("elb/web"), spare) {
			t.Errorf("after the detach from the load balancer the group has %v, the load balancer %v", got, s.freshly("elb/web"))
		}
		for _, pool := range []string{"elb/web", "tg/web"} {
			if recorded := s.membersAt(pool, time.Now()).ids(); !slices.Equal(recorded, a.membersOf(pool)) {
				t.Errorf("%s: on record are %v, AWS has %v", pool, recorded, a.membersOf(pool))
			}
		}
		verify(t, store)
	})
}

// AWS refuses addresses outside of the VPC without an availability zone, and a whole batch
// for one address.
func TestAddressesAreMembers(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startPools(t, at(store))
		const pool = "tg/addresses"
		want := []string{"10.9.0.1:80", "10.9.0.2:80", "10.9.0.3:8080", "172.16.0.7:80"}
		outcomes := map[string]string{"10.9.0.2": applied, "10.9.0.3:8080": applied, "172.16.0.7": applied, "8.8.8.8": ""}
		var clients sync.WaitGroup
		for address, outcome := range outcomes {
			clients.Go(func() {
				m := poolMember{pool, address}
				method, path, body := m.request("attach")
				if answer, err := s.try(method, path, body); err != nil || m.outcome("attach", answer) != outcome || outcome == "" && answer.status != http.StatusBadRequest {
					t.Errorf("attach of %s is %d %s %v", address, answer.status, answer.body, err)
				}
			})
		}
		clients.Wait()
		if got := s.freshly(pool); !slices.Equal(got, want) || !slices.Equal(a.membersOf(pool), want) {
			t.Errorf("listed are %v, AWS has %v, want %v", got, a.membersOf(pool), want)
		}
		s.changeMember(pool, "172.16.0.7", "detach", applied)
		s.changeMember(pool, "172.16.0.7:80", "detach", conflict)
		for path, method := range map[string]string{"tg/addresses/members/" + spare: http.MethodPut, "tg/web/members/10.9.0.2": http.MethodPut, "tg/addresses/members/" + spare + ":80": http.MethodDelete} {
			if answer := s.send(method, "/v1/pools/"+path, ""); answer.status != http.StatusBadRequest {
				t.Errorf("%s is %d %s", path, answer.status, answer.body)
			}
		}
		verify(t, store)
	})
}

const emulatedVPC = "vpc-0a1b2c3d4e5f60718"

// remake makes a target group anew: its ARN is another one.
func (a aws) remake(name string, port int) {
	a.client.t.Helper()
	a.do("DeleteTargetGroup", "TargetGroupArn="+a.group(name).ARN)
	a.make(name, port)
}

func (a aws) make(name string, port int) {
	a.client.t.Helper()
	a.do("CreateTargetGroup", fmt.Sprintf("Name=%s&Protocol=HTTP&Port=%d&VpcId=%s", name, port, emulatedVPC))
}

func TestGroupMadeAgainIsAnotherPool(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startPools(t, at(store))
		const pool = "tg/anew"
		a.make("anew", 8080)
		eventually(t, "it is listed", func() bool { return s.get("/v1/pools/"+pool).status == http.StatusOK })
		attached := s.changeMember(pool, spare, "attach", applied).changeID(t)
		s.changeMember(pool, otherSpare, "attach", applied)
		before := time.Now()
		a.remake("anew", 8080)
		s.changeMember(pool, otherSpare+":8080", "detach", conflict)
		// The recent changes of the old one are laid over reads until its end is on record.
		eventually(t, "the new one lists nothing", func() bool { return len(s.freshly(pool)) == 0 })
		again := s.changeMember(pool, spare+":8080", "attach", applied).changeID(t)
		if got := s.freshly(pool); !slices.Equal(got, []string{spare + ":8080"}) {
			t.Errorf("after the attach it lists %v", got)
		}
		eventually(t, "the members of the old one are off the record", func() bool {
			return slices.Equal(s.membersAt(pool, time.Now()).ids(), []string{spare + ":8080"})
		})
		if got := s.membersAt(pool, before).ids(); !slices.Equal(got, []string{spare + ":8080", otherSpare + ":8080"}) {
			t.Errorf("before that, the members were %v", got)
		}
		var left []string
		for _, c := range s.changes("pool=" + pool) {
			switch {
			case c.Source == "external" && c.Action == "detach":
				left = append(left, c.Member)
			case c.Source == "external":
				t.Errorf("on record is %+v", c)
			}
		}
		slices.Sort(left)
		if !slices.Equal(left, []string{spare + ":8080", otherSpare + ":8080"}) {
			t.Errorf("%v have left with the old group", left)
		}
		if m := s.instance(spare).Memberships; len(m) != 1 || m[0].LastChange == nil || m[0].LastChange.ID != again || again == attached {
			t.Errorf("the memberships are %+v, the last change is %s", m, again)
		}
		verify(t, store)
	})
}

// The list of groups is not read again for each change.
func TestMissingPortIsThatOfTheGroupMadeAgain(t *testing.T) {
	t.Parallel()
	a, s := startPools(t, with("MAX_STALENESS=1m"))
	const pool = "tg/anew"
	a.make("anew", 8080)
	eventually(t, "it is listed", func() bool {
		return s.send(http.MethodGet, "/v1/pools/"+pool, "", noCache).status == http.StatusOK
	})
	s.changeMember(pool, spare, "attach", applied)
	a.remake("anew", 9000)
	a.do("RegisterTargets", "TargetGroupArn="+a.group("anew").ARN+"&Targets.member.1.Id="+spare)
	answer := s.send(http.MethodDelete, "/v1/pools/"+pool+"/members/"+spare, "")
	if isMember := slices.Contains(a.membersOf(pool), spare+":9000"); isMember && answer.status < 500 {
		t.Errorf("the detach is %d %s, and AWS has %v", answer.status, answer.body, a.membersOf(pool))
	}
}
