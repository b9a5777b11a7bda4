package httpapi_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lsapi"
)

// checkFuzzed holds what is true of any answer.
func checkFuzzed(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	switch {
	case w.Code >= 500:
		t.Errorf("status is %d: %s", w.Code, w.Body)
	case w.Code >= 300 && w.Code < 400:
		t.Errorf("the answer is a redirect to %s", w.Header().Get("Location"))
	case w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()):
		t.Errorf("the body is not JSON: %q", w.Body)
	case w.Code >= 400 && w.Header().Get("Content-Type") != "application/json":
		t.Errorf("an error is %s", w.Header().Get("Content-Type"))
	}
	if len(w.Header()["X-Request-Id"]) != 1 {
		t.Errorf("request ids are %q", w.Header()["X-Request-Id"])
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(machineID(spare)))
	f.Fuzz(func(t *testing.T, body []byte) {
		members := newMemberships()
		r := httptest.NewRequest(http.MethodPost, "/elb/default-elb", strings.NewReader(string(body)))
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		newHandler(members).ServeHTTP(w, r)
		checkFuzzed(t, w)
		for _, asked := range members.requests {
			if !lsapi.ValidInstanceID(asked.InstanceID) || !json.Valid(body) {
				t.Errorf("%q led to a change of %q", body, asked.InstanceID)
			}
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	f.Add(authorization)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/elb/default-elb", http.NoBody)
		r.Header.Set("Authorization", value)
		w := httptest.NewRecorder()
		newHandler(newMemberships()).ServeHTTP(w, r)
		checkFuzzed(t, w)
		if (w.Code == http.StatusOK) != (value == authorization) {
			t.Errorf("%q is answered with %d", value, w.Code)
		}
	})
}

// FuzzTarget sends request lines as they are. Those that net/http refuses before
// any handler sees them are not ours to answer.
func FuzzTarget(f *testing.F) {
	f.Add("GET", "/elb/default-elb")
	f.Fuzz(func(t *testing.T, method, target string) {
		text := method + " " + target + " HTTP/1.1\r\nHost: lsapi\r\nAuthorization: " + authorization + "\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			t.Skip(err)
		}
		w := httptest.NewRecorder()
		newHandler(newMemberships()).ServeHTTP(w, r)
		checkFuzzed(t, w)
	})
}
