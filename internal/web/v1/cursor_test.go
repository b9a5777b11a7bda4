package v1

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lsapi"
)

const exampleID = "01a20ee8-6140-7a11-8000-0123456789ab"

func TestCursorHoldsEndOfPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) lsapi.ChangeFilter {
			return lsapi.ChangeFilter{
				Pool:    lsapi.ELB(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, label+" load balancer")),
				Actor:   rapid.SampledFrom([]string{"", "a", `" "`}).Draw(t, label+" actor"),
				Outcome: rapid.SampledFrom([]lsapi.Outcome{"", lsapi.OutcomeOpen}).Draw(t, label+" outcome"),
				From:    time.UnixMilli(rapid.Int64Range(0, 1).Draw(t, label+" from")),
			}
		}
		made, given := draw("made with"), draw("given with")
		page := given
		page.Limit, page.Before = 7, exampleID // where it is in the list
		id, ok := parseCursor(page, newCursor(made, exampleID))
		if same := made == given; ok != same || same && id != exampleID {
			t.Errorf("the id is %q, %t", id, ok)
		}
	})
}

func TestChangeIDHasOneForm(t *testing.T) {
	const id = exampleID
	if _, ok := parseChangeID(id); !ok {
		t.Errorf("%s is refused", id)
	}
	for _, other := range []string{
		"", "7", strings.ToUpper(id), "{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""),
		strings.Replace(id, "-7", "-4", 1), id + "0", id[1:], " " + id,
	} {
		if _, ok := parseChangeID(other); ok {
			t.Errorf("%q is accepted", other)
		}
	}
}

func TestWholeMillisecondsSeparatesAsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := time.Unix(0, rapid.Int64Range(0, 5e6).Draw(t, "bound")).UTC()
		whole := wholeMilliseconds(given)
		if whole.Nanosecond()%1e6 != 0 {
			t.Errorf("%s is not whole", whole)
		}
		for ms := range int64(8) {
			if at := time.UnixMilli(ms); at.Before(given) != at.Before(whole) {
				t.Errorf("%s is on the other side of %s", at, whole)
			}
		}
	})
}

func TestDocumentDeclaresMaxPage(t *testing.T) {
	for _, p := range New(Options{}).huma.OpenAPI().Paths["/v1/changes"].Get.Parameters {
		if p.Name == "limit" && *p.Schema.Maximum != maxPage {
			t.Errorf("the document says %v, want %d", *p.Schema.Maximum, maxPage)
		}
	}
}
