package cli

import (
	"bytes"
	_ "embed"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addCompletionCommands adds cobra's completion commands, but an unknown shell is an
// error, and the script for bash needs no other package.
func addCompletionCommands(root *cobra.Command, p Process) {
	root.SetOut(p.Stdout) // where cobra's commands write: they keep what is set now
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		return // impossible: cobra has just added it
	}
	completion.Args = knownCommand
	completion.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	completion.Example = "  source <(lsapi completion bash)"
	for _, shell := range completion.Commands() {
		shell.Example = "  lsapi completion " + shell.Name()
		if shell.Name() == "bash" {
			texts := newCommand("completion_bash")
			shell.Long, shell.Example = texts.Long, texts.Example
			shell.RunE = func(c *cobra.Command, _ []string) error { return writeBashCompletion(p.Stdout, c) }
		}
	}
}

// bashWords replaces _init_completion of the package bash-completion, which cobra's
// script calls. bash splits words at = and :, which URLs and flags contain. The function
// joins the parts that no blank separates.
//
//go:embed completion.bash
var bashWords string

// writeBashCompletion writes cobra's script with bashWords.
func writeBashCompletion(w io.Writer, c *cobra.Command) error {
	bare, err := c.Flags().GetBool("no-descriptions")
	if err != nil {
		return err
	}
	var script bytes.Buffer
	if err := c.Root().GenBashCompletionV2(&script, !bare); err != nil {
		return err
	}
	const begin, end = "__start_lsapi()\n", "if declare -F _init_completion >/dev/null 2>&1; then"
	text := script.String()
	if !strings.Contains(text, begin) || !strings.Contains(text, end) {
		return errors.New("cobra's bash script has an unexpected form")
	}
	text = strings.Replace(text, begin, bashWords+"\n"+begin, 1)
	text = strings.Replace(text, end, "if false; then", 1)
	_, err = io.WriteString(w, text)
	return err
}

// flagWords lists the values of the other flags that have a fixed set.
var flagWords = map[string][]cobra.Completion{
	"method":            {http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
	"response-envelope": {"message", "none"},
	"kinds":             {"elb", "tg", "elb,tg"},
	"log-format":        {"text", "json"},
	"log-level":         {"debug", "info", "warn", "error"},
	"metrics-public":    {"true", "false"},
	"notify-format":     {"cloudevents", "slack"},
}

// fileFlags are the flags that complete file names. All other flags do not.
var fileFlags = map[string]bool{
	"config": true, "password-file": true, "file": true, "users-file": true, "token-file": true, "policy": true, "notify-secret-file": true, "env-file": true, "checkpoint": true, "html": true, "json": true, "fleet": true,
}

// completeFlags registers the completion of the flags of all commands.
func completeFlags(root *cobra.Command) {
	eachCommand(root, func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { completeFlag(c, f) })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { completeFlag(c, f) })
	})
}

func completeFlag(c *cobra.Command, f *pflag.Flag) {
	if _, registered := c.GetFlagCompletionFunc(f.Name); registered || f.NoOptDefVal != "" || fileFlags[f.Name] {
		return
	}
	_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(wordsOf(f), cobra.ShellCompDirectiveNoFileComp)) // fails only for an unknown flag
}

// wordsOf returns the values of a flag that has a fixed set.
func wordsOf(f *pflag.Flag) []cobra.Completion {
	if value, ok := f.Value.(completer); ok {
		return value.completions()
	}
	return flagWords[f.Name]
}

// eachCommand visits a command and all its subcommands.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}
