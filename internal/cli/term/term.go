// Package term writes tables, colours and progress to terminals.
package term

import (
	"io"
	"os"
	"strings"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"lsapi/internal/sanitize"
)

// The size of a terminal that does not report one.
const defaultWidth, defaultHeight = 80, 24

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Size returns the columns and rows of a terminal.
func Size(w io.Writer) (width, height int) {
	if file, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(file.Fd())); err == nil && width > 0 && height > 0 {
			return width, height
		}
	}
	return defaultWidth, defaultHeight
}

// Style is the look of a text.
type Style = lipgloss.Style

// The styles of texts.
var (
	Plain  = lipgloss.NewStyle()
	Bold   = lipgloss.NewStyle().Bold(true)
	Dim    = lipgloss.NewStyle().Faint(true)
	Red    = lipgloss.NewStyle().Foreground(lipgloss.Red)
	Green  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	Yellow = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
)

// Cell is a text, possibly untrusted, and its style.
type Cell struct {
	Text  string
	Style Style
}

// Text returns a cell without a style.
func Text(text string) Cell { return Cell{Text: text} }

// Styled returns a cell with a style.
func Styled(text string, style Style) Cell { return Cell{text, style} }

// Shown returns a text as it is printed: escaped, or a hyphen if it is empty.
func Shown(text string) string {
	if text == "" {
		return "-"
	}
	return sanitize.Escape(text)
}

// Wrap breaks a text between words into lines of a width; 0 is unlimited. A longer word
// stays whole on its own line, so that it can be copied.
func Wrap(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	for word := range strings.SplitSeq(text, " ") {
		last := len(lines) - 1
		if last >= 0 && lipgloss.Width(lines[last])+1+lipgloss.Width(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
