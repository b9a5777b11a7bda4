package web_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// withFleet returns a handler and its fleet.
func withFleet() (http.Handler, *fleets) {
	options := withRecord(story())
	return handlerOf(options), options.Fleet.(*fleets)
}

func TestPoolAnswersMatchGoldenFiles(t *testing.T) {
	handler, _ := withFleet()
	for file, test := range map[string]struct {
		path   string
		status int
	}{
		"pools.json":             {"/v1/pools", 200},
		"pools-first-page.json":  {"/v1/pools?limit=1", 200},
		"pools-none.json":        {"/v1/pools?name=none", 200},
		"pools-bad.json":         {"/v1/pools?tag=&health=Draining&limit=0&name=%5Ba%5D", 400},
		"pool.json":              {"/v1/pools/elb/default-elb", 200},
		"pool-other-kind.json":   {"/v1/pools/alb/default-elb", 404},
		"pool-group.json":        {"/v1/pools/tg/shop", 200},
		"pool-group-cold.json":   {"/v1/pools/tg/cold", 200},
		"pool-bare.json":         {"/v1/pools/elb/empty-elb", 200},
		"pool-away.json":         {"/v1/pools/elb/old-elb", 200},
		"pool-unknown.json":      {"/v1/pools/elb/other-elb", 404},
		"pool-no-name.json":      {"/v1/pools/elb/-", 404},
		"guard.json":             {"/v1/pools/elb/default-elb/guard", 200},
		"guard-no-health.json":   {"/v1/pools/tg/shop/guard", 200},
		"guard-unknown.json":     {"/v1/pools/elb/other-elb/guard", 404},
		"guard-no-kind.json":     {"/v1/pools/alb/default-elb/guard", 404},
		"member.json":            {"/v1/pools/elb/default-elb/members/" + running, 200},
		"member-drained.json":    {"/v1/pools/elb/default-elb/members/" + spare, 200},
		"member-unknown.json":    {"/v1/pools/elb/empty-elb/members/" + spare, 404},
		"member-no-id.json":      {"/v1/pools/elb/empty-elb/members/i-1", 400},
		"member-with-port.json":  {"/v1/pools/elb/default-elb/members/" + running + ":8080", 400},
		"instance.json":          {"/v1/instances/" + running, 200},
		"instance-draining.json": {"/v1/instances/" + spare, 200},
		"instance-idle.json":     {"/v1/instances/i-11111111", 200},
		"instance-unknown.json":  {"/v1/instances/i-00000000", 404},
		"instance-no-id.json":    {"/v1/instances/web-1", 404},
	} {
		t.Run(file, func(t *testing.T) {
			got := record(handler, "GET", test.path, "")
			if got.StatusCode != test.status || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("answer is %d, %v", got.StatusCode, got.Header)
			}
			checkGolden(t, file, indented(t, got.body))
		})
	}
}

// decode decodes a response and rejects unknown fields, which the client would lose.
func decode[T any](t *testing.T, got response) (value T) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("%v in %d %s", err, got.StatusCode, got.body)
	}
	return value
}

func TestClientReadsPools(t *testing.T) {
	handler, _ := withFleet()
	b := decode[apiv1.PoolDetail](t, record(handler, "GET", "/v1/pools/elb/default-elb", ""))
	again, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if canonical(t, string(again)) != canonical(t, record(handler, "GET", "/v1/pools/elb/default-elb", "").body) {
		t.Errorf("it is read as %s", again)
	}
	alone := decode[apiv1.Member](t, record(handler, "GET", "/v1/pools/elb/default-elb/members/"+running, ""))
	if !reflect.DeepEqual(alone, b.Members[0]) {
		t.Errorf("alone it is %+v, among others %+v", alone, b.Members[0])
	}
}

func TestHealthHasSinceIfRecordAgrees(t *testing.T) {
	handler, _ := withFleet()
	b := decode[apiv1.PoolDetail](t, record(handler, "GET", "/v1/pools/elb/default-elb", ""))
	if b.Members[0].Health.Since.IsZero() || !b.Members[1].Health.Since.IsZero() {
		t.Errorf("since %v and %v", b.Members[0].Health.Since, b.Members[1].Health.Since)
	}
}

func TestPoolsQueryBecomesFilter(t *testing.T) {
	for query, want := range map[string]lsapi.FleetFilter{
		"":                    {Limit: 100},
		"name=web-*%3F":       {Name: "web-*?", Limit: 100},
		"health=Unknown":      {Health: lsapi.HealthUnknown, Limit: 100},
		"kind=elb":            {Kind: lsapi.KindELB, Limit: 100},
		"instance=" + running: {Instance: running, Limit: 100},
		"vpc=vpc-0a1b2c3d":    {VPC: "vpc-0a1b2c3d", Limit: 100},
		"limit=1000":          {Limit: 1000},
		"tag=team=web":        {Tags: map[string]string{"team": "web"}, Limit: 100},
		"tag=team":            {Tags: map[string]string{"team": ""}, Limit: 100},
		"tag=a=b=c,d&tag=e":   {Tags: map[string]string{"a": "b=c,d", "e": ""}, Limit: 100},
	} {
		handler, asked := withFleet()
		got := record(handler, "GET", "/v1/pools?"+query, "")
		if got.StatusCode != http.StatusOK || len(asked.filters) != 1 || !reflect.DeepEqual(asked.filters[0], want) {
			t.Errorf("%s is %d, asked for as %+v", query, got.StatusCode, asked.filters)
		}
	}
}

