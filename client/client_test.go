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
	"net/url"
	"path"
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

// patience is how long anything may take that should happen soon, on a machine that
// has much else to do.
const patience = 30 * time.Second

const instance = "i-0592fe5ccee879f04"

// service answers as a test says, and notes what it was asked.
type service struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
}

// serve starts a service whose n-th request, from 0, is answered by the n-th of the
// answers, and each later one by the last.
func serve(t *testing.T, answers ...http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// net/http sees that a client has gone only once its body is read.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.asked = append(s.asked, r)
		n := min(len(s.asked), len(answers)) - 1
		s.mu.Unlock()
		answers[n](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// requests are "METHOD path?query" of all that it was asked.
func (s *service) requests() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		all = append(all, r.Method+" "+r.URL.RequestURI())
	}
	return all
}

// headers are what all that it was asked had in a header.
func (s *service) headers(name string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		all = append(all, r.Header.Get(name))
	}
	return all
}

// ask returns a client that asks the service, as alice, and does not wait long.
func (s *service) ask(t *testing.T) *client.Client {
	t.Helper()
	return newClient(t, s.URL)
}

func newClient(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{URL: url, User: "alice", Password: "s3cret:with-a-colon", UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	c.Hasten(patience, patience)
	t.Cleanup(c.Close)
	return c
}

// says answers with a status and JSON, and headers of the form "Name: value".
func says(status int, value any, headers ...string) http.HandlerFunc {
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

// cut breaks the connection off.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// problem is an error of the /v1 API. That of a status with several codes is the first
// of them, and 408 is that of a wait.
func problem(answered int, detail string, member *apiv1.Member) http.HandlerFunc {
	code := status.Code(answered, "")
	if answered == http.StatusRequestTimeout {
		code = lsapi.CodeWaitTimeout
	}
	return says(answered, apiv1.Problem{
		Type: "about:blank", Title: http.StatusText(answered), Status: answered, Code: string(code), Detail: detail, Member: member,
	}, status.Header+": "+string(code))
}

// fitting answers all that a client asks for, with the names that it asks for.
func fitting(w http.ResponseWriter, r *http.Request) {
	answer, answered := map[string]any{"loadBalancers": []any{}, "changes": []any{}, "instances": []any{}, "instanceId": instance}, http.StatusOK
	answer["name"], answer["id"] = path.Base(r.URL.EscapedPath()), path.Base(r.URL.Path)
	if name, err := url.PathUnescape(answer["name"].(string)); err == nil {
		answer["name"] = name
	}
	if strings.HasPrefix(r.URL.Path, "/elb/") {
		answered = http.StatusCreated
	}
	says(answered, answer)(w, r)
}

func TestWhatIsAskedIsWhatTheAPITakes(t *testing.T) {
	at := time.Date(2026, 11, 24, 18, 54, 0, 0, time.UTC)
	for want, ask := range map[string]func(context.Context, *client.Client) error{
		"GET /v1/load-balancers": func(ctx context.Context, c *client.Client) error {
			_, err := c.LoadBalancers(ctx, client.LoadBalancersQuery{})
			return err
		},
		"GET /v1/load-balancers?cursor=x&health=OutOfService&limit=7&name=web%2A&tag=team%3Dweb&tag=env": func(ctx context.Context, c *client.Client) error {
			_, err := c.LoadBalancers(ctx, client.LoadBalancersQuery{Name: "web*", Tags: []string{"team=web", "env"}, Health: lsapi.OutOfService, Limit: 7, Cursor: "x"})
			return err
		},
		"GET /v1/load-balancers/web-elb": func(ctx context.Context, c *client.Client) error {
			_, err := c.LoadBalancer(ctx, "web-elb")
			return err
		},
		"GET /v1/load-balancers/a%2Fb%3Fc": func(ctx context.Context, c *client.Client) error {
			_, err := c.LoadBalancer(ctx, "a/b?c")
			return err
		},
		"GET /v1/load-balancers/web-elb/members/" + instance: func(ctx context.Context, c *client.Client) error {
			_, err := c.Member(ctx, "web-elb", instance)
			return err
		},
		"POST /elb/web-elb": func(ctx context.Context, c *client.Client) error {
			_, err := c.Attach(ctx, "web-elb", instance, client.ChangeOptions{})
			return err
		},
		"DELETE /elb/web-elb": func(ctx context.Context, c *client.Client) error {
			_, err := c.Detach(ctx, "web-elb", instance, client.ChangeOptions{})
			return err
		},
		"GET /v1/changes?action=detach&from=2026-11-24T18%3A54%3A00.000Z&limit=5&loadBalancer=web-elb&outcome=applied": func(ctx context.Context, c *client.Client) error {
			_, err := c.Changes(ctx, client.ChangesQuery{LoadBalancer: "web-elb", Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, From: at, Limit: 5})
			return err
		},
		"GET /v1/changes/x": func(ctx context.Context, c *client.Client) error {
			_, err := c.Change(ctx, "x")
			return err
		},
	} {
		s := serve(t, fitting)
		if err := ask(t.Context(), s.ask(t)); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if got := s.requests(); !slices.Equal(got, []string{want}) {
			t.Errorf("got %s, want %s", got, want)
		}
		user, password, _ := s.asked[0].BasicAuth()
		if user != "alice" || password != "s3cret:with-a-colon" || s.asked[0].UserAgent() != "test" {
			t.Errorf("%s is asked by %s, %s, with %s", want, user, password, s.asked[0].UserAgent())
		}
	}
}

func TestAPathOfTheURLIsPutBeforeTheAPIs(t *testing.T) {
	s := serve(t, fitting)
	if _, err := newClient(t, s.URL+"/front/").LoadBalancers(t.Context(), client.LoadBalancersQuery{}); err != nil {
		t.Fatal(err)
	}
	if got := s.requests()[0]; got != "GET /front/v1/load-balancers" {
		t.Errorf("got %s", got)
	}
}

func TestAllPagesAreGoneThrough(t *testing.T) {
	names := func(names ...string) (all []apiv1.LoadBalancer) {
		for _, n := range names {
			all = append(all, apiv1.LoadBalancer{Name: n})
		}
		return all
	}
	s := serve(t,
		says(http.StatusOK, apiv1.LoadBalancersPage{LoadBalancers: names("a", "b"), NextCursor: "b+"}),
		says(http.StatusOK, apiv1.LoadBalancersPage{LoadBalancers: names("c")}))
	var got []string
	for b, err := range s.ask(t).AllLoadBalancers(t.Context(), client.LoadBalancersQuery{Name: "?"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b.Name)
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v", got)
	}
	if want := []string{"GET /v1/load-balancers?name=%3F", "GET /v1/load-balancers?cursor=b%2B&name=%3F"}; !slices.Equal(s.requests(), want) {
		t.Errorf("asked %v", s.requests())
	}
}

func TestAnErrorSaysWhatTheServiceSays(t *testing.T) {
	member := &apiv1.Member{InstanceID: instance}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   client.Error
	}{
		"a problem":                  {problem(400, "query.name: no pattern", nil), client.Error{Status: 400, Code: lsapi.CodeInvalid, Message: "query.name: no pattern"}},
		"with a member":              {problem(408, "not yet", member), client.Error{Status: 408, Code: lsapi.CodeWaitTimeout, Message: "not yet", Member: member}},
		"in the envelope":            {says(409, map[string]string{"message": "is a member"}, "X-Change-Id: 7", "X-Request-Id: r"), client.Error{Status: 409, Code: lsapi.CodeConflict, Message: "is a member", ChangeID: "7", RequestID: "r"}},
		"of one under way":           {says(409, map[string]string{"message": "is under way"}, "X-Change-Id: 7", "Retry-After: 1", "X-Error-Code: in_progress"), client.Error{Status: 409, Code: lsapi.CodeInProgress, Message: "is under way", ChangeID: "7", RetryAfter: time.Second}},
		"without an envelope":        {says(504, map[string]string{"error": "the deadline passed"}), client.Error{Status: 504, Code: lsapi.CodeTimeout, Message: "the deadline passed"}},
		"with advice":                {says(503, map[string]string{"message": "too much"}, "Retry-After: 3"), client.Error{Status: 503, Code: lsapi.CodeUnavailable, Message: "too much", RetryAfter: 3 * time.Second}},
		"of a proxy":                 {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, client.Error{Status: 502, Code: lsapi.CodeUpstream, Message: "the answer is 502 Bad Gateway"}},
		"of a proxy that has waited": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusRequestTimeout) }, client.Error{Status: 408, Code: lsapi.CodeTimeout, Message: "the answer is 408 Request Timeout"}},
		"a redirect":                 {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, client.Error{Status: 302, Code: lsapi.CodeInternal, Message: "the answer is 302 Found"}},
		"wrong credentials":          {says(401, map[string]string{"message": "credentials are missing or wrong"}), client.Error{Status: 401, Code: lsapi.CodeUnauthenticated, Message: "credentials are missing or wrong"}},
		"JSON that says little":      {says(500, []int{1}), client.Error{Status: 500, Code: lsapi.CodeInternal, Message: "the answer is 500 Internal Server Error"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.answer)
			_, err := s.ask(t).Attach(t.Context(), "web-elb", instance, client.ChangeOptions{})
			got, ok := errors.AsType[*client.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if got.Member != nil && test.want.Member != nil && got.Member.InstanceID == test.want.Member.InstanceID {
				got.Member = test.want.Member
			}
			if *got != test.want {
				t.Errorf("got %+v", *got)
			}
			if len(s.requests()) != 1 {
				t.Errorf("asked %v", s.requests())
			}
		})
	}
}

