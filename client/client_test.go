package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
)

// testTimeout bounds what should happen soon, on a busy machine.
const testTimeout = 30 * time.Second

const instance = "i-0592fe5ccee879f04"

// The pool and the member of requests.
var (
	webELB    = lsapi.ELB("web-elb")
	webMember = lsapi.InstanceMember(instance)
)

// service is a fake of lsapi that keeps the requests that it received.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	received []*http.Request
}

// serve starts a service whose n-th request is handled by the n-th handler; the last one
// handles all later requests.
func serve(t *testing.T, handlers ...http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// net/http detects that a client has gone only after its body is read.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.received = append(s.received, r)
		n := min(len(s.received), len(handlers)) - 1
		s.mu.Unlock()
		handlers[n](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// requests returns "METHOD path?query" of all received requests.
func (s *service) requests() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.received {
		all = append(all, r.Method+" "+r.URL.RequestURI())
	}
	return all
}

// headers returns a header of all received requests.
func (s *service) headers(name string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.received {
		all = append(all, r.Header.Get(name))
	}
	return all
}

// client returns a client of the service with short limits.
func (s *service) client(t *testing.T) *client.Client {
	t.Helper()
	return newClient(t, s.URL)
}

func newClient(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{URL: url, User: "alice", Password: "s3cret:with-a-colon", UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	c.Shorten(testTimeout, testTimeout)
	t.Cleanup(c.Close)
	return c
}

// respond responds with a status, JSON, and headers of the form "Name: value".
func respond(status int, value any, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		kind := "application/json"
		if _, ok := value.(apiv1.Problem); ok {
			kind = "application/problem+json"
		}
		w.Header().Set("Content-Type", kind)
		for _, h := range headers {
			name, text, _ := strings.Cut(h, ": ")
			w.Header().Set(name, text)
		}
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(value); err != nil {
			panic(err)
		}
	}
}

// abort closes the connection without a response.
func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// problem responds with an error of the /v1 API and the first code of its status; 408 is
// that of a wait.
func problem(responded int, detail string, member *apiv1.Member) http.HandlerFunc {
	code := status.Code(responded, "")
	if responded == http.StatusRequestTimeout {
		code = lsapi.CodeWaitTimeout
	}
	return respond(responded, apiv1.Problem{
		Type: "about:blank", Title: http.StatusText(responded), Status: responded, Code: string(code), Detail: detail, Member: member,
	}, status.Header+": "+string(code))
}

// respondMatching responds to any request with a body that matches it.
func respondMatching(w http.ResponseWriter, r *http.Request) {
	body, code := map[string]any{"pools": []any{}, "changes": []any{}, "members": []any{}, "memberships": []any{}, "instanceId": instance, "member": instance}, http.StatusOK
	body["id"] = path.Base(r.URL.Path)
	if segments := strings.Split(r.URL.EscapedPath(), "/"); len(segments) > 4 {
		name, err := url.PathUnescape(segments[4])
		if err != nil {
			panic(err)
		}
		body["pool"] = segments[3] + "/" + name
		if len(segments) > 6 {
			body["member"] = path.Base(r.URL.Path)
		}
	}
	switch r.Method {
	case http.MethodPut:
		code, body["action"], body["outcome"] = http.StatusCreated, "attach", "applied"
	case http.MethodDelete:
		body["action"], body["outcome"] = "detach", "applied"
	}
	respond(code, body)(w, r)
}

func TestRequestsMatchTheAPI(t *testing.T) {
	at := time.Date(2026, 11, 24, 18, 54, 0, 0, time.UTC)
	for want, send := range map[string]func(context.Context, *client.Client) error{
		"GET /v1/pools": func(ctx context.Context, c *client.Client) error {
			_, err := c.Pools(ctx, client.PoolsQuery{})
			return err
		},
		"GET /v1/pools?cursor=x&health=OutOfService&instance=i-5203422c&kind=elb&limit=7&name=web%2A&tag=team%3Dweb&tag=env&vpc=vpc-0a1b2c3d": func(ctx context.Context, c *client.Client) error {
			_, err := c.Pools(ctx, client.PoolsQuery{
				Kind: lsapi.KindELB, Name: "web*", Tags: []string{"team=web", "env"}, Health: lsapi.OutOfService, Instance: "i-5203422c", VPC: "vpc-0a1b2c3d", Limit: 7, Cursor: "x",
			})
			return err
		},
		"GET /v1/pools/elb/web-elb": func(ctx context.Context, c *client.Client) error {
			_, err := c.Pool(ctx, webELB, client.ReadOptions{})
			return err
		},
		"GET /v1/pools/elb/a%2Fb%3Fc": func(ctx context.Context, c *client.Client) error {
			_, err := c.Pool(ctx, lsapi.ELB("a/b?c"), client.ReadOptions{})
			return err
		},
		"GET /v1/pools/elb/web-elb/members/" + instance: func(ctx context.Context, c *client.Client) error {
			_, err := c.Member(ctx, webELB, webMember)
			return err
		},
		"GET /v1/pools/elb/web-elb/members": func(ctx context.Context, c *client.Client) error {
			_, _, err := c.Members(ctx, webELB, client.ReadOptions{})
			return err
		},
		"GET /v1/pools/elb/web-elb/members?at=2026-11-24T18%3A54%3A00.000Z": func(ctx context.Context, c *client.Client) error {
			_, err := c.MembersAt(ctx, webELB, at)
			return err
		},
		"GET /v1/instances/" + instance: func(ctx context.Context, c *client.Client) error {
			_, err := c.Instance(ctx, instance, client.ReadOptions{})
			return err
		},
		"PUT /v1/pools/elb/web-elb/members/" + instance: func(ctx context.Context, c *client.Client) error {
			_, err := c.Attach(ctx, webELB, webMember, client.ChangeOptions{})
			return err
		},
		"DELETE /v1/pools/elb/web-elb/members/" + instance: func(ctx context.Context, c *client.Client) error {
			_, err := c.Detach(ctx, webELB, webMember, client.ChangeOptions{})
			return err
		},
		"GET /v1/changes?action=detach&bulk=01a20ee8-6140-7a11-8000-0123456789aa&from=2026-11-24T18%3A54%3A00.000Z&instance=i-5203422c&limit=5&member=" + instance + "&outcome=applied&pool=elb%2Fweb-elb": func(ctx context.Context, c *client.Client) error {
			_, err := c.Changes(ctx, client.ChangesQuery{Pool: webELB, Member: webMember, Instance: "i-5203422c", Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, Bulk: "01a20ee8-6140-7a11-8000-0123456789aa", From: at, Limit: 5})
			return err
		},
		"PUT /v1/pools/tg/web/members/" + instance + ":8080": func(ctx context.Context, c *client.Client) error {
			_, err := c.Attach(ctx, lsapi.TG("web"), lsapi.MemberID{Instance: instance, Port: 8080}, client.ChangeOptions{})
			return err
		},
		"DELETE /v1/pools/tg/web/members/%5B2001:db8::7%5D:8080": func(ctx context.Context, c *client.Client) error {
			_, err := c.Detach(ctx, lsapi.TG("web"), lsapi.MemberID{Address: netip.MustParseAddr("2001:db8::7"), Port: 8080}, client.ChangeOptions{})
			return err
		},
		"GET /v1/changes/x": func(ctx context.Context, c *client.Client) error {
			_, err := c.Change(ctx, "x")
			return err
		},
	} {
		s := serve(t, respondMatching)
		if err := send(t.Context(), s.client(t)); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if got := s.requests(); !slices.Equal(got, []string{want}) {
			t.Errorf("got %s, want %s", got, want)
		}
		user, password, _ := s.received[0].BasicAuth()
		if user != "alice" || password != "s3cret:with-a-colon" || s.received[0].UserAgent() != "test" {
			t.Errorf("%s is sent by %s, %s, with %s", want, user, password, s.received[0].UserAgent())
		}
	}
}

func TestFreshReadHasNoCache(t *testing.T) {
	for name, read := range map[string]func(context.Context, *client.Client, client.ReadOptions) error{
		"a pool": func(ctx context.Context, c *client.Client, o client.ReadOptions) error {
			_, err := c.Pool(ctx, webELB, o)
			return err
		},
		"members": func(ctx context.Context, c *client.Client, o client.ReadOptions) error {
			_, _, err := c.Members(ctx, webELB, o)
			return err
		},
		"an instance": func(ctx context.Context, c *client.Client, o client.ReadOptions) error {
			_, err := c.Instance(ctx, instance, o)
			return err
		},
	} {
		for _, fresh := range []bool{false, true} {
			s := serve(t, respondMatching)
			if err := read(t.Context(), s.client(t), client.ReadOptions{Fresh: fresh}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := s.received[0].Header.Get("Cache-Control"); (got == "no-cache") != fresh {
				t.Errorf("%s, fresh %t, has Cache-Control %q", name, fresh, got)
			}
		}
	}
}

func TestMembersHaveTheVersionOfTheirSet(t *testing.T) {
	s := serve(t, respond(http.StatusOK, apiv1.Membership{Pool: "elb/web-elb", Members: []string{instance, "i-5203422c:8080", "10.0.1.7:80"}}),
		respond(http.StatusOK, apiv1.Membership{Pool: "elb/web-elb", Members: []string{"web-1"}}))
	members, version, err := s.client(t).Members(t.Context(), webELB, client.ReadOptions{})
	if err != nil || len(members) != 3 || members[1] != (lsapi.MemberID{Instance: "i-5203422c", Port: 8080}) || version != lsapi.MembershipVersion(members) {
		t.Errorf("got %v %s, %v", members, version, err)
	}
	if _, _, err := s.client(t).Members(t.Context(), webELB, client.ReadOptions{}); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("a member that is none is %v", err)
	}
}

func TestPathOfURLPrecedesPathsOfAPI(t *testing.T) {
	s := serve(t, respondMatching)
	if _, err := newClient(t, s.URL+"/front/").Pools(t.Context(), client.PoolsQuery{}); err != nil {
		t.Fatal(err)
	}
	if got := s.requests()[0]; got != "GET /front/v1/pools" {
		t.Errorf("got %s", got)
	}
}

func TestAllPoolsReadsEveryPage(t *testing.T) {
	names := func(names ...string) (all []apiv1.Pool) {
		for _, n := range names {
			all = append(all, apiv1.Pool{Name: n})
		}
		return all
	}
	s := serve(t,
		respond(http.StatusOK, apiv1.PoolsPage{Pools: names("a", "b"), NextCursor: "b+"}),
		respond(http.StatusOK, apiv1.PoolsPage{Pools: names("c")}))
	var got []string
	for b, err := range s.client(t).AllPools(t.Context(), client.PoolsQuery{Name: "?"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b.Name)
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v", got)
	}
	if want := []string{"GET /v1/pools?name=%3F", "GET /v1/pools?cursor=b%2B&name=%3F"}; !slices.Equal(s.requests(), want) {
		t.Errorf("received %v", s.requests())
	}
}

func TestErrorHasTheFieldsOfTheResponse(t *testing.T) {
	member := &apiv1.Member{InstanceID: instance}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    client.Error
	}{
		"a problem":                  {problem(400, "query.name: no pattern", nil), client.Error{Status: 400, Code: lsapi.CodeInvalid, Message: "query.name: no pattern"}},
		"with a member":              {problem(408, "not yet", member), client.Error{Status: 408, Code: lsapi.CodeWaitTimeout, Message: "not yet", Member: member}},
		"in the envelope":            {respond(409, map[string]string{"message": "is a member"}, "X-Change-Id: 7", "X-Request-Id: r"), client.Error{Status: 409, Code: lsapi.CodeConflict, Message: "is a member", ChangeID: "7", RequestID: "r"}},
		"of one under way":           {respond(409, map[string]string{"message": "is under way"}, "X-Change-Id: 7", "Retry-After: 1", "X-Error-Code: in_progress"), client.Error{Status: 409, Code: lsapi.CodeInProgress, Message: "is under way", ChangeID: "7", RetryAfter: time.Second}},
		"without an envelope":        {respond(504, map[string]string{"error": "the deadline passed"}), client.Error{Status: 504, Code: lsapi.CodeTimeout, Message: "the deadline passed"}},
		"with advice":                {respond(503, map[string]string{"message": "too much"}, "Retry-After: 3"), client.Error{Status: 503, Code: lsapi.CodeUnavailable, Message: "too much", RetryAfter: 3 * time.Second}},
		"of a proxy":                 {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, client.Error{Status: 502, Code: lsapi.CodeUpstream, Message: "the response is 502 Bad Gateway"}},
		"of a proxy that has waited": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusRequestTimeout) }, client.Error{Status: 408, Code: lsapi.CodeTimeout, Message: "the response is 408 Request Timeout"}},
		"a redirect":                 {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, client.Error{Status: 302, Code: lsapi.CodeInternal, Message: "the response is 302 Found, which redirects to /elsewhere"}},
		"wrong credentials":          {respond(401, map[string]string{"message": "credentials are missing or wrong"}), client.Error{Status: 401, Code: lsapi.CodeUnauthenticated, Message: "credentials are missing or wrong"}},
		"JSON that says little":      {respond(500, []int{1}), client.Error{Status: 500, Code: lsapi.CodeInternal, Message: "the response is 500 Internal Server Error"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.handler)
			_, err := s.client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{})
			got, ok := errors.AsType[*client.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if got.Member != nil && test.want.Member != nil && got.Member.InstanceID == test.want.Member.InstanceID {
				got.Member = test.want.Member
			}
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("got %+v", *got)
			}
			if len(s.requests()) != 1 {
				t.Errorf("received %v", s.requests())
			}
		})
	}
}