func TestInvalidPoolsQueryIsRefused(t *testing.T) {
	list, member := "/v1/pools", "/v1/pools/elb/default-elb/members/"+running
	for _, test := range []struct{ path, query, parameter string }{
		{list, "name=", "name"}, {list, "name=%5Ba%5D", "name"}, {list, "name=" + strings.Repeat("a", 65), "name"}, {list, "name=a&name=b", "name"},
		{list, "tag=", "tag"}, {list, "tag=a&tag=", "tag"}, {list, "tag==a", "tag"}, {list, "tag=a=1&tag=a=2", "tag"}, {list, "tag=%FF", "tag"},
		{list, "tag=a&tag=b&tag=c&tag=d&tag=e&tag=f&tag=g&tag=h&tag=i&tag=j&tag=k", "tag"},
		{list, "kind=alb", "kind"}, {list, "instance=web-1", "instance"}, {list, "vpc=web", "vpc"}, {list, "loadBalancer=x", "loadBalancer"},
		{list, "health=Draining", "health"}, {list, "limit=0", "limit"}, {list, "limit=1001", "limit"}, {list, "cursor=x", "cursor"},
		{list, "at=now", "at"}, {list + "/elb/default-elb", "health=InService", "health"}, {member, "at=now", "at"},
	} {
		handler, asked := withFleet()
		got := record(handler, "GET", test.path+"?"+test.query, "")
		if p := readProblem(t, got); got.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, "query."+test.parameter) || len(asked.filters) > 0 {
			t.Errorf("%s?%s is %d %s", test.path, test.query, got.StatusCode, got.body)
		}
	}
}

func TestPoolPagesAreComplete(t *testing.T) {
	handler, _ := withFleet()
	var names []lsapi.PoolID
	query := url.Values{"limit": {"1"}}
	for range len(shownNames) + 1 {
		page := decode[apiv1.PoolsPage](t, record(handler, "GET", "/v1/pools?"+query.Encode(), ""))
		for _, b := range page.Pools {
			pool, _ := lsapi.ParsePoolPath(b.Pool)
			names = append(names, pool)
		}
		if page.NextCursor == "" {
			break
		}
		query.Set("cursor", page.NextCursor)
	}
	if !slices.Equal(names, shownNames) {
		t.Errorf("they are %v", names)
	}
	first := decode[apiv1.PoolsPage](t, record(handler, "GET", "/v1/pools?limit=1&tag=a&tag=b", ""))
	for query, status := range map[string]int{
		"tag=b&tag=a": 200, "tag=a&tag=b&limit=7": 200, "tag=a": 400, "": 400, "tag=a&tag=b&name=x": 400, "tag=a&tag=b&health=Unknown": 400, "tag=a=x&tag=b": 400,
		"tag=a&tag=b&kind=elb": 400, "tag=a&tag=b&instance=" + running: 400, "tag=a&tag=b&vpc=vpc-0a1b2c3d": 400,
	} {
		if got := record(handler, "GET", "/v1/pools?"+query+"&cursor="+first.NextCursor, ""); got.StatusCode != status {
			t.Errorf("with %q the cursor is %d %s", query, got.StatusCode, got.body)
		}
	}
}

const membersPath = "/v1/pools/elb/default-elb/members"

func TestMembersHaveTheirVersionAsETag(t *testing.T) {
	server := serve(t, handlerOf(withRecord(story())))
	got := send(t, server, request{method: "GET", path: membersPath})
	if want := `{"pool":"elb/default-elb","members":["` + running + `","` + gone + `"]}` + "\n"; got.StatusCode != http.StatusOK || got.body != want {
		t.Errorf("they are %d %s, want %s", got.StatusCode, got.body, want)
	}
	tag := got.Header.Get("ETag")
	if got.Header.Get("Cache-Control") != "no-cache" || got.Header.Get("Vary") != "Authorization" || got.Header.Get("Age") != "2" {
		t.Errorf("headers are %v", got.Header)
	}
	pool := decode[apiv1.PoolDetail](t, send(t, server, request{method: "GET", path: "/v1/pools/elb/default-elb"}))
	if tag != `"`+pool.MembershipVersion+`"` {
		t.Errorf("the ETag is %s, the version %s", tag, pool.MembershipVersion)
	}
	for condition, status := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, pool.MembershipVersion: 200} {
		again := send(t, server, request{method: "GET", path: membersPath, header: http.Header{"If-None-Match": {condition}}})
		if again.StatusCode != status || status == http.StatusNotModified && (again.body != "" || again.Header.Get("ETag") != tag || again.Header.Get("Age") != "2") {
			t.Errorf("If-None-Match: %s is %d %v %s", condition, again.StatusCode, again.Header, again.body)
		}
	}
	if got := send(t, server, request{method: "GET", path: "/v1/pools/elb/empty-elb/members"}); got.body != `{"pool":"elb/empty-elb","members":[]}`+"\n" {
		t.Errorf("without members it is %s", got.body)
	}
	past := send(t, server, request{method: "GET", path: membersPath + "?at=2026-11-24T18:01:00Z", header: http.Header{"If-None-Match": {"*"}}})
	if past.StatusCode != http.StatusOK || past.Header.Get("ETag") != "" || past.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("at a time it is %d %v", past.StatusCode, past.Header)
	}
}

