package cli

import (
	"fmt"
	"io"
	"strings"

	"lsapi/internal/sanitize"
)

// cell is a text of a table, possibly untrusted.
type cell struct {
	text string
	ink  ink
}

func cellOf(text string) cell { return cell{text: text} }

// table aligns its cells.
type table struct {
	columns []column
	rows    [][]cell
	notes   map[int]cell // below a row, by its index
}

// add adds a row, and a note below it unless that is empty.
func (t *table) add(note cell, row ...cell) {
	if note.text != "" {
		if t.notes == nil {
			t.notes = make(map[int]cell)
		}
		t.notes[len(t.rows)] = note
	}
	t.rows = append(t.rows, row)
}

// write writes the table in the width of the view.
func (t *table) write(v *view) error {
	natural := make([]int, len(t.columns))
	for i, c := range t.columns {
		if c.wide && v.format != formatWide {
			continue
		}
		if v.heads {
			natural[i] = cellWidth(c.head)
		}
		for _, row := range t.rows {
			natural[i] = max(natural[i], cellWidth(shown(row[i].text)))
		}
	}
	room := v.room()
	lines := &tableLines{widths: fit(t.columns, natural, room), colored: v.colored, room: room}
	if v.heads {
		lines.heads(t.columns)
	}
	for i, row := range t.rows {
		lines.row(row)
		if note, ok := t.notes[i]; ok {
			lines.note(note)
		}
	}
	_, err := io.WriteString(v.out, lines.text.String())
	return err
}

// rowWriter writes the rows of a table as they arrive. Fixed column widths keep them
// aligned.
type rowWriter struct {
	columns []column
	view    *view
	headed  bool
	room    int
	widths  []int
}

// write writes a row, after the heads if it is the first.
func (t *rowWriter) write(row ...cell) error {
	room := t.view.room()
	if !t.headed || room != t.room {
		natural := make([]int, len(t.columns))
		for i, c := range t.columns {
			if !c.wide || t.view.format == formatWide {
				natural[i] = max(c.width, len(c.head))
			}
		}
		t.room, t.widths = room, fit(t.columns, natural, room)
	}
	// Without a limit nothing is cut.
	lines := &tableLines{widths: t.widths, colored: t.view.colored, room: room, loose: room <= 0}
	if last := lines.last(); !lines.loose && last == len(t.columns)-1 {
		t.widths[last] += room - total(t.widths)
	}
	if !t.headed && t.view.heads {
		lines.heads(t.columns)
	}
	t.headed = true
	lines.row(row)
	_, err := io.WriteString(t.view.out, lines.text.String())
	return err
}

// tableLines renders rows in given widths.
type tableLines struct {
	widths  []int
	colored bool
	room    int  // 0 is unlimited
	loose   bool // texts are not cut
	text    strings.Builder
}

func (l *tableLines) heads(columns []column) {
	row := make([]cell, len(columns))
	for i, c := range columns {
		row[i] = cell{c.head, bold}
	}
	l.row(row)
}

// row writes a row. An empty cell is a hyphen, and the last cell has no padding.
func (l *tableLines) row(row []cell) {
	last := l.last()
	for i, c := range row {
		if l.widths[i] == 0 {
			continue
		}
		c.text = shown(c.text)
		if !l.loose {
			c.text = cutTo(c.text, l.widths[i])
		}
		l.write(c)
		if i != last {
			l.text.WriteString(strings.Repeat(" ", max(0, l.widths[i]-cellWidth(c.text))+gap))
		}
	}
	l.text.WriteByte('\n')
}

func (l *tableLines) note(note cell) {
	note.text = "  " + sanitize.Escape(note.text)
	if l.room > 0 {
		note.text = cutTo(note.text, l.room)
	}
	l.write(note)
	l.text.WriteByte('\n')
}

func (l *tableLines) write(c cell) {
	if l.colored {
		c.text = c.ink.paint(c.text)
	}
	l.text.WriteString(c.text)
}

// last returns the index of the last visible column.
func (l *tableLines) last() int {
	last := 0
	for i, w := range l.widths {
		if w > 0 {
			last = i
		}
	}
	return last
}

// count returns a number, coloured unless it is 0.
func count(n int, i ink) cell {
	if n == 0 {
		return cellOf("0")
	}
	return cell{fmt.Sprint(n), i}
}