func TestResponseOfAnotherServerIsUnreachable(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, test := range map[string]struct{ url, message string }{
		"a closed port":   {closed.URL, "refused"},
		"another program": {serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }).URL, "is not lsapi"},
		"other JSON":      {serve(t, respond(200, []int{1})).URL, "is not lsapi"},
		"an aborted one":  {serve(t, abort).URL, "EOF"},
	} {
		_, err := newClient(t, test.url).Pools(t.Context(), client.PoolsQuery{})
		if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), test.message) || !strings.Contains(err.Error(), test.url) {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, client.ErrNotSent) != (name == "a closed port") {
			t.Errorf("%s: ErrNotSent is wrong in %v", name, err)
		}
	}
}

// A response of a proxy or of another program must not pass for a change.
func TestResponseToAnotherRequestIsRefused(t *testing.T) {
	const other = "i-5203422c"
	result := func(action, member string) apiv1.ChangeResult {
		return apiv1.ChangeResult{Pool: "elb/web-elb", Member: member, Action: action, Outcome: "applied"}
	}
	elsewhere := result("attach", instance)
	elsewhere.Pool = "tg/web-elb"
	attach := func(ctx context.Context, c *client.Client) error {
		_, err := c.Attach(ctx, webELB, webMember, client.ChangeOptions{})
		return err
	}
	detach := func(ctx context.Context, c *client.Client) error {
		_, err := c.Detach(ctx, webELB, webMember, client.ChangeOptions{})
		return err
	}
	member := func(ctx context.Context, c *client.Client) error {
		_, err := c.Member(ctx, webELB, webMember)
		return err
	}
	await := func(ctx context.Context, c *client.Client) error {
		c.Shorten(0, testTimeout)
		_, err := c.Await(ctx, webELB, webMember, lsapi.WaitDrained, client.AwaitOptions{Timeout: time.Millisecond})
		return err
	}
	pool := func(ctx context.Context, c *client.Client) error {
		_, err := c.Pool(ctx, webELB, client.ReadOptions{})
		return err
	}
	change := func(ctx context.Context, c *client.Client) error {
		_, err := c.Change(ctx, "7")
		return err
	}
	changes := func(ctx context.Context, c *client.Client) error {
		_, err := c.Changes(ctx, client.ChangesQuery{})
		return err
	}
	pools := func(ctx context.Context, c *client.Client) error {
		_, err := c.Pools(ctx, client.PoolsQuery{})
		return err
	}
	members := func(ctx context.Context, c *client.Client) error {
		_, _, err := c.Members(ctx, webELB, client.ReadOptions{})
		return err
	}
	shown := func(ctx context.Context, c *client.Client) error {
		_, err := c.Instance(ctx, instance, client.ReadOptions{})
		return err
	}
	for name, test := range map[string]struct {
		send    func(context.Context, *client.Client) error
		handler http.HandlerFunc
	}{
		"an attach, 200 for a detach":          {attach, respond(200, result("detach", instance))},
		"an attach, 200 for a member":          {attach, respond(200, map[string]any{"pool": "elb/web-elb", "member": instance, "action": "attach"})},
		"an attach, 201 for another pool":      {attach, respond(201, elsewhere)},
		"an attach, 202":                       {attach, respond(202, map[string]any{})},
		"an attach, 201 with nothing":          {attach, respond(201, map[string]any{})},
		"an attach, 201 for another":           {attach, respond(201, result("attach", other))},
		"a detach, 201":                        {detach, respond(201, result("detach", instance))},
		"a detach, 200 for another":            {detach, respond(200, result("detach", other))},
		"a member, nothing":                    {member, respond(200, map[string]any{})},
		"a member, another":                    {member, respond(200, apiv1.Member{Member: other})},
		"a member, 201":                        {member, respond(201, apiv1.Member{Member: instance})},
		"a wait, another":                      {await, respond(200, apiv1.Member{Member: other})},
		"a pool, nothing":                      {pool, respond(200, map[string]any{})},
		"a pool, without its members":          {pool, respond(200, map[string]any{"pool": "elb/web-elb"})},
		"a pool, another":                      {pool, respond(200, map[string]any{"pool": "elb/other", "members": []any{}})},
		"members, of another pool":             {members, respond(200, map[string]any{"pool": "elb/other", "members": []any{}})},
		"members, without the list":            {members, respond(200, map[string]any{"pool": "elb/web-elb"})},
		"an instance, another":                 {shown, respond(200, map[string]any{"instanceId": other, "memberships": []any{}})},
		"an instance, without its memberships": {shown, respond(200, map[string]any{"instanceId": instance})},
		"a change, another":                    {change, respond(200, apiv1.Change{ID: "8"})},
		"a page of changes, nothing":           {changes, respond(200, map[string]any{})},
		"a page of pools, nothing":             {pools, respond(200, map[string]any{})},
		"a page of pools, 206 of them":         {pools, respond(206, map[string]any{"pools": []any{}})},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.send(t.Context(), serve(t, test.handler).client(t))
			if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), "is not lsapi") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReasonIsSentAsASCII(t *testing.T) {
	for reason, want := range map[string]string{
		"deploy ~117, 100%":  "deploy ~117, 100%",
		"":                   "",
		"für £5":             "UTF-8''f%C3%BCr%20%C2%A35",
		"Utf-8''x":           "UTF-8''Utf-8%27%27x",
		"a\tb":               "UTF-8''a%09b",
		"see utf-8'' inside": "see utf-8'' inside",
	} {
		s := serve(t, respondMatching)
		if _, err := s.client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{Reason: reason}); err != nil || s.headers("X-Reason")[0] != want {
			t.Errorf("%q is sent as %q, %v", reason, s.headers("X-Reason"), err)
		}
	}
}