func TestWhoeverDoesNotAnswerAsLsapiDoesIsUnreachable(t *testing.T) {
	nobody := httptest.NewServer(nil)
	nobody.Close()
	for name, test := range map[string]struct{ url, says string }{
		"nobody":           {nobody.URL, "refused"},
		"another program":  {serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }).URL, "is not lsapi"},
		"other JSON":       {serve(t, says(200, []int{1})).URL, "is not lsapi"},
		"a cut connection": {serve(t, cut).URL, "EOF"},
	} {
		_, err := newClient(t, test.url).LoadBalancers(t.Context(), client.LoadBalancersQuery{})
		if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), test.url) {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, client.ErrNotSent) != (name == "nobody") {
			t.Errorf("%s: whether it was sent is wrong in %v", name, err)
		}
	}
}

// An answer of a proxy or of another program must not pass for a change that was made.
func TestAnswerThatDoesNotFitIsRefused(t *testing.T) {
	const other = "i-5203422c"
	machine := func(id string) map[string]any { return map[string]any{"message": map[string]string{"instanceId": id}} }
	attach := func(ctx context.Context, c *client.Client) error {
		_, err := c.Attach(ctx, "web-elb", instance, client.ChangeOptions{})
		return err
	}
	detach := func(ctx context.Context, c *client.Client) error {
		_, err := c.Detach(ctx, "web-elb", instance, client.ChangeOptions{})
		return err
	}
	member := func(ctx context.Context, c *client.Client) error {
		_, err := c.Member(ctx, "web-elb", instance)
		return err
	}
	await := func(ctx context.Context, c *client.Client) error {
		c.Hasten(0, patience)
		_, err := c.Await(ctx, "web-elb", instance, lsapi.WaitDrained, client.AwaitOptions{Timeout: time.Millisecond})
		return err
	}
	loadBalancer := func(ctx context.Context, c *client.Client) error {
		_, err := c.LoadBalancer(ctx, "web-elb")
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
	loadBalancers := func(ctx context.Context, c *client.Client) error {
		_, err := c.LoadBalancers(ctx, client.LoadBalancersQuery{})
		return err
	}
	for name, test := range map[string]struct {
		ask    func(context.Context, *client.Client) error
		answer http.HandlerFunc
	}{
		"an attach, 200":                        {attach, says(200, machine(instance))},
		"an attach, 202":                        {attach, says(202, map[string]any{})},
		"an attach, 201 with nothing":           {attach, says(201, map[string]any{})},
		"an attach, 201 for another":            {attach, says(201, machine(other))},
		"a detach, 200":                         {detach, says(200, machine(instance))},
		"a detach, 201 for another":             {detach, says(201, machine(other))},
		"a member, nothing":                     {member, says(200, map[string]any{})},
		"a member, another":                     {member, says(200, apiv1.Member{InstanceID: other})},
		"a member, 201":                         {member, says(201, apiv1.Member{InstanceID: instance})},
		"a wait, another":                       {await, says(200, apiv1.Member{InstanceID: other})},
		"a load balancer, nothing":              {loadBalancer, says(200, map[string]any{})},
		"a load balancer, without its members":  {loadBalancer, says(200, map[string]any{"name": "web-elb"})},
		"a load balancer, another":              {loadBalancer, says(200, map[string]any{"name": "other", "instances": []any{}})},
		"a change, another":                     {change, says(200, apiv1.Change{ID: "8"})},
		"a page of changes, nothing":            {changes, says(200, map[string]any{})},
		"a page of load balancers, nothing":     {loadBalancers, says(200, map[string]any{})},
		"a page of load balancers, 206 of them": {loadBalancers, says(206, map[string]any{"loadBalancers": []any{}})},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.ask(t.Context(), serve(t, test.answer).ask(t))
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
		s := serve(t, fitting)
		if _, err := s.ask(t).Attach(t.Context(), "web-elb", instance, client.ChangeOptions{Reason: reason}); err != nil || s.headers("X-Reason")[0] != want {
			t.Errorf("%q is sent as %q, %v", reason, s.headers("X-Reason"), err)
		}
	}
}

func TestAURLThatMakesNoSenseIsToldWithoutIt(t *testing.T) {
	for _, url := range []string{"", "localhost:8000", "ftp://host", "http://", "http://u:hush@host", "http://host?hush", "http://host/%hush"} {
		if _, err := client.New(client.Options{URL: url}); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAChangeTellsWhatItIsCalledInTheRecord(t *testing.T) {
	machine := map[string]string{"instanceId": instance, "instanceType": "t2.micro", "launchDate": "unknown"}
	for name, body := range map[string]any{"in the envelope": map[string]any{"message": machine}, "without": machine} {
		s := serve(t, says(http.StatusCreated, body, "X-Change-Id: 7", "X-Request-Id: r"))
		got, err := s.ask(t).Detach(t.Context(), "web-elb", instance, client.ChangeOptions{Reason: "déploiement", IdempotencyKey: "k"})
		want := client.Changed{ChangeID: "7", RequestID: "r", Instance: client.Instance{InstanceID: instance, InstanceType: "t2.micro", LaunchDate: "unknown"}}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if s.headers("X-Reason")[0] != "UTF-8''d%C3%A9ploiement" || s.headers("Idempotency-Key")[0] != "k" {
			t.Errorf("asked with %v", s.asked[0].Header)
		}
	}
}

func TestAChangeWithAKeyIsSentAgainUntilItIsAnswered(t *testing.T) {
	made := says(http.StatusCreated, map[string]any{"message": map[string]string{"instanceId": instance}}, "X-Change-Id: 7")
	unavailable := says(http.StatusServiceUnavailable, map[string]string{"message": "too much"})
	underWay := says(http.StatusConflict, map[string]string{"message": "under way"}, "Retry-After: 1", "X-Error-Code: in_progress")
	s := serve(t, cut, unavailable, underWay, made)
	got, err := s.ask(t).Attach(t.Context(), "web-elb", instance, client.ChangeOptions{IdempotencyKey: "k"})
	if err != nil || got.ChangeID != "7" || !slices.Equal(s.headers("Idempotency-Key"), []string{"k", "k", "k", "k"}) {
		t.Errorf("%+v, %v; asked with %v", got, err, s.headers("Idempotency-Key"))
	}
	for name, first := range map[string]http.HandlerFunc{"cut off": cut, "unavailable": unavailable} {
		s := serve(t, first, made)
		if _, err := s.ask(t).Attach(t.Context(), "web-elb", instance, client.ChangeOptions{}); err == nil || len(s.requests()) != 1 {
			t.Errorf("without a key, %s: %v after %d requests", name, err, len(s.requests()))
		}
	}
	s = serve(t, unavailable)
	if _, err := s.ask(t).Attach(t.Context(), "web-elb", instance, client.ChangeOptions{IdempotencyKey: "k"}); client.ErrorCode(err) != lsapi.CodeUnavailable || len(s.requests()) > 10 {
		t.Errorf("%v after %d requests", err, len(s.requests()))
	}
}

// transport answers each request by the next of its functions, and each later one by the
// last.
type transport struct {
	answers []func() (*http.Response, error)
	asked   int
}

func (tr *transport) RoundTrip(*http.Request) (*http.Response, error) {
	tr.asked++
	return tr.answers[min(tr.asked, len(tr.answers))-1]()
}

func TestChangeIsSentAgainOnlyToAServiceThatWasThere(t *testing.T) {
	refused := func() (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: errors.New("refused")} }
	broken := func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	made := func() (*http.Response, error) {
		w := httptest.NewRecorder()
		says(http.StatusCreated, map[string]string{"instanceId": instance})(w, nil)
		return w.Result(), nil
	}
	for name, test := range map[string]struct {
		answers []func() (*http.Response, error)
		asked   int
		ok      bool
	}{
		"never there":               {[]func() (*http.Response, error){refused, made}, 1, false},
		"there, and then restarted": {[]func() (*http.Response, error){broken, refused, refused, made}, 4, true},
		"gone for good":             {[]func() (*http.Response, error){broken, refused}, 6, false},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &transport{answers: test.answers}
			c, err := client.New(client.Options{URL: "http://127.0.0.1", Transport: tr})
			if err != nil {
				t.Fatal(err)
			}
			c.Hasten(patience, patience)
			if _, err = c.Attach(t.Context(), "web-elb", instance, client.ChangeOptions{IdempotencyKey: "k"}); (err == nil) != test.ok || tr.asked != test.asked {
				t.Errorf("%v after %d requests", err, tr.asked)
			}
		})
	}
}

