package lsapi_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plainFolders are the folders whose comments are held to plain words, with all folders
// below them; "." is the root package alone. Each revised package is added.
var plainFolders = []string{
	".", "api", "bench", "client", "cmd", "e2e", "external_scripts", "packaging", "scripts", "terraform",
	"internal/app", "internal/auth", "internal/background", "internal/cli", "internal/clientconfig", "internal/clock", "internal/cloud", "internal/coalesce",
	"internal/config", "internal/connlimit", "internal/emulator", "internal/events", "internal/fleet", "internal/guard", "internal/health", "internal/membership", "internal/observe",
	"internal/overlay", "internal/policy", "internal/record", "internal/safefile",
	"internal/sanitize", "internal/snapshot", "internal/stress", "internal/systemd", "internal/telemetry", "internal/web",
}

// maxMarkers is the accepted number of marker words in 1,000 lines of comments.
const maxMarkers = 15

// marker matches words of vague comments: "nobody is told" in place of "no notification is
// sent", "who asks" in place of "the caller".
var marker = regexp.MustCompile(`(?i)\b(tells?|told|telling|nobody|somebody|whoever|anybody|everybody|whom|those who|who asks|what is open)\b`)

func TestCommentsUsePlainWords(t *testing.T) {
	var found []string
	lines := 0
	for _, file := range plainFiles(t) {
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range parsed.Comments {
			for _, comment := range group.List {
				at := files.Position(comment.Pos())
				for text := range strings.SplitSeq(comment.Text, "\n") {
					lines++
					if marker.MatchString(text) {
						found = append(found, at.String()+": "+strings.TrimSpace(text))
					}
					at.Line, at.Column = at.Line+1, 1
				}
			}
		}
	}
	if lines < 1000 {
		t.Fatalf("found only %d lines of comments: does the test run in the module's root?", lines)
	}
	if len(found)*1000 > maxMarkers*lines {
		t.Errorf("%d marker words in %d lines of comments, more than %d in 1,000:\n%s", len(found), lines, maxMarkers, strings.Join(found, "\n"))
	}
}

// plainFiles returns the Go files of the plain folders.
func plainFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && file != ".":
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(file) != ".go":
			return nil
		}
		folder := filepath.ToSlash(filepath.Dir(file))
		if slices.ContainsFunc(plainFolders, func(plain string) bool { return within(folder, plain) }) {
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
