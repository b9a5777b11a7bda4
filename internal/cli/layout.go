package cli

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// column describes a column of a table and how it adapts to a narrow terminal.
type column struct {
	head string
	// rank is the order of removal: the highest goes first, 0 never.
	rank int
	// least is the minimum width when cut; 0 means never cut.
	least int
	// width is the width in a table whose rows arrive one by one. The last column takes
	// the rest.
	width int
	// wide columns appear in the format wide only.
	wide bool
}

// gap is the space between two columns.
const gap = 2

// fit returns the width of each column in a terminal of width room, or 0 for a removed
// column. A room of 0 is unlimited. It cuts texts before it removes a column, and restores
// the other columns after a removal.
func fit(columns []column, natural []int, room int) []int {
	widths := slices.Clone(natural)
	if room <= 0 {
		return widths
	}
	removed := make([]bool, len(columns))
	for {
		if shrink(columns, widths, room) {
			return widths
		}
		next, rank := 0, 0
		for i, c := range columns {
			if widths[i] > 0 && c.rank > 0 && c.rank >= rank {
				next, rank = i, c.rank
			}
		}
		if rank == 0 {
			squeeze(widths, room)
			return widths
		}
		removed[next] = true
		for i := range widths {
			widths[i] = natural[i]
			if removed[i] {
				widths[i] = 0
			}
		}
	}
}

// shrink cuts columns down to their least width, the one with the most spare first. It
// reports whether all columns fit.
func shrink(columns []column, widths []int, room int) bool {
	for over := total(widths) - room; over > 0; over-- {
		most, spare := -1, 0
		for i, c := range columns {
			if c.least > 0 && widths[i]-c.least > spare {
				most, spare = i, widths[i]-c.least
			}
		}
		if most < 0 {
			return false
		}
		widths[most]--
	}
	return true
}

// squeeze cuts the widest columns, when the terminal is too narrow for the required ones.
func squeeze(widths []int, room int) {
	for total(widths) > room {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 1 {
			return
		}
		widths[widest]--
	}
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

// cellWidth returns the number of terminal cells of a text.
func cellWidth(text string) int {
	sum := 0
	for _, r := range text {
		sum += runeWidth(r)
	}
	return sum
}

func runeWidth(r rune) int {
	if r < unicode.MaxASCII {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0 // combines with the previous rune
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cutTo cuts a text to a width, with an ellipsis.
func cutTo(text string, room int) string {
	if cellWidth(text) <= room {
		return text
	}
	used := 1 // the ellipsis
	for i, r := range text {
		if used += runeWidth(r); used > room {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}

// wrapped breaks a text between words into lines of width room. A longer word stays whole
// on its own line, so that it can be copied.
func wrapped(text string, room int) []string {
	if room <= 0 || cellWidth(text) <= room {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case line == "":
			line = word
		case cellWidth(line)+1+cellWidth(word) <= room:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
