package telemetry

import (
	"strconv"
	"strings"

	"lsapi/internal/sanitize"
)

// word escapes the value of an attribute, and quotes it if it is not a single word.
func word(text string) string {
	text = sanitize.Escape(text)
	if strings.ContainsAny(text, " =\"") {
		return strconv.Quote(text)
	}
	return text
}

// escapeForTint escapes what tint's own quoting lets through: the escape and delete
// characters, and the text \x1b, which tint turns into an escape character when it
// colours. It also replaces invalid UTF-8, at which tint truncates an uncoloured value.
func escapeForTint(value string) string {
	value = strings.ToValidUTF8(value, "?")
	if !strings.ContainsAny(value, "\x1b\x7f\\\ufffd") {
		return value
	}
	return tintEscaper.Replace(value)
}

var tintEscaper = strings.NewReplacer("\x1b", `\e`, `\x1b`, `\e`, "\x7f", `\u007f`, "\ufffd", "?")
