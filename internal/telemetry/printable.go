package telemetry

import (
	"strconv"
	"strings"
	"unicode"
)

// word is the value of an attribute as it stands on a line: quoted if it could be
// taken for more than one word.
func word(text string) string {
	text = printable(text)
	if strings.ContainsAny(text, " =\"") {
		return strconv.Quote(text)
	}
	return text
}

// printable escapes what is not printable, so that the text stays on its line
// whatever its origin.
func printable(text string) string {
	if isPlain(text) {
		return text
	}
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
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

// defused takes out of an attribute's value what tint would let through when it
// quotes: escape characters and delete, and the four characters \x1b, which it
// turns into an escape character when it colours. Without colour it drops what
// comes after the first byte that is no text. Quoting does the rest.
func defused(value string) string {
	value = strings.ToValidUTF8(value, "?")
	if !strings.ContainsAny(value, "\x1b\x7f\\\ufffd") {
		return value
	}
	return defuser.Replace(value)
}

var defuser = strings.NewReplacer("\x1b", `\e`, `\x1b`, `\e`, "\x7f", `\u007f`, "\ufffd", "?")
