package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Print writes the table for a terminal.
func (r *Report) Print(out io.Writer) error {
	fmt.Fprintf(out, "%s\n", r.Run)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range r.Sections {
		fmt.Fprintf(table, "\n%s: %s\n", s.Name, s.Title)
		for _, row := range s.Rows {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n",
				row.Name, row.measured(), row.Unit, row.Aim, row.Verdict(), row.remark())
		}
	}
	return table.Flush()
}

// markdown returns the tables for a document.
func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Run)
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n### %s: %s\n\n", s.Name, s.Title)
		if s.Apart != nil {
			fmt.Fprintf(&b, "%s\n\n", s.Apart)
		}
		b.WriteString("| | lsapi | | aim | | beside, and notes |\n|---|---|---|---|---|---|\n")
		for _, row := range s.Rows {
			cells := []string{row.Name, row.measured(), row.Unit, row.Aim.String(), loud(row.Verdict()), row.remark()}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(escaped(cells), " | "))
		}
	}
	return b.String()
}

// String returns a sentence, and the note.
func (r Run) String() string {
	kind := "Measured"
	if r.Quick {
		kind = "QUICK RUN, whose figures mean nothing: measured"
	}
	said := fmt.Sprintf("%s %s", kind, r.At.UTC().Format("2006-01-02 15:04 MST"))
	if r.Took > 0 {
		said += fmt.Sprintf(" in %v", (time.Duration(r.Took) * time.Second).Round(time.Second))
	}
	return strings.TrimSpace(fmt.Sprintf("%s on %s. %s", said, r.Machine, r.Note))
}

// loud returns a verdict, in bold unless it is good.
func loud(verdict string) string {
	if verdict == "" || verdict == "met" {
		return verdict
	}
	return "**" + verdict + "**"
}

// escaped escapes texts for cells.
func escaped(cells []string) []string {
	for i, cell := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell)
	}
	return cells
}
