package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lsapi/internal/emulator"
	"lsapi/internal/emulator/fleet"
)

func TestServerRejectsCrossSiteRequests(t *testing.T) {
	e, err := emulator.New(emulator.Options{Fleet: fleet.Fleet{}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	defer server.Close()
	own := strings.TrimPrefix(server.URL, "http://")
	for _, test := range []struct {
		name, host, field, value string
		want                     int
	}{
		{"no browser", own, "", "", http.StatusOK},
		{"typed into a browser", own, "Sec-Fetch-Site", "none", http.StatusOK},
		{"its own page", own, "Sec-Fetch-Site", "same-origin", http.StatusOK},
		{"its own origin", own, "Origin", server.URL, http.StatusOK},
		{"localhost", "localhost:4566", "", "", http.StatusOK},
		{"a name of localhost", "aws.localhost", "", "", http.StatusOK},
		{"IPv6", "[::1]:4566", "", "", http.StatusOK},
		{"another site", own, "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		{"another port", own, "Sec-Fetch-Site", "same-site", http.StatusForbidden},
		{"another origin", own, "Origin", "http://evil.example", http.StatusForbidden},
		{"no origin to speak of", own, "Origin", "null", http.StatusForbidden},
		{"a name that was made to resolve to it", "evil.example:4566", "", "", http.StatusForbidden},
		{"a name that looks like it", "localhost.evil.example", "", "", http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/_emulator/calls", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = test.host
			if test.field != "" {
				r.Header.Set(test.field, test.value)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != test.want {
				t.Errorf("got %d, want %d", answer.StatusCode, test.want)
			}
		})
	}
}
