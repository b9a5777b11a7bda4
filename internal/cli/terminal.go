package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// wantsColor reports whether log lines go to a terminal whose user has not
// asked for plain ones (NO_COLOR, see no-color.org).
func wantsColor(p Process) bool {
	return os.Getenv("NO_COLOR") == "" && isTerminal(p.Stderr)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
