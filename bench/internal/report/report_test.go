package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFigureIsMedianOfRuns(t *testing.T) {
	for _, test := range []struct {
		name string
		runs []float64
		want Figure
	}{
		{"none", nil, Figure{}},
		{"one", []float64{3}, Figure{3, 3, 3, 1}},
		{"an odd number", []float64{9, 1, 5}, Figure{5, 1, 9, 3}},
		{"an even number", []float64{9, 1, 5, 7}, Figure{6, 1, 9, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := FigureOf(test.runs...); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestNumbersAreFormatted(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.0123456: "0.0123", 0.8: "0.8", 3: "3", 12.345: "12.3", 123.45: "123",
		999.6: "1 000", 1234.5: "1 234", 83250.38: "83 250", 1234567: "1 234 567", -123456: "-123 456", -1234: "-1 234",
	} {
		if got := number(x); got != want {
			t.Errorf("%v is shown as %q, want %q", x, got, want)
		}
	}
}

func TestVerdictComparesMedianWithAim(t *testing.T) {
	for _, test := range []struct {
		name string
		row  Row
		want string
	}{
		{"no aim", Row{Figure: FigureOf(1)}, ""},
		{"at most, below", Row{Figure: FigureOf(1), Aim: AtMost(2)}, "met"},
		{"at most, equal", Row{Figure: FigureOf(2), Aim: AtMost(2)}, "met"},
		{"at most, above", Row{Figure: FigureOf(3), Aim: AtMost(2)}, "MISSED"},
		{"at least, above", Row{Figure: FigureOf(3), Aim: AtLeast(2)}, "met"},
		{"at least, below", Row{Figure: FigureOf(1), Aim: AtLeast(2)}, "MISSED"},
		{"not measured, whatever the aim", Row{NotMeasured: "no wrk", Aim: AtMost(2)}, "NOT MEASURED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.row.Verdict(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func example() *Report {
	r := &Report{Run: Run{At: time.Unix(0, 0), Took: 61}, Sections: []*Section{{
		Name: "reads", Title: "cached lists",
		Rows: []Row{
			{Name: "12 connections", Unit: "requests/s", Figure: FigureOf(80000, 90000, 85000), Aim: AtLeast(100000), Beside: []Yardstick{{"nginx", FigureOf(95000)}}, Note: "a|b"},
		},
		Curves: []Curve{
			{LatencyOverLoad, "lsapi", []string{"connections", "p50", "p99", "requests/s"}, [][]float64{{1, 0.1, 0.2, 9000}, {16, 0.2, 1, 80000}}, ""},
			{LatencyOverLoad, "nginx", []string{"connections", "p50", "p99", "requests/s"}, [][]float64{{1, 0.1, 0.2, 9000}, {16, 0.1, 2, 90000}}, ""},
			{CostOverFleet, "lsapi", make([]string, 6), [][]float64{{10, 50, 2, 2, 0.1, 0.3}, {100, 90, 3, 2, 0.1, 1.3}}, ""},
			{RequestRates, "lsapi", []string{"requests/s", "least", "most"}, [][]float64{{75432, 75000, 76000}}, "12 callers"},
			{RequestRates, "the other", []string{"requests/s", "least", "most"}, [][]float64{{10.5, 10, 11}}, "12 callers"},
			{CallsOverReads, "lsapi", []string{"readers", "calls"}, [][]float64{{1, 33}, {10, 33}}, "every 10 s"},
			{CallsOverReads, "the other", []string{"readers", "calls"}, [][]float64{{1, 126}, {10, 1260}}, "every 10 s"},
		},
	}}}
	r.Sections[0].Fail("64 connections", errors.New("wrk is not installed\nmore"))
	return r
}

func TestTableHighlightsMissesAndGaps(t *testing.T) {
	var out bytes.Buffer
	if err := example().Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"85 000 (80 000 to 90 000)", ">= 100 000", "MISSED", "nginx 95 000", "NOT MEASURED", "wrk is not installed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}

func TestReportWithGapsIsAProblem(t *testing.T) {
	err := example().Problem()
	if err == nil || !strings.Contains(err.Error(), "reads: 64 connections") {
		t.Errorf("got %v", err)
	}
	if err := (&Report{Sections: []*Section{{Rows: example().Sections[0].Rows[:1]}}}).Problem(); err != nil {
		t.Errorf("an aim that was missed is no gap: %v", err)
	}
}

func TestSaveReplacesTableInDocument(t *testing.T) {
	document := "before\n" + beginMarker + "\nold\n" + endMarker + "\nafter\n"
	for range 2 { // the second run replaces the first
		var err error
		if document, err = insert(document, example().markdown()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(document, "old") || strings.Count(document, "12 connections") != 1 {
		t.Errorf("got\n%s", document)
	}
	if !strings.HasPrefix(document, "before\n") || !strings.HasSuffix(document, "\nafter\n") {
		t.Errorf("the text around the table changed:\n%s", document)
	}
	if !strings.Contains(document, "**MISSED**") || !strings.Contains(document, `a\|b`) {
		t.Errorf("the cells are not as they should be:\n%s", document)
	}
}

func TestSectionsOfALaterRunReplaceTheirPredecessors(t *testing.T) {
	section := func(name string, x float64) *Section {
		return &Section{Name: name, Rows: []Row{{Name: "figure", Figure: FigureOf(x)}}}
	}
	last := &Report{Run: Run{Took: 1}, Sections: []*Section{section("size", 1), section("gone", 2), section("reads", 3)}}
	later := &Report{Run: Run{Took: 2, Quick: true}, Sections: []*Section{section("start", 4), section("reads", 5)}}
	merged := last.with(later, []string{"size", "start", "reads", "suite"})
	var got []string
	for _, s := range merged.Sections {
		got = append(got, fmt.Sprintf("%s %v apart: %v", s.Name, s.Rows[0].Figure, s.Apart != nil))
	}
	want := []string{"size 1 apart: false", "start 4 apart: true", "reads 5 apart: true"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if text := merged.markdown(); strings.Count(text, "QUICK RUN") != 2 || merged.Took != 1 {
		t.Errorf("the sections of the later run do not show it:\n%s", text)
	}
}

func TestDocumentWithoutMarkersIsNotAltered(t *testing.T) {
	for _, document := range []string{"", beginMarker, endMarker + beginMarker} {
		if got, err := insert(document, "table"); err == nil {
			t.Errorf("%q became %q", document, got)
		}
	}
}

func TestDocumentHasMarkers(t *testing.T) {
	text, err := os.ReadFile("../../../" + documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := insert(string(text), "table"); err != nil {
		t.Error(err)
	}
}

// Without gnuplot, the plots are reported as missing.
func TestPlotsAreDrawnOrReportedMissing(t *testing.T) {
	folder := t.TempDir()
	err := example().draw(t.Context(), folder)
	if _, absent := exec.LookPath("gnuplot"); absent != nil {
		if !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for plot, words := range map[string][]string{
		LatencyOverLoad: {"lsapi", "nginx", "requests/s"},
		CostOverFleet:   {"resident memory"},
		RequestRates:    {"lsapi", "75 000", "the other", "10.5", "12 callers"},
		CallsOverReads:  {"lsapi", "33", "the other", "1260", "every 10 s"},
	} {
		text, err := os.ReadFile(filepath.Join(folder, plot+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range append(words, "<svg") {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is not in %s", want, plot)
			}
		}
	}
}
