package telemetry

import (
	"strconv"
	"strings"

	"lsapi/internal/sanitize"
)

// word is the value of an attribute as it stands on a line: quoted if it could be
// taken for more than one word.
func word(text string) string {
	text = sanitize.Escape(text)
	if strings.ContainsAny(text, " =\"") {
		return strconv.Quote(text)
	}
	return text
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
