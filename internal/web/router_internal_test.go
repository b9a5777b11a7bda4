package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRoutableAcceptsCleanPathsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.SampledFrom([]rune("/.a*")), 0, 8, -1).Draw(t, "path")
		r := &http.Request{URL: &url.URL{Path: p}}
		escaped := r.URL.EscapedPath()
		if want := strings.HasPrefix(escaped, "/") && escaped == path.Clean(escaped); routable(r) != want {
			t.Errorf("routable(%q) is %t", p, !want)
		}
	})
}
