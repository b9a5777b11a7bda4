package web_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/events"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
	v1 "lsapi/internal/web/v1"
)

const (
	running = "i-0592fe5ccee879f04" // a member of default-elb
	spare   = "i-5203422c"          // known to EC2, in no load balancer
	gone    = "i-0aaaaaaaaaaaaaaaa" // a member of old-elb that EC2 has forgotten
	scaled  = "i-0ca1ed0000000ab01" // a member of scaled-elb, in an Auto Scaling group

	authorization = "Basic YWxpY2U6cGFzc3dvcmQ="
)

// memberships is a Membership that holds its state in memory.
type memberships struct {
	mu       sync.Mutex
	members  map[lsapi.PoolID][]lsapi.MemberID
	port     uint16          // of members that are requested without one
	requests []lsapi.Request // every change that was asked for
	bulks    []lsapi.Bulk    // every bulk

	// fail, when it is set, is asked before anything else; recorded is whether what
	// fails is on record, and pending whether it may still be.
	fail              func(ctx context.Context) error
	recorded, pending bool
	// refuse, when it is set, refuses members of bulks.
	refuse func(lsapi.BulkItem) *lsapi.Error
	// refuseOne, when it is set, is the result of changes of one member.
	refuseOne func() (lsapi.Result, error)
	// result, when it is set, is the result of all members of bulks.
	result *lsapi.MemberResult
}

func newMemberships() *memberships {
	return &memberships{members: map[lsapi.PoolID][]lsapi.MemberID{
		lsapi.ELB("default-elb"): {lsapi.InstanceMember(running)},
		lsapi.ELB("old-elb"):     {lsapi.InstanceMember(gone), lsapi.InstanceMember(running)},
		lsapi.ELB("empty-elb"):   {},
		lsapi.ELB("scaled-elb"):  {lsapi.InstanceMember(scaled)},
	}}
}

func (m *memberships) list(ctx context.Context, pool lsapi.PoolID) (listing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failure(ctx); err != nil {
		return listing{}, err
	}
	ids, ok := m.members[pool]
	if !ok {
		return listing{}, lsapi.Errorf(lsapi.CodeNotFound, "no load balancer %s", pool.Name)
	}
	found := listing{asOf: time.Now()}
	for _, id := range ids {
		found.members = append(found.members, lsapi.Member{ID: id, Instance: instance(id)})
	}
	return found, nil
}

// listing is the list of a fake.
type listing struct {
	members []lsapi.Member
	asOf    time.Time
}

// lister is a fake Membership that has lists too.
type lister interface {
	list(ctx context.Context, pool lsapi.PoolID) (listing, error)
}

// lists are those of a lister, none of them in memory.
type lists struct {
	of       lister
	envelope elb.Envelope
}

func (lists) Remembered(lsapi.PoolID) (*lsapi.EncodedList, error) { return nil, nil }

func (l lists) Read(ctx context.Context, pool lsapi.PoolID, _ bool) (*lsapi.EncodedList, error) {
	found, err := l.of.list(ctx, pool)
	if err != nil {
		return nil, err
	}
	list := elb.EncodeList(l.envelope, found.members)
	list.AsOf = found.asOf
	return &list, nil
}

// handlerOf returns the handler, with fakes for what the options lack. Without other
// lists, those of its Membership are shown.
func handlerOf(o web.Options) http.Handler {
	if of, ok := o.Membership.(lister); ok && o.Lists == nil {
		o.Lists = lists{of, o.Envelope}
	}
	r := &records{}
	if o.Record == nil {
		o.Record = r
	}
	if o.Fleet == nil {
		o.Fleet = &fleets{record: r}
	}
	if o.Events == nil {
		o.Events = events.New(events.Options{Record: newStory(), Encode: v1.EncodeEvent})
	}
	if o.Exists == nil {
		o.Exists = exists
	}
	if o.Metrics == nil {
		o.Metrics = http.NotFoundHandler()
	}
	if o.Expect == nil {
		o.Expect = func(string, string) {}
	}
	if o.Observe == nil {
		o.Observe = func(string, string, int, time.Duration) {}
	}
	if o.Spare == nil {
		o.Spare = func(context.Context) bool { return false }
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Version = cmp.Or(o.Version, "devel")
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 30*time.Second)
	o.MaxLongRequests = cmp.Or(o.MaxLongRequests, 1000)
	o.RecordReads = cmp.Or(o.RecordReads, 1)
	o.Stopping = cmp.Or(o.Stopping, context.Background())
	return web.New(o)
}

