// Package report holds figures, and writes them as tables, JSON and plots.
package report

import (
	"fmt"
	"strings"
	"time"
)

// Report is a run's figures.
type Report struct {
	Run
	Sections []*Section `json:"sections"`
}

// Run describes where and when figures were measured.
type Run struct {
	Machine Machine `json:"machine"`
	// At is the start of the run, Took its duration in seconds.
	At   time.Time `json:"at"`
	Took float64   `json:"took_seconds"`
	// Quick marks a run that only checks that everything works.
	Quick bool `json:"quick,omitempty"`
	// Note is a sentence about the circumstances, if any.
	Note string `json:"note,omitempty"`
}

// Section is a group of rows that were measured together.
type Section struct {
	Name  string `json:"name"` // for -rows
	Title string `json:"title"`
	// Apart is the run of a section that was measured in another run than the report's.
	Apart *Run  `json:"apart,omitempty"`
	Rows  []Row `json:"rows"`
	// Curves are plotted, not listed.
	Curves []Curve `json:"curves,omitempty"`
}

// Curve is a series of points of a plot.
type Curve struct {
	Plot   string `json:"plot"`
	Series string `json:"series"`
	// Columns name the numbers of each point.
	Columns []string    `json:"columns"`
	Points  [][]float64 `json:"points"`
	// Caption is a line under the title of the plot, that of the first curve.
	Caption string `json:"caption,omitempty"`
}

// Add adds rows.
func (s *Section) Add(rows ...Row) { s.Rows = append(s.Rows, rows...) }

// Fail adds a row for figures that could not be measured, with the reason.
func (s *Section) Fail(what string, err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	s.Add(Row{Name: what, NotMeasured: first})
}

// Problem returns an error when there are rows that could not be measured.
func (r *Report) Problem() error {
	var missing []string
	for _, s := range r.Sections {
		for _, row := range s.Rows {
			if row.NotMeasured != "" {
				missing = append(missing, s.Name+": "+row.Name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("not measured: %s", strings.Join(missing, ", "))
}

// curves returns the curves of a plot.
func (r *Report) curves(plot string) []Curve {
	var found []Curve
	for _, s := range r.Sections {
		for _, c := range s.Curves {
			if c.Plot == plot {
				found = append(found, c)
			}
		}
	}
	return found
}
