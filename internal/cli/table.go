package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"lsapi/internal/printable"
)

// ink is the colour of a text on a terminal: a parameter of the control sequence
// SGR. Empty is the terminal's own.
type ink string

// The inks.
const (
	plain  ink = ""
	bold   ink = "1"
	dim    ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
)

// paint puts the ink around a text.
func (i ink) paint(text string) string {
	if i == plain || text == "" {
		return text
	}
	return "\x1b[" + string(i) + "m" + text + "\x1b[0m"
}

// cell is a text of a table, which may be a stranger's.
type cell struct {
	text string
	ink  ink
}

func cellOf(text string) cell { return cell{text: text} }

// table lines texts up.
type table struct {
	heads   []string
	rows    [][]cell
	notes   map[int]cell // below a row, by its index
	colored bool
}

// add adds a row, with a note below it unless that is empty.
func (t *table) add(note cell, row ...cell) {
	if note.text != "" {
		if t.notes == nil {
			t.notes = make(map[int]cell)
		}
		t.notes[len(t.rows)] = note
	}
	t.rows = append(t.rows, row)
}

// write writes the table. What is absent is a hyphen.
func (t *table) write(w io.Writer) error {
	head := make([]cell, len(t.heads))
	for i, text := range t.heads {
		head[i] = cell{text, bold}
	}
	widths := make([]int, len(t.heads))
	for _, row := range append([][]cell{head}, t.rows...) {
		for i := range row {
			row[i].text = shown(row[i].text)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	var out strings.Builder
	t.line(&out, head, widths)
	for i, row := range t.rows {
		t.line(&out, row, widths)
		if note, ok := t.notes[i]; ok {
			out.WriteString("  " + t.painted(cell{printable.Escape(note.text), note.ink}) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func shown(text string) string {
	if text == "" {
		return "-"
	}
	return printable.Escape(text)
}

// line writes a row; the last cell is not filled up.
func (t *table) line(out *strings.Builder, row []cell, widths []int) {
	for i, c := range row {
		out.WriteString(t.painted(c))
		if i < len(row)-1 {
			out.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
		}
	}
	out.WriteByte('\n')
}

func (t *table) painted(c cell) string {
	if !t.colored {
		return c.text
	}
	return c.ink.paint(c.text)
}

// count is a number that stands out unless it is 0.
func count(n int, i ink) cell {
	if n == 0 {
		return cellOf("0")
	}
	return cell{fmt.Sprint(n), i}
}
