package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-openapi/loads"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/validate"

	"lsapi"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

// provoked is a request and the error of its Membership.
type provoked struct {
	request
	fail error
}

// provocations are requests for every response of each operation.
func provocations() map[string][]provoked {
	const elb = "/elb/default-elb"
	anonymous := http.Header{"Authorization": nil}
	failures := []error{
		&lsapi.Error{Code: lsapi.CodeNotFound}, &lsapi.Error{Code: lsapi.CodeForbidden}, &lsapi.Error{Code: lsapi.CodeUpstream},
		&lsapi.Error{Code: lsapi.CodeThrottled}, &lsapi.Error{Code: lsapi.CodeTimeout}, &lsapi.Error{Code: lsapi.CodeInternal},
	}
	list := []provoked{
		{request: request{method: "GET", path: elb}},
		{request: request{method: "GET", path: "/elb/old-elb"}},
		{request: request{method: "GET", path: "/elb/empty-elb"}},
		{request: request{method: "GET", path: elb, header: http.Header{"If-None-Match": {"*"}}}},
		{request: request{method: "GET", path: elb, header: anonymous}},
	}
	changes := map[string][]provoked{}
	for method, ids := range map[string][2]lsapi.MemberID{"POST": {lsapi.InstanceMember(spare), lsapi.InstanceMember(running)}, "DELETE": {lsapi.InstanceMember(running), lsapi.InstanceMember(spare)}} {
		changes[method] = []provoked{
			{request: request{method: method, path: elb, body: machineID(ids[0].String())}},
			{request: request{method: method, path: elb, body: machineID(ids[1].String())}},
			{request: request{method: method, path: elb, body: "{}"}},
			{request: request{method: method, path: elb + "?wait=perhaps", body: machineID(ids[0].String())}},
			{request: request{method: method, path: elb + "?wait=true&timeout=1ms", body: machineID(ids[0].String())}}, // for what does not come
			{request: request{method: method, path: elb, header: anonymous}},
			{request: request{method: method, path: elb, header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}},
			{request: request{method: method, path: elb, body: strings.Repeat(" ", 65<<10)}},
		}
		for _, failure := range append(failures, &lsapi.Error{Code: lsapi.CodeKeyReused}, &lsapi.Error{Code: lsapi.CodeInProgress, RetryAfter: time.Second}) {
			changes[method] = append(changes[method], provoked{request{method: method, path: elb, body: machineID(spare)}, failure})
		}
	}
	invalid := &lsapi.Error{Code: lsapi.CodeInvalid}
	for method := range changes {
		changes[method] = append(changes[method], provoked{request{method: method, path: elb, body: machineID(spare)}, invalid})
	}
	changes["DELETE"] = append(changes["DELETE"], provoked{request: request{method: "DELETE", path: "/elb/scaled-elb", body: machineID(scaled)}})
	for _, failure := range failures {
		list = append(list, provoked{request{method: "GET", path: elb}, failure})
	}
	return map[string][]provoked{
		"GET /elb/{elbName}":    list,
		"POST /elb/{elbName}":   changes["POST"],
		"DELETE /elb/{elbName}": changes["DELETE"],
		"GET /healthcheck":      {{request: request{method: "GET", path: "/healthcheck"}}},
		"GET /readyz": {
			{request: request{method: "GET", path: "/readyz"}},
			{request{method: "GET", path: "/readyz"}, &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "this process is a standby"}},
			{request{method: "GET", path: "/readyz"}, &lsapi.Error{Code: lsapi.CodeForbidden, Message: "secret"}},
			{request{method: "GET", path: "/readyz"}, context.DeadlineExceeded},
			{request{method: "GET", path: "/readyz"}, errors.New("secret")},
		},
	}
}

// described is a response in the served document.
type described struct {
	schema  func(body any) error // nil when there is no body
	headers []string
	// sometimes are those of the headers that need not be in every response.
	sometimes []string
}

