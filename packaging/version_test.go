package packaging_test

import (
	"os/exec"
	"strings"
	"testing"
)

const committed = "1767322805" // 2026-01-02 03:00:05 UTC

func packageVersion(t *testing.T, described string) string {
	t.Helper()
	printed, err := exec.Command("./version.sh", described, committed).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(printed), "\n")
}

func TestPackageVersionsHaveTheFormOfDebianAndRPM(t *testing.T) {
	for described, want := range map[string]string{
		"1a2b3c4":                   "0~20260102030005.1a2b3c4",
		"1234567":                   "0~20260102030005.1234567",
		"1a2b3c4-dirty":             "0~20260102030005.1a2b3c4+dirty",
		"a_branch":                  "0~20260102030005.a.branch",
		"v1.2.0":                    "1.2.0",
		"1.2.0":                     "1.2.0",
		"v1.2.0-dirty":              "1.2.0+dirty",
		"v1.2.0-rc1":                "1.2.0~rc1",
		"v1.2.0-rc.1-3-g1a2b3c4":    "1.2.0~rc.1+3.g1a2b3c4",
		"v1.2.0-5-g1a2b3c4-dirty":   "1.2.0+5.g1a2b3c4+dirty",
		"v10.20.30-12-g0123456789a": "10.20.30+12.g0123456789a",
	} {
		if got := packageVersion(t, described); got != want {
			t.Errorf("%s has the package version %s, want %s", described, got, want)
		}
	}
}

func TestPackageVersionsAreOrderedAsTheCommits(t *testing.T) {
	inOrder := []string{"1a2b3c4", "v0.1.0", "v1.2.0-rc1", "v1.2.0-rc1-3-g1a2b3c4", "v1.2.0-rc2", "v1.2.0", "v1.2.0-5-g1a2b3c4", "v1.2.1"}
	for i := range inOrder[1:] {
		older, newer := packageVersion(t, inOrder[i]), packageVersion(t, inOrder[i+1])
		if err := exec.Command("dpkg", "--compare-versions", older, "lt", newer).Run(); err != nil {
			t.Errorf("dpkg does not order %s before %s: %v", older, newer, err)
		}
	}
}
