// Package sanitize makes text from outside safe to print on one line of a log or a
// terminal.
package sanitize

import (
	"strconv"
	"strings"
	"unicode"
)

// Escape replaces every non-printable rune with its Go escape: control characters,
// direction overrides, zero-width runes, and bytes that are not UTF-8.
func Escape(text string) string {
	if isASCII(text) || IsPrintable(text) {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// IsPrintable reports whether text is valid UTF-8 and all of its runes are printable.
func IsPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsPrint(r) || r == unicode.ReplacementChar
	})
}

// isASCII reports whether all of text is printable ASCII. It is the fast path: nearly
// every text in an access log is.
func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
