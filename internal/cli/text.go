package cli

import "lsapi/internal/sanitize"

// ink is the colour of a text on a terminal: a parameter of the control sequence SGR.
// Empty is the default colour.
type ink string

const (
	plain  ink = ""
	bold   ink = "1"
	dim    ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
)

// paint colours a text.
func (i ink) paint(text string) string {
	if i == plain || text == "" {
		return text
	}
	return "\x1b[" + string(i) + "m" + text + "\x1b[0m"
}

func shown(text string) string {
	if text == "" {
		return "-"
	}
	return sanitize.Escape(text)
}
