package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

// checkup collects findings.
type checkup struct{ findings []finding }

// The verdicts of a check.
const (
	verdictOK   = "ok"
	verdictWarn = "warn"
	verdictFail = "fail"
)

// finding is the result of a check.
type finding struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"`
	Found   string `json:"found"`
	Do      string `json:"do,omitempty"`
}

func (c *checkup) ok(check, format string, args ...any) { c.add(verdictOK, check, "", format, args) }

func (c *checkup) warn(check, do, format string, args ...any) {
	c.add(verdictWarn, check, do, format, args)
}

func (c *checkup) fail(check, do, format string, args ...any) {
	c.add(verdictFail, check, do, format, args)
}

func (c *checkup) add(verdict, check, do, format string, args []any) {
	c.findings = append(c.findings, finding{check, verdict, fmt.Sprintf(format, args...), do})
}

// report writes the findings and returns an error if a check failed.
func (c *checkup) report(p Process, output string) error {
	var failed int
	for _, f := range c.findings {
		if f.Verdict == verdictFail {
			failed++
		}
	}
	var err error
	if output == "json" {
		err = writeJSON(p.Stdout, c.findings)
	} else {
		err = c.write(p)
	}
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d checks fail", failed, len(c.findings)))
	}
	return err
}

// write writes one line per finding, wrapped on a terminal.
func (c *checkup) write(p Process) error {
	const indent = 21
	screen, room := newScreen(p), 0
	if width := screen.Room(); width > 0 {
		room = max(20, width-indent)
	}
	styles := map[string]term.Style{verdictWarn: term.Yellow, verdictFail: term.Red}
	var out strings.Builder
	for _, f := range c.findings {
		text := f.Found
		if f.Do != "" {
			text += ": " + f.Do
		}
		verdict := screen.Paint(styles[f.Verdict], fmt.Sprintf("%-4s", f.Verdict))
		lines := term.Wrap(sanitize.Escape(text), room)
		fmt.Fprintf(&out, "%s  %-13s  %s\n", verdict, f.Check, strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
	}
	_, err := io.WriteString(p.Stdout, out.String())
	return err
}
