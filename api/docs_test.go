package api_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"testing"

	"lsapi/api"
)

func TestThePageLoadsWhatIsThereAndNothingElse(t *testing.T) {
	assets := api.Docs()
	served := map[string]bool{"swagger.yaml": true}
	var page []byte
	for _, asset := range assets {
		served["docs/"+asset.Name] = true
		if asset.Name == "" {
			page = asset.Content
		}
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllSubmatch(page, -1)
	if len(links) == 0 {
		t.Fatalf("the page is %q", page)
	}
	for _, link := range links {
		if target := string(link[1]); target != "data:," && !served[target] {
			t.Errorf("the page wants %s, which is not there", target)
		}
	}
}

func TestTheDocsAreSmallAndWhole(t *testing.T) {
	for _, asset := range api.Docs() {
		t.Run("docs/"+asset.Name, func(t *testing.T) {
			if len(asset.Content) == 0 || len(asset.Content) > 1<<20 {
				t.Errorf("%d bytes", len(asset.Content))
			}
			if asset.Gzipped {
				decompress(t, asset.Content)
			}
		})
	}
}

func decompress(t *testing.T, content []byte) {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, reader); err != nil {
		t.Error(err)
	}
}
