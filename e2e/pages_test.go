package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi/internal/docpages"
)

// Every block of command lines of the documentation runs on a demo as a reader pastes it,
// in the page's order, in one shell. A block that cannot has a comment before it:
// <!-- run by TestName -->, or <!-- not run: REASON -->, which TestBlocksThatAreNotRunSayWhy
// in the root holds.
func TestCommandsOfPagesRunOnDemo(t *testing.T) {
	t.Parallel()
	pages, err := docpages.Read("..")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, p := range pages {
		blocks := slices.DeleteFunc(p.Blocks, func(b docpages.Block) bool { return !b.IsShell() || b.Marker != "" || b.NeedsMoreThanDemo() != "" })
		if len(blocks) == 0 {
			continue
		}
		ran += len(blocks)
		t.Run(p.Path, func(t *testing.T) {
			t.Parallel()
			newShell(t).runPage(t, blocks)
		})
	}
	if ran < 20 {
		t.Errorf("only %d blocks were found", ran)
	}
}

// runPage runs blocks in one shell. A failing line ends it, and is named.
func (s *shell) runPage(t *testing.T, blocks []docpages.Block) {
	t.Helper()
	script := new(strings.Builder)
	script.WriteString("set -eo pipefail\ncurl() { command curl -sS --fail-with-body \"$@\"; }\n")
	for _, b := range blocks {
		if b.Language != "" { // a script
			fmt.Fprintf(script, "echo '+ %s:%d' >&2\n(\n%s)\n", b.Page, b.Line, b.Text)
			continue
		}
		for i, line := range strings.Split(strings.ReplaceAll(strings.TrimSpace(b.Text), "\\\n", " "), "\n") {
			fmt.Fprintf(script, "echo '+ %s:%d' >&2\n%s\n", b.Page, b.Line+i, expected(line))
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", s.moved.Replace(script.String()))
	command.Dir, command.Env, command.WaitDelay = s.folder, s.environ, time.Second
	if text, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text[max(0, len(text)-4000):])
	}
}

// documentedStatus matches the comment of a line that must end with another status than
// 0, or whose response must have an HTTP status of an error.
var documentedStatus = regexp.MustCompile(`# (?:exit status (\d+)|4\d\d|5\d\d)$`)

// expected returns a line as shell code that fails unless the line ends as it should.
func expected(line string) string {
	if endless.MatchString(line) {
		return fmt.Sprintf(`status=0; timeout 2 env LISTEN=127.0.0.1:0 bash -c %s || status=$?; [ "$status" = 124 ]`, quoted(line))
	}
	found := documentedStatus.FindStringSubmatch(line)
	if found == nil {
		return line
	}
	want := found[1]
	if want == "" {
		want = "22" // curl's own for an HTTP error
	}
	return fmt.Sprintf("status=0\n( %s\n) || status=$?\n[ \"$status\" = %s ]", line, want)
}

// quoted returns text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func TestProgramOfDocumentationUsesClient(t *testing.T) {
	t.Parallel()
	pages, err := docpages.Read("..")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(pages, func(p *docpages.Page) bool { return p.Path == "docs/client.md" })
	blocks := pages[i].Blocks
	if len(blocks) != 2 || blocks[0].Language != "go" || !blocks[1].IsShell() {
		t.Fatalf("docs/client.md has other blocks than a program and its commands: %+v", blocks)
	}
	s := newShell(t)
	// The program is in the folder deploy, beside the clone.
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.folder, "deploy")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(s.folder, "lsapi")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(s.moved.Replace(blocks[0].Text)), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "bash", "-ec", blocks[1].Text)
	run.Dir = folder
	// Modules come from the cache alone, compiled as the tests are.
	run.Env = append(os.Environ(), "GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-race")
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if want := "i-0a11ce0000000ab05:9090 is drained\ni-0a11ce0000000ab05:9090 is in service\n"; stdout.String() != want {
		t.Errorf("it prints %q, want %q", stdout.String(), want)
	}
}
