package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi/internal/cli"
)

// manual is what all pages have in common.
type manual struct {
	version string
	date    time.Time
}

// writePages writes a page for each command, with the texts of its help.
func writePages(folder, version string, date time.Time) error {
	root := cli.Commands()
	root.InitDefaultHelpFlag()
	return manual{version, date}.write(folder, root)
}

// write writes the page of a command and those of its subcommands.
func (m manual) write(folder string, c *cobra.Command) error {
	page := md2man.Render([]byte(m.page(c)))
	err := os.WriteFile(filepath.Join(folder, nameOf(c)+".1"), page, 0o644) //nolint:gosec // every user may read a page
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			err = errors.Join(err, m.write(folder, sub))
		}
	}
	return err
}

// page returns the page of a command in Markdown.
func (m manual) page(c *cobra.Command) string {
	c.InitDefaultHelpFlag()
	var text strings.Builder
	fmt.Fprintf(&text, "%% %q \"1\" %q %q \"lsapi\"\n", strings.ToUpper(nameOf(c)), m.date.Format("January 2006"), "lsapi "+m.version)
	fmt.Fprintf(&text, "# NAME\n%s \\- %s\n", nameOf(c), escape(c.Short))
	usage := strings.TrimPrefix(c.UseLine(), c.CommandPath())
	fmt.Fprintf(&text, "# SYNOPSIS\n**%s**%s\n", c.CommandPath(), escape(usage))
	fmt.Fprintf(&text, "# DESCRIPTION\n%s\n", markdown(c.Long))
	writeCommands(&text, c)
	writeFlags(&text, c)
	if c.Example != "" {
		fmt.Fprintf(&text, "# EXAMPLES\n```\n%s\n```\n", c.Example)
	}
	writeSeeAlso(&text, c)
	return text.String()
}

func writeCommands(text *strings.Builder, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	text.WriteString("# COMMANDS\n")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(text, "**%s**\n: %s\n\n", sub.Name(), escape(sub.Short))
		}
	}
}

func writeFlags(text *strings.Builder, c *cobra.Command) {
	text.WriteString("# OPTIONS\n")
	write := func(f *pflag.Flag) {
		if !f.Hidden {
			fmt.Fprintf(text, "%s\n: %s\n\n", term(f), explanation(f))
		}
	}
	c.LocalFlags().VisitAll(write)
	c.InheritedFlags().VisitAll(write)
}

// term returns the names of a flag and the name of its value.
func term(f *pflag.Flag) string {
	text := "**--" + f.Name + "**"
	if f.Shorthand != "" {
		text = "**-" + f.Shorthand + "**, " + text
	}
	if value, _ := pflag.UnquoteUsage(f); value != "" {
		text += " *" + escape(value) + "*"
	}
	return text
}

// explanation returns what a flag does, and its default unless that is no value.
func explanation(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
		return escape(usage)
	}
	return escape(usage + " (default " + f.DefValue + ")")
}

func writeSeeAlso(text *strings.Builder, c *cobra.Command) {
	var pages []string
	if c.HasParent() {
		pages = append(pages, "**"+nameOf(c.Parent())+"**(1)")
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			pages = append(pages, "**"+nameOf(sub)+"**(1)")
		}
	}
	if len(pages) > 0 {
		fmt.Fprintf(text, "# SEE ALSO\n%s\n", strings.Join(pages, ", "))
	}
}

// nameOf returns the name of a command's page.
func nameOf(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

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
