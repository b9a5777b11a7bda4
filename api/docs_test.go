package api_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"path"
	"regexp"
	"testing"

	"lsapi/api"
)

func TestThePagesLoadWhatIsThereAndNothingElse(t *testing.T) {
	served := map[string]bool{"/": true, "/readyz": true, "/swagger.yaml": true, "/swagger.json": true, "/v1/openapi.yaml": true, "/v1/openapi.json": true}
	for _, asset := range assets() {
		served[path.Join("/docs", asset.Name)] = true
	}
	pages := 0
	for _, asset := range assets() {
		// A script's addresses are those of the page that loads it.
		folder, links := path.Dir(path.Join("/docs", asset.Name)), regexp.MustCompile(`(?:src|href)="([^"]*)"`)
		switch asset.Name {
		case "", "v1":
			pages++
		case "home":
			pages++
			folder = "/"
		case "page.js":
			folder, links = "/", regexp.MustCompile(`url: new URL\("([^"]*)"`)
		case "v1.js":
			links = regexp.MustCompile(`url: new URL\("([^"]*)"`)
		default:
			continue
		}
		found := links.FindAllSubmatch(asset.Content, -1)
		if len(found) == 0 {
			t.Errorf("%s is %q", asset.Name, asset.Content)
		}
		for _, link := range found {
			if target := string(link[1]); target != "data:," && !served[path.Join(folder, target)] {
				t.Errorf("docs/%s wants %s, which is not there", asset.Name, target)
			}
		}
	}
	if pages != 3 {
		t.Errorf("there are %d pages", pages)
	}
}

// assets are all that the pages are made of.
func assets() []api.Asset { return append(append(api.Docs(), api.V1Docs()...), api.Home()) }

func TestTheDocsAreSmallAndWhole(t *testing.T) {
	for _, asset := range assets() {
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
