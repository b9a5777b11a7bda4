package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

func TestListIsCachedAndRevalidated(t *testing.T) {
	got := record(newHandler(newMemberships()), "GET", "/elb/default-elb", "")
	for name, want := range map[string]string{"Cache-Control": "no-cache", "Vary": "Authorization"} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

func TestErrorIsNotCached(t *testing.T) {
	for _, path := range []string{"/elb/other-elb", "/elb/-", "/nowhere"} {
		if got := record(newHandler(newMemberships()), "GET", path, "").Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q, want no-store", path, got)
		}
	}
}

func TestEntityTagDependsOnBodyAlone(t *testing.T) {
	members := newMemberships()
	handler := newHandler(members)
	before := record(handler, "GET", "/elb/default-elb", "").Header.Get("ETag")
	if strings.HasPrefix(before, "W/") || len(before) < 3 {
		t.Fatalf("the tag is %q, want a strong one", before)
	}
	if again := record(newHandler(newMemberships()), "GET", "/elb/default-elb", "").Header.Get("ETag"); again != before {
		t.Errorf("another process gives the same body the tag %s instead of %s", again, before)
	}
	record(handler, "POST", "/elb/default-elb", machineID(spare))
	if after := record(handler, "GET", "/elb/default-elb", "").Header.Get("ETag"); after == before {
		t.Error("the tag is the same after a change")
	}
}

func TestListAnswersNotModified(t *testing.T) {
	server := serve(t, newHandler(newMemberships()))
	tag := send(t, server, request{method: "GET", path: "/elb/default-elb"}).Header.Get("ETag")
	tests := []struct {
		name   string
		fields []string
		status int
	}{
		{"the tag", []string{tag}, 304},
		{"the tag as a weak one", []string{"W/" + tag}, 304},
		{"any", []string{"*"}, 304},
		{"a list with the tag", []string{`"a", W/"b",` + tag}, 304},
		{"a list over two fields", []string{`"a"`, tag}, 304},
		{"a list with gaps", []string{`,, "a" , ,` + tag + ` , `}, 304},
		{"a tag with a comma in it", []string{`"a,b", ` + tag}, 304},
		{"another tag", []string{`"a"`}, 200},
		{"no field", nil, 200},
		{"empty", []string{""}, 200},
		{"without quotes", []string{strings.Trim(tag, `"`)}, 200},
		{"without the last quote", []string{strings.TrimSuffix(tag, `"`)}, 200},
		{"with something stuck to it", []string{tag + "x"}, 200},
		{"weak in lower case", []string{"w/" + tag}, 200},
		{"any in a list", []string{`*, "a"`}, 200},
		{"the start of the tag", []string{tag[:5] + `"`}, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				got := send(t, server, request{method: method, path: "/elb/default-elb", header: http.Header{"If-None-Match": test.fields}})
				if got.StatusCode != test.status {
					t.Errorf("%s: status is %d, want %d", method, got.StatusCode, test.status)
				}
				if got.Header.Get("ETag") != tag || got.Header.Get("Age") == "" {
					t.Errorf("%s: headers are %v", method, got.Header)
				}
				if test.status == 304 && got.body != "" {
					t.Errorf("%s: there is a body: %s", method, got.body)
				}
			}
		})
	}
}

// agedList has lists of an age.
type agedList struct{ age time.Duration }

func (l agedList) list(context.Context, lsapi.PoolID) (listing, error) {
	return listing{asOf: time.Now().Add(-l.age)}, nil
}

func TestAgeIsRoundedUpToSeconds(t *testing.T) {
	tests := []struct {
		age  time.Duration
		want string
	}{
		{0, "0"}, {time.Nanosecond, "1"}, {time.Second, "1"}, {1001 * time.Millisecond, "2"},
		{5 * time.Minute, "300"}, {-time.Minute, "0"},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			handler := handlerOf(web.Options{Lists: lists{of: agedList{test.age}}, Authenticator: alice{}})
			first := record(handler, "GET", "/elb/default-elb", "")
			if got := first.Header.Get("Age"); got != test.want {
				t.Errorf("a list that is %s old has the age %s, want %s", test.age, got, test.want)
			}
			r := httptest.NewRequest(http.MethodGet, "/elb/default-elb", http.NoBody)
			r.Header.Set("Authorization", authorization)
			r.Header.Set("If-None-Match", first.Header.Get("ETag"))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if got := w.Header().Get("Age"); w.Code != http.StatusNotModified || got != test.want {
				t.Errorf("answer is %d of age %s, want 304 of age %s", w.Code, got, test.want)
			}
		})
	}
}

func TestLaunchDateHasMilliseconds(t *testing.T) {
	for launched, want := range map[string]string{
		"2021-09-29T11:04:43Z":             "2021-09-29T11:04:43.000Z",
		"2021-09-29T11:04:43.305Z":         "2021-09-29T11:04:43.305Z",
		"2021-09-29T11:04:43.3059999Z":     "2021-09-29T11:04:43.305Z",
		"2021-09-29T23:04:43.305-03:00":    "2021-09-30T02:04:43.305Z",
		"2021-09-29T11:04:43.000000001Z":   "2021-09-29T11:04:43.000Z",
		"2021-09-29T11:04:43.1+00:00":      "2021-09-29T11:04:43.100Z",
		"2021-12-31T23:59:59.999999999Z":   "2021-12-31T23:59:59.999Z",
		"2021-09-29T11:04:43.305000+05:30": "2021-09-29T05:34:43.305Z",
		"2021-09-29T11:04:43.050-00:00":    "2021-09-29T11:04:43.050Z",
		"0001-01-02T00:00:00.000000-00:00": "0001-01-02T00:00:00.000Z",
	} {
		launchTime, err := time.Parse(time.RFC3339Nano, launched)
		if err != nil {
			t.Fatal(err)
		}
		handler := handlerOf(web.Options{
			Lists: lists{
				of:       oneMember{lsapi.Instance{ID: spare, Type: "t2.micro", LaunchTime: launchTime, State: "stopped"}},
				envelope: elb.EnvelopeNone,
			},
			Authenticator: alice{}, Envelope: elb.EnvelopeNone})
		got := record(handler, "GET", "/elb/default-elb", "").body
		if !strings.Contains(got, `"launchDate":"`+want+`"`) {
			t.Errorf("launched at %s: %s, want %s", launched, got, want)
		}
	}
}

// oneMember has lists of one member.
type oneMember struct{ member lsapi.Instance }

func (m oneMember) list(context.Context, lsapi.PoolID) (listing, error) {
	return listing{members: []lsapi.Member{{Instance: m.member}}, asOf: time.Now()}, nil
}
