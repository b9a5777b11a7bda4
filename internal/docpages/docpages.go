// Package docpages reads the documentation of the repository, so that tests can compare it
// with the code.
package docpages

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Page is a file of Markdown.
type Page struct {
	// Path is the file, relative to the root of the repository.
	Path string
	// Prose is the text with empty lines in place of blocks and comments.
	Prose  string
	Blocks []Block
}

// Block is a block of code between fences.
type Block struct {
	// Page is the path of its page, and Line the number of its first line there.
	Page string
	Line int
	// Language is what follows the fence. Empty: command lines.
	Language string
	// Text has its lines, each with a line feed.
	Text string
	// Marker is the text of the comment directly before the block; empty if there is none.
	Marker string
}

// IsShell reports whether the block has command lines or a script.
func (b *Block) IsShell() bool {
	return slices.Contains([]string{"", "sh", "bash", "console"}, b.Language)
}

// outside matches command lines that need more than a demo, or change the machine.
var outside = regexp.MustCompile(`(?m)(?:^|[|;&(] *|sudo )(sudo|terraform|docker|apt(?:-get)?|dpkg|dnf|rpm|brew|systemctl|journalctl|helm|kubectl|make|git|go|psql|mkfs|mount|/root/\S+)\b`)

// NeedsMoreThanDemo returns the first program of the block that a demo does not have; empty
// if there is none.
func (b *Block) NeedsMoreThanDemo() string {
	if found := outside.FindStringSubmatch(b.Text); found != nil {
		return found[1]
	}
	return ""
}

var (
	fence   = regexp.MustCompile("^\\s*```+\\s*(\\S*)\\s*$")
	comment = regexp.MustCompile(`^\s*<!-- (.*?) -->\s*$`)
)

// Read returns the pages below a folder, by path.
func Read(root string) ([]*Page, error) {
	tree := os.DirFS(root)
	var pages []*Page
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"bin", "dist", "node_modules", "testdata"}, entry.Name())):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		pages = append(pages, parse(path, string(text)))
		return nil
	})
	return pages, err
}

// parse splits a page into prose and blocks.
func parse(path, text string) *Page {
	p := &Page{Path: path}
	var prose strings.Builder
	var block *Block
	marker := ""
	for i, line := range strings.Split(text, "\n") {
		opening := fence.FindStringSubmatch(line)
		switch {
		case block != nil && opening != nil:
			p.Blocks, block = append(p.Blocks, *block), nil
		case block != nil:
			block.Text += line + "\n"
		case opening != nil:
			block = &Block{Page: path, Line: i + 2, Language: opening[1], Marker: marker}
			marker = ""
		case comment.MatchString(line):
			marker = comment.FindStringSubmatch(line)[1]
		default:
			if strings.TrimSpace(line) != "" {
				marker = ""
			}
			prose.WriteString(line)
		}
		prose.WriteString("\n")
	}
	p.Prose = prose.String()
	return p
}
