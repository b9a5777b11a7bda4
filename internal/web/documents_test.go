package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lsapi/api"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

func TestSwaggerMatchesEnvelope(t *testing.T) {
	for mode, derive := range map[elb.Envelope]func(string) (api.Document, error){
		"": api.Swagger, elb.EnvelopeMessage: api.Swagger, elb.EnvelopeNone: api.BareSwagger,
	} {
		want, err := derive("v1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		handler := handlerOf(web.Options{Authenticator: alice{}, Envelope: mode, Version: "v1.2.3"})
		for path, want := range map[string]struct {
			contentType string
			body        []byte
		}{
			"/swagger.yaml": {"application/yaml", want.YAML},
			"/swagger.json": {"application/json", want.JSON},
		} {
			got := record(handler, "GET", path, "")
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != want.contentType || got.body != string(want.body) {
				t.Errorf("envelope %q: %s is %d, %s, %d bytes", mode, path, got.StatusCode, got.Header.Get("Content-Type"), len(got.body))
			}
		}
	}
}

func TestDocumentsArePublicAndCached(t *testing.T) {
	server := serve(t, handlerOf(withRecord(story())))
	for path, contentType := range map[string]string{
		"/docs/v1":                               "text/html; charset=utf-8",
		"/docs/v1.js":                            "text/javascript; charset=utf-8",
		"/swagger.yaml":                          "application/yaml",
		"/swagger.json":                          "application/json",
		"/docs":                                  "text/html; charset=utf-8",
		"/docs/page.js":                          "text/javascript; charset=utf-8",
		"/docs/swagger-ui-bundle.js":             "text/javascript; charset=utf-8",
		"/docs/swagger-ui.css":                   "text/css; charset=utf-8",
		"/docs/LICENSE":                          "text/plain; charset=utf-8",
		"/docs/NOTICE":                           "text/plain; charset=utf-8",
		"/docs/swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
	} {
		t.Run(path, func(t *testing.T) {
			for _, encoding := range []string{"", "gzip"} {
				header := http.Header{"Authorization": nil, "Accept-Encoding": {encoding}}
				got := send(t, server, request{method: "GET", path: path, header: header})
				if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != contentType || got.body == "" {
					t.Fatalf("answer is %d, %s, %d bytes", got.StatusCode, got.Header.Get("Content-Type"), len(got.body))
				}
				if policy := got.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") {
					t.Errorf("the policy is %q", policy)
				}
				tag := got.Header.Get("ETag")
				header.Set("If-None-Match", tag)
				again := send(t, server, request{method: "GET", path: path, header: header})
				if again.StatusCode != http.StatusNotModified || again.Header.Get("ETag") != tag || tag == "" {
					t.Errorf("asked again with the tag %s: answer is %d with %s", tag, again.StatusCode, again.Header.Get("ETag"))
				}
			}
		})
	}
}

func TestRootIsPageForBrowsersOnly(t *testing.T) {
	handler := newHandler(newMemberships())
	for accept, page := range map[string]bool{
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true,
		"text/html":       true,
		"TEXT/HTML;q=0.1": true,
		"":                false, "*/*": false, "text/*": false, "application/json": false, "text/html;q=0": false, "text/html;q": false, "text/htmlx": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r) // without credentials
		if w.Header().Get("Vary") != "Accept" {
			t.Errorf("%q: Vary is %q", accept, w.Header().Get("Vary"))
		}
		if page && (w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `href="docs/v1"`) || w.Header().Get("Content-Type") != "text/html; charset=utf-8") {
			t.Errorf("%q: %d %s", accept, w.Code, w.Body)
		}
		if !page && (w.Code != http.StatusNotFound || w.Body.String() != `{"message":"there is no such path"}`+"\n") {
			t.Errorf("%q: %d %s", accept, w.Code, w.Body)
		}
	}
}

func TestAssetIsCompressedIfAccepted(t *testing.T) {
	const path = "/docs/swagger-ui.css"
	tests := []struct {
		name       string
		encodings  []string
		compressed bool
	}{
		{"gzip", []string{"gzip"}, true},
		{"a browser's", []string{"gzip, deflate, br, zstd"}, true},
		{"in another field", []string{"br", "gzip"}, true},
		{"with a weight", []string{"br;q=1.0, gzip; q=0.5"}, true},
		{"in capitals", []string{"GZIP"}, true},
		{"not there", nil, false},
		{"empty", []string{""}, false},
		{"another", []string{"br"}, false},
		{"weight 0", []string{"gzip;q=0"}, false},
		{"weight 0.000", []string{"br, gzip;q=0.000"}, false},
		{"no weight at all", []string{"gzip;q=x"}, false},
		{"far back in a list without end", []string{strings.Repeat("br,", 1000) + "gzip"}, false},
		{"garbage", []string{";;,=,gzip x"}, false},
	}
	var plain []byte
	tags := map[bool]string{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			r.Header["Accept-Encoding"] = test.encodings
			w := httptest.NewRecorder()
			newHandler(nil).ServeHTTP(w, r)
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != test.compressed {
				t.Errorf("compressed is %t, want %t", got, test.compressed)
			}
			if w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("Vary is %q", w.Header().Get("Vary"))
			}
			tags[test.compressed] = w.Header().Get("ETag")
			body := w.Body.Bytes()
			if test.compressed {
				body = decompress(t, body)
			}
			if plain == nil {
				plain = body
			}
			if !bytes.Equal(body, plain) || len(plain) == 0 {
				t.Error("the content differs")
			}
		})
	}
	if tags[true] == tags[false] {
		t.Errorf("different bytes have one tag, %s", tags[true])
	}
}

func decompress(t *testing.T, compressed []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