func TestErrorOfInvalidURLOmitsTheURL(t *testing.T) {
	for _, url := range []string{"", "localhost:8000", "ftp://host", "http://", "http://u:hush@host", "http://host?hush", "http://host/%hush"} {
		if _, err := client.New(client.Options{URL: url}); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// attachResult is the result of an attach.
var attachResult = apiv1.ChangeResult{Pool: "elb/web-elb", Member: instance, Action: "attach", Outcome: "applied", ChangeID: "7"}

func TestChangeReturnsItsResult(t *testing.T) {
	result := apiv1.ChangeResult{Pool: "tg/web", Member: instance + ":8080", Action: "detach", Outcome: "applied", ChangeID: "7", AutoScalingGroup: "web-asg"}
	s := serve(t, respond(http.StatusOK, result, "X-Change-Id: 7", "X-Request-Id: r"))
	got, err := s.client(t).Detach(t.Context(), lsapi.TG("web"), webMember, client.ChangeOptions{Reason: "déploiement", IdempotencyKey: "k"})
	if want := (client.ChangeResult{ChangeResult: result, RequestID: "r"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if s.headers("X-Reason")[0] != "UTF-8''d%C3%A9ploiement" || s.headers("Idempotency-Key")[0] != "k" {
		t.Errorf("received %v", s.received[0].Header)
	}
	unchanged := attachResult
	unchanged.Outcome = apiv1.OutcomeUnchanged
	if got, err := serve(t, respond(http.StatusOK, unchanged)).client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{}); err != nil || got.ChangeResult != unchanged {
		t.Errorf("of a member it is %+v, %v", got, err)
	}
}

func TestChangeWithKeyIsRetriedUntilItsOutcome(t *testing.T) {
	made := respond(http.StatusCreated, attachResult)
	unavailable := respond(http.StatusServiceUnavailable, map[string]string{"message": "too much"})
	underWay := respond(http.StatusConflict, map[string]string{"message": "under way"}, "Retry-After: 1", "X-Error-Code: in_progress")
	limited := respond(http.StatusTooManyRequests, map[string]string{"message": "a proxy's limit"})
	s := serve(t, abort, unavailable, limited, underWay, made)
	got, err := s.client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{IdempotencyKey: "k"})
	if err != nil || got.ChangeID != attachResult.ChangeID || !slices.Equal(s.headers("Idempotency-Key"), []string{"k", "k", "k", "k", "k"}) {
		t.Errorf("%+v, %v; received %v", got, err, s.headers("Idempotency-Key"))
	}
	for name, first := range map[string]http.HandlerFunc{"cut off": abort, "unavailable": unavailable} {
		s := serve(t, first, made)
		if _, err := s.client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{}); err == nil || len(s.requests()) != 1 {
			t.Errorf("without a key, %s: %v after %d requests", name, err, len(s.requests()))
		}
	}
	s = serve(t, unavailable)
	if _, err := s.client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{IdempotencyKey: "k"}); client.ErrorCode(err) != lsapi.CodeUnavailable || len(s.requests()) > 10 {
		t.Errorf("%v after %d requests", err, len(s.requests()))
	}
}

