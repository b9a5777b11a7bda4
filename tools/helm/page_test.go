package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
)

// The values of docs/kubernetes.md are in blocks, the second added to the first.
func TestValuesOfThePageAreAccepted(t *testing.T) {
	page, err := os.ReadFile("../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	for _, block := range blocks {
		text := strings.Replace(block[1], "sha256:DIGEST", "sha256:"+strings.Repeat("0", 64), 1)
		read, err := chartutil.ReadValues([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = chartutil.CoalesceTables(read, all)
		for _, object := range objectsOf(t, all) {
			decode(t, object)
		}
	}
	if len(blocks) != 2 {
		t.Errorf("the page has %d blocks of values", len(blocks))
	}
	// The trial without a database: --set store.kind=sqlite,replicas=1.
	all["store"].(map[string]any)["kind"], all["replicas"] = "sqlite", 1
	if made := objectsOf(t, all); made["claim.yaml"] == "" {
		t.Error("there is no claim")
	}
}
