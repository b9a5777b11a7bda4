package cli

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// column is a column of a table, and what may happen to it on a narrow terminal.
type column struct {
	head string
	// rank says when the column is left out: the highest first, 0 never.
	rank int
	// least is the width to which the column may be cut; 0 is not at all.
	least int
	// width is that of a table whose rows arrive one by one. The last column needs
	// none: it takes what is left.
	width int
	// wide columns are in the format wide only.
	wide bool
}

// gap is the space between two columns.
const gap = 2

// fit returns how wide each column is drawn in a terminal of a width, 0 for a column
// that is left out. A room of 0 is as much as it takes. Texts are cut before a column
// is left out, and columns that stay get their texts back.
func fit(columns []column, natural []int, room int) []int {
	widths := slices.Clone(natural)
	if room <= 0 {
		return widths
	}
	left := make([]bool, len(columns)) // out
	for {
		if shrink(columns, widths, room) {
			return widths
		}
		leave, rank := 0, 0
		for i, c := range columns {
			if widths[i] > 0 && c.rank > 0 && c.rank >= rank {
				leave, rank = i, c.rank
			}
		}
		if rank == 0 {
			squeeze(widths, room)
			return widths
		}
		left[leave] = true
		for i := range widths {
			widths[i] = natural[i]
			if left[i] {
				widths[i] = 0
			}
		}
	}
}

// shrink cuts columns to their least width at most, the one with most to spare first,
// and reports whether all fit then.
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

// squeeze cuts whatever is widest: the terminal is narrower than what must be shown.
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

// total is the width of a row.
func total(widths []int) int {
	sum := 0
	for _, w := range widths {
		if w > 0 {
			sum += w + gap
		}
	}
	return max(0, sum-gap)
}

// cellWidth is how many cells of a terminal a text takes.
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
		return 0 // drawn over the rune before
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cutTo returns a text that takes a width at most. One that is cut ends with an
// ellipsis.
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

// wrapped breaks a text between words into lines of a width; a longer word is a line
// of its own, whole: people copy it.
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
