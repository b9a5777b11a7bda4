package cli

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// wantsColor reports whether log lines go to a terminal whose user has not
// asked for plain ones.
func wantsColor(p Process) bool { return colors(p, p.Stderr) }

// colors reports whether what is written there goes to a terminal that shows
// colours, and whose user has not asked for none (NO_COLOR, see no-color.org).
func colors(p Process, w io.Writer) bool {
	return variable(p, "NO_COLOR") == "" && isCapable(p, w)
}

// isCapable reports whether what is written there goes to a terminal that knows
// control sequences.
func isCapable(p Process, w io.Writer) bool {
	return variable(p, "TERM") != "dumb" && isTerminal(w)
}

// variable returns the value of a variable of the environment.
func variable(p Process, name string) (value string) {
	for _, entry := range p.Environ {
		if v, found := strings.CutPrefix(entry, name+"="); found {
			value = v
		}
	}
	return value
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
