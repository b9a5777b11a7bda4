package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/cli/term"
	"lsapi/internal/guard"
	"lsapi/internal/policy"
)

func newPolicy(p Process) *cobra.Command { return newGroup("policy", newPolicyCheck(p)) }

func newPolicyCheck(p Process) *cobra.Command {
	command := newCommand("policy_check")
	command.Args = exactlyOne
	command.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault // files
	}
	pool := command.Flags().String("pool", "", "print the rules that this `pool` has by its name, such as elb/web-elb")
	command.RunE = func(_ *cobra.Command, arguments []string) error {
		id, ok := lsapi.ParsePoolPath(*pool)
		if *pool != "" && !ok {
			return usagef("--pool: %q is not a pool, such as elb/web-elb or tg/web", *pool)
		}
		file := arguments[0]
		read, err := policy.Read(file)
		if err != nil {
			return policyError(p.Stderr, file, err)
		}
		if _, err := fmt.Fprintf(p.Stdout, "valid: %d guards, %d of them for tags\n", read.Size(), len(read.TagEntries())); err != nil || *pool == "" {
			return err
		}
		screen := newScreen(p)
		screen.Heads = true
		return drawPolicyOf(screen, id, read)
	}
	return command
}

// policyError returns the error for a policy file, and writes a line for each problem in it.
func policyError(w io.Writer, file string, err error) error {
	if bad, ok := errors.AsType[*policy.Error](err); ok {
		bad.Name = file
		if _, err := io.WriteString(w, strings.Join(bad.Lines(), "\n")+"\n"); err != nil {
			return err
		}
		return fmt.Errorf("%s is not valid", file)
	}
	return usagef("%s: %s", file, lsapi.AsError(err).Message)
}

// drawPolicyOf writes the rules that a pool has by its name, and the entries that it may match
// by its tags.
func drawPolicyOf(s term.Screen, pool lsapi.PoolID, p *policy.Policy) error {
	if err := drawPolicyRules(s, pool, p.Rules(pool, nil)); err != nil {
		return err
	}
	note := "Rules in the tags of the pool are not known here.\n"
	if entries := p.TagEntries(); len(entries) > 0 {
		note = "By its tags it may also match " + strings.Join(entries, ", ") + ". " + note
	}
	_, err := io.WriteString(s, note)
	return err
}

func drawPolicyRules(s term.Screen, pool lsapi.PoolID, rules []guard.Rule) error {
	if len(rules) == 0 {
		_, err := fmt.Fprintf(s, "%s has no rules by its name.\n", pool.Path())
		return err
	}
	t := &term.Table{Columns: []term.Column{{Head: "RULE"}, {Head: "SOURCE"}}}
	for _, r := range rules {
		t.Add(term.Row{r.String(), r.Source}, term.Cell{})
	}
	return t.Write(s)
}
