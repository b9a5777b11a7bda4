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

	"lsapi/internal/emulator/fleet"
)

// FuzzRequest sends any signed form to a fleet: never a panic, never a 5xx, and
// always a whole XML document.
func FuzzRequest(f *testing.F) {
	demo, err := fleet.Parse("demo")
	if err != nil {
		f.Fatal(err)
	}
	emulated, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	for version, api := range emulated.apis {
		for action := range api.Operations {
			f.Add(url.Values{"Version": {version}, "Action": {action}, "LoadBalancerName": {"web-elb"}, "InstanceId.1": {demoSpare}}.Encode())
		}
	}
	f.Fuzz(func(t *testing.T, form string) {
		e, err := New(Options{Fleet: demo, Clock: NewManualClock(time.Date(2024, time.January, 15, 10, 30, 0, 0, time.UTC))})
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
