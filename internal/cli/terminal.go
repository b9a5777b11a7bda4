package cli

import (
	"os"

	"golang.org/x/term"
)

// wantsColor reports whether log lines go to a terminal whose user has not
// asked for plain ones (NO_COLOR, see no-color.org).
func wantsColor(p Process) bool {
	file, ok := p.Stderr.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(file.Fd()))
}
