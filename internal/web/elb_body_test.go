package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestInvalidBodyIsRefusedWithReason(t *testing.T) {
	tests := []struct{ name, body, reason string }{
		{"empty", ``, "is empty"},
		{"space", " \n", "is empty"},
		{"a form", `instanceId=i-5203422c`, "not JSON"},
		{"cut off", `{"instanceId": "i-5203422c"`, "not JSON"},
		{"single quotes", `{'instanceId': 'i-5203422c'}`, "not JSON"},
		{"trailing comma", `{"instanceId": "i-5203422c",}`, "not JSON"},
		{"byte order mark", "\ufeff" + machineID(spare), "not JSON"},
		{"deeply nested", strings.Repeat("[", 60000), "not JSON"},
		{"not UTF-8", "{\"instanceId\": \"i-5203422c\", \"note\": \"\xff\"}", "not UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "not UTF-8"},
		{"trailing object", machineID(spare) + machineID(spare), "after the JSON object"},
		{"trailing text", machineID(spare) + " x", "after the JSON object"},
		{"trailing bracket", machineID(spare) + "}", "after the JSON object"},
		{"array", `["i-5203422c"]`, "not a JSON object"},
		{"string", `"i-5203422c"`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"number", `1`, "not a JSON object"},
		{"nothing in it", `{}`, "instanceId is missing"},
		{"other case", `{"instanceID": "i-5203422c"}`, "instanceId is missing"},
		{"deeper", `{"machine": {"instanceId": "i-5203422c"}}`, "instanceId is missing"},
		{"twice", `{"instanceId": "i-5203422c", "instanceId": "i-5203422c"}`, "more than once"},
		{"twice in disguise", `{"instanceId": "i-5203422c", "instance\u0049d": "i-5203422c"}`, "more than once"},
		{"null id", `{"instanceId": null}`, "not a string"},
		{"number id", `{"instanceId": 5203422}`, "not a string"},
		{"enormous number id", `{"instanceId": 1e999}`, "not a string"},
		{"array id", `{"instanceId": ["i-5203422c"]}`, "not a string"},
		{"empty id", `{"instanceId": ""}`, "hexadecimal"},
		{"no prefix", `{"instanceId": "5203422c"}`, "hexadecimal"},
		{"9 digits", `{"instanceId": "i-5203422c0"}`, "hexadecimal"},
		{"not hexadecimal", `{"instanceId": "i-5203422g"}`, "hexadecimal"},
		{"newline at the end", `{"instanceId": "i-5203422c\n"}`, "hexadecimal"},
		{"half a surrogate pair", `{"instanceId": "i-5203422c\ud800"}`, "hexadecimal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			members := newMemberships()
			for _, method := range []string{"POST", "DELETE"} {
				got := record(newHandler(members), method, "/elb/default-elb", test.body)
				if got.StatusCode != http.StatusBadRequest {
					t.Errorf("%s: status is %d, want 400", method, got.StatusCode)
				}
				if !strings.Contains(got.body, test.reason) {
					t.Errorf("%s: %s does not say %q", method, got.body, test.reason)
				}
			}
			if len(members.requests) > 0 {
				t.Error("a change was asked for")
			}
		})
	}
}

func TestBodyAllowsUnknownFields(t *testing.T) {
	bodies := map[string]string{
		"other fields":            `{"note": {"instanceId": null}, "instanceId": "i-5203422c", "InstanceId": 1}`,
		"space around":            " \r\n\t" + machineID(spare) + " \r\n\t",
		"escapes":                 `{"instance\u0049d": "\u0069-5203422c"}`,
		"a repeated other field":  `{"a": 1, "instanceId": "i-5203422c", "a": 2}`,
		"64 KiB to the last byte": machineID(spare) + strings.Repeat(" ", 64<<10-len(machineID(spare))),
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			if got := record(newHandler(newMemberships()), "POST", "/elb/default-elb", body); got.StatusCode != http.StatusCreated {
				t.Errorf("answer is %d %s, want 201", got.StatusCode, got.body)
			}
		})
	}
}

func TestContentTypeOfBodyIsIgnored(t *testing.T) {
	for _, contentType := range []string{"application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "nonsense"} {
		server := serve(t, newHandler(newMemberships()))
		got := send(t, server, request{method: "POST", path: "/elb/default-elb", body: machineID(spare),
			header: http.Header{"Content-Type": {contentType}}})
		if got.StatusCode != http.StatusCreated {
			t.Errorf("%s: answer is %d %s, want 201", contentType, got.StatusCode, got.body)
		}
	}
}

func TestBodyOver64KiBIsTooLarge(t *testing.T) {
	body := machineID(spare) + strings.Repeat(" ", 64<<10-len(machineID(spare))+1)
	t.Run("when its length is announced, without reading it", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodPost, "/elb/default-elb", failingReader{t})
		r.ContentLength = int64(len(body))
		checkTooLarge(t, r)
	})
	t.Run("when its length shows only in the end", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodPost, "/elb/default-elb", strings.NewReader(body))
		r.ContentLength = -1
		checkTooLarge(t, r)
	})
}

func checkTooLarge(t *testing.T, r *http.Request) {
	t.Helper()
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	newHandler(newMemberships()).ServeHTTP(w, r) //nolint:contextcheck // the request carries it
	if want := `{"message":"the body is larger than 64 KiB"}` + "\n"; w.Code != http.StatusRequestEntityTooLarge || w.Body.String() != want {
		t.Errorf("answer is %d %s, want 413", w.Code, w.Body)
	}
}

type failingReader struct{ t *testing.T }

func (r failingReader) Read([]byte) (int, error) {
	r.t.Error("the body is read")
	return 0, io.ErrUnexpectedEOF
}

func TestTruncatedBodyIsInvalid(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/elb/default-elb", io.MultiReader(strings.NewReader(`{"inst`), brokenReader{}))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	newHandler(newMemberships()).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "could not be read to its end") {
		t.Errorf("answer is %d %s, want 400", w.Code, w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
