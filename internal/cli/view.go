package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2/yaml"
	"github.com/spf13/cobra"

	"lsapi/internal/cli/term"
)

// The formats of --output.
const (
	formatTable = "table"
	formatWide  = "wide"
	formatJSON  = "json"
	formatLines = "ndjson"
	formatYAML  = "yaml"
	formatName  = "name"
)

// Commands that write all results at once have listFormats. Those that write one result at
// a time have lineFormats.
var (
	listFormats = []string{formatTable, formatWide, formatJSON, formatYAML, formatName}
	lineFormats = []string{formatTable, formatWide, formatLines, formatJSON, formatYAML, formatName}
)

// view writes the results of a command.
type view struct {
	screen  term.Screen
	format  string
	quiet   bool
	several bool // whether writeOne has written a value
}

// withView adds the flags of the output to a command, which calls run.
func withView(c *cobra.Command, p Process, formats []string, run func(c *cobra.Command, v *view, arguments []string) error) {
	v := &view{}
	flags := c.Flags()
	choiceVarP(flags, &v.format, "output", "o", "", "`format`: "+orList(formats)+" (default: table on a terminal, else JSON)", formats...)
	bare := flags.Bool("no-headers", false, "omit the headers of tables")
	flags.BoolVarP(&v.quiet, "quiet", "q", false, "print only names or ids, and no progress")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		if v.quiet && v.format != "" && v.format != formatName {
			return usagef("--quiet prints names only: not with --output %s", v.format)
		}
		v.screen = newScreen(p)
		v.screen.Heads = !*bare
		switch {
		case v.format == "" && v.quiet:
			v.format = formatName
		case v.format == "" && term.IsTerminal(p.Stdout):
			v.format = formatTable
		case v.format == "", v.format == formatLines:
			v.format = formatJSON
		case v.format == formatWide:
			v.screen.Wide, v.screen.Room = true, unlimited
		}
		return run(c, v, arguments)
	}
}

// withServiceView adds the flags of the output to a command, which calls run with a client
// of the service, as withService does.
func withServiceView(c *cobra.Command, p Process, formats []string, run func(ctx context.Context, service *remote, v *view, arguments []string) error) {
	withView(c, p, formats, func(c *cobra.Command, v *view, arguments []string) error {
		return withService(c, p, func(ctx context.Context, service *remote) error { return run(ctx, service, v, arguments) })
	})
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

// write writes a value or its names, or calls draw, depending on the format.
func (v *view) write(value any, names []string, draw func(term.Screen) error) error {
	switch v.format {
	case formatJSON:
		return writeJSON(v.screen, value)
	case formatYAML:
		return v.writeYAML(value)
	case formatName:
		return v.writeNames(names...)
	}
	return draw(v.screen)
}

// writeOne writes one of several values: a row of the table, one line of JSON, or one YAML
// document.
func (v *view) writeOne(value any, name string, rows *term.Stream, row func() term.Row) error {
	switch v.format {
	case formatJSON:
		return writeLine(v.screen, value)
	case formatYAML:
		if v.several {
			if _, err := io.WriteString(v.screen, "---\n"); err != nil {
				return err
			}
		}
		v.several = true
		return v.writeYAML(value)
	case formatName:
		return v.writeNames(name)
	}
	return rows.Write(v.screen, row())
}

func (v *view) writeNames(names ...string) error {
	var text strings.Builder
	for _, name := range names {
		text.WriteString(term.Shown(name) + "\n")
	}
	_, err := io.WriteString(v.screen, text.String())
	return err
}

// writeYAML converts the JSON of a value to YAML, with the same names in the same order.
func (v *view) writeYAML(value any) error {
	var text bytes.Buffer
	if err := writeLine(&text, value); err != nil {
		return err
	}
	return yaml.Convert(v.screen, &text)
}

// writeJSON writes a value as indented JSON.
func writeJSON(w io.Writer, value any) error { return encodeJSON(w, value, "  ") }

// writeLine writes a value as one line of JSON.
func writeLine(w io.Writer, value any) error { return encodeJSON(w, value, "") }

func encodeJSON(w io.Writer, value any, indent string) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	return encoder.Encode(value)
}
