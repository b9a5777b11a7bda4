package main

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"testing"
)

// Without nginx the yardstick is reported as missing.
func TestNginxServesSameBytesAndHeadersWithCredentials(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	like := answer{
		header: http.Header{"Content-Type": {"application/json"}, "Etag": {`"0a1b"`}, "Age": {"1"}, "X-Request-Id": {"one"}},
		body:   []byte(`{"message":[]}`),
	}
	nginx, err := b.startNginx(t.Context(), "/elb/elb-0001", like, 1)
	if _, absent := findNginx(); absent != nil {
		if err == nil {
			t.Error("nginx is missing without an error")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nginx.Stop)

	got, err := nginx.get(t.Context(), "/elb/elb-0001")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.body, like.body) {
		t.Errorf("the body is %q", got.body)
	}
	want := slices.Sorted(maps.Keys(like.header))
	for _, itsOwn := range []string{"Server", "Date", "Content-Length", "Connection"} {
		got.header.Del(itsOwn)
	}
	if names := slices.Sorted(maps.Keys(got.header)); !slices.Equal(names, want) {
		t.Errorf("the headers are %v, want %v", names, want)
	}
	if tag := got.header.Get("Etag"); tag != `"0a1b"` {
		t.Errorf("the tag is %s", tag)
	}
	response, err := http.Get(nginx.url("/elb/elb-0001"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without credentials: %s", response.Status)
	}
}
