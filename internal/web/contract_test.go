package web_test

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

const (
	runningInfo = `{"instanceId":"` + running + `","instanceType":"t2.micro","launchDate":"2019-10-01T18:54:00.000Z"}`
	spareInfo   = `{"instanceId":"` + spare + `","instanceType":"t2.micro","launchDate":"2019-10-01T18:54:00.000Z"}`
	goneInfo    = `{"instanceId":"` + gone + `","instanceType":"unknown","launchDate":"unknown"}`
)

func TestOperationsFollowContract(t *testing.T) {
	anonymous := http.Header{"Authorization": nil}
	tests := []struct {
		name    string
		request request
		status  int
		value   string // the response's value, or the text of an error in quotes
	}{
		{"the health check needs no credentials",
			request{method: "GET", path: "/healthcheck", header: anonymous}, 200, `"ok"`},
		{"neither does readiness",
			request{method: "GET", path: "/readyz", header: anonymous}, 200, `"ok"`},
		{"a list has what EC2 says of each member",
			request{method: "GET", path: "/elb/default-elb"}, 200, `[` + runningInfo + `]`},
		{"an instance that EC2 no longer knows is listed",
			request{method: "GET", path: "/elb/old-elb"}, 200, `[` + goneInfo + `,` + runningInfo + `]`},
		{"a list without members is an empty array",
			request{method: "GET", path: "/elb/empty-elb"}, 200, `[]`},
		{"a list of an unknown load balancer is not found",
			request{method: "GET", path: "/elb/other-elb"}, 404, `"no load balancer other-elb"`},
		{"an attach answers with the instance",
			request{method: "POST", path: "/elb/default-elb", body: machineID(spare)}, 201, spareInfo},
		{"an attach of a member is a conflict",
			request{method: "POST", path: "/elb/default-elb", body: machineID(running)}, 409, `"attach of ` + running + ` is a conflict"`},
		{"an attach to an unknown load balancer is not found",
			request{method: "POST", path: "/elb/other-elb", body: machineID(spare)}, 404, `"no load balancer other-elb"`},
		{"a detach answers 201 with the instance",
			request{method: "DELETE", path: "/elb/default-elb", body: machineID(running)}, 201, runningInfo},
		{"an instance that EC2 no longer knows can be detached",
			request{method: "DELETE", path: "/elb/old-elb", body: machineID(gone)}, 201, goneInfo},
		{"a detach of another instance is a conflict",
			request{method: "DELETE", path: "/elb/default-elb", body: machineID(spare)}, 409, `"detach of ` + spare + ` is a conflict"`},
		{"a detach from an unknown load balancer is not found",
			request{method: "DELETE", path: "/elb/other-elb", body: machineID(spare)}, 404, `"no load balancer other-elb"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			failed := test.status >= 400
			for _, mode := range []elb.Envelope{"", elb.EnvelopeMessage, elb.EnvelopeNone} {
				server := serve(t, handlerOf(web.Options{
					Membership: newMemberships(), Authenticator: alice{}, Envelope: mode}))
				got := send(t, server, test.request)
				if got.StatusCode != test.status {
					t.Errorf("envelope %q: status is %d, want %d", mode, got.StatusCode, test.status)
				}
				if want := wrap(mode, test.value, failed) + "\n"; got.body != want {
					t.Errorf("envelope %q: body is %s, want %s", mode, got.body, want)
				}
				if got := got.Header.Get("Content-Type"); got != "application/json" {
					t.Errorf("envelope %q: content type is %q", mode, got)
				}
			}
		})
	}
}

func wrap(mode elb.Envelope, value string, failed bool) string {
	switch {
	case mode != elb.EnvelopeNone:
		return `{"message":` + value + `}`
	case failed:
		return `{"error":` + value + `}`
	}
	return value
}

func TestChangePassesRequest(t *testing.T) {
	members := newMemberships()
	got := send(t, serve(t, newHandler(members)), request{
		method: "DELETE", path: "/elb/default-elb", body: machineID(running),
		header: http.Header{"X-Request-Id": {"deploy-7"}, "X-Reason": {"broken"}},
	})
	if got.StatusCode != http.StatusCreated {
		t.Fatalf("status is %d", got.StatusCode)
	}
	want := lsapi.Request{
		ID: "deploy-7", Actor: lsapi.Actor{Name: "alice"}, Action: lsapi.Detach,
		Pool: lsapi.ELB("default-elb"), Member: lsapi.InstanceMember(running), Reason: "broken",
	}
	if len(members.requests) != 1 {
		t.Fatalf("asked for %+v", members.requests)
	}
	asked := members.requests[0]
	if id, err := uuid.Parse(asked.ChangeID); err != nil || id.Version() != 7 || asked.ChangeID != got.Header.Get("X-Change-Id") {
		t.Errorf("the change has the id %q, the answer %q", asked.ChangeID, got.Header.Get("X-Change-Id"))
	} else if at := time.Unix(id.Time().UnixTime()); !at.Equal(asked.At) || time.Since(at) > time.Minute {
		t.Errorf("the change was asked for at %v, its id says %v", asked.At, at)
	}
	asked.ChangeID, asked.At = "", time.Time{}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("asked for %+v, want %+v", asked, want)
	}
}

func TestRecordedChangeHasID(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		members := newMemberships()
		members.fail = func(context.Context) error { return lsapi.Errorf(lsapi.CodeTimeout, "") }
		members.recorded = recorded
		got := send(t, serve(t, newHandler(members)), request{method: "POST", path: "/elb/default-elb", body: machineID(spare)})
		if id := got.Header.Get("X-Change-Id"); (id != "") != recorded {
			t.Errorf("on record: %v, the id is %q", recorded, id)
		}
	}
}

func TestWrongCredentialsAreChallenged(t *testing.T) {
	tests := map[string][]string{
		"missing":     nil,
		"empty":       {""},
		"wrong":       {"Basic d3Jvbmc6d3Jvbmc="},
		"another one": {"Bearer x"},
		"twice":       {authorization, authorization},
	}
	for name, values := range tests {
		t.Run(name, func(t *testing.T) {
			members := newMemberships()
			server := serve(t, newHandler(members))
			for _, method := range []string{"GET", "POST", "DELETE", "PUT", "OPTIONS"} {
				got := send(t, server, request{
					method: method, path: "/elb/default-elb", body: machineID(spare),
					header: http.Header{"Authorization": values},
				})
				if got.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s: status is %d, want 401", method, got.StatusCode)
				}
				if (name == "twice") != strings.Contains(got.body, "more than once") {
					t.Errorf("%s: the body is %s", method, got.body)
				}
				if challenge := got.Header.Get("WWW-Authenticate"); challenge != `Basic realm="lsapi"` {
					t.Errorf("%s: the challenge is %q", method, challenge)
				}
			}
			if len(members.requests) > 0 {
				t.Error("a change was asked for")
			}
		})
	}
}

// Each request fails one check and all later ones.
func TestChecksFollowContractOrder(t *testing.T) {
	anonymous := http.Header{"Authorization": nil}
	crossOrigin := http.Header{"Sec-Fetch-Site": {"cross-site"}}
	tooLarge := `{` + strings.Repeat(" ", 64<<10)
	tests := []struct {
		name    string
		request request
		status  int
	}{
		{"path before credentials", request{"PATCH", "/elb/-/x", tooLarge, anonymous}, 404},
		{"credentials before name", request{"PATCH", "/elb/-", tooLarge, anonymous}, 401},
		{"name before method", request{"PATCH", "/elb/-", tooLarge, crossOrigin}, 404},
		{"method before origin", request{"PATCH", "/elb/other-elb", tooLarge, crossOrigin}, 405},
		{"origin before size", request{"POST", "/elb/other-elb", tooLarge, crossOrigin}, 403},
		{"size before body", request{"POST", "/elb/other-elb", tooLarge, nil}, 413},
		{"body before load balancer", request{"POST", "/elb/other-elb", "{", nil}, 400},
		{"load balancer before conflict", request{"DELETE", "/elb/other-elb", machineID(spare), nil}, 404},
	}
	server := serve(t, newHandler(newMemberships()))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := send(t, server, test.request); got.StatusCode != test.status {
				t.Errorf("status is %d, want %d: %s", got.StatusCode, test.status, got.body)
			}
		})
	}
}

func TestChangeRefusesOtherOrigins(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		status int
	}{
		{"no browser", nil, 201},
		{"the same origin", http.Header{"Sec-Fetch-Site": {"same-origin"}}, 201},
		{"another site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{"a neighbour", http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		{"another origin, from an old browser", http.Header{"Origin": {"https://example.com"}}, 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := serve(t, newHandler(newMemberships()))
			q := request{method: "POST", path: "/elb/default-elb", body: machineID(spare), header: test.header}
			if got := send(t, server, q); got.StatusCode != test.status {
				t.Errorf("status is %d, want %d", got.StatusCode, test.status)
			}
			q.method = "GET"
			if got := send(t, server, q); got.StatusCode != http.StatusOK {
				t.Errorf("reading: status is %d, want 200", got.StatusCode)
			}
		})
	}
}

func TestHeadAnswersLikeGet(t *testing.T) {
	server := serve(t, newHandler(newMemberships()))
	for _, path := range []string{"/elb/default-elb", "/elb/other-elb", "/healthcheck", "/swagger.json", "/docs", "/docs/swagger-ui.css", "/nowhere"} {
		get := send(t, server, request{method: "GET", path: path})
		head := send(t, server, request{method: "HEAD", path: path})
		if head.StatusCode != get.StatusCode || head.body != "" {
			t.Errorf("%s: HEAD is %d %q, GET is %d", path, head.StatusCode, head.body, get.StatusCode)
		}
		for _, name := range []string{"Content-Type", "Content-Length", "ETag"} {
			if head.Header.Get(name) != get.Header.Get(name) {
				t.Errorf("%s: %s is %q for HEAD, %q for GET", path, name, head.Header.Get(name), get.Header.Get(name))
			}
		}
	}
}

func TestResponseHasRequestID(t *testing.T) {
	server := serve(t, newHandler(newMemberships()))
	for _, path := range []string{"/elb/default-elb", "/elb/-", "/healthcheck", "/docs", "/nowhere", "//", "/docs/LICENSE"} {
		for _, method := range []string{"GET", "POST", "BREW"} {
			got := send(t, server, request{method: method, path: path, header: http.Header{"X-Request-Id": {"r-1"}}})
			if id := got.Header.Get("X-Request-Id"); id != "r-1" {
				t.Errorf("%s %s: the id is %q", method, path, id)
			}
			if sniff := got.Header.Get("X-Content-Type-Options"); sniff != "nosniff" {
				t.Errorf("%s %s: X-Content-Type-Options is %q", method, path, sniff)
			}
		}
	}
}

func TestRequestIDIsKeptIfSane(t *testing.T) {
	tests := []struct {
		name string
		ids  []string
		kept bool
	}{
		{"of all the characters", []string{"AZaz09._-"}, true},
		{"of 128 characters", []string{strings.Repeat("x", 128)}, true},
		{"of 129 characters", []string{strings.Repeat("x", 129)}, false},
		{"empty", []string{""}, false},
		{"with a space", []string{"a b"}, false},
		{"with a quote", []string{`a"b`}, false},
		{"not ASCII", []string{"é"}, false},
		{"not there", nil, false},
		{"there twice", []string{"a", "b"}, false},
	}
	server := serve(t, newHandler(newMemberships()))
	seen := map[string]bool{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, server, request{method: "GET", path: "/healthcheck", header: http.Header{"X-Request-Id": test.ids}})
			ids := got.Header["X-Request-Id"]
			if len(ids) != 1 || ids[0] == "" {
				t.Fatalf("the ids are %q", ids)
			}
			if kept := len(test.ids) > 0 && ids[0] == test.ids[0]; kept != test.kept {
				t.Errorf("the id is %q, kept is %t, want %t", ids[0], kept, test.kept)
			}
			if seen[ids[0]] {
				t.Errorf("the id %q was given before", ids[0])
			}
			seen[ids[0]] = true
		})
	}
}
