package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2/yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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

// addViewFlags adds the flags of the output format.
func addViewFlags(flags *pflag.FlagSet, formats []string) {
	last := len(formats) - 1
	flags.StringP("output", "o", "", fmt.Sprintf("`format`: %s or %s (default: table on a terminal, else JSON)", strings.Join(formats[:last], ", "), formats[last]))
	flags.Bool("no-headers", false, "omit the headers of tables")
	flags.BoolP("quiet", "q", false, "print only names or ids, and no progress")
}

// view writes the results of a command.
type view struct {
	screen  term.Screen
	format  string
	quiet   bool
	several bool // whether writeOne has written a value
}

// newView returns the view for the flags.
func newView(c *cobra.Command, p Process, formats []string) (*view, error) {
	flags := c.Flags()
	v := &view{screen: newScreen(p)}
	v.format, _ = flags.GetString("output") // fails only for an undefined flag
	v.quiet, _ = flags.GetBool("quiet")
	bare, _ := flags.GetBool("no-headers")
	v.screen.Heads = !bare
	switch {
	case v.format == "" && v.quiet:
		v.format = formatName
	case v.format == "" && term.IsTerminal(p.Stdout):
		v.format = formatTable
	case v.format == "":
		v.format = formatJSON
	case !slices.Contains(formats, v.format):
		return nil, usagef("--output: not %s or %s", strings.Join(formats[:len(formats)-1], ", "), formats[len(formats)-1])
	case v.quiet && v.format != formatName:
		return nil, usagef("--quiet prints names only: not with --output %s", v.format)
	}
	if v.format == formatLines {
		v.format = formatJSON
	}
	if v.format == formatWide {
		v.screen.Wide, v.screen.Room = true, unlimited
	}
	return v, nil
}

// write writes a value or its names, or calls draw, depending on the format.
func (v *view) write(value any, names []string, draw func() error) error {
	switch v.format {
	case formatJSON:
		return writeJSON(v.screen, value)
	case formatYAML:
		return v.writeYAML(value)
	case formatName:
		return v.writeNames(names)
	}
	return draw()
}

// writeOne writes one of several values: one line of JSON, or one YAML document.
func (v *view) writeOne(value any, name string, draw func() error) error {
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
		return v.writeNames([]string{name})
	}
	return draw()
}

func (v *view) writeNames(names []string) error {
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
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// writeLine writes a value as one line of JSON.
func writeLine(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
