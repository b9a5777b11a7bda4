package cli

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// anyText are the flags without a fixed set of values.
var anyText = []string{
	"actor", "after", "aws-endpoint", "backend", "body", "bulk", "connections", "content-type", "duration", "emulator-listen", "fail-if", "from", "header", "idle-after",
	"if-match", "instance", "keep-changes", "key", "lag", "latency", "limit", "listen", "max-stale-on-error", "max-staleness", "min-in-service", "notify", "notify-allow", "notify-out-for", "override",
	"member-concurrency", "name", "pool", "rate", "reason", "region", "request-timeout", "shutdown-timeout", "steps", "store",
	"surge-queue", "sweep", "tag", "timeout", "to", "trusted-proxies", "url", "user", "vpc",
	"budget-elb-read", "budget-elb-write", "budget-elbv2-read", "budget-elbv2-write", "budget-ec2-filtered", "budget-ec2-plain",
}

// Flags complete their fixed set of values, or file names, or nothing.
func TestEveryFlagHasCompletion(t *testing.T) {
	root := newRoot(Process{})
	eachCommand(root, func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			where := c.CommandPath() + " --" + f.Name
			complete, registered := c.GetFlagCompletionFunc(f.Name)
			switch {
			case f.NoOptDefVal != "": // a boolean
			case fileFlags[f.Name]:
				if registered {
					t.Errorf("%s names a file, but does not complete files", where)
				}
			case !registered:
				t.Errorf("%s is not completed: add its words to flagWords", where)
			case slices.Contains(anyText, f.Name):
			default:
				words, directive := complete(c, nil, "")
				if len(words) == 0 || directive != cobra.ShellCompDirectiveNoFileComp {
					t.Errorf("%s completes %q: add its words to flagWords, or it to anyText", where, words)
				}
			}
		})
	})
}

func TestCompletedValuesAreInFlagUsage(t *testing.T) {
	eachCommand(newRoot(Process{}), func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			for _, word := range wordsOf(f) {
				if !strings.Contains(f.Usage, word) && f.Name != "metrics-public" && f.Name != "method" {
					t.Errorf("the help of %s --%s does not mention %s: %s", c.CommandPath(), f.Name, word, f.Usage)
				}
			}
		})
	})
}

func TestCompletionScriptsGoToTheOutputOfTheProcess(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var output bytes.Buffer
		if status := Run(Process{Args: []string{"completion", shell}, Stdout: &output, Stderr: io.Discard}); status != ExitOK || !strings.Contains(output.String(), "lsapi") {
			t.Errorf("completion %s exits with %d and prints %q", shell, status, output.String())
		}
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	eachCommand(newRoot(Process{}), func(c *cobra.Command) {
		if !c.Hidden && (c.Example == "" || !strings.Contains(c.Example, "lsapi")) {
			t.Errorf("%s has no example", c.CommandPath())
		}
	})
}
