package stress_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"lsapi/internal/stress"
)

func TestHTMLReportEscapesValues(t *testing.T) {
	report := stress.Report{
		URL:   "http://127.0.0.1/</script><script>alert(1)</script>",
		Steps: []stress.Step{{Connections: 12, Requests: 7, Errors: map[string]int{"<b>": 1}}},
	}
	var page bytes.Buffer
	if err := report.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	html := page.String()
	if strings.Contains(html, "alert(1)</script>") || strings.Contains(html, "<b>") {
		t.Error("a value has become markup")
	}
	if strings.Contains(html, "{{") {
		t.Error("a part of the page is missing")
	}
	for _, outside := range []string{`src="`, `href="`, "@import", "url("} {
		if strings.Contains(html, outside) {
			t.Errorf("it loads something: %s", outside)
		}
	}
	_, data, _ := strings.Cut(html, `id="data">`)
	data, _, _ = strings.Cut(data, "</script>")
	var again stress.Report
	if err := json.Unmarshal([]byte(data), &again); err != nil || again.URL != report.URL || again.Steps[0].Requests != 7 {
		t.Errorf("it holds %+v, %v", again, err)
	}
}
