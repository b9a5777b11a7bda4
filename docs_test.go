package lsapi_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lsapi/internal/docpages"
)

// maxReadme is the accepted number of lines of the README.
const maxReadme = 120

func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > maxReadme {
		t.Errorf("it has %d lines, more than %d: move the rest to docs/", lines, maxReadme)
	}
}

func TestLinksOfPagesHaveTargets(t *testing.T) {
	pages := readPages(t)
	anchors := make(map[string][]string)
	for _, p := range pages {
		anchors[p.Path] = headings(p)
	}
	links := 0
	for _, p := range pages {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(p.Prose, -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			links++
			file := p.Path
			if target != "" {
				file = path.Join(path.Dir(p.Path), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which does not exist", p.Path, link[1])
			} else if anchor != "" && !slices.Contains(anchors[file], anchor) {
				t.Errorf("%s links to %s; %s has no such heading, but %q", p.Path, link[1], file, anchors[file])
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links were found", links)
	}
}

// Each page is in the index, so that readers find it.
func TestIndexHasEveryPage(t *testing.T) {
	index, err := os.ReadFile("docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range readPages(t) {
		if name, ok := strings.CutPrefix(p.Path, "docs/"); ok && name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/README.md has no link to %s", name)
		}
	}
}

// A reader with a fresh clone has no lsapi in PATH, unlike the tests of the pages' commands.
func TestReadmeBuildsCommandBeforeItsUse(t *testing.T) {
	pages := readPages(t)
	readme := pages[slices.IndexFunc(pages, func(p *docpages.Page) bool { return p.Path == "README.md" })]
	built, used := false, false
	for _, b := range readme.Blocks {
		for line := range strings.Lines(b.Text) {
			built = built || strings.HasPrefix(line, "go build -o bin/ ./cmd/lsapi") && strings.Contains(line, `PATH="$PWD/bin:$PATH"`)
			if b.IsShell() && strings.HasPrefix(line, "lsapi ") {
				used = true
				if !built {
					t.Errorf("README.md:%d runs a command that is not built and in PATH yet: %s", b.Line, line)
				}
			}
		}
	}
	if !used {
		t.Error("README.md does not use the command")
	}
}

// reasons are the accepted reasons not to run a block of command lines.
var reasons = []string{"needs AWS", "needs Docker", "needs root", "needs a cluster", "needs a signing key", "takes long"}

// TestCommandsOfPagesRunOnDemo in e2e runs each block that has no marker.
func TestBlocksThatAreNotRunSayWhy(t *testing.T) {
	tests := testNames(t)
	for _, p := range readPages(t) {
		for _, b := range p.Blocks {
			if b.Marker == "" {
				if program := b.NeedsMoreThanDemo(); b.IsShell() && program != "" {
					t.Errorf("%s:%d calls %s, which the test of the pages' commands cannot: put <!-- run by TestName (or a script) --> or <!-- not run: REASON --> before it; the reasons are %q", p.Path, b.Line, program, reasons)
				}
				continue
			}
			test, isRun := strings.CutPrefix(b.Marker, "run by ")
			reason, isNotRun := strings.CutPrefix(b.Marker, "not run: ")
			if isNotRun {
				reason, test, _ = strings.Cut(reason, "; as in ")
			}
			switch {
			case !isRun && !isNotRun:
				continue // another comment
			case isNotRun && !slices.Contains(reasons, reason):
				t.Errorf("%s:%d is not run for the reason %q, which is not among %q", p.Path, b.Line, reason, reasons)
			case (isRun || test != "") && !tests[test] && !existsAmong(test, "."):
				t.Errorf("%s:%d names the test or script %q, which does not exist", p.Path, b.Line, test)
			}
		}
	}
}

var (
	span     = regexp.MustCompile("`([^`\n]+)`")
	flagName = regexp.MustCompile(`^--([a-z][a-z-]+)\b`)
	variable = regexp.MustCompile(`^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b`)
	metric   = regexp.MustCompile(`^lsapi_[a-z_]+$`)
	filePath = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+\.(go|md|sh|yaml|yml|json|tf|svg|hcl|service|env)$`)
	target   = regexp.MustCompile(`\bmake ((?:[a-z]+ ?)+)`)
)

// The names that pages quote exist: make targets, flags, variables, metrics and files.
func TestPagesNameWhatExists(t *testing.T) {
	sources := readSources(t)
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, p := range readPages(t) {
		missing := func(kind, name string) { t.Errorf("%s: there is no %s %s", p.Path, kind, name) }
		for _, s := range span.FindAllStringSubmatch(p.Prose, -1) {
			word := s[1]
			if f := flagName.FindStringSubmatch(word); f != nil {
				found["flag"]++
				name := strings.TrimPrefix(f[1], "budget-")
				if !strings.Contains(sources, `"`+name+`"`) && !strings.Contains(sources, "--"+name+")") {
					missing("flag", word)
				}
			}
			if v := variable.FindStringSubmatch(word); v != nil {
				found["variable"]++
				if !strings.Contains(sources, v[1]) {
					missing("variable", word)
				}
			}
			if metric.MatchString(word) {
				found["metric"]++
				if !strings.Contains(sources, `"`+word+`"`) {
					missing("metric", word)
				}
			}
			if filePath.MatchString(word) && !strings.HasPrefix(word, "dist/") {
				found["file"]++
				if !existsAmong(word, ".", path.Dir(p.Path), "internal") {
					missing("file", word)
				}
			}
			for _, name := range targets(word) {
				found["target"]++
				if !strings.Contains("\n"+string(makefile), "\n"+name+":") {
					missing("make target", name)
				}
			}
		}
		for _, b := range p.Blocks {
			for line := range strings.Lines(b.Text) {
				if b.IsShell() && strings.HasPrefix(line, "make ") {
					for _, name := range targets(strings.Split(line, "#")[0]) {
						found["target"]++
						if !strings.Contains("\n"+string(makefile), "\n"+name+":") {
							missing("make target", name)
						}
					}
				}
			}
		}
	}
	for kind, atLeast := range map[string]int{"flag": 40, "variable": 20, "metric": 8, "file": 20, "target": 10} {
		if found[kind] < atLeast {
			t.Errorf("only %d of kind %s were found", found[kind], kind)
		}
	}
}

// targets returns the targets of a make command.
func targets(text string) []string {
	if found := target.FindStringSubmatch(text); found != nil && strings.HasPrefix(text, "make ") {
		return strings.Fields(found[1])
	}
	return nil
}

func existsAmong(file string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		_, err := os.Stat(filepath.Join(folder, file))
		return err == nil
	})
}

func readPages(t *testing.T) []*docpages.Page {
	t.Helper()
	pages, err := docpages.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 20 {
		t.Fatalf("found only %d pages: does the test run in the module's root?", len(pages))
	}
	return pages
}

// headings returns the anchors of a page, as forges make them.
func headings(p *docpages.Page) (anchors []string) {
	seen := make(map[string]int)
	for line := range strings.Lines(p.Prose) {
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title))
		if n := seen[anchor]; n > 0 {
			anchors = append(anchors, fmt.Sprintf("%s-%d", anchor, n))
		} else {
			anchors = append(anchors, anchor)
		}
		seen[anchor]++
	}
	return anchors
}

// testNames returns the names of all tests.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	walkSources(t, func(file, text string) {
		if strings.HasSuffix(file, "_test.go") {
			for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(text, -1) {
				names[name[1]] = true
			}
		}
	})
	return names
}

// readSources returns the text of all programs, scripts and settings, without tests.
func readSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	walkSources(t, func(file, text string) {
		if !strings.HasSuffix(file, "_test.go") && filepath.Ext(file) != ".md" {
			all.WriteString(text)
		}
	})
	return all.String()
}

// walkSources calls visit with each file of text that is not larger than a mebibyte.
func walkSources(t *testing.T, visit func(file, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", ".terraform"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !entry.Type().IsRegular():
			return nil
		}
		if info, err := entry.Info(); err != nil || info.Size() > 1<<20 {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		visit(file, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