func TestNoCacheForcesAFreshRead(t *testing.T) {
	for _, path := range []string{"/v1/pools/elb/default-elb", membersPath, membersPath + "/" + running, "/v1/instances/" + running} {
		handler, f := withFleet()
		for i, value := range []string{"", "no-cache", "max-age=0, no-cache"} {
			r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			r.Header.Set("Cache-Control", value)
			if got := do(handler, r); got.StatusCode != http.StatusOK || f.fresh != i {
				t.Errorf("%s with %q is %d, after %d fresh reads", path, value, got.StatusCode, f.fresh)
			}
		}
	}
}

func TestIncompleteInstanceNamesUnreadPools(t *testing.T) {
	handler, _ := withFleet()
	r := httptest.NewRequest(http.MethodGet, "/v1/instances/"+running, http.NoBody)
	r.Header.Set("Cache-Control", "no-cache")
	if got := decode[apiv1.Instance](t, do(handler, r)); got.Complete || !slices.Equal(got.Unread, []string{"elb/old-elb"}) || len(got.Memberships) != 1 {
		t.Errorf("it is %+v", got)
	}
}

func TestOutdatedKindsAreShown(t *testing.T) {
	handler, f := withFleet()
	asOf := time.Date(2026, time.November, 24, 18, 54, 0, 0, time.UTC)
	for _, test := range []struct {
		listing lsapi.KindListing
		want    string
	}{
		{lsapi.KindListing{Kind: lsapi.KindTG, AsOf: asOf, Served: true, Failure: lsapi.CodeThrottled}, `{"kind":"tg","shown":true,"asOf":"2026-11-24T18:54:00.000Z","reason":"throttled"}`},
		{lsapi.KindListing{Kind: lsapi.KindELB, Failure: lsapi.CodeForbidden, Denied: true}, `{"kind":"elb","shown":false,"reason":"denied"}`},
		{lsapi.KindListing{Kind: lsapi.KindELB, Failure: lsapi.CodeForbidden}, `{"kind":"elb","shown":false,"reason":"upstream"}`}, // expired credentials are for the log
		{lsapi.KindListing{Kind: lsapi.KindTG}, `{"kind":"tg","shown":false}`},
	} {
		f.outdated = []lsapi.KindListing{test.listing}
		for _, path := range []string{"/v1/pools?limit=1", "/v1/pools?name=nothing"} {
			if got := record(handler, "GET", path, ""); !strings.Contains(got.body, `"complete":false`) || !strings.Contains(got.body, `"outdated":[`+test.want+`]`) {
				t.Errorf("%s is %s, want %s", path, got.body, test.want)
			}
		}
	}
}

func TestFormerPathsAreGone(t *testing.T) {
	handler, _ := withFleet()
	for _, path := range []string{"/v1/load-balancers", "/v1/load-balancers/default-elb", "/v1/load-balancers/default-elb/members", "/v1/load-balancers/default-elb/members/" + running, "/v1/pools/elb", "/v1/pools/default-elb", "/v1/instances"} {
		if got := record(handler, "GET", path, ""); got.StatusCode != http.StatusNotFound || readProblem(t, got).Detail != "there is no such path" {
			t.Errorf("%s is %d %s", path, got.StatusCode, got.body)
		}
	}
}

func TestAnswersAboutAnInstanceAreSharedUntilAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitable()
		w.fleet.record = w.record
		asked := func(header http.Header) int64 {
			t.Helper()
			before := w.fleet.asked.Load()
			r := httptest.NewRequest(http.MethodGet, "/v1/instances/"+running, http.NoBody)
			maps.Copy(r.Header, header)
			if got := do(w.handler, r); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `"pool":"elb/default-elb"`) {
				t.Errorf("the answer is %d %s", got.StatusCode, got.body)
			}
			return w.fleet.asked.Load() - before
		}
		if n := asked(nil); n != 1 {
			t.Errorf("the first request makes %d reads", n)
		}
		time.Sleep(40 * time.Millisecond)
		if n := asked(nil); n != 0 {
			t.Errorf("a request soon after makes %d reads", n)
		}
		if n := asked(http.Header{"Cache-Control": {"no-cache"}}); n != 1 {
			t.Errorf("a fresh one makes %d reads", n)
		}
		w.fleet.version.Add(1)
		if n := asked(nil); n != 1 {
			t.Errorf("one after a change makes %d reads", n)
		}
		time.Sleep(60 * time.Millisecond)
		if n := asked(nil); n != 1 {
			t.Errorf("one after a while makes %d reads", n)
		}
	})
}
