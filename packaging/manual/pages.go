package main

import (
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"lsapi/internal/cli"
)

// writePages writes a page for each command, with the texts of its help.
func writePages(folder, version string, date time.Time) error {
	root := cli.Commands()
	escapeAll(root)
	return doc.GenManTree(root, &doc.GenManHeader{
		Section: "1",
		Date:    &date,
		Source:  "lsapi " + version,
		Manual:  "lsapi",
	}, folder)
}

// escapeAll turns the plain texts of a command and its subcommands into the Markdown that
// cobra's generator reads.
func escapeAll(c *cobra.Command) {
	c.DisableAutoGenTag = true
	c.Use, c.Short, c.Long = escape(c.Use), escape(c.Short), markdown(c.Long)
	for _, flags := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(f)
			f.Usage = escape(usage)
		})
	}
	for _, sub := range c.Commands() {
		escapeAll(sub)
	}
}

// markdown turns a help text into Markdown: paragraphs, and indented lines as they are.
func markdown(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if indented, ok := strings.CutPrefix(line, "  "); ok {
			lines[i] = "\t" + indented
		} else if !strings.HasPrefix(line, "\t") {
			lines[i] = escape(line)
		}
	}
	return strings.Join(lines, "\n")
}

var special = regexp.MustCompile("[\\\\`*_{}\\[\\]<>#|~]")

// escape takes the meaning from the characters that have one in Markdown.
func escape(text string) string { return special.ReplaceAllString(text, `\$0`) }
