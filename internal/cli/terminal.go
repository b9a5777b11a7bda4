package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"lsapi/internal/config"
)

// wantsColor reports whether log lines go to a terminal whose user has not
// asked for plain ones.
func wantsColor(p Process) bool { return colors(p, p.Stderr) }

// colors reports whether what is written there goes to a terminal that shows
// colours, and whose user has not asked for none (NO_COLOR, see no-color.org).
func colors(p Process, w io.Writer) bool {
	return config.Variable(p.Environ, "NO_COLOR") == "" && isCapable(p, w)
}

// isCapable reports whether what is written there goes to a terminal that knows
// control sequences.
func isCapable(p Process, w io.Writer) bool {
	return config.Variable(p.Environ, "TERM") != "dumb" && isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