// Change gives members without a port the port, if there is one.
func (m *memberships) Change(ctx context.Context, r lsapi.Request) (lsapi.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, r)
	r.Member.Port = cmp.Or(r.Member.Port, m.port)
	result, err := m.change(ctx, r)
	result.Member = r.Member
	return result, err
}

func (m *memberships) change(ctx context.Context, r lsapi.Request) (lsapi.Result, error) {
	if err := m.failure(ctx); err != nil {
		return lsapi.Result{Recorded: m.recorded, Pending: m.pending}, err
	}
	ids, ok := m.members[r.Pool]
	if !ok {
		return lsapi.Result{}, lsapi.Errorf(lsapi.CodeNotFound, "no load balancer %s", r.Pool.Name)
	}
	if m.refuseOne != nil {
		return m.refuseOne()
	}
	position := slices.Index(ids, r.Member)
	if (position >= 0) == (r.Action == lsapi.Attach) {
		return lsapi.Result{Recorded: !r.DryRun}, lsapi.Errorf(lsapi.CodeConflict, "%s of %s is a conflict", r.Action, r.Member)
	}
	if r.DryRun {
		return lsapi.Result{Instance: instance(r.Member)}, nil
	}
	if r.Action == lsapi.Attach {
		m.members[r.Pool] = append(ids, r.Member)
	} else {
		m.members[r.Pool] = slices.Delete(slices.Clone(ids), position, position+1)
	}
	return lsapi.Result{Instance: instance(r.Member), Recorded: true}, nil
}

// ChangeAll decides the members one by one, and sends none of an atomic bulk if refuse
// refuses one.
func (m *memberships) ChangeAll(ctx context.Context, b lsapi.Bulk) (lsapi.BulkResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bulks = append(m.bulks, b)
	if err := m.failure(ctx); err != nil {
		return lsapi.BulkResult{Recorded: m.recorded, Pending: m.pending}, err
	}
	if _, ok := m.members[b.Pool]; !ok {
		return lsapi.BulkResult{}, lsapi.Errorf(lsapi.CodeNotFound, "no load balancer %s", b.Pool.Name)
	}
	var result lsapi.BulkResult
	for i, item := range m.itemsOf(b) {
		item.Member.Port = cmp.Or(item.Member.Port, m.port)
		result.Results = append(result.Results, m.decide(b, item, i))
	}
	skips := b.Atomic && slices.ContainsFunc(result.Results, func(r lsapi.MemberResult) bool { return r.Err != nil })
	for i := range result.Results {
		r := &result.Results[i]
		switch {
		case r.Outcome == lsapi.OutcomeApplied && skips:
			*r = lsapi.MemberResult{Action: r.Action, Member: r.Member, Err: &lsapi.Error{Code: lsapi.CodeBulkSkipped}}
		case b.DryRun:
			r.ChangeID = ""
		case r.Outcome == lsapi.OutcomeApplied:
			_, _ = m.change(ctx, lsapi.Request{Pool: b.Pool, Action: r.Action, Member: r.Member})
		}
		result.Recorded = result.Recorded || r.ChangeID != ""
	}
	return result, nil
}

