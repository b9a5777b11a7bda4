// Package printable makes texts that strangers have chosen fit for a line that a
// person reads.
package printable

import (
	"strconv"
	"strings"
	"unicode"
)

// Escape escapes what is not printable, control characters, those that reverse the
// direction and those that have no width among them. What is left takes part of one
// line, and looks like what it is.
func Escape(text string) string {
	if isPlain(text) {
		return text
	}
	if Is(text) {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// Is reports whether all of a text is printable and none of it bytes that are no
// text.
func Is(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsPrint(r) || r == unicode.ReplacementChar
	})
}

// isPlain reports whether all of a text is printable ASCII, as almost every text
// of an access log is. That is told quickly.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
