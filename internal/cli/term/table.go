package term

import (
	"fmt"
	"io"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"lsapi/internal/sanitize"
)

// Column describes a column of a table and how it adapts to a narrow terminal.
type Column struct {
	Head string
	// Rank is the order of removal: the highest goes first, 0 never.
	Rank int
	// Least is the minimum width when cut; 0 means never cut.
	Least int
	// Width is the width in a Stream, whose last column takes the rest.
	Width int
	// Wide columns appear on wide screens only.
	Wide bool
}

// Screen is where tables are written.
type Screen struct {
	io.Writer
	Room  func() int // the width, 0 for unlimited
	Wide  bool       // show wide columns
	Heads bool       // show the heads of columns
	Color bool
}

// Row holds a value for each column: nil, a Cell, or any other value as plain text.
type Row []any

// Table aligns its rows.
type Table struct {
	Columns []Column
	lines   []line
}

// line is a row with the note below it, unless that is empty.
type line struct {
	cells []Cell
	note  Cell
}

// Add adds a row, and a note below it unless that is empty.
func (t *Table) Add(row Row, note Cell) { t.lines = append(t.lines, line{cells(row), note}) }

func cells(row Row) []Cell {
	all := make([]Cell, len(row))
	for i, value := range row {
		switch value := value.(type) {
		case nil:
		case Cell:
			all[i] = value
		default:
			all[i].Text = fmt.Sprint(value)
		}
	}
	return all
}

// Write writes the table in the width of the screen.
func (t *Table) Write(s Screen) error {
	lines := t.lines
	if s.Heads {
		lines = append([]line{heads(t.Columns)}, lines...)
	}
	natural := make([]int, len(t.Columns))
	for _, l := range lines {
		for i, c := range l.cells {
			if !t.Columns[i].Wide || s.Wide {
				natural[i] = max(natural[i], lipgloss.Width(Shown(c.Text)))
			}
		}
	}
	room := s.Room()
	return s.write(lines, fit(t.Columns, natural, room), room)
}

// Stream writes the rows of a table as they arrive. Fixed column widths keep them aligned.
type Stream struct {
	Columns []Column
	headed  bool
}

// Write writes a row, after the heads if it is the first.
func (t *Stream) Write(s Screen, row Row) error {
	if s.Heads && !t.headed {
		t.headed = true
		if err := t.write(s, heads(t.Columns)); err != nil {
			return err
		}
	}
	return t.write(s, line{cells: cells(row)})
}

func (t *Stream) write(s Screen, l line) error {
	room := s.Room()
	natural := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		if c.Wide && !s.Wide {
			continue
		}
		natural[i] = max(c.Width, len(c.Head))
		if room <= 0 { // nothing is cut
			natural[i] = max(natural[i], lipgloss.Width(Shown(l.cells[i].Text)))
		}
	}
	widths := fit(t.Columns, natural, room)
	if last := len(widths) - 1; room > 0 && widths[last] > 0 {
		widths[last] += room - total(widths)
	}
	return s.write([]line{l}, widths, room)
}

func heads(columns []Column) line {
	row := make([]Cell, len(columns))
	for i, c := range columns {
		row[i] = Cell{c.Head, Bold}
	}
	return line{cells: row}
}

// gap is the space between two columns.
const gap = 2

// write writes lines in given widths. The last cell of a line has no padding.
func (s Screen) write(lines []line, widths []int, room int) error {
	last := len(widths) - 1
	for last > 0 && widths[last] == 0 {
		last--
	}
	var out strings.Builder
	for _, l := range lines {
		for i, c := range l.cells {
			if widths[i] == 0 {
				continue
			}
			text := ansi.Truncate(Shown(c.Text), widths[i], "…")
			out.WriteString(s.Paint(c.Style, text))
			if i != last {
				out.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(text)+gap))
			}
		}
		out.WriteByte('\n')
		if l.note.Text != "" {
			text := "  " + sanitize.Escape(l.note.Text)
			if room > 0 {
				text = ansi.Truncate(text, room, "…")
			}
			out.WriteString(s.Paint(l.note.Style, text) + "\n")
		}
	}
	_, err := io.WriteString(s, out.String())
	return err
}

// Paint returns a text in a style, if the screen has colours.
func (s Screen) Paint(style Style, text string) string {
	if !s.Color {
		return text
	}
	return style.Render(text)
}

// fit returns the width of each column in a given room, or 0 for a removed column. A room
// of 0 is unlimited. It cuts texts before it removes a column, and restores the other
// columns after a removal.
func fit(columns []Column, natural []int, room int) []int {
	widths, least := make([]int, len(columns)), make([]int, len(columns))
	for i, c := range columns {
		widths[i], least[i] = natural[i], natural[i]
		if c.Least > 0 {
			least[i] = min(natural[i], c.Least)
		}
	}
	for room > 0 && total(least) > room {
		next, rank := 0, 0
		for i, c := range columns {
			if widths[i] > 0 && c.Rank > 0 && c.Rank >= rank {
				next, rank = i, c.Rank
			}
		}
		if rank == 0 { // too narrow even for the required columns
			for i := range least {
				least[i] = min(least[i], 1)
			}
			break
		}
		widths[next], least[next] = 0, 0
	}
	for over := total(widths) - room; room > 0 && over > 0; over-- {
		most := 0 // the column with the most to spare
		for i := range widths {
			if widths[i]-least[i] > widths[most]-least[most] {
				most = i
			}
		}
		widths[most] = max(widths[most]-1, least[most])
	}
	return widths
}

// total returns the width of a row.
func total(widths []int) int {
	sum := 0
	for _, w := range widths {
		if w > 0 {
			sum += w + gap
		}
	}
	return max(0, sum-gap)
}
