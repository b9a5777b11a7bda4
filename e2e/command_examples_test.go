package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shell runs pasted command lines against a demo.
type shell struct {
	folder  string
	environ []string
	moved   *strings.Replacer // from the ports of the pages to those of the demo
}

func newShell(t *testing.T) *shell {
	t.Helper()
	demo := startDemo(t, onFreePorts)
	printed := demo.stdout.String()
	address := func(pattern string) string {
		match := regexp.MustCompile(pattern).FindStringSubmatch(printed)
		if match == nil {
			t.Fatalf("nothing matches %s in %s", pattern, printed)
		}
		return match[1]
	}
	service := address(`The service is at http://(\S+)`)
	folder := t.TempDir()
	return &shell{
		folder: folder,
		environ: []string{
			"PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH"), "HOME=" + folder, "GORACE=atexit_sleep_ms=20", "AWS_EC2_METADATA_DISABLED=true",
			"STORE_URL=" + address(`--store (\S+)`), "LISTEN=" + service,
			"LSAPI_URL=http://" + service, "LSAPI_USER=demo", "LSAPI_PASSWORD=demo",
		},
		moved: strings.NewReplacer("127.0.0.1:8000", service, "127.0.0.1:4566", address(`emulated AWS at http://(\S+?)\.? `),
			"127.0.0.1:8080", address(`default-elb, HTTP port 80: http://(\S+)`)),
	}
}

// documentedStatus matches the comment of a line that must end with another status than 0.
var documentedStatus = regexp.MustCompile(`# exit status (\d)$`)

// run runs a line that must succeed, or end with the status in its comment.
func (s *shell) run(t *testing.T, line string) {
	t.Helper()
	want := 0
	if found := documentedStatus.FindStringSubmatch(line); found != nil {
		want = int(found[1][0] - '0')
	}
	command := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", s.moved.Replace(line))
	command.Dir, command.Env = s.folder, s.environ
	text, err := command.CombinedOutput()
	if command.ProcessState == nil || command.ProcessState.ExitCode() != want {
		t.Errorf("%s: %v, want status %d\n%s", line, err, want, text)
	}
}

// endless matches lines that run until they are stopped, or need a receiver: they have tests of
// their own.
var endless = regexp.MustCompile(`^lsapi (serve|demo|emulator|stress)\b|(elb|pool|tg) watch|--follow|--notifications`)

func TestCommandLinesOfDocumentationRunOnDemo(t *testing.T) {
	t.Parallel()
	for name, atLeast := range map[string]int{"command.md": 26, "api.md": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := os.ReadFile(filepath.Join("..", "docs", name))
			if err != nil {
				t.Fatal(err)
			}
			s := newShell(t)
			ran := 0
			for i, block := range strings.Split(string(page), "\n```") {
				if i%2 == 0 || !strings.HasPrefix(block, "\n") {
					continue // text, or a block in another language
				}
				for line := range strings.SplitSeq(block, "\n") {
					curl, isCurl := strings.CutPrefix(line, "curl ")
					if isCurl {
						line = "curl --fail-with-body " + curl
					}
					if isCurl || (strings.Contains(line, "lsapi ") || strings.HasPrefix(line, "printf ")) && !strings.HasPrefix(line, "go build") && !endless.MatchString(line) {
						s.run(t, line)
						ran++
					}
				}
			}
			if ran < atLeast {
				t.Errorf("only %d lines were found", ran)
			}
		})
	}
}

func TestExamplesOfHelpRunOnDemo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, command := range []string{
		"", "version", "help", "healthcheck", "doctor", "completion", "completion bash", "completion zsh", "completion fish", "completion powershell",
		"pool", "pool list", "pool show", "pool guard", "elb guard", "tg guard", "pool detach", "pool attach", "pool set", "pool history", "instance show",
		"tg", "tg list", "tg show", "tg detach", "tg attach", "tg set", "tg history",
		"elb", "elb list", "elb show", "elb detach", "elb attach", "elb set", "elb history", "changes", "changes undo", "changes checkpoint", "changes list", "changes verify",
	} {
		_, help, _ := run(t, append(strings.Fields(command), "--help"))
		_, rest, found := strings.Cut(help, "\nExamples:\n")
		examples, _, _ := strings.Cut(rest, "\n\n")
		if !found || !strings.Contains(examples, "lsapi") {
			t.Errorf("lsapi %s --help has no examples:\n%s", command, help)
		}
		for line := range strings.SplitSeq(examples, "\n") {
			line = strings.TrimSpace(line)
			if endless.MatchString(line) {
				continue
			}
			for _, again := range s.before(command, line) {
				s.run(t, again)
			}
			s.run(t, line)
		}
	}
}

// before returns lines that let a line succeed: they undo an earlier attach or detach.
func (s *shell) before(command, line string) []string {
	if group, _, _ := strings.Cut(command, " "); !slices.Contains([]string{"elb", "pool", "tg"}, group) {
		return nil
	}
	words := strings.Fields(line)
	var undo []string
	for _, word := range words {
		if !strings.HasPrefix(word, "i-") || len(words) < 4 {
			continue
		}
		opposite := map[string]string{"attach": "detach", "detach": "attach"}[words[2]]
		if opposite != "" && !slices.Contains(undo, word) {
			undo = append(undo, "lsapi "+words[1]+" "+opposite+" "+words[3]+" "+word+" >/dev/null 2>&1 || true")
		}
	}
	return undo
}
