package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// withFleet returns a handler and its fleet.
func withFleet() (http.Handler, *fleets) {
	options := withRecord(story())
	return handlerOf(options), options.Fleet.(*fleets)
}

func TestFleetAnswersMatchGoldenFiles(t *testing.T) {
	handler, _ := withFleet()
	for file, test := range map[string]struct {
		path   string
		status int
	}{
		"load-balancers.json":            {"/v1/load-balancers", 200},
		"load-balancers-first-page.json": {"/v1/load-balancers?limit=1", 200},
		"load-balancers-none.json":       {"/v1/load-balancers?name=none", 200},
		"load-balancers-bad.json":        {"/v1/load-balancers?tag=&health=Draining&limit=0&name=%5Ba%5D", 400},
		"load-balancer.json":             {"/v1/load-balancers/default-elb", 200},
		"load-balancer-bare.json":        {"/v1/load-balancers/empty-elb", 200},
		"load-balancer-away.json":        {"/v1/load-balancers/old-elb", 200},
		"load-balancer-unknown.json":     {"/v1/load-balancers/other-elb", 404},
		"load-balancer-no-name.json":     {"/v1/load-balancers/-", 404},
		"member.json":                    {"/v1/load-balancers/default-elb/members/" + running, 200},
		"member-drained.json":            {"/v1/load-balancers/default-elb/members/" + spare, 200},
		"member-unknown.json":            {"/v1/load-balancers/empty-elb/members/" + spare, 404},
		"member-no-id.json":              {"/v1/load-balancers/empty-elb/members/i-1", 404},
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

func TestClientReadsFleet(t *testing.T) {
	handler, _ := withFleet()
	b := decode[apiv1.LoadBalancerDetail](t, record(handler, "GET", "/v1/load-balancers/default-elb", ""))
	again, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if canonical(t, string(again)) != canonical(t, record(handler, "GET", "/v1/load-balancers/default-elb", "").body) {
		t.Errorf("it is read as %s", again)
	}
	alone := decode[apiv1.Member](t, record(handler, "GET", "/v1/load-balancers/default-elb/members/"+running, ""))
	if !reflect.DeepEqual(alone, b.Instances[0]) {
		t.Errorf("alone it is %+v, among others %+v", alone, b.Instances[0])
	}
}

func TestHealthHasSinceIfRecordAgrees(t *testing.T) {
	handler, _ := withFleet()
	b := decode[apiv1.LoadBalancerDetail](t, record(handler, "GET", "/v1/load-balancers/default-elb", ""))
	if b.Instances[0].Health.Since.IsZero() || !b.Instances[1].Health.Since.IsZero() {
		t.Errorf("since %v and %v", b.Instances[0].Health.Since, b.Instances[1].Health.Since)
	}
}

func TestLoadBalancersQueryBecomesFilter(t *testing.T) {
	for query, want := range map[string]lsapi.FleetFilter{
		"":                     {Limit: 100},
		"name=web-*%3F":        {Name: "web-*?", Limit: 100},
		"health=Unknown":       {Health: lsapi.HealthUnknown, Limit: 100},
		"limit=1000":           {Limit: 1000},
		"tag=team=web":         {Tags: map[string]string{"team": "web"}, Limit: 100},
		"tag=team":             {Tags: map[string]string{"team": ""}, Limit: 100},
		"tag=a=b=c,d&tag=e%3D": {Tags: map[string]string{"a": "b=c,d", "e": ""}, Limit: 100},
	} {
		handler, asked := withFleet()
		got := record(handler, "GET", "/v1/load-balancers?"+query, "")
		if got.StatusCode != http.StatusOK || len(asked.filters) != 1 || !reflect.DeepEqual(asked.filters[0], want) {
			t.Errorf("%s is %d, asked for as %+v", query, got.StatusCode, asked.filters)
		}
	}
}

func TestInvalidLoadBalancersQueryIsRefused(t *testing.T) {
	list, member := "/v1/load-balancers", "/v1/load-balancers/default-elb/members/"+running
	for _, test := range []struct{ path, query, parameter string }{
		{list, "name=", "name"}, {list, "name=%5Ba%5D", "name"}, {list, "name=" + strings.Repeat("a", 65), "name"}, {list, "name=a&name=b", "name"},
		{list, "tag=", "tag"}, {list, "tag=a&tag=", "tag"}, {list, "tag==a", "tag"}, {list, "tag=a=1&tag=a=2", "tag"}, {list, "tag=%FF", "tag"},
		{list, "tag=a&tag=b&tag=c&tag=d&tag=e&tag=f&tag=g&tag=h&tag=i&tag=j&tag=k", "tag"},
		{list, "health=Draining", "health"}, {list, "limit=0", "limit"}, {list, "limit=1001", "limit"}, {list, "cursor=x", "cursor"},
		{list, "at=now", "at"}, {list + "/default-elb", "health=InService", "health"}, {member, "at=now", "at"},
	} {
		handler, asked := withFleet()
		got := record(handler, "GET", test.path+"?"+test.query, "")
		if p := readProblem(t, got); got.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, "query."+test.parameter) || len(asked.filters) > 0 {
			t.Errorf("%s?%s is %d %s", test.path, test.query, got.StatusCode, got.body)
		}
	}
}

func TestLoadBalancerPagesAreComplete(t *testing.T) {
	handler, _ := withFleet()
	var names []string
	query := url.Values{"limit": {"1"}}
	for range len(shownNames) + 1 {
		page := decode[apiv1.LoadBalancersPage](t, record(handler, "GET", "/v1/load-balancers?"+query.Encode(), ""))
		for _, b := range page.LoadBalancers {
			names = append(names, b.Name)
		}
		if page.NextCursor == "" {
			break
		}
		query.Set("cursor", page.NextCursor)
	}
	if !reflect.DeepEqual(names, shownNames) {
		t.Errorf("they are %v", names)
	}
	first := decode[apiv1.LoadBalancersPage](t, record(handler, "GET", "/v1/load-balancers?limit=1&tag=a&tag=b", ""))
	for query, status := range map[string]int{
		"tag=b&tag=a": 200, "tag=a&tag=b&limit=7": 200, "tag=a": 400, "": 400, "tag=a&tag=b&name=x": 400, "tag=a&tag=b&health=Unknown": 400, "tag=a=x&tag=b": 400,
	} {
		if got := record(handler, "GET", "/v1/load-balancers?"+query+"&cursor="+first.NextCursor, ""); got.StatusCode != status {
			t.Errorf("with %q the cursor is %d %s", query, got.StatusCode, got.body)
		}
	}
}
