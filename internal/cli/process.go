package cli

import (
	"io"

	"lsapi/internal/cli/term"
	"lsapi/internal/config"
)

// Process is the environment of a command.
type Process struct {
	Args    []string // without the program's name
	Environ []string // in the form of os.Environ
	Stdout  io.Writer
	Stderr  io.Writer
}

// colors reports whether w is a terminal with colours, and NO_COLOR is not set (see
// no-color.org).
func colors(p Process, w io.Writer) bool {
	return config.Variable(p.Environ, "NO_COLOR") == "" && isCapable(p, w)
}

// isCapable reports whether w is a terminal that supports control sequences.
func isCapable(p Process, w io.Writer) bool {
	return config.Variable(p.Environ, "TERM") != "dumb" && term.IsTerminal(w)
}

// newScreen returns the screen of stdout: a terminal, or else without limits.
func newScreen(p Process) term.Screen {
	s := term.Screen{Writer: p.Stdout, Color: colors(p, p.Stdout), Room: unlimited}
	if term.IsTerminal(p.Stdout) {
		s.Room = func() int { width, _ := term.Size(p.Stdout); return width }
	}
	return s
}

func unlimited() int { return 0 }
