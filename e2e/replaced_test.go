package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// anewGroup are the parameters of a target group, as anewELB of a load balancer.
const anewGroup = "Name=anew&Protocol=HTTP&Port=8080&VpcId=vpc-0a1b2c3d4e5f60718"

// replacements delete a pool "anew" and make another one with the instance spare.
var replacements = map[string]struct{ create, replace func(a aws) }{
	"elb/anew": {
		create: func(a aws) { a.do("CreateLoadBalancer", anewELB) },
		replace: func(a aws) {
			a.do("DeleteLoadBalancer", "LoadBalancerName=anew")
			a.do("CreateLoadBalancer", anewELB)
			a.register("anew", spare)
		},
	},
	"tg/anew": {
		create: func(a aws) { a.do("CreateTargetGroup", anewGroup) },
		replace: func(a aws) {
			a.do("DeleteTargetGroup", "TargetGroupArn="+a.arnOfGroup("anew"))
			a.do("CreateTargetGroup", anewGroup)
			a.do("RegisterTargets", "Targets.member.1.Id="+spare+"&TargetGroupArn="+a.arnOfGroup("anew"))
		},
	},
}

func (a aws) arnOfGroup(name string) string {
	a.client.t.Helper()
	_, after, _ := strings.Cut(a.ask("DescribeTargetGroups", "Names.member.1="+name), "<TargetGroupArn>")
	arn, _, _ := strings.Cut(after, "<")
	return arn
}

// No read shows that the pool was missing: the member of the new one is not that of before.
func TestPoolReplacedBetweenTwoReadsHasNoOldHistory(t *testing.T) {
	for pool, made := range replacements {
		t.Run(pool, func(t *testing.T) {
			everywhere(t, func(t *testing.T, store string) {
				a, s := startBoth(t, at(store))
				made.create(a)
				path := "/v1/pools/" + pool
				eventually(t, "it is there", func() bool {
					return s.send("PUT", path+"/members/"+spare, "", "X-Reason: release 7").status == http.StatusCreated
				})
				if text := s.get(path).body; !strings.Contains(text, `"lastChange"`) {
					t.Errorf("it is %s", text)
				}
				s.stop()
				made.replace(a)
				s = startService(t, a.base, at(store))
				eventually(t, "the new one is on record", func() bool {
					s.send("GET", path, "", noCache)
					outside := 0
					for _, c := range s.changes("pool=" + pool) {
						if c.Source == "external" {
							outside++
						}
					}
					return outside == 2
				})
				changes := s.changes("pool=" + pool)
				if len(changes) != 3 || changes[0].Action != "attach" || changes[1].Action != "detach" || changes[2].Reason != "release 7" {
					t.Errorf("on record is %+v", changes)
				}
				if text := s.get(path).body; !strings.Contains(text, spare) || strings.Contains(text, `"lastChange"`) || strings.Contains(text, "release 7") {
					t.Errorf("the member has the history of another: %s", text)
				}
				verify(t, store)
			})
		})
	}
}
