package v1

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// A body without mistakes says what encoding/json makes of it, and no member is there twice.
func FuzzBulk(f *testing.F) {
	for _, body := range []string{
		`{"attach": ["i-5203422c"], "detach": ["i-0592fe5ccee879f04:80", "10.0.1.7:80"], "reason": "x"}`, `{"attach": []}`, `{}`, `[]`, ``, `{"attach": null}`,
		`{"attach": ["i-5203422c", "i-5203422c"], "detach": ["i-5203422c"]}`, `{"attach": {"a": [1]}}`, `{"reason": 7, "Attach": [], "reason": "\ud800"}`, `{"attach": [` + strings.Repeat(`"x",`, 1100) + `1]}`,
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, group bool) {
		kind := map[bool]lsapi.Kind{true: lsapi.KindTG, false: lsapi.KindELB}[group]
		b, err := parseBulk(body, kind, "attach", "detach")
		if err != nil {
			if lsapi.ErrorCode(err) != lsapi.CodeInvalid || json.Valid(body) && strings.HasPrefix(strings.TrimSpace(string(body)), "{") && utf8.Valid(body) {
				t.Fatalf("%v for %q", err, body)
			}
			return
		}
		if len(b.wrong) > 2*maxBulk+2 {
			t.Fatalf("there are %d mistakes", len(b.wrong))
		}
		for _, mistake := range b.wrong {
			if !strings.HasPrefix(mistake.Location, "body") || mistake.Message == "" || !utf8.ValidString(mistake.Location) || len(mistake.Location) > 400 {
				t.Errorf("a mistake is %+v", mistake)
			}
		}
		if len(b.wrong) > 0 {
			return
		}
		var want apiv1.BulkChange
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("%v for %q", err, body)
		}
		all := slices.Concat(b.lists["attach"], b.lists["detach"])
		texts := make([]string, len(all))
		for i, id := range all {
			texts[i] = id.String()
		}
		if !slices.Equal(texts, slices.Concat(want.Attach, want.Detach)) {
			t.Errorf("%q is %q", body, texts)
		}
		slices.SortFunc(all, lsapi.MemberID.Compare)
		if len(slices.Compact(slices.Clone(all))) != len(all) || len(all) > maxBulk {
			t.Errorf("%q has members twice, or too many", body)
		}
	})
}
