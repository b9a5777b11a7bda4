package emulator

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzForm reads lists out of any form: never a panic, and never more elements
// than the form has parameters.
func FuzzForm(f *testing.F) {
	f.Fuzz(func(t *testing.T, form string) {
		q, err := readQuery(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form)))
		if err != nil {
			if _, ok := errors.AsType[*apiError](err); !ok {
				t.Errorf("%q: %v is not told as AWS would", form, err)
			}
			return
		}
		for _, prefix := range []string{"Instances.member", "Filter", ""} {
			if got := len(q.elements(prefix)); got > len(q) {
				t.Errorf("%q: %d elements under %q, of %d parameters", form, got, prefix, len(q))
			}
			if list, column := len(q.list(prefix)), len(q.column(prefix, "InstanceId")); list > column {
				t.Errorf("%q: %d plain values in %d elements", form, list, column)
			}
		}
	})
}

// FuzzRequest sends any signed form to a fleet: never a panic, never a 5xx, and
// always a whole XML document.
func FuzzRequest(f *testing.F) {
	demo, err := ParseFleet("demo")
	if err != nil {
		f.Fatal(err)
	}
	for service, s := range newServices() {
		for action := range s.operations {
			f.Add(url.Values{"Version": {service}, "Action": {action}, "LoadBalancerName": {"web-elb"}, "InstanceId.1": {demoSpare}}.Encode())
		}
	}
	f.Fuzz(func(t *testing.T, form string) {
		e, err := New(Options{Fleet: demo, Clock: NewManualClock(longAgo.Add(time.Hour))})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
		r.Header = signature("elasticloadbalancing")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%q: status %d, %s", form, w.Code, w.Body)
		}
		decoder := xml.NewDecoder(w.Body)
		for err == nil {
			_, err = decoder.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%q: not an XML document: %v", form, err)
		}
	})
}