// itemsOf returns the changes of a bulk, and those of a desired set, with what is as desired.
func (m *memberships) itemsOf(b lsapi.Bulk) []lsapi.BulkItem {
	if b.Desired == nil {
		return b.Items
	}
	var items []lsapi.BulkItem
	for _, member := range b.Desired.Members {
		items = append(items, lsapi.BulkItem{Action: lsapi.Attach, Member: member})
	}
	for _, member := range m.members[b.Pool] {
		if !b.Desired.Additive && !slices.Contains(b.Desired.Members, member) {
			items = append(items, lsapi.BulkItem{Action: lsapi.Detach, Member: member})
		}
	}
	return items
}

// decide returns the result of a member of a bulk.
func (m *memberships) decide(b lsapi.Bulk, item lsapi.BulkItem, i int) lsapi.MemberResult {
	r := lsapi.MemberResult{Action: item.Action, Member: item.Member, ChangeID: changeID(i, b.At), Outcome: lsapi.OutcomeApplied, Instance: instance(item.Member)}
	var err *lsapi.Error
	if m.refuse != nil {
		err = m.refuse(item)
	}
	switch {
	case m.result != nil:
		r.Outcome, r.Err, r.Instance, r.Guard = m.result.Outcome, m.result.Err, m.result.Instance, m.result.Guard
	case err != nil:
		r.Outcome, r.Err, r.Instance = lsapi.OutcomeRefused, err, lsapi.Instance{}
	case slices.Contains(m.members[b.Pool], item.Member) == (item.Action == lsapi.Attach):
		r.Outcome, r.Instance = lsapi.OutcomeConflict, lsapi.Instance{}
		if b.Desired != nil {
			r.ChangeID = ""
		}
	}
	return r
}

func (m *memberships) failure(ctx context.Context) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(ctx)
}

func instance(id lsapi.MemberID) lsapi.Instance {
	if id == lsapi.InstanceMember(gone) {
		return lsapi.Instance{ID: id.String()}
	}
	var group string
	if id.Instance == scaled {
		group = `web "asg"`
	}
	return lsapi.Instance{
		AutoScalingGroup: group,
		ID:               id.Instance,
		Type:             "t2.micro",
		LaunchTime:       time.Date(2019, 10, 1, 15, 54, 0, 0, time.FixedZone("", -3*60*60)),
		State:            lsapi.StateRunning,
	}
}

// alice is an Authenticator with one user.
type alice struct{}

func (alice) Authenticate(_ context.Context, value, _ string) (lsapi.Actor, error) {
	if value != authorization {
		return lsapi.Actor{}, lsapi.Errorf(lsapi.CodeUnauthenticated, "wrong user or password")
	}
	return lsapi.Actor{Name: "alice"}, nil
}

func (alice) Revalidate(string) error { return nil }

func newHandler(m *memberships) http.Handler {
	return handlerOf(web.Options{Membership: m, Authenticator: alice{}})
}

// serve starts a server on loopback that ends with the test.
func serve(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.DisableGeneralOptionsHandler = true
	server.Start()
	server.Client().Transport.(*http.Transport).DisableCompression = true
	t.Cleanup(server.Close)
	return server
}

// request is a test's request. Credentials are added unless it has some.
type request struct {
	method, path, body string
	header             http.Header
}

// response is a response with its whole body.
type response struct {
	*http.Response
	body string
}

func send(t *testing.T, server *httptest.Server, q request) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, server.URL+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	maps.Copy(r.Header, q.header)
	result, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, result)
}

func read(t *testing.T, r *http.Response) response {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response{r, string(body)}
}

// record lets the handler answer without a network.
func record(handler http.Handler, method, path, body string) response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return response{w.Result(), w.Body.String()}
}

func machineID(id string) string { return `{"instanceId": "` + id + `"}` }

// do lets the handler answer a request without a network.
func do(handler http.Handler, r *http.Request) response {
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return response{w.Result(), w.Body.String()}
}

// failsWith returns a failure of every call.
func failsWith(code lsapi.Code) func(context.Context) error {
	return func(context.Context) error { return &lsapi.Error{Code: code} }
}
