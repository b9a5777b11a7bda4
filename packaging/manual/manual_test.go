package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi/internal/cli"
)

// pages writes all pages and returns their texts by name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	folder := t.TempDir()
	if err := writePages(folder, "v1.2.3", time.Date(2026, time.March, 31, 23, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	names, err := filepath.Glob(filepath.Join(folder, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimSuffix(filepath.Base(name), ".1")] = string(text)
	}
	return texts
}

func TestEveryCommandHasAPageWithTheWholeHelp(t *testing.T) {
	texts := pages(t)
	eachCommand(cli.Commands(), func(c *cobra.Command) {
		if !c.IsAvailableCommand() && c.HasParent() {
			return
		}
		page, found := texts[strings.ReplaceAll(c.CommandPath(), " ", "-")]
		if !found {
			t.Errorf("%s has no page", c.CommandPath())
			return
		}
		words := strings.Fields(plain(page))
		holds(t, c.CommandPath(), words, c.Short)
		holds(t, c.CommandPath(), words, c.Long)
		holds(t, c.CommandPath(), words, c.Example)
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				_, usage := pflag.UnquoteUsage(f)
				holds(t, c.CommandPath()+" --"+f.Name, words, usage)
			}
		})
	})
}

func TestPagesHaveTheDateAndVersion(t *testing.T) {
	first, _, _ := strings.Cut(pages(t)["lsapi"], "\n.SH")
	for _, want := range []string{"March 2026", "lsapi v1.2.3"} {
		if !strings.Contains(first, want) {
			t.Errorf("the head of the page has no %q:\n%s", want, first)
		}
	}
}

func TestCompletionsAreTheScripts(t *testing.T) {
	folder := t.TempDir()
	if err := writeCompletions(folder); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{"lsapi.bash": "complete -o default", "_lsapi": "#compdef lsapi", "lsapi.fish": "complete -c lsapi"} {
		script, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(script), line) {
			t.Errorf("%s has no line with %q", name, line)
		}
	}
}

func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}

// holds reports an error unless the words of a text follow each other in a page.
func holds(t *testing.T, of string, page []string, text string) {
	t.Helper()
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		words := strings.Fields(paragraph)
		if len(words) > 0 && !containsSequence(page, words) {
			t.Errorf("the page of %s lacks: %s", of, paragraph)
		}
	}
}

func containsSequence(all, words []string) bool {
	for at := range all {
		if len(all)-at >= len(words) && slices.Equal(all[at:at+len(words)], words) {
			return true
		}
	}
	return false
}

var (
	request = regexp.MustCompile(`(?m)^\.[A-Z]{2}.*$`)
	font    = regexp.MustCompile(`\\f[A-Z]`)
)

// plain returns the text of a page without roff's requests and escapes.
func plain(page string) string {
	page = request.ReplaceAllString(page, "")
	page = font.ReplaceAllString(page, "")
	return strings.NewReplacer(`\&`, "", `\-`, "-", `\(aq`, "'", `\\`, `\`, `\e`, `\`, `\[u2013]`, "–").Replace(page)
}