// The record may take more than a minute to settle a change after a crash: as often as
// it takes.
func TestChangeInProgressIsAskedForUntilItIsSettled(t *testing.T) {
	inProgress := says(http.StatusConflict, map[string]string{"message": "in progress"}, "X-Error-Code: in_progress")
	made := says(http.StatusCreated, map[string]string{"instanceId": instance})
	answers := append(slices.Repeat([]http.HandlerFunc{inProgress}, 8), made)
	s := serve(t, answers...)
	if _, err := s.ask(t).Attach(t.Context(), "web-elb", instance, client.ChangeOptions{IdempotencyKey: "k"}); err != nil || len(s.requests()) != 9 {
		t.Errorf("%v after %d requests", err, len(s.requests()))
	}
	s = serve(t, inProgress)
	c := s.ask(t)
	c.Hasten(time.Millisecond, patience)
	if _, err := c.Attach(t.Context(), "web-elb", instance, client.ChangeOptions{IdempotencyKey: "k"}); client.ErrorCode(err) != lsapi.CodeInProgress {
		t.Errorf("of one that is never settled it is %v", err)
	}
}

func TestWhoeverGivesUpIsToldSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := s.ask(t).Attach(ctx, "web-elb", instance, client.ChangeOptions{IdempotencyKey: "k"}); !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}
