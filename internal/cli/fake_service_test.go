package cli_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// The credentials of the fake service, and its special instances.
const (
	user, password = "alice", "s3cret"

	first    = "i-0aaa0000000000001" // a member of web-elb
	second   = "i-0aaa0000000000002" // a member that fails its health checks
	drains   = "i-0aaa0000000000003" // draining
	spare    = "i-0bbb0000000000001" // not a member
	failing  = "i-0bbb0000000000002" // not a member, and never in service
	lone     = "i-0ccc0000000000001" // the last member of solo-elb, which a guard keeps
	outdated = "i-0ddd0000000000001" // its target groups cannot be listed
	stopped  = "i-0bbb0000000000003" // not running: an attach fails
)

// fakeService implements the API with load balancers in memory.
type fakeService struct {
	*httptest.Server
	takes   time.Duration  // the time to come into service, and to drain
	health  map[string]int // the statuses of paths, such as /readyz
	version string
	metrics string // more of them

	mu       sync.Mutex
	at       time.Time                 // the time in responses
	members  map[string][]apiv1.Member // by pool
	ready    map[string]time.Time      // when an instance comes into service, or is drained
	events   []apiv1.Event
	more     chan struct{} // closed on a new event
	requests []string      // "METHOD path?query reason"
}

// soon is the time to come into service, and to drain, in most tests.
const soon = 50 * time.Millisecond