// transport handles each request by the next function; the last one handles all later
// requests.
type transport struct {
	responses []func() (*http.Response, error)
	requests  int
}

func (tr *transport) RoundTrip(*http.Request) (*http.Response, error) {
	tr.requests++
	return tr.responses[min(tr.requests, len(tr.responses))-1]()
}

// recorded returns the response of a handler.
func recorded(handler http.HandlerFunc) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		w := httptest.NewRecorder()
		handler(w, nil)
		return w.Result(), nil
	}
}

func TestChangeIsRetriedOnlyAfterAConnection(t *testing.T) {
	refused := func() (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: errors.New("refused")} }
	broken := func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	made := recorded(respond(http.StatusCreated, attachResult)) //nolint:bodyclose // the client closes it
	for name, test := range map[string]struct {
		responses []func() (*http.Response, error)
		requests  int
		ok        bool
	}{
		"never there":               {[]func() (*http.Response, error){refused, made}, 1, false},
		"there, and then restarted": {[]func() (*http.Response, error){broken, refused, refused, made}, 4, true},
		"gone for good":             {[]func() (*http.Response, error){broken, refused}, 6, false},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &transport{responses: test.responses}
			c, err := client.New(client.Options{URL: "http://127.0.0.1", Transport: tr})
			if err != nil {
				t.Fatal(err)
			}
			c.Shorten(testTimeout, testTimeout)
			if _, err = c.Attach(t.Context(), webELB, webMember, client.ChangeOptions{IdempotencyKey: "k"}); (err == nil) != test.ok || tr.requests != test.requests {
				t.Errorf("%v after %d requests", err, tr.requests)
			}
		})
	}
}

// After a crash, the record may take more than a minute to settle a change.
func TestChangeInProgressIsRetriedUntilItIsSettled(t *testing.T) {
	inProgress := respond(http.StatusConflict, map[string]string{"message": "in progress"}, "X-Error-Code: in_progress")
	made := respond(http.StatusCreated, attachResult)
	handlers := append(slices.Repeat([]http.HandlerFunc{inProgress}, 8), made)
	s := serve(t, handlers...)
	if _, err := s.client(t).Attach(t.Context(), webELB, webMember, client.ChangeOptions{IdempotencyKey: "k"}); err != nil || len(s.requests()) != 9 {
		t.Errorf("%v after %d requests", err, len(s.requests()))
	}
	s = serve(t, inProgress)
	c := s.client(t)
	c.Shorten(time.Millisecond, testTimeout)
	if _, err := c.Attach(t.Context(), webELB, webMember, client.ChangeOptions{IdempotencyKey: "k"}); client.ErrorCode(err) != lsapi.CodeInProgress {
		t.Errorf("a change that is never settled: %v", err)
	}
}

func TestCanceledChangeReturnsTheContextsError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := s.client(t).Attach(ctx, webELB, webMember, client.ChangeOptions{IdempotencyKey: "k"}); !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}
