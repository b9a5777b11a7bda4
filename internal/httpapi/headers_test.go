package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// change asks for a change that works, with a header.
func change(m *memberships, method string, header http.Header) response {
	id := map[string]string{"POST": spare, "DELETE": running}[method]
	r := httptest.NewRequest(method, "/elb/default-elb", strings.NewReader(machineID(id)))
	r.Header = header.Clone()
	return do(newHandler(m), r)
}

func TestTheReasonOfAChangeIsHandedOn(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		want   string
	}{
		{"none", nil, ""},
		{"empty", []string{""}, ""},
		{"space", []string{" \t "}, ""},
		{"words", []string{"deploy 2026-11-24, see INC-7"}, "deploy 2026-11-24, see INC-7"},
		{"space around", []string{"\t deploy  7 \u00a0"}, "deploy  7"},
		{"not ASCII", []string{"déploiement 配備 🚀"}, "déploiement 配備 🚀"},
		{"percent signs", []string{"100%20"}, "100%20"},
		{"256 characters", []string{strings.Repeat("é", 256)}, strings.Repeat("é", 256)},
		{"256 characters with space around", []string{" " + strings.Repeat("é", 256) + " "}, strings.Repeat("é", 256)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{"POST", "DELETE"} {
				members := newMemberships()
				got := change(members, method, http.Header{"X-Reason": test.fields})
				if got.StatusCode != http.StatusCreated || len(members.requests) != 1 || members.requests[0].Reason != test.want {
					t.Errorf("%s: answer is %d %s after %+v", method, got.StatusCode, got.body, members.requests)
				}
			}
		})
	}
}

func TestAReasonThatIsNoneIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		why    string
	}{
		{"257 characters", []string{strings.Repeat("é", 257)}, "more than 256 characters"},
		{"a tab", []string{"a\tb"}, "control characters"},
		{"a line break", []string{"a\nb"}, "control characters"},
		{"an escape", []string{"a\x1b[31mb"}, "control characters"},
		{"DEL", []string{"a\x7fb"}, "control characters"},
		{"another control character", []string{"a\u0085b"}, "control characters"},
		{"Latin-1", []string{"d\xe9ploiement"}, "not UTF-8"},
		{"twice", []string{"a", "b"}, "more than once"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{"POST", "DELETE"} {
				members := newMemberships()
				got := change(members, method, http.Header{"X-Reason": test.fields})
				if got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "X-Reason") || !strings.Contains(got.body, test.why) {
					t.Errorf("%s: answer is %d %s, want 400 that says %q", method, got.StatusCode, got.body, test.why)
				}
				if len(members.requests) > 0 {
					t.Errorf("%s: a change was asked for", method)
				}
			}
		})
	}
}

func TestTheBodyIsLookedAtBeforeTheReason(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/elb/other-elb", strings.NewReader("{"))
	r.Header = http.Header{"X-Reason": {"\x01"}}
	if got := do(newHandler(newMemberships()), r); !strings.Contains(got.body, "the body is not JSON") {
		t.Errorf("answer is %d %s", got.StatusCode, got.body)
	}
	r = httptest.NewRequest(http.MethodPost, "/elb/other-elb", strings.NewReader(machineID(spare)))
	r.Header = http.Header{"X-Reason": {"\x01"}}
	if got := do(newHandler(newMemberships()), r); got.StatusCode != http.StatusBadRequest {
		t.Errorf("answer is %d %s, want 400 before the load balancer is looked for", got.StatusCode, got.body)
	}
}
