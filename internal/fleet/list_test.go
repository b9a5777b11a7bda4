package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

func names(page []lsapi.PoolSummary) (names []string) {
	for _, s := range page {
		names = append(names, s.ID.Name)
	}
	return names
}

// three returns a region with three load balancers that differ for each filter.
func three() *region {
	r := newRegion()
	r.add(lsapi.ELB("api"), serving(web1)).tags = map[string]string{"team": "api", "stage": "live"}
	web := r.add(lsapi.ELB("web"), serving(web1), registering(web2), draining(web3))
	web.tags, web.routes = map[string]string{"team": "web"}, []lsapi.Route{{Protocol: "HTTP", Port: 80}}
	r.add(lsapi.ELB("web-old"))
	return r
}

func TestFilterMatchesNameTagsAndHealth(t *testing.T) {
	tests := map[string]struct {
		filter lsapi.FleetFilter
		want   []string
		more   bool
	}{
		"all":                   {lsapi.FleetFilter{}, []string{"api", "web", "web-old"}, false},
		"a name":                {lsapi.FleetFilter{Name: "web"}, []string{"web"}, false},
		"a pattern":             {lsapi.FleetFilter{Name: "w*"}, []string{"web", "web-old"}, false},
		"a pattern of a length": {lsapi.FleetFilter{Name: "???"}, []string{"api", "web"}, false},
		"no such name":          {lsapi.FleetFilter{Name: "we"}, nil, false},
		"a tag":                 {lsapi.FleetFilter{Tags: map[string]string{"team": "web"}}, []string{"web"}, false},
		"a tag of any value":    {lsapi.FleetFilter{Tags: map[string]string{"team": ""}}, []string{"api", "web"}, false},
		"two tags":              {lsapi.FleetFilter{Tags: map[string]string{"team": "", "stage": "live"}}, []string{"api"}, false},
		"in service":            {lsapi.FleetFilter{Health: lsapi.InService}, []string{"api", "web"}, false},
		"out of service":        {lsapi.FleetFilter{Health: lsapi.OutOfService}, []string{"web"}, false},
		"unknown":               {lsapi.FleetFilter{Health: lsapi.HealthUnknown}, nil, false},
		"all of it":             {lsapi.FleetFilter{Name: "*", Health: lsapi.InService, Tags: map[string]string{"team": "web"}}, []string{"web"}, false},
		"a kind":                {lsapi.FleetFilter{Kind: lsapi.KindELB}, []string{"api", "web", "web-old"}, false},
		"another kind":          {lsapi.FleetFilter{Kind: "tg"}, nil, false},
		"an instance":           {lsapi.FleetFilter{Instance: web1.String()}, []string{"api", "web"}, false},
		"a draining instance":   {lsapi.FleetFilter{Instance: web3.String()}, nil, false},
		"an instance and name":  {lsapi.FleetFilter{Instance: web1.String(), Name: "w*"}, []string{"web"}, false},
		"a VPC":                 {lsapi.FleetFilter{VPC: "vpc-of-w"}, []string{"web", "web-old"}, false},
		"another VPC":           {lsapi.FleetFilter{VPC: "vpc-1"}, nil, false},
		"a page of a VPC":       {lsapi.FleetFilter{VPC: "vpc-of-w", Limit: 1}, []string{"web"}, true},
		"after a name":          {lsapi.FleetFilter{After: lsapi.ELB("api")}, []string{"web", "web-old"}, false},
		"after a deleted name":  {lsapi.FleetFilter{After: lsapi.ELB("apj")}, []string{"web", "web-old"}, false},
		"after the last":        {lsapi.FleetFilter{After: lsapi.ELB("web-old")}, nil, false},
		"a page":                {lsapi.FleetFilter{Limit: 2}, []string{"api", "web"}, true},
		"a page of the tagged":  {lsapi.FleetFilter{Tags: map[string]string{"team": ""}, Limit: 1}, []string{"api"}, true},
		"the last page of them": {lsapi.FleetFilter{Tags: map[string]string{"team": ""}, Limit: 1, After: lsapi.ELB("api")}, []string{"web"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if test.filter.Limit == 0 {
					test.filter.Limit = 3
				}
				page, err := start(t, three()).Pools(t.Context(), test.filter)
				if err != nil || !slices.Equal(names(page.Pools), test.want) || page.More != test.more {
					t.Errorf("listed are %v, more %t, %v", names(page.Pools), page.More, err)
				}
			})
		})
	}
}

func TestListCountsMembersByHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.loadBalancers[lsapi.ELB("web")].members = append(r.loadBalancers[lsapi.ELB("web")].members, web3, lsapi.InstanceMember("i-0aaa0000000000009")) // the first is draining since, the other has no health
		page, err := start(t, r).Pools(t.Context(), lsapi.FleetFilter{Name: "web", Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		web := page.Pools[0]
		if want := (lsapi.HealthCounts{InService: 1, OutOfService: 1, Unknown: 1, Draining: 1}); web.Health == nil || *web.Health != want || web.HealthAsOf.IsZero() {
			t.Errorf("health is %+v as of %v, want %+v", web.Health, web.HealthAsOf, want)
		}
		if web.MemberCount != 4 || web.Tags["team"] != "web" || web.Description.DNSName != "web.example.com" || !web.AsOf.Equal(time.Now().Add(-time.Second)) {
			t.Errorf("it is listed as %+v", web)
		}
	})
}

func TestListLeavesOutWhatCannotBeRead(t *testing.T) {
	for _, hang := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := three()
			if hang {
				r.hangs["Tags"], r.hangs["Recent"] = true, true
			} else {
				r.fail["Tags"], r.fail["Recent"] = lsapi.Errorf(lsapi.CodeThrottled, ""), lsapi.Errorf(lsapi.CodeUpstream, "")
			}
			began := time.Now()
			page, err := start(t, r).Pools(t.Context(), lsapi.FleetFilter{Limit: 9})
			if err != nil || len(page.Pools) != 3 || page.Pools[0].Health != nil || page.Pools[0].Tags != nil || page.Pools[0].MemberCount != 1 {
				t.Errorf("listed are %+v, %v", page, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestFilterFailsWhenItsSourceFails(t *testing.T) {
	for op, filter := range map[string]lsapi.FleetFilter{
		"Tags": {Tags: map[string]string{"team": ""}, Limit: 9}, "Recent": {Health: lsapi.InService, Limit: 9}, "All": {Limit: 9},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := three()
			r.fail[op] = lsapi.Errorf(lsapi.CodeUpstream, "away")
			if page, err := start(t, r).Pools(t.Context(), filter); lsapi.ErrorCode(err) != lsapi.CodeUpstream {
				t.Errorf("%s: listed are %v, %v", op, names(page.Pools), err)
			}
		})
	}
}

func TestTagsAreReadInBatchesAndCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		for i := range 250 {
			r.add(lsapi.ELB(fmt.Sprintf("b%03d", i))).tags = map[string]string{"number": fmt.Sprint(i)}
		}
		f := start(t, r)
		filter := lsapi.FleetFilter{Tags: map[string]string{"number": "249"}, Limit: 1}
		for range 3 {
			if page, err := f.Pools(t.Context(), filter); err != nil || len(page.Pools) != 1 || page.Pools[0].ID != lsapi.ELB("b249") {
				t.Fatalf("listed are %v, %v", names(page.Pools), err)
			}
		}
		if got := r.count("Tags"); got != 13 { // five for each hundred, three for the rest
			t.Errorf("tags were read %d times, want 13 for 250 load balancers", got)
		}
		r.change(func() { r.loadBalancers[lsapi.ELB("b000")].tags = map[string]string{"number": "249"} })
		time.Sleep(3 * time.Minute)
		if page, err := f.Pools(t.Context(), filter); err != nil || !page.More || page.Pools[0].ID != lsapi.ELB("b000") {
			t.Errorf("minutes after a change listed are %v, %v", names(page.Pools), err)
		}
	})
}

func TestDeletedLoadBalancerDoesNotHideTagsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.add(lsapi.ELB("deleted"))
		page, err := start(t, r).Pools(t.Context(), lsapi.FleetFilter{Tags: map[string]string{"team": ""}, Limit: 9})
		if err != nil || !slices.Equal(names(page.Pools), []string{"api", "web"}) {
			t.Errorf("listed are %v, %v", names(page.Pools), err)
		}
	})
}

func TestListHasTheOutdatedKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.outdated = []lsapi.KindListing{{Kind: lsapi.KindTG, Failure: lsapi.CodeThrottled}}
		f := start(t, r)
		for _, filter := range []lsapi.FleetFilter{{Limit: 1}, {Limit: 9, Health: lsapi.InService}} {
			if page, err := f.Pools(t.Context(), filter); err != nil || len(page.Pools) == 0 || !slices.Equal(page.Outdated, r.outdated) {
				t.Errorf("it is %+v, %v", page, err)
			}
		}
		if found, err := f.Instance(t.Context(), web1.Instance, false); err != nil || found.Whole || !slices.Equal(found.Outdated, r.outdated) {
			t.Errorf("the instance is %+v, %v", found, err)
		}
		// One that EC2 does not have may be an old member of what is not listed.
		if found, err := f.Instance(t.Context(), "i-0bee0000000000bad", false); err != nil || found.Whole {
			t.Errorf("an unknown instance is %+v, %v", found, err)
		}
	})
}
