package cli

import (
	"io"
	"os"

	"golang.org/x/term"

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
	return config.Variable(p.Environ, "TERM") != "dumb" && isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func terminalSize(w io.Writer) (width, height int) {
	if file, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(file.Fd())); err == nil && width > 0 && height > 0 {
			return width, height
		}
	}
	return defaultWidth, defaultHeight
}