func newFakeService(t *testing.T, takes time.Duration) *fakeService {
	t.Helper()
	at := time.Date(2019, 10, 1, 18, 54, 0, 0, time.UTC)
	s := &fakeService{takes: takes, at: at, health: map[string]int{"/healthcheck": 200, "/readyz": 200}, version: "v1", ready: make(map[string]time.Time), more: make(chan struct{})}
	change := &apiv1.LastChange{ID: "01a20ee8-6140-7a11-8000-0123456789ab", Action: "attach", Actor: "bob", Reason: "release 7", Outcome: "applied", IntendedAt: apiv1.Time{Time: at}}
	s.members = map[string][]apiv1.Member{"elb/web-elb": {
		{Member: first, InstanceID: first, Attached: true, InstanceType: "t2.micro", Zone: "us-east-1a", PrivateAddress: "10.0.1.17", Name: "web-1", State: "running",
			Health: &apiv1.Health{State: "InService", Reason: "N/A", Description: "N/A"}, Since: apiv1.Time{Time: at}, LastChange: change},
		{Member: second, InstanceID: second, Attached: true, InstanceType: "t2.micro", Zone: "us-east-1b", Name: "web-\x1b[31m2", State: "stopped",
			Health: &apiv1.Health{State: "OutOfService", Reason: "Instance", Description: "Instance is in stopped state."}},
		{Member: drains, InstanceID: drains, Draining: true, State: "running", Health: &apiv1.Health{State: "InService", Description: "Instance deregistration currently in progress."}},
	}, "elb/solo-elb": {
		{Member: lone, InstanceID: lone, Attached: true, State: "running", Health: &apiv1.Health{State: "InService", Reason: "N/A", Description: "N/A"}},
	}, "tg/shop": {
		{Member: first + ":8080", InstanceID: first, Port: 8080, Attached: true, Name: "web-1", AutoScalingGroup: "web-asg", State: "running", Health: &apiv1.Health{State: "InService", AWSState: "healthy"}},
		{Member: first + ":9090", InstanceID: first, Port: 9090, Attached: true, Name: "web-1", State: "running", Health: &apiv1.Health{State: "OutOfService", AWSState: "unused", Reason: "Target.NotInUse", Description: "Target group is not configured to receive traffic from the load balancer"}},
		{Member: "10.0.1.7:8080", Address: "10.0.1.7", Port: 8080, Attached: true, Health: &apiv1.Health{State: "OutOfService", AWSState: "unhealthy", Reason: "Target.Timeout", Description: "Request timed out"}},
		{Member: drains + ":8080", InstanceID: drains, Port: 8080, Draining: true, State: "running", Health: &apiv1.Health{State: "OutOfService", AWSState: "draining", Reason: "Target.DeregistrationInProgress", Description: "Target deregistration is in progress"}},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/pools", s.list)
	mux.HandleFunc("GET /v1/pools/{kind}/{name}", s.show)
	mux.HandleFunc("GET /v1/pools/{kind}/{name}/guard", s.guard)
	mux.HandleFunc("GET /v1/pools/{kind}/{name}/members/{id}", s.member)
	mux.HandleFunc("GET /v1/instances/{id}", s.instance)
	mux.HandleFunc("GET /v1/events", s.stream)
	mux.HandleFunc("GET /v1/changes", s.changes)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE lsapi_build_info gauge\nlsapi_build_info{goversion=\"go1\",version=%q} 1\nlsapi_policy_guards 3\n%s", s.version, s.metrics)
	})
	mux.HandleFunc("PUT /v1/pools/{kind}/{name}/members/{id}", s.change)
	mux.HandleFunc("DELETE /v1/pools/{kind}/{name}/members/{id}", s.change)
	mux.HandleFunc("PATCH /v1/pools/{kind}/{name}/members", s.bulk)
	mux.HandleFunc("PUT /v1/pools/{kind}/{name}/members", s.bulk)
	mux.HandleFunc("GET /v1/changes/{id}", s.recorded)
	mux.HandleFunc("POST /v1/changes/{id}/undo", s.undo)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "request-1")
		if status, ok := s.health[r.URL.Path]; ok {
			answer(w, status, map[string]string{"message": "as asked"})
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Reason")))
		s.mu.Unlock()
		if name, word, _ := r.BasicAuth(); name != user || word != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="lsapi"`)
			refuse(w, http.StatusUnauthorized, "credentials are missing or wrong")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func answer(w http.ResponseWriter, status int, value any) {
	kind := "application/json"
	if _, isProblem := value.(apiv1.Problem); isProblem {
		kind = "application/problem+json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

func refuse(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"message": text})
}

func (s *fakeService) pools() []apiv1.Pool {
	at := apiv1.Time{Time: s.at}
	return []apiv1.Pool{
		{Pool: "elb/default-elb", Kind: "elb", Name: "default-elb", Scope: "default", MemberCount: new(2), AsOf: at},
		{
			Pool: "elb/web-elb", Kind: "elb", Name: "web-elb", Scope: "default", DNSName: "web-elb-1.elb.amazonaws.com", Scheme: "internet-facing", Zones: []string{"us-east-1a", "us-east-1b"},
			Listeners: []apiv1.Listener{{Protocol: "HTTP", Port: 80, InstanceProtocol: "HTTP", InstancePort: 8000}, {Protocol: "HTTPS", Port: 443, InstanceProtocol: "HTTP", InstancePort: 8000}},
			Tags:      map[string]string{"team": "web", "env": "prod"}, MemberCount: new(2), AsOf: at, HealthAsOf: at,
			Health: &apiv1.HealthCounts{InService: 1, OutOfService: 1, Draining: 1},
		},
		{Pool: "tg/default-elb", Kind: "tg", Name: "default-elb", Scope: "default", TargetType: "lambda"},
		{
			Pool: "tg/shop", Kind: "tg", Name: "shop", Scope: "default", TargetType: "instance", Protocol: "HTTP", Port: 8080, VPCID: "vpc-0a1b2c3d",
			LoadBalancers: []apiv1.LoadBalancer{{ARN: "arn:shop", Name: "shop-alb", Type: "application"}, {ARN: "arn:api", Name: "api-nlb", Type: "network"}},
			MemberCount:   new(3), AsOf: at, HealthAsOf: at, Health: &apiv1.HealthCounts{InService: 1, OutOfService: 2, Draining: 1},
		},
	}
}

// outdatedKinds are the kinds that are outdated in lists of a VPC, or of a name.
func (s *fakeService) outdatedKinds(q url.Values) []apiv1.OutdatedKind {
	asOf := apiv1.Time{Time: s.at}
	return map[string][]apiv1.OutdatedKind{
		"vpc-00000001": {{Kind: "tg", Shown: true, AsOf: asOf, Reason: "throttled"}},
		"vpc-00000002": {{Kind: "tg", AsOf: asOf, Reason: "upstream"}, {Kind: "elb", Shown: true, AsOf: asOf}},
		"vpc-00000003": {{Kind: "new", Reason: "denied"}},
		"half":         {{Kind: "tg", Reason: "throttled"}},
	}[cmp.Or(q.Get("vpc"), q.Get("name"))]
}

// list returns pages of one.
func (s *fakeService) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	found := []apiv1.Pool{} // not nil: an empty list is []
	for _, b := range s.pools() {
		fits, err := path.Match(q.Get("name"), b.Name)
		if err != nil {
			refuse(w, http.StatusBadRequest, "query.name: no pattern")
			return
		}
		if q.Get("name") != "" && !fits || q.Get("kind") != "" && q.Get("kind") != b.Kind || b.Pool <= q.Get("cursor") || (q.Get("health") != "" || q.Get("instance") != "") && b.Health == nil ||
			slices.ContainsFunc(q["tag"], func(tag string) bool { key, value, _ := strings.Cut(tag, "="); return b.Tags[key] != value }) {
			continue
		}
		found = append(found, b)
	}
	page := apiv1.PoolsPage{Pools: found, Outdated: s.outdatedKinds(q)}
	if len(found) > 1 {
		page.Pools, page.NextCursor = found[:1], found[0].Pool
	}
	page.Complete = len(page.Outdated) == 0
	answer(w, http.StatusOK, page)
}

func (s *fakeService) show(w http.ResponseWriter, r *http.Request) {
	for _, b := range s.pools() {
		if b.Pool != pool(r) {
			continue
		}
		s.mu.Lock()
		detail := apiv1.PoolDetail{Pool: b, Members: append([]apiv1.Member{}, s.members[b.Pool]...), MembershipVersion: s.membershipVersion(b.Pool)}
		s.mu.Unlock()
		switch b.Pool {
		case "elb/web-elb":
			detail.Attributes = &apiv1.Attributes{Draining: true, DrainingTimeoutSeconds: 300, CrossZone: new(false), IdleTimeoutSeconds: 60}
			detail.HealthCheck = &apiv1.HealthCheck{Target: "HTTP:8000/", IntervalSeconds: 30, TimeoutSeconds: 5, HealthyThreshold: 10, UnhealthyThreshold: 2}
		case "tg/shop":
			detail.Attributes = &apiv1.Attributes{Draining: true, DrainingTimeoutSeconds: 300}
			detail.HealthCheck = &apiv1.HealthCheck{Target: "HTTP:traffic-port/", IntervalSeconds: 30, TimeoutSeconds: 5, HealthyThreshold: 5, UnhealthyThreshold: 2, Matcher: "200"}
			detail.Routes = []apiv1.Route{{LoadBalancer: "shop-alb", Protocol: "HTTPS", Port: 443, Rule: "10", Conditions: []string{"path-pattern /api/*"}, Weight: new(1)}, {LoadBalancer: "api-nlb", Protocol: "TCP", Port: 80, Rule: "default"}}
		}
		answer(w, http.StatusOK, detail)
		return
	}
	refuse(w, http.StatusNotFound, "there is no such "+map[string]string{"elb": "load balancer", "tg": "target group"}[r.PathValue("kind")])
}

// pool returns the id of the pool in a path.
func pool(r *http.Request) string { return r.PathValue("kind") + "/" + r.PathValue("name") }

// change changes one member.
func (s *fakeService) change(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > 0 || r.Header.Get("Idempotency-Key") == "" {
		refuse(w, http.StatusBadRequest, "invalid request")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	action := map[string]string{http.MethodPut: "attach", http.MethodDelete: "detach"}[r.Method]
	if s.preconditionFails(w, r, pool(r)) {
		return
	}
	m := s.decide(pool(r), r.PathValue("id"), action, r)
	s.answerOne(w, r, pool(r), m)
}

// answerOne responds with the result of a request for one member.
func (s *fakeService) answerOne(w http.ResponseWriter, r *http.Request, pool string, m apiv1.MemberResult) {
	dry := r.FormValue("dryRun") == "true"
	if m.ChangeID != "" {
		w.Header().Set("X-Change-Id", m.ChangeID)
	}
	if m.Outcome == apiv1.OutcomeUnchanged && m.Action == "detach" {
		m.Problem = &apiv1.Problem{Status: http.StatusNotFound, Code: "member.absent", Detail: m.Member + " is not on the load balancer"}
	}
	if m.Problem != nil && !dry {
		answer(w, m.Problem.Status, *m.Problem)
		return
	}
	status, undoes := http.StatusOK, ""
	if strings.HasSuffix(r.URL.Path, "/undo") {
		undoes = r.PathValue("id")
	} else if m.Outcome == apiv1.OutcomeApplied && m.Action == "attach" {
		status = http.StatusCreated
	}
	answer(w, status, apiv1.ChangeResult{
		Pool: pool, Member: m.Member, Action: m.Action, Outcome: m.Outcome, ChangeID: m.ChangeID, AutoScalingGroup: m.AutoScalingGroup, Guard: m.Guard, DryRun: dry,
		Problem: m.Problem, Undoes: undoes,
	})
}

// bulk changes several members.
func (s *fakeService) bulk(w http.ResponseWriter, r *http.Request) {
	var body struct {
		apiv1.BulkChange
		Members []string `json:"members"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	dry := r.FormValue("dryRun") == "true"
	if err := decoder.Decode(&body); err != nil || !dry && r.Header.Get("Idempotency-Key") == "" {
		refuse(w, http.StatusBadRequest, "invalid request")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.members[pool(r)]; !exists && pool(r) != "tg/default-elb" {
		refuse(w, http.StatusNotFound, "there is no such load balancer")
		return
	}
	if s.preconditionFails(w, r, pool(r)) {
		return
	}
	attach, detach := body.Attach, body.Detach
	if r.Method == http.MethodPut {
		attach, detach = body.Members, nil
		for _, m := range s.members[pool(r)] {
			if m.Attached && !slices.Contains(attach, m.Member) && r.FormValue("additive") != "true" {
				detach = append(detach, m.Member)
			}
		}
	}
	result := apiv1.BulkResult{Pool: pool(r), DryRun: dry, BulkID: "01a20ee8-6140-7a11-8000-0000000000b1", Results: []apiv1.MemberResult{}}
	failed := false
	for i, id := range slices.Concat(attach, detach) {
		action := "attach"
		if i >= len(attach) {
			action = "detach"
		}
		m := s.decide(pool(r), id, action, r)
		failed = failed || m.Problem != nil
		result.Results = append(result.Results, m)
	}
	if !failed || dry {
		answer(w, http.StatusOK, result)
		return
	}
	if r.FormValue("atomic") == "true" {
		for i := range result.Results {
			if m := &result.Results[i]; m.Problem == nil {
				m.Outcome, m.ChangeID, m.Problem = apiv1.OutcomeSkipped, "", &apiv1.Problem{Status: http.StatusConflict, Code: "bulk.skipped", Detail: "another member was refused"}
			}
		}
	}
	answer(w, http.StatusConflict, struct {
		apiv1.Problem
		apiv1.BulkResult
	}{apiv1.Problem{Status: http.StatusConflict, Code: "bulk.failed", Detail: "some members were not changed"}, result})
}

// undo undoes a change. Later changes are in the way of the attach to web-elb.
func (s *fakeService) undo(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conflict := func(code, detail string) {
		answer(w, http.StatusConflict, apiv1.Problem{Status: http.StatusConflict, Code: code, Detail: detail})
	}
	c, found := s.byID(r.PathValue("id"))
	switch {
	case !found:
		refuse(w, http.StatusNotFound, "there is no such change")
	case c.Outcome != "applied":
		conflict("change.not_undoable", "the change has changed nothing")
	case c.Pool == "elb/web-elb" && c.Action == "attach":
		conflict("change.superseded", "later changes came after it: 01a20ee8-6140-7a11-8000-000000000103")
	default:
		s.answerOne(w, r, c.Pool, s.decide(c.Pool, c.Member, map[string]string{"attach": "detach", "detach": "attach"}[c.Action], r))
	}
}

// byID returns a change: of the record, or the attach to solo-elb.
func (s *fakeService) byID(id string) (apiv1.Change, bool) {
	all := append(s.record(), apiv1.Change{ID: "01a20ee8-6140-7a11-8000-000000000100", Action: "attach", Member: lone, Pool: "elb/solo-elb", Outcome: "applied"})
	i := slices.IndexFunc(all, func(c apiv1.Change) bool { return c.ID == id })
	if i < 0 {
		return apiv1.Change{}, false
	}
	return all[i], true
}

// preconditionFails reports whether the members are not those of If-Match, and then responds.
func (s *fakeService) preconditionFails(w http.ResponseWriter, r *http.Request, pool string) bool {
	want := strings.Trim(r.Header.Get("If-Match"), `"`)
	if now := s.membershipVersion(pool); want != "" && want != "*" && want != now {
		answer(w, http.StatusPreconditionFailed, apiv1.Problem{Status: http.StatusPreconditionFailed, Code: "precondition_failed", Detail: "the members are not those of the version; it is " + now + " now"})
		return true
	}
	return false
}

// membershipVersion returns that of a pool's membership.
func (s *fakeService) membershipVersion(pool string) string {
	var attached []lsapi.MemberID
	for _, m := range s.members[pool] {
		if id, ok := lsapi.ParseMemberID(m.Member); ok && m.Attached {
			attached = append(attached, id)
		}
	}
	return lsapi.MembershipVersion(attached)
}

// decide changes a member, unless it is a dry run. The port of shop is 8080. Guards
// keep the last member of solo-elb and forbid attaches to it. The caller holds s.mu.
func (s *fakeService) decide(pool, id, action string, r *http.Request) apiv1.MemberResult {
	if pool == "tg/shop" && !strings.Contains(id, ":") {
		id += ":8080"
	}
	members, exists := s.members[pool]
	at := slices.IndexFunc(members, func(m apiv1.Member) bool { return m.Member == id && m.Attached })
	result := apiv1.MemberResult{Member: id, Action: action, Outcome: apiv1.OutcomeRefused}
	problem := func(status int, code, detail string) apiv1.MemberResult {
		result.Problem = &apiv1.Problem{Status: status, Code: code, Detail: detail}
		return result
	}
	serving := 0
	for _, m := range members {
		if m.Attached && m.Health.State == "InService" {
			serving++
		}
	}
	takesAway := action == "detach" && at >= 0 && members[at].Health.State == "InService"
	least, _ := strconv.Atoi(r.FormValue("minInService"))
	override := r.Header.Get("X-Override-Guard")
	switch {
	case pool == "tg/default-elb":
		return problem(http.StatusConflict, "pool.not_changeable", "the members of this pool cannot be changed")
	case !exists:
		return problem(http.StatusNotFound, "not_found", "there is no such load balancer")
	case id == stopped:
		return problem(http.StatusBadRequest, "invalid", id+" is not running")
	case at >= 0 == (action == "attach"):
		result.Outcome, result.ChangeID = apiv1.OutcomeUnchanged, "01a20ee8-6140-7a11-8000-00000000c0f1"
		return result
	case takesAway && serving <= least:
		return problem(http.StatusConflict, "guard.min_in_service", fmt.Sprintf("a guard refuses it: %d of %d in service, minInService %d (request)", serving, len(members), least))
	case takesAway && pool == "elb/solo-elb" && serving == 1 && override == "":
		result.Guard = &apiv1.Guard{Rule: "keepLast"}
		problem(http.StatusConflict, "guard.keep_last", "a guard refuses it: 1 of 1 in service, keepLast (policy.yaml:3)")
		result.Problem.Members = []apiv1.GuardedMember{{Member: id, Standing: "inService"}}
		return result
	case action == "attach" && pool == "elb/solo-elb" && override == "":
		return problem(http.StatusConflict, "guard.freeze", "a guard refuses it: freeze until 2026-12-27T00:00:00Z (policy.yaml:4)")
	case pool == "elb/solo-elb" && override != "":
		result.Guard = &apiv1.Guard{Rule: "keepLast", Overridden: true, Reason: override}
	}
	if r.FormValue("dryRun") == "true" {
		result.Outcome = apiv1.OutcomeWouldApply
		return result
	}
	result.Outcome = apiv1.OutcomeApplied
	kind := apiv1.EventAttached
	instanceID, _, _ := strings.Cut(id, ":")
	if action == "attach" {
		health := &apiv1.Health{State: "OutOfService", Reason: "ELB", Description: "Instance registration is still in progress."}
		members = slices.DeleteFunc(members, func(m apiv1.Member) bool { return m.Member == id }) // draining, or drained
		s.members[pool] = append(members, apiv1.Member{Member: id, InstanceID: instanceID, Attached: true, State: "running", Health: health})
	} else {
		kind = apiv1.EventDetached
		members[at].Attached, members[at].Draining = false, true
		result.AutoScalingGroup = members[at].AutoScalingGroup
	}
	s.ready[id] = time.Now().Add(s.takes)
	digits := strings.Repeat("0", 12) + strings.ReplaceAll(instanceID, ".", "")
	result.ChangeID = "01a20ee8-6140-7a11-8000-" + digits[len(digits)-12:]
	s.publish(apiv1.Event{Type: kind, Pool: pool, Member: id, Change: &apiv1.Change{ID: result.ChangeID, Actor: user, Action: action, Reason: r.Header.Get("X-Reason"), Outcome: "applied"}})
	return result
}

// publish adds an event. The caller holds s.mu.
func (s *fakeService) publish(e apiv1.Event) {
	e.At = apiv1.Time{Time: s.at}
	s.events = append(s.events, e)
	close(s.more)
	s.more = make(chan struct{})
}

// now returns the current state of a member, whether it exists, and whether it meets the
// condition.
func (s *fakeService) now(pool, id, condition string) (m apiv1.Member, exists, met bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.members[pool], func(m apiv1.Member) bool { return m.Member == id })
	if at < 0 {
		return apiv1.Member{Member: id, InstanceID: id}, false, condition != "inService"
	}
	is := &s.members[pool][at]
	if ready, ok := s.ready[id]; ok && time.Now().After(ready) && id != failing {
		is.Draining = false
		if is.Attached {
			is.Health = &apiv1.Health{State: "InService", Reason: "N/A", Description: "N/A"}
		}
	}
	switch condition {
	case "inService":
		return *is, is.Attached, is.Health.State == "InService"
	case "drained":
		return *is, true, !is.Attached && !is.Draining
	}
	return *is, true, true
}