// describedResponses reads the document that the handler serves.
func describedResponses(t *testing.T, handler http.Handler) map[string]map[int]described {
	t.Helper()
	document, err := loads.Analyzed(json.RawMessage(record(handler, "GET", "/swagger.json", "").body), "2.0")
	if err != nil {
		t.Fatal(err)
	}
	document, err = document.Expanded()
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]map[int]described{}
	for method, paths := range document.Analyzer.Operations() {
		for path, operation := range paths {
			responses := map[int]described{}
			for status, response := range operation.Responses.StatusCodeResponses {
				d := described{headers: slices.Sorted(maps.Keys(response.Headers))}
				for name, header := range response.Headers {
					if sometimes, _ := header.Extensions.GetBool("x-sometimes"); sometimes {
						d.sometimes = append(d.sometimes, name)
					}
				}
				if schema := response.Schema; schema != nil {
					d.schema = func(body any) error { return validate.AgainstSchema(schema, body, strfmt.Default) }
				}
				responses[status] = d
			}
			operations[method+" "+path] = responses
		}
	}
	return operations
}

func TestSwaggerDescribesEveryAnswer(t *testing.T) {
	for _, mode := range []elb.Envelope{elb.EnvelopeMessage, elb.EnvelopeNone} {
		handler := handlerOf(web.Options{Authenticator: alice{}, Envelope: mode})
		operations := describedResponses(t, handler)
		requests := provocations()
		if got, want := slices.Sorted(maps.Keys(operations)), slices.Sorted(maps.Keys(requests)); !slices.Equal(got, want) {
			t.Fatalf("the document describes %v, want %v", got, want)
		}
		for operation, responses := range operations {
			t.Run(string(mode)+" "+operation, func(t *testing.T) {
				sent := map[int]http.Header{}
				for _, q := range requests[operation] {
					got := provoke(mode, q)
					d, ok := responses[got.StatusCode]
					if !ok {
						t.Errorf("status %d is not described", got.StatusCode)
						continue
					}
					checkDescribed(t, got, d)
					if sent[got.StatusCode] == nil {
						sent[got.StatusCode] = http.Header{}
					}
					maps.Copy(sent[got.StatusCode], got.Header)
				}
				for status, d := range responses {
					if sent[status] == nil {
						t.Errorf("status %d is described and never answered", status)
					}
					for _, name := range d.sometimes {
						if sent[status].Get(name) == "" {
							t.Errorf("%d: the header %s is described and never sent", status, name)
						}
					}
				}
			})
		}
	}
}

func provoke(mode elb.Envelope, q provoked) response {
	members := newMemberships()
	members.fail = func(context.Context) error { return q.fail }
	switch lsapi.ErrorCode(q.fail) {
	case lsapi.CodeInternal, lsapi.CodeKeyReused: // are never what became of a change
	default:
		members.recorded = true
	}
	handler := handlerOf(web.Options{
		Membership: members, Authenticator: alice{}, Envelope: mode, Fleet: &fleets{await: endless},
		Ready: func(context.Context) error { return q.fail },
	})
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	r.Header.Set("Authorization", authorization)
	maps.Copy(r.Header, q.header)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return response{w.Result(), w.Body.String()}
}

func checkDescribed(t *testing.T, got response, d described) {
	t.Helper()
	status := strconv.Itoa(got.StatusCode)
	for _, name := range d.headers {
		if got.Header.Get(name) == "" && !slices.Contains(d.sometimes, name) {
			t.Errorf("%s: the header %s is described and not sent", status, name)
		}
	}
	for _, name := range []string{"ETag", "Age", "Retry-After", "Www-Authenticate", "X-Request-Id", "X-Change-Id", "X-Error-Code", "Warning"} {
		if got.Header.Get(name) != "" && !slices.ContainsFunc(d.headers, func(h string) bool { return strings.EqualFold(h, name) }) {
			t.Errorf("%s: the header %s is sent and not described", status, name)
		}
	}
	if d.schema == nil {
		if got.body != "" {
			t.Errorf("%s: the body %s is not described", status, got.body)
		}
		return
	}
	var body any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("%s: %v in %s", status, err, got.body)
	}
	if err := d.schema(body); err != nil {
		t.Errorf("%s: %s: %v", status, got.body, err)
	}
}
