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

// run runs a line that must succeed, or end with the status in its comment.
func (s *shell) run(t *testing.T, line string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", s.moved.Replace(expected(line)))
	command.Dir, command.Env = s.folder, s.environ
	if text, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, text)
	}
}

// endless matches lines that run until they are stopped.
var endless = regexp.MustCompile(`\blsapi (serve|demo|emulator)\b|^lsapi (elb|pool|tg) watch|--follow|^curl -N .*/v1/events`)

// elsewhere matches examples that other tests run, or that need a receiver.
var elsewhere = regexp.MustCompile(`^lsapi (serve|demo|emulator|stress)\b|--notifications`)

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
			if elsewhere.MatchString(line) {
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