func (s *fakeService) member(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("wait") == "" {
		m, _, _ := s.now(pool(r), r.PathValue("id"), "")
		answer(w, http.StatusOK, m)
		return
	}
	timeout, err := time.ParseDuration(r.FormValue("timeout"))
	if err != nil || timeout <= 0 {
		refuse(w, http.StatusBadRequest, "query.timeout: no duration")
		return
	}
	for deadline := time.Now().Add(timeout); ; {
		m, exists, met := s.now(pool(r), r.PathValue("id"), r.FormValue("wait"))
		switch {
		case met:
			answer(w, http.StatusOK, m)
			return
		case !exists:
			refuse(w, http.StatusNotFound, m.Member+" is no member")
			return
		case time.Now().After(deadline):
			answer(w, http.StatusRequestTimeout, apiv1.Problem{Status: http.StatusRequestTimeout, Code: "wait_timeout", Detail: "not yet", Member: &m})
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
}

// instance knows the members of web-elb, and spare without memberships. A fresh read misses
// default-elb.
func (s *fakeService) instance(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	found := apiv1.Instance{InstanceID: id, State: "running", Complete: r.Header.Get("Cache-Control") == "", Memberships: []apiv1.InstanceMembership{}}
	if !found.Complete {
		found.Unread = []string{"elb/default-elb"}
	}
	if id == outdated {
		found.Complete, found.Outdated = false, []apiv1.OutdatedKind{{Kind: "tg", Reason: "denied"}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pool := range []string{"elb/web-elb", "tg/shop"} {
		for _, m := range s.members[pool] {
			if m.InstanceID != id {
				continue
			}
			found.InstanceType, found.Zone, found.PrivateAddress = cmp.Or(found.InstanceType, m.InstanceType), cmp.Or(found.Zone, m.Zone), cmp.Or(found.PrivateAddress, m.PrivateAddress)
			found.Name, found.State, found.AutoScalingGroup = m.Name, m.State, cmp.Or(found.AutoScalingGroup, m.AutoScalingGroup)
			found.Memberships = append(found.Memberships, apiv1.InstanceMembership{
				Pool: pool, Member: m.Member, Port: m.Port, Attached: m.Attached, Draining: m.Draining, Health: m.Health, AsOf: apiv1.Time{Time: s.at}, Since: m.Since, LastChange: m.LastChange,
			})
		}
	}
	if len(found.Memberships) == 0 && id != spare && id != outdated {
		refuse(w, http.StatusNotFound, "EC2 has no such instance, and it is not a member of any pool")
		return
	}
	answer(w, http.StatusOK, found)
}

// stream sends all events after Last-Event-ID.
func (s *fakeService) stream(w http.ResponseWriter, r *http.Request) {
	if name := r.FormValue("pool"); name != "" && name != "elb/web-elb" {
		refuse(w, http.StatusNotFound, "there is no such load balancer")
		return
	}
	next, err := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	if err != nil && r.Header.Get("Last-Event-ID") != "" {
		refuse(w, http.StatusBadRequest, "Last-Event-ID: none of lsapi's")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "id: %d\n\n", next)
	for {
		s.mu.Lock()
		events, more := s.events[next:], s.more
		s.mu.Unlock()
		for _, e := range events {
			next++
			data, err := json.Marshal(e)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", next, e.Type, data)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
	}
}

// changes returns the changes of web-elb in pages of two.
func (s *fakeService) changes(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page := apiv1.ChangesPage{Changes: []apiv1.Change{}}
	for i, c := range s.record() {
		id := c.ID
		fits := func(parameter, value string) bool { return q.Get(parameter) == "" || q.Get(parameter) == value }
		if !fits("pool", c.Pool) || !fits("kind", strings.Split(c.Pool, "/")[0]) || !fits("instance", c.Member) || !fits("actor", c.Actor) ||
			!fits("action", c.Action) || !fits("outcome", c.Outcome) || !fits("bulk", c.Bulk) || q.Get("cursor") != "" && id >= q.Get("cursor") {
			continue
		}
		page.Changes = append(page.Changes, c)
		if limit, err := strconv.Atoi(q.Get("limit")); len(page.Changes) == 2 || err == nil && len(page.Changes) == limit {
			if i < len(s.record())-1 {
				page.NextCursor = id
			}
			break
		}
	}
	answer(w, http.StatusOK, page)
}

func (s *fakeService) recorded(w http.ResponseWriter, r *http.Request) {
	c, found := s.byID(r.PathValue("id"))
	if !found {
		refuse(w, http.StatusNotFound, "there is no such change")
		return
	}
	answer(w, http.StatusOK, c)
}

// record returns the changes, the newest first.
func (s *fakeService) record() []apiv1.Change {
	at := func(hours int) apiv1.Time { return apiv1.Time{Time: s.at.Add(time.Duration(hours) * time.Hour)} }
	before, after := 2, 3
	return []apiv1.Change{
		{ID: "01a20ee8-6140-7a11-8000-000000000103", Action: "detach", Member: spare, Pool: "elb/web-elb", Outcome: "applied", Actor: "bob", Source: "lsapi", IntendedAt: at(0), CompletedAt: at(0), Reason: "release 7", RequestID: "request-7", MembersBefore: &after, MembersAfter: &before},
		{ID: "01a20ee8-6140-7a11-8000-000000000102", Action: "attach", Member: stopped, Pool: "elb/web-elb", Outcome: "refused", Actor: "alice", Source: "lsapi", IntendedAt: at(-1), CompletedAt: at(-1), Code: "InvalidInstance", Reason: "a reason that is much too long for a terminal of eighty columns, let alone for one of sixty"},
		{ID: "01a20ee8-6140-7a11-8000-000000000101", Action: "attach", Member: spare, Pool: "elb/web-elb", Outcome: "applied", Source: "external", IntendedAt: at(-2), CompletedAt: at(-2)},
	}
}
