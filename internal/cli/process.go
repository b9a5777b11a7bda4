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
	Stdin   io.Reader
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

// writeInBackground writes text without blocking the caller, because the output of a
// service may not be read.
func writeInBackground(w io.Writer, text string) {
	go func() { _, _ = io.WriteString(w, text) }()
}
