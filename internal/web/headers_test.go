package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lsapi"
)

// change asks for a change that works, with a header.
func change(m *memberships, method string, header http.Header) response {
	id := map[string]lsapi.MemberID{"POST": lsapi.InstanceMember(spare), "DELETE": lsapi.InstanceMember(running)}[method]
	r := httptest.NewRequest(method, "/elb/default-elb", strings.NewReader(machineID(id.String())))
	r.Header = header.Clone()
	return do(newHandler(m), r)
}

func TestChangePassesReason(t *testing.T) {
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
		{"Latin-1, as Python and Node send it", []string{"d\xe9ploiement f\xfcr \xa35"}, "déploiement für £5"},
		{"RFC 8187", []string{"UTF-8''d%C3%A9ploiement%20%E9%85%8D%E5%82%99%20100%25"}, "déploiement 配備 100%"},
		{"RFC 8187 with a language and in lower case", []string{"utf-8'pt-BR'implanta%C3%A7%C3%A3o"}, "implantação"},
		{"RFC 8187 with space around", []string{"UTF-8''%20a+b%20"}, "a+b"},
		{"RFC 8187 with nothing in it", []string{"UTF-8''"}, ""},
		{"another character set of RFC 8187", []string{"iso-8859-1''%A3"}, "iso-8859-1''%A3"},
		{"what only looks like RFC 8187", []string{"see UTF-8''%C3"}, "see UTF-8''%C3"},
		{"256 characters of RFC 8187", []string{"UTF-8''" + strings.Repeat("%C3%A9", 256)}, strings.Repeat("é", 256)},
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

func TestInvalidReasonIsRefused(t *testing.T) {
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
		{"another control character in Latin-1", []string{"\xe9a\x85b"}, "control characters"},
		{"RFC 8187 with a line break", []string{"UTF-8''a%0Ab"}, "control characters"},
		{"RFC 8187 that is cut off", []string{"UTF-8''a%C"}, "not UTF-8 with percent signs"},
		{"RFC 8187 with Latin-1", []string{"UTF-8''a%E9"}, "not UTF-8 with percent signs"},
		{"257 characters of RFC 8187", []string{"UTF-8''" + strings.Repeat("%C3%A9", 257)}, "more than 256 characters"},
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

func TestBodyIsCheckedBeforeReason(t *testing.T) {
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
