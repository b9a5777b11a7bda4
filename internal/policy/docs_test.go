package policy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"lsapi/internal/policy"
)

// The policies and the tags of the document are valid.
func TestDocumentedPoliciesAreValid(t *testing.T) {
	text, err := os.ReadFile("../../docs/guards.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Error("there is no policy in the document")
	}
	for _, block := range blocks {
		parse(t, string(block[1]))
	}
	tags := 0
	for _, row := range regexp.MustCompile("(?m)^\\| `(lsapi:[a-z-]+)` \\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		values, _, _ := strings.Cut(row[2], ";")
		for _, value := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(values, -1) {
			tags++
			if rules := policy.TagRules(map[string]string{row[1]: value[1]}); len(rules) != 1 || rules[0].Kind == "malformed" {
				t.Errorf("%s = %s is %s", row[1], value[1], show(rules))
			}
		}
	}
	if tags != 9 {
		t.Errorf("%d values of tags", tags)
	}
	for _, field := range regexp.MustCompile("(?m)^\\| `([a-zA-Z]+: [^`]+)`").FindAllStringSubmatch(string(text), -1) {
		parse(t, "guards: [{pools: ['*/*'], "+field[1]+"}]")
	}
}
