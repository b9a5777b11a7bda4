package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi"
)

// setCompletionCommands changes cobra's commands for completion scripts: a shell that
// has none is an error, and the script of bash needs no package beside it.
func setCompletionCommands(root *cobra.Command, p Process) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		return // cobra has made it in the line above
	}
	completion.Args = knownCommand
	completion.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	completion.Example = "  source <(lsapi completion bash)"
	for _, shell := range completion.Commands() {
		shell.Example = "  lsapi completion " + shell.Name()
		if shell.Name() == "bash" {
			shell.Long = bashCompletionHelp
			shell.Example = "  source <(lsapi completion bash)"
			shell.RunE = func(c *cobra.Command, _ []string) error { return writeBashCompletion(p.Stdout, c) }
		}
	}
}

const bashCompletionHelp = `Print the completion script for bash 4 or later. It needs nothing else: not the
package bash-completion, either.

For the shell that you are in:

  source <(lsapi completion bash)

For each new one:

  lsapi completion bash > ~/.lsapi-completion
  echo 'source ~/.lsapi-completion' >> ~/.bashrc`

// bashWords splits the command line for cobra's script, which otherwise calls
// _init_completion of the package bash-completion. bash splits words at = and :, which
// URLs and flags have in them: what no blank separates is joined again.
const bashWords = `
__lsapi_init_completion()
{
    COMPREPLY=()
    words=() cword=0 cur="" prev=""
    local line=$COMP_LINE last="" blank word i end
    local -i n=-1
    for i in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[i]}
        blank=${line%%[![:space:]]*}
        line=${line#"$blank"}
        if (( n < 0 )) || [[ -n $blank || ! ( $word =~ ^[=:]+$ || $last =~ ^[=:]+$ ) ]]; then
            n+=1
            words[n]=""
        fi
        words[n]+=$word
        line=${line#"$word"}
        last=$word
        if (( i == COMP_CWORD )); then
            cword=$n
            cur=${words[n]}
            end=$(( ${#COMP_LINE} - ${#line} - COMP_POINT ))
            (( end > 0 && end <= ${#cur} )) && cur=${cur:0:${#cur}-end}
        fi
    done
    (( cword > 0 )) && prev=${words[cword-1]}
    return 0
}
`

// writeBashCompletion writes cobra's script with bashWords in place of what it takes
// from a package.
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
		return fmt.Errorf("the script for bash is not as expected")
	}
	text = strings.Replace(text, begin, bashWords[1:]+"\n"+begin, 1)
	text = strings.Replace(text, end, "if false; then", 1)
	_, err = io.WriteString(w, text)
	return err
}

// flagWords are the values that flags take which take no others, by the command and
// the flag.
var flagWords = map[string][]cobra.Completion{
	"elb list --health":      {string(lsapi.InService), string(lsapi.OutOfService), string(lsapi.HealthUnknown)},
	"elb history --action":   {string(lsapi.Attach), string(lsapi.Detach)},
	"elb history --outcome":  outcomeWords(),
	"changes list --action":  {string(lsapi.Attach), string(lsapi.Detach)},
	"changes list --outcome": outcomeWords(),

	"elb list --output":     listFormats,
	"elb show --output":     listFormats,
	"elb attach --output":   listFormats,
	"elb detach --output":   listFormats,
	"elb watch --output":    lineFormats,
	"elb history --output":  lineFormats,
	"changes list --output": lineFormats,
	"stress --output":       {"text", "json"},
	"stress --method":       {http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
	"doctor --output":       {"text", "json"},

	"serve --response-envelope": {"message", "none"},
	"serve --log-format":        {"text", "json"},
	"serve --log-level":         {"debug", "info", "warn", "error"},
	"serve --metrics-public":    {"true", "false"},
	"emulator --throttle":       {"aws", "off"},
}

// fileFlags are the flags that name a file. Others are offered nothing: a file would
// be wrong.
var fileFlags = map[string]bool{
	"config": true, "password-file": true, "users-file": true, "env-file": true, "heads": true, "html": true, "json": true, "fleet": true,
}

func outcomeWords() []cobra.Completion {
	words := make([]cobra.Completion, len(outcomes))
	for i, o := range outcomes {
		words[i] = string(o)
	}
	return words
}

// completeFlags registers what is offered for the flags of all commands.
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
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	words := flagWords[strings.TrimSpace(path+" --"+f.Name)]
	// It fails only for a flag that the command has not.
	_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// eachCommand visits a command and all below it.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}
