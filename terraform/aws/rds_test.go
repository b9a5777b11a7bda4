package aws

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
)

func TestVerifiableRegionsHaveAuthoritiesInTheImage(t *testing.T) {
	bundle, err := os.ReadFile("../../packaging/rds/rds.pem")
	if err != nil {
		t.Fatal(err)
	}
	regions := func(pattern, text string) []string {
		found := map[string]bool{}
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found[match[1]] = true
		}
		return slices.Sorted(maps.Keys(found))
	}
	list := regexp.MustCompile(`(?s)verifiable_regions = \[(.*?)\]`).FindString(read(t).source["rds.tf"])
	got, want := regions(`"([a-z0-9-]+)"`, list), regions(`(?m)^# ([a-z0-9-]+) Root CA`, string(bundle))
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the regions are %v, and those of the certificates %v", got, want)
	}
}
